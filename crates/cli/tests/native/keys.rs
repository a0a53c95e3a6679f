//! Keys stay in the host: none is in the component's memory, nor comes back from a server.

use std::fs;
use std::io::Write;
use std::process::Command;

use crate::model::{self, Model, Seen};
use crate::scratch::{Scratch, run};

const KEY: &str = "sk-0f5c2d7be1a94c3f";
const PROMPT: &str = "where is the 7th valve?";

/// Gives a command the model's key.
type Give = fn(&Scratch, &mut Command);

/// The ways to do so.
const WAYS: [(&str, Give); 4] = [
    ("OPENAI_API_KEY", |_, command| {
        command.env("OPENAI_API_KEY", KEY);
    }),
    ("--env", |_, command| {
        command.args(["--env", &format!("OPENAI_API_KEY={KEY}")]);
    }),
    ("OPENAI_API_KEY_FILE", |scratch, command| {
        fs::write(scratch.path("state/key"), format!("{KEY}\n")).unwrap();
        command.env("OPENAI_API_KEY_FILE", "key");
    }),
    ("api_key_file", |scratch, _| {
        fs::write(scratch.path("state/key"), KEY).unwrap();
        scratch.settings(r#"{"api_key_file": "/state/key"}"#);
    }),
];

/// The command with both folders and no key.
fn without_key(scratch: &Scratch) -> Command {
    let mut command = scratch.command();
    command.env_remove("OPENAI_API_KEY");
    command
}

#[test]
fn however_a_key_is_given_the_model_gets_it() {
    for (way, give) in WAYS {
        let scratch = Scratch::new();
        let model = Model::plain(model::always("fine"));
        let mut ask = without_key(&scratch);
        give(&scratch, &mut ask);
        ask.env("OPENAI_BASE_URL", model.url())
            .args(["ask", "--no-stream", PROMPT]);
        let (code, out, err) = run(&mut ask);
        assert_eq!((code, out.as_str()), (0, "fine\n"), "{way}: {err}");
        let authorization = format!("Bearer {KEY}");
        assert_eq!(
            model.next().header("authorization"),
            Some(authorization.as_str()),
            "{way}"
        );
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_in_the_components_words() {
    let scratch = Scratch::new();
    for (file, content) in [
        ("flawed", "two words"),
        ("blank", " \n"),
        ("wide", "\u{1}k"),
    ] {
        fs::write(scratch.path("state").join(file), content).unwrap();
    }
    for (variable, value, message) in [
        (
            "OPENAI_API_KEY",
            "two words",
            "the key from OPENAI_API_KEY holds spaces or characters that no key has",
        ),
        (
            "OPENAI_API_KEY_FILE",
            "flawed",
            "the key from OPENAI_API_KEY_FILE holds spaces or characters that no key has",
        ),
        (
            "OPENAI_API_KEY_FILE",
            "wide",
            "the key from OPENAI_API_KEY_FILE holds spaces or characters that no key has",
        ),
        (
            "OPENAI_API_KEY_FILE",
            "blank",
            "OPENAI_API_KEY_FILE: \"blank\" holds no key",
        ),
        (
            "OPENAI_API_KEY_FILE",
            "missing",
            "OPENAI_API_KEY_FILE: \"missing\" is not in the state folder",
        ),
        (
            "OPENAI_API_KEY",
            " ",
            "no key for https://api.openai.com/v1",
        ),
    ] {
        let mut ask = without_key(&scratch);
        ask.env(variable, value).args(["ask", PROMPT]);
        let (code, out, err) = run(&mut ask);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.starts_with(&format!("dewclaw: {message}")), "{err}");
    }
}

#[test]
fn doctor_says_where_a_key_comes_from() {
    for (way, give) in WAYS {
        let scratch = Scratch::new();
        let mut doctor = without_key(&scratch);
        give(&scratch, &mut doctor);
        let (_, out, err) = run(doctor.arg("doctor"));
        let source = match way {
            "OPENAI_API_KEY" | "--env" => "from OPENAI_API_KEY\n",
            _ => "from OPENAI_API_KEY_FILE\n",
        };
        assert!(out.contains(source), "{way}: {out}{err}");
        assert!(!out.contains(KEY) && !err.contains(KEY), "{out}{err}");
    }
}

#[test]
fn a_key_that_the_model_sends_back_is_taken_out() {
    let body = format!(r#"{{"error":{{"message":"no such key: {KEY}"}}}}"#);
    let chunked = |stream: &mut dyn Write, pieces: &[&str]| {
        let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n";
        write!(stream, "{head}retry-after: {KEY}\r\n\r\n").is_ok()
            && pieces.iter().all(|piece| {
                write!(stream, "{:x}\r\n{piece}\r\n", piece.len()).is_ok() && stream.flush().is_ok()
            })
            && stream.write_all(b"0\r\n\r\n").is_ok()
    };
    let middle = body.find(KEY).unwrap() + KEY.len() / 2;
    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        chunked(stream, &[&body[..middle], &body[middle..]])
    });
    let scratch = Scratch::new();
    let mut ask = scratch.ask(&model.url());
    ask.env("OPENAI_API_KEY", KEY)
        .args(["--json", "--record", "run.jsonl"]);
    let (code, out, err) = run(&mut ask);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("no such key: [key]"), "{err}");
    let recording = fs::read_to_string(scratch.path("state/run.jsonl")).unwrap();
    for text in [out, err, recording] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn searches_have_their_key_and_what_comes_back_of_it_is_taken_out() {
    const BRAVE: &str = "BSA-91d4aa07";
    let scratch = Scratch::new();
    let site = Model::plain(|seen: &Seen, stream: &mut dyn Write| {
        let key = seen.header("x-subscription-token").unwrap_or_default();
        let found = format!(
            r#"{{"web":{{"results":[{{"title":"{key}","url":"http://a.example.com/","description":"b"}}]}}}}"#
        );
        model::respond(stream, "200 OK", &found)
    });
    let search = format!(
        r#"{{"search": "brave", "search_url": "http://{}/search"}}"#,
        site.address
    );
    scratch.settings(&search);
    fs::write(scratch.path("state/brave"), BRAVE).unwrap();
    let query = r#"{"query": "valves"}"#;
    for (variable, value) in [("BRAVE_API_KEY", BRAVE), ("BRAVE_API_KEY_FILE", "brave")] {
        // By hand, over the component's own wasi:http.
        let mut tool = scratch.command();
        tool.env(variable, value)
            .args(["tool", "web_search", query]);
        let (code, out, err) = run(&mut tool);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("[key]") && !out.contains(BRAVE), "{out}");
        assert_eq!(site.next().header("x-subscription-token"), Some(BRAVE));

        // By a model, over this host's.
        let mut turn = 0;
        let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
            turn += 1;
            let call = model::tool_call()
                .replace("list_directory", "web_search")
                .replace(r#"{\"path\":\".\"}"#, r#"{\"query\":\"valves\"}"#);
            let body = if turn == 1 {
                call
            } else {
                model::message("found")
            };
            model::respond(stream, "200 OK", &body)
        });
        let mut ask = scratch.ask(&model.url());
        let (code, out, err) = run(ask.env(variable, value));
        assert_eq!((code, out.as_str()), (0, "found\n"), "{err}");
        assert_eq!(site.next().header("x-subscription-token"), Some(BRAVE));
        let told = [model.next(), model.next()][1].body.clone();
        assert!(told.contains("[key]") && !told.contains(BRAVE), "{told}");
    }
}

#[cfg(target_os = "linux")]
mod memory {
    //! The memory of a run under way, read from outside.

    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::process::{Child, Stdio};

    use super::*;

    /// The least that wasmtime reserves for a linear memory; nothing else of the process reserves as much.
    const RESERVATION: u64 = 4 << 30;

    /// The readable and writable memory of a process.
    struct Memory {
        /// Of the guest: what stands at the start of a large reservation.
        guest: Vec<Vec<u8>>,
        /// All else.
        rest: Vec<Vec<u8>>,
    }

    struct Mapping {
        start: u64,
        end: u64,
        mode: String,
    }

    impl Memory {
        fn of(child: &Child) -> Memory {
            let folder = format!("/proc/{}", child.id());
            let maps = fs::read_to_string(format!("{folder}/maps")).unwrap();
            let mappings: Vec<Mapping> = maps.lines().map(mapping).collect();
            let memory = File::open(format!("{folder}/mem")).unwrap();
            let mut read = Memory {
                guest: Vec::new(),
                rest: Vec::new(),
            };
            for (at, mapping) in mappings.iter().enumerate() {
                if !mapping.mode.starts_with("rw") {
                    continue;
                }
                let mut bytes = vec![0; usize::try_from(mapping.end - mapping.start).unwrap()];
                // The kernel's own pages can't be read.
                if memory.read_exact_at(&mut bytes, mapping.start).is_err() {
                    continue;
                }
                if reserved_from(&mappings[at..]) {
                    read.guest.push(bytes);
                } else {
                    read.rest.push(bytes);
                }
            }
            read
        }
    }

    /// Whether these mappings start inside a linear memory: writable ones, and right behind them what can grow into the
    /// reservation.
    fn reserved_from(mappings: &[Mapping]) -> bool {
        let start = mappings[0].start;
        let mut end = start;
        for mapping in mappings {
            if mapping.start != end {
                return false;
            }
            end = mapping.end;
            if mapping.mode.starts_with("---") {
                return end - start >= RESERVATION;
            }
            if !mapping.mode.starts_with("rw") {
                return false;
            }
        }
        false
    }

    fn mapping(line: &str) -> Mapping {
        let mut parts = line.split([' ', '-']);
        let mut address = || u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
        let (start, end) = (address(), address());
        let mode = line.split(' ').nth(1).unwrap().to_owned();
        Mapping { start, end, mode }
    }

    fn holds(parts: &[Vec<u8>], text: &str) -> bool {
        let holds = |bytes: &Vec<u8>| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        parts.iter().any(holds)
    }

    fn assert_kept_out(child: &mut Child, known_to_the_guest: &str, key: &str, way: &str) {
        let memory = Memory::of(child);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            holds(&memory.guest, known_to_the_guest),
            "{way}: the guest's memory was not found"
        );
        assert!(!holds(&memory.guest, key), "{way}: the guest has the key");
        assert!(
            holds(&memory.rest, key),
            "{way}: the scan finds no key where one is"
        );
    }

    fn spawn(command: &mut Command) -> Child {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn no_key_of_the_model_is_in_the_guest() {
        for (way, give) in WAYS {
            let scratch = Scratch::new();
            let mut turn = 0;
            let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
                turn += 1;
                turn > 1 || model::respond(stream, "200 OK", &model::tool_call())
            });
            let mut ask = without_key(&scratch);
            give(&scratch, &mut ask);
            ask.env("OPENAI_BASE_URL", model.url())
                .args(["ask", "--no-stream", PROMPT]);
            let mut child = spawn(&mut ask);
            // The second call is in flight.
            let _ = (model.next(), model.next());
            assert_kept_out(&mut child, PROMPT, KEY, way);
        }
    }

    #[test]
    fn no_key_of_searches_is_in_the_guest() {
        let scratch = Scratch::new();
        fs::write(scratch.path("state/brave"), KEY).unwrap();
        for (variable, value) in [("BRAVE_API_KEY", KEY), ("BRAVE_API_KEY_FILE", "brave")] {
            let site = Model::plain(|_: &Seen, _: &mut dyn Write| true);
            let search = format!(
                r#"{{"search": "brave", "search_url": "http://{}/search"}}"#,
                site.address
            );
            scratch.settings(&search);
            let mut tool = scratch.command();
            tool.env(variable, value).args([
                "tool",
                "web_search",
                r#"{"query": "of the seventh valve"}"#,
            ]);
            let mut child = spawn(&mut tool);
            assert_eq!(site.next().header("x-subscription-token"), Some(KEY));
            assert_kept_out(&mut child, "of the seventh valve", KEY, variable);
        }
    }
}
