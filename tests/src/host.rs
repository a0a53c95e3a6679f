//! The hosts that run a guest, and how a run ended in them.

use crate::guest::Guest;
use crate::scratch::Scratch;
use crate::scripted_model::ScriptedModel;
use crate::{in_process, wamr_run, wasmtime_run};
use serde_json::Value;

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The real `wasmtime run`. A guest's exit status is 0 or 1 there.
    CommandLine,
    /// The crate `wasmtime` in this process, with the real wasi:http. The outcome interface tells the exact exit code.
    InProcess,
    /// A real WAMR, with iwasm's flags, running the core module in the component's place. The process ends with the guest's exit code.
    Wamr,
    /// The same with the setting `limits` as `board`, and linear memory that can't grow past 1 MiB: memory never runs out there.
    Board,
}

impl Host {
    /// Runs the guest to its end.
    pub fn run(self, guest: &Guest) -> Ended {
        match self {
            Self::CommandLine => wasmtime_run::run(guest),
            Self::InProcess => in_process::run(guest).ended,
            Self::Wamr => wamr_run::run(guest),
            Self::Board => wamr_run::run_on_a_board(guest),
        }
    }

    /// Whether a guest can speak TLS here.
    pub fn has_tls(self) -> bool {
        !matches!(self, Self::Wamr | Self::Board)
    }

    /// How the guest's messages say that the workspace is granted.
    pub fn workspace_flag(self) -> &'static str {
        match self {
            Self::CommandLine | Self::InProcess => "wasmtime's --dir DIR::/",
            Self::Wamr | Self::Board => "iwasm's --dir=DIR",
        }
    }

    /// How they say that the state is granted.
    pub fn state_flag(self) -> &'static str {
        match self {
            Self::CommandLine | Self::InProcess => "wasmtime's --dir STATE::/state",
            Self::Wamr | Self::Board => "iwasm's --map-dir=/state::STATE",
        }
    }

    /// How they say that this variable is set.
    pub fn variable_flag(self, name: &str) -> String {
        match self {
            Self::CommandLine | Self::InProcess => format!("wasmtime's --env {name}"),
            Self::Wamr | Self::Board => format!("iwasm's --env={name}="),
        }
    }
}

/// Runs `test` in every host.
pub fn on_each_host(test: impl Fn(Host)) {
    test(Host::InProcess);
    test(Host::CommandLine);
    test(Host::Wamr);
}

/// Runs `test` in every host, and in WAMR once more with the memory of a board and the setting that keeps to it.
pub fn on_each_host_and_board(test: impl Fn(Host)) {
    on_each_host(&test);
    test(Host::Board);
}

/// A way to ask a scripted model over a workspace: [`Guest::ask`], or [`Guest::ask_by_messages`].
pub type Ask = fn(&Scratch, &ScriptedModel, &str) -> Guest;

/// Runs `test` in every host and on every wire.
pub fn on_each_host_and_wire(test: impl Fn(Host, Ask)) {
    on_each_host(|host| {
        test(host, Guest::ask);
        test(host, Guest::ask_by_messages);
    });
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What ran it.
    pub runner: &'static str,
    /// Its exit code; `None` when it was killed by a signal or trapped.
    pub code: Option<i32>,
    /// Whether `code` tells all failures apart; else every failure is 1.
    pub tells_failures_apart: bool,
    /// What it wrote on standard output.
    pub stdout: Vec<u8>,
    /// What it wrote on standard error, the host's own messages included.
    pub stderr: Vec<u8>,
}

impl Ended {
    /// Asserts the exit code, and that nothing trapped or panicked on the way there.
    #[track_caller]
    pub fn code(&self, expected: i32) -> &Self {
        let expected = if self.tells_failures_apart {
            expected
        } else {
            expected.min(1)
        };
        assert_eq!(
            self.code,
            Some(expected),
            "the exit code is another.\n{self}"
        );
        let errors = String::from_utf8_lossy(&self.stderr);
        for word in [
            "wasm trap",
            "panicked",
            "wasm backtrace",
            "unreachable",
            "internal error in",
        ] {
            assert!(
                !errors.contains(word),
                "{word:?} on standard error.\n{self}"
            );
        }
        // WAMR says it there, with the exit code 1.
        let traps = |line: &[u8]| line.starts_with(b"Exception: ");
        assert!(
            !self.stdout.split(|byte| *byte == b'\n').any(traps),
            "a trap.\n{self}"
        );
        self
    }

    /// Asserts that standard error has each of these phrases, in any case.
    #[track_caller]
    pub fn says(&self, phrases: &[&str]) -> &Self {
        let errors = String::from_utf8_lossy(&self.stderr).to_lowercase();
        for phrase in phrases {
            assert!(
                errors.contains(&phrase.to_lowercase()),
                "{phrase:?} is not on standard error.\n{self}"
            );
        }
        self
    }

    /// Asserts what is on standard output.
    #[track_caller]
    pub fn prints(&self, expected: &str) -> &Self {
        assert_eq!(
            self.stdout(),
            expected,
            "standard output is another.\n{self}"
        );
        self
    }

    /// Standard output, which must be UTF-8.
    #[track_caller]
    pub fn stdout(&self) -> &str {
        match std::str::from_utf8(&self.stdout) {
            Ok(text) => text,
            Err(error) => panic!("standard output is not UTF-8: {error}\n{self}"),
        }
    }

    /// Standard error as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("standard output is not JSON: {error}\n{self}"),
        }
    }

    /// Standard output of `--json`: an object on each line, each with a type, the last one `finished`.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let lines = self.stdout().lines();
        let events: Vec<Value> = lines
            .map(|line| match serde_json::from_str(line) {
                Ok(event) => event,
                Err(error) => panic!("{line:?} is not JSON: {error}\n{self}"),
            })
            .collect();
        for event in &events {
            assert!(
                event["type"].is_string(),
                "an event without a type: {event}"
            );
        }
        let last = events.last().map(|event| &event["type"]);
        assert!(
            last.is_some_and(|last| last == "finished"),
            "the last event is not `finished`.\n{self}"
        );
        events
    }

    /// The events of one type.
    #[track_caller]
    pub fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events()
            .into_iter()
            .filter(|event| event["type"] == kind)
            .collect()
    }

    /// The last event of `--json`.
    #[track_caller]
    pub fn finished(&self) -> Value {
        self.events().pop().expect("there is a last event")
    }

    /// Asserts that neither output holds `secret`.
    #[track_caller]
    pub fn keeps(&self, secret: &str) -> &Self {
        for output in [&self.stdout, &self.stderr] {
            assert!(
                !String::from_utf8_lossy(output).contains(secret),
                "the secret is in the output.\n{self}"
            );
        }
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "in {}, exit code {:?}", self.runner, self.code)?;
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            let shown: String = text.chars().take(4000).collect();
            let more = if shown.len() < text.len() {
                " […]"
            } else {
                ""
            };
            writeln!(f, "--- {name}, {} bytes\n{shown}{more}", bytes.len())?;
        }
        Ok(())
    }
}
