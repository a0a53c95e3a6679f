//! Runs that are killed while they write a session, at instants that a seed chooses: nothing is lost but the message in flight, and
//! no call is run twice.

use super::native;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host};
use e2e::loopback::{Exchange, Loopback, Request};
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel, judge};
use e2e::{artifact, wamr_run, wasmtime_run};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than any of these runs takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs of one session that are to be killed, before the next one is begun.
const RUNS_OF_A_SESSION: usize = 20;

#[test]
fn five_hundred_kills_in_wasmtime() {
    let folder = Scratch::new();
    let compiled = folder.join("dewclaw.cwasm");
    wasmtime_run::compile(&artifact::dewclaw(), &compiled);
    let guest = Guest::of(&compiled);
    kill(500, 1, &|work, state, url| {
        wasmtime_run::command(&asking(guest.clone(), work, state, url))
    });
}

#[test]
fn forty_kills_in_wamr() {
    kill(40, 2, &|work, state, url| {
        wamr_run::command(&asking(Guest::dewclaw(), work, state, url))
    });
}

#[test]
fn twenty_kills_of_the_native_command() {
    kill(20, 3, &|work, state, url| {
        let mut command = native::command(work, state);
        command.env("OPENAI_BASE_URL", url).args(ARGUMENTS);
        command
    });
}

#[test]
fn what_a_killed_run_left_is_taken_over_when_a_person_says_so() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([Reply::silence(), Reply::text("Here again.")]);
        let ask = |prompt: &str| super::ask(&work, &state, &model, prompt);
        let first = ask("hi");
        let mut command = match host {
            Host::Wamr | Host::Board => wamr_run::command(&first),
            _ => wasmtime_run::command(&first),
        };
        let mut child = process::start_silent(&mut command);
        model.wait_for(1, PATIENCE);
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
        let before = state.snapshot();
        host.run(&ask("and?"))
            .code(1)
            .says(&["a run that began 0 minutes ago is in it", "add --take-over"]);
        assert_eq!(state.snapshot(), before, "nothing is touched");
        host.run(&ask("and?").args(["--take-over"]))
            .code(0)
            .prints("Here again.\n");
        assert_eq!(state.names(), [super::FILE]);
        assert_eq!(model.last_request().messages().len(), 3);
    });
}

const ARGUMENTS: [&str; 8] = [
    "ask",
    "-m",
    "m",
    "--no-stream",
    "--session",
    "s",
    "--take-over",
    "note two things",
];

fn asking(guest: Guest, work: &Scratch, state: &Scratch, url: &str) -> Guest {
    guest
        .workspace(work)
        .state(state)
        .base_url(url)
        .args(ARGUMENTS)
}

/// What the model was asked, and how many notes it has made up.
#[derive(Default)]
struct Asked {
    bodies: Vec<Vec<u8>>,
    notes: usize,
}

/// Has every prompt answered by three notes to be written, each unlike all others, and then by a word.
fn answer(asked: &Mutex<Asked>, request: &Request, exchange: &mut Exchange) {
    let mut asked = asked.lock().unwrap_or_else(|poison| poison.into_inner());
    let body: Value = serde_json::from_slice(&request.body).expect("a request is JSON");
    let last = body["messages"]
        .as_array()
        .and_then(|all| all.last().cloned());
    let message = if last.is_some_and(|last| last["role"] == "tool") {
        json!({"role": "assistant", "content": "Noted, all of it."})
    } else {
        let calls: Vec<Value> = (0..3)
            .map(|_| {
                asked.notes += 1;
                let arguments = json!({"content": format!("note-{};", asked.notes)}).to_string();
                let function = json!({"name": "memory_write", "arguments": arguments});
                json!({"id": format!("call_{}", asked.notes), "type": "function", "function": function})
            })
            .collect();
        json!({"role": "assistant", "content": null, "tool_calls": calls})
    };
    asked.bodies.push(request.body.clone());
    drop(asked);
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]}).to_string();
    exchange.reply(
        200,
        &[("content-type", "application/json")],
        body.as_bytes(),
    );
}

/// How a run over these folders with this model is started.
type Start<'a> = &'a dyn Fn(&Scratch, &Scratch, &str) -> Command;

fn kill(times: usize, seed: u64, start: Start<'_>) {
    let began = Instant::now();
    let mut random = seed;
    let mut next = move |most: u64| {
        // Knuth's MMIX generator; its high bits are the good ones.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % most
    };
    let (mut killed, mut runs) = (0, 0);
    while killed < times {
        let (work, state) = (Scratch::new(), Scratch::new());
        let asked = Arc::new(Mutex::new(Asked::default()));
        let model = Loopback::serve({
            let asked = asked.clone();
            move |request, exchange| answer(&asked, request, exchange)
        });
        let url = format!("{}/v1", model.url());
        let file = state.join("sessions/s.jsonl");
        let mut before = Vec::new();
        for _ in 0..RUNS_OF_A_SESSION {
            let child = process::start_silent(&mut start(&work, &state, &url));
            // A whole run adds some 1,300 bytes to the file, in seven pieces, and some 30 to the notes.
            let instant = Instantly {
                bytes: length(&file) + 1 + next(1_400),
                notes: length(&work.join("memory/MEMORY.md")) + 1 + next(40),
                by_notes: next(3) == 0,
                spins: next(3_000),
            };
            runs += 1;
            killed += usize::from(instant.kill(child, &file, &work));
            let now = std::fs::read(&file).unwrap_or_default();
            assert!(now.starts_with(&before), "what was written stays");
            before = now;
        }
        assert!(2 * killed > runs, "{killed} of {runs} runs were killed");
        // And then one run to its end.
        let mut last = process::start_silent(&mut start(&work, &state, &url));
        let status = last.wait().expect("it ends");
        assert!(status.success(), "the last run: {status}");
        check(&state.read("sessions/s.jsonl"), &work, &asked);
    }
    println!(
        "{killed} of {runs} runs were killed before their end, in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

/// When a run is killed.
struct Instantly {
    /// Once the session's file has so many bytes,
    bytes: u64,
    /// or the notes do.
    notes: u64,
    by_notes: bool,
    /// Turns of an empty loop later.
    spins: u64,
}

impl Instantly {
    /// Whether it was killed before its end.
    fn kill(&self, mut child: Child, file: &Path, work: &Scratch) -> bool {
        let notes = work.join("memory/MEMORY.md");
        let until = Instant::now() + PATIENCE;
        loop {
            let is_there = match self.by_notes {
                true => length(&notes) >= self.notes,
                false => length(file) >= self.bytes,
            };
            if is_there {
                break;
            }
            if child.try_wait().expect("it can be asked").is_some() {
                return false;
            }
            assert!(Instant::now() < until, "nothing was written");
            std::thread::yield_now();
        }
        for _ in 0..self.spins {
            std::hint::spin_loop();
        }
        child.kill().expect("it can be killed");
        !child.wait().expect("it can be waited for").success()
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// Holds the file of a session to what was asked of the model and to what its calls have done.
fn check(file: &str, work: &Scratch, asked: &Mutex<Asked>) {
    let mut kept: Vec<Value> = Vec::new();
    for line in file.lines() {
        // What was cut off is no JSON.
        if let Ok(Value::Object(line)) = serde_json::from_str(line)
            && let Some(Value::Array(messages)) = line.get("openai-chat")
        {
            for message in messages {
                // The results of a round that was interrupted are written once more, all together.
                let id = &message["tool_call_id"];
                let is_known = kept.iter().any(|known| known["tool_call_id"] == *id);
                if id.is_null() || !is_known {
                    kept.push(message.clone());
                }
            }
        }
    }
    let asked = asked.lock().unwrap_or_else(|poison| poison.into_inner());
    for body in &asked.bodies {
        let broken = judge(body);
        assert!(broken.is_empty(), "{broken:?}");
        let body: Value = serde_json::from_slice(body).expect("it was JSON");
        let sent = body["messages"].as_array().expect("messages");
        // Whatever the model was told is in the file, so nothing was lost that it was told.
        assert_eq!(sent[1..], kept[..sent.len() - 1], "what was sent is kept");
    }
    let notes = std::fs::read_to_string(work.join("memory/MEMORY.md")).unwrap_or_default();
    let mut written: HashMap<&str, usize> = HashMap::new();
    for note in notes
        .split([';', '\n'])
        .filter_map(|note| note.find("note-").map(|at| &note[at..]))
    {
        *written.entry(note).or_default() += 1;
    }
    assert!(
        written.values().all(|times| *times == 1),
        "run twice: {written:?}"
    );
    // A result that says that it was written is of a note that was; and none was written that no call in the file has asked for.
    let mut calls: HashMap<String, String> = HashMap::new();
    for call in kept
        .iter()
        .flat_map(|message| message["tool_calls"].as_array().into_iter().flatten())
    {
        let arguments = call["function"]["arguments"].as_str().expect("arguments");
        let note = arguments
            .split(['"', ';'])
            .find(|part| part.starts_with("note-"));
        calls.insert(call["id"].to_string(), note.expect("a note").to_owned());
    }
    for result in kept.iter().filter(|message| message["role"] == "tool") {
        let note = &calls[&result["tool_call_id"].to_string()];
        if !result["content"].to_string().contains("error") {
            assert!(
                written.contains_key(note.as_str()),
                "{note} was not written"
            );
        }
    }
    for note in written.keys() {
        assert!(
            calls.values().any(|asked| asked == note),
            "{note} came from nowhere"
        );
    }
}
