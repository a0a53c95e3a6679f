//! The table of docs/security.md: which attack is held by which test, made of what the tests say over themselves.
//!
//! Over a test stand `/// Attack: …`, one or several with ` · ` between them, `/// Answer: …` and `/// Bound: …`, each going on
//! until the next. `DEWCLAW_WRITE_SECURITY=1 cargo test --release -p dewclaw-sandbox --test attacks table` writes the
//! document's tables anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use dewclaw_sandbox::limits::{Limit, RaisedBy};

/// Every attack that the sandbox must hold, by what it attacks. One without a test is an error, and so is a test of what is not
/// here.
const ATTACKS: [(&str, &[&str]); 8] = [
    (
        "Time",
        &[
            "infinite loop in a call",
            "infinite loop in `start`",
            "infinite loop in `cabi_realloc`",
            "infinite loop in post-return",
            "infinite loop in `init`",
            "infinite loop in `describe`",
            "sleep for ever",
            "poll on many pollables",
            "instruction over all memory",
            "code of 120 KB without a loop",
            "activations that all go on after their call",
            "host call that outlasts the deadline",
            "host call whose caller gives up",
            "one plugin's timeout while a neighbour runs on",
        ],
    ),
    (
        "Memory",
        &[
            "memory growth bomb",
            "table growth bomb",
            "multi-memory growth bomb",
            "deep recursion",
            "memory of another kind",
            "access outside memory",
        ],
    ),
    (
        "What a plugin gives",
        &[
            "100 MB result",
            "log flood",
            "standard output flood",
            "ANSI in logs",
            "ANSI in what is denied",
            "invalid UTF-8 in logs",
            "invalid UTF-8 in a result",
            "deep JSON",
            "huge JSON",
            "random bytes by the gigabyte",
        ],
    ),
    (
        "Modules",
        &[
            "module that takes long to compile",
            "module that is large",
            "bytes that are no plugin",
            "import that is not granted",
        ],
    ),
    (
        "Network: where to",
        &[
            "SSRF in decimal",
            "SSRF in octal",
            "SSRF in hex",
            "SSRF as `::ffff:a9fe:a9fe`",
            "SSRF as `::a.b.c.d`",
            "SSRF by NAT64",
            "SSRF by 6to4",
            "SSRF by Teredo",
            "SSRF to 198.18/15",
            "SSRF to 224/4",
            "SSRF to 240/4",
            "SSRF to fd00:ec2::254",
            "SSRF to 0.0.0.0",
            "SSRF with a trailing dot",
            "SSRF by IDN",
            "SSRF with userinfo",
            "SSRF with a zone",
            "SSRF by wasi:http",
            "DNS answers that mix public and private",
            "DNS answers that change between check and connect",
            "redirect to a metadata address",
            "redirect to a metadata address, by wasi:http",
        ],
    ),
    (
        "Network: what comes and goes",
        &[
            "response that never ends",
            "response that drips",
            "response that decompresses to gigabytes",
            "response that never ends, drips, or decompresses to gigabytes, by wasi:http",
            "header injection",
            "header injection by wasi:http",
            "answers that are kept unread, by wasi:http",
            "headers without end, by wasi:http",
            "request flood",
            "request that is large",
        ],
    ),
    (
        "Files",
        &[
            "`..` in a path",
            "absolute path",
            "NUL in a path",
            "symlink that leads out",
            "hard link to what is outside",
            "symlink swapped between check and use",
            "FIFO",
            "socket",
            "device",
            "`/proc/self`",
            "files that fill the disk",
            "ways out by wasi:filesystem",
            "symlink swapped between check and use, by wasi:filesystem",
            "files that fill the disk, by wasi:filesystem",
            "more open files than there may be",
        ],
    ),
    (
        "Names, variables and the trail",
        &[
            "two plugins that export the same tool name",
            "variable that is a secret",
            "trail that cannot be written",
            "trail that its own plugin may write",
            "trail that was changed",
        ],
    ),
];

/// Those of the specification that parts will hold which are not there yet.
const NOT_THERE_YET: [&str; 8] = [
    "cached code that was swapped, truncated or symlinked",
    "cached code made by another version",
    "signature that is missing",
    "signature by the wrong key",
    "signature over other bytes",
    "manifest swapped after signing",
    "module swapped after signing",
    "older version put back",
];

/// What a test says of itself.
#[derive(Debug)]
struct Row {
    attacks: Vec<String>,
    answer: String,
    bound: String,
    /// From the repository's root.
    file: PathBuf,
    test: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Rust files below a folder of the repository.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rows of all tests of the sandbox and of the command.
fn rows() -> Vec<Row> {
    let mut files = Vec::new();
    for folder in [
        "crates/sandbox/src",
        "crates/sandbox/tests",
        "crates/cli/src",
        "crates/cli/tests",
    ] {
        sources(&root().join(folder), &mut files);
    }
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap();
        rows_of(name, &text, &mut rows);
    }
    rows
}

fn rows_of(file: &Path, text: &str, rows: &mut Vec<Row>) {
    let (mut said, mut is_test) = (Vec::<(String, String)>::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("/// ") {
            let key = ["Attack", "Answer", "Bound"].into_iter().find_map(|key| {
                let rest = words.strip_prefix(key)?.strip_prefix(": ")?;
                Some((key.to_owned(), rest.to_owned()))
            });
            match (key, said.last_mut()) {
                (Some(key), _) => said.push(key),
                (None, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(words);
                }
                (None, None) => {}
            }
        } else if line.starts_with("#[") {
            is_test |=
                matches!(line, "#[test]" | "#[tokio::test]") || line.starts_with("#[tokio::test(");
        } else {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            if let Some((name, _)) = name.and_then(|line| line.split_once('('))
                && !said.is_empty()
            {
                assert!(is_test, "{}: {name} is no test", file.display());
                let keys: Vec<&str> = said.iter().map(|(key, _)| key.as_str()).collect();
                assert_eq!(
                    keys,
                    ["Attack", "Answer", "Bound"],
                    "{}: {name}",
                    file.display()
                );
                let mut values = said.drain(..).map(|(_, value)| value);
                let mut next = || values.next().unwrap();
                let attacks = next().split(" · ").map(str::to_owned).collect();
                rows.push(Row {
                    attacks,
                    answer: next(),
                    bound: next(),
                    file: file.to_owned(),
                    test: name.to_owned(),
                });
            }
            said.clear();
            is_test = false;
        }
    }
}

fn attacks_table(rows: &[Row]) -> String {
    let mut by_attack = BTreeMap::<&str, Vec<&Row>>::new();
    for row in rows {
        for attack in &row.attacks {
            by_attack.entry(attack).or_default().push(row);
        }
    }
    let mut out = String::new();
    for (group, attacks) in ATTACKS {
        writeln!(
            out,
            "### {group}\n\n| attack | required answer | bound | test |\n|---|---|---|---|"
        )
        .unwrap();
        let mut attacks = attacks.iter().peekable();
        while let Some(attack) = attacks.next() {
            let held = by_attack.remove(attack);
            let held = held.unwrap_or_else(|| panic!("no test holds: {attack}"));
            assert!(
                held.iter()
                    .all(|row| !row.answer.contains('|') && !row.bound.contains('|'))
            );
            // Attacks that follow each other and are held by one test are one row.
            let mut names = vec![*attack];
            while let Some(next) = attacks.peek() {
                let same = by_attack.get(**next).is_some_and(|others| {
                    others.len() == held.len()
                        && others
                            .iter()
                            .zip(&held)
                            .all(|(one, other)| std::ptr::eq(*one, *other))
                });
                if !same {
                    break;
                }
                by_attack.remove(**next);
                names.push(**next);
                attacks.next();
            }
            for row in held {
                let line = format!(
                    "| {} | {} | {} | [`{}`](../{}) |",
                    names.join("<br>"),
                    row.answer,
                    row.bound,
                    row.test,
                    row.file.display()
                );
                writeln!(out, "{line}").unwrap();
            }
        }
        out.push('\n');
    }
    let others: Vec<_> = by_attack.keys().collect();
    assert!(others.is_empty(), "not in the list of attacks: {others:?}");
    out += "Not there yet, with the parts that they attack (signatures, and a cache of machine code): ";
    out += &NOT_THERE_YET.join(" · ");
    out += ".\n";
    out
}

/// Every limit, with what the source says that it is.
fn limits_table() -> String {
    let source = fs::read_to_string(root().join("crates/sandbox/src/limits.rs")).unwrap();
    let (_, variants) = source.split_once("pub enum Limit {\n").unwrap();
    let (variants, _) = variants.split_once("\n}\n").unwrap();
    let mut meanings = Vec::new();
    let mut meaning = String::new();
    for line in variants.lines().map(str::trim) {
        match line.strip_prefix("/// ") {
            Some(words) => {
                meaning += if meaning.is_empty() { "" } else { " " };
                meaning += words;
            }
            None => meanings.push(std::mem::take(&mut meaning)),
        }
    }
    assert_eq!(meanings.len(), Limit::all().count());
    let mut out = String::from("| key | what it bounds | default | at most |\n|---|---|---|---|\n");
    for (limit, meaning) in Limit::all().zip(meanings) {
        let most = match limit.raised_by() {
            RaisedBy::Manifest => limit.show(limit.maximum()),
            RaisedBy::Operator => "any, by the policy alone".to_owned(),
            RaisedBy::Nobody => "the same".to_owned(),
        };
        let first = meaning.split(". ").next().unwrap().trim_end_matches('.');
        let default = limit.show(limit.default_value());
        writeln!(out, "| `{}` | {first} | {default} | {most} |", limit.key()).unwrap();
    }
    out
}

/// The document with these words between its marks of that name.
fn replaced(document: &str, mark: &str, words: &str) -> String {
    let (begin, end) = (
        format!("<!-- {mark}: begin -->\n"),
        format!("<!-- {mark}: end -->"),
    );
    let (before, rest) = document.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{words}{end}{after}")
}

#[test]
fn the_document_is_what_the_tests_say() {
    let path = root().join("docs/security.md");
    let document = fs::read_to_string(&path).unwrap();
    let made = replaced(&document, "limits", &limits_table());
    let made = replaced(&made, "attacks", &attacks_table(&rows()));
    if std::env::var_os("DEWCLAW_WRITE_SECURITY").is_some() {
        fs::write(&path, made).unwrap();
    } else {
        assert!(
            made == document,
            "docs/security.md is not what the tests say: \
             DEWCLAW_WRITE_SECURITY=1 cargo test --release -p dewclaw-sandbox --test attacks table"
        );
    }
}

#[test]
fn what_a_test_says_of_itself_is_read() {
    let read = |text: &str| {
        let mut rows = Vec::new();
        rows_of(Path::new("a.rs"), text, &mut rows);
        rows
    };
    let text = "/// Attack: one · two\n/// Answer: a,\n/// and b\n/// Bound: c\n#[tokio::test]\nasync fn name() {\n}\n\
        /// A word.\nfn helper() {}\n";
    let rows = read(text);
    assert_eq!(
        (rows.len(), rows[0].attacks.as_slice()),
        (1, &["one".to_owned(), "two".to_owned()][..])
    );
    assert_eq!(
        (rows[0].answer.as_str(), rows[0].test.as_str()),
        ("a, and b", "name")
    );
    let none = std::panic::catch_unwind(|| read(&text.replace("#[tokio::test]\n", "")));
    assert!(none.is_err(), "a helper is no test");
    let cut = std::panic::catch_unwind(|| read(&text.replace("/// Bound: c\n", "")));
    assert!(cut.is_err(), "a bound is missing");
    let absent = std::panic::catch_unwind(|| attacks_table(&read(text)));
    assert!(absent.is_err(), "attacks without a test");
}
