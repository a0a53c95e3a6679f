//! A model server that somebody else wrote: npm's `@copilotkit/aimock`, run as its own process.

use crate::artifact;
use crate::loopback;
use crate::scratch::Scratch;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A running aimock. Dropping it ends the process.
pub struct Aimock {
    process: Child,
    url: String,
    _files: Scratch,
}

impl Aimock {
    /// Starts the command that `AIMOCK` names with these fixtures (the `fixtures` list of aimock's own format), on a port of its
    /// own choice.
    pub fn start(fixtures: &Value) -> Self {
        let command = artifact::from_environment(
            "AIMOCK",
            "the `aimock` command of npm's @copilotkit/aimock",
        );
        let files = Scratch::new();
        let path = files.write("fixtures.json", json!({"fixtures": fixtures}).to_string());
        // Small pieces, so that words and arguments come apart.
        let config = json!({"port": 0, "llm": {"fixtures": path, "chunkSize": 4}, "strict": true});
        let config = files.write("aimock.json", config.to_string());
        let mut process = Command::new(&command)
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.display()));
        let mut output = BufReader::new(process.stdout.take().expect("the output is piped"));
        let url = announced_url(&mut output);
        // Its log must not fill the pipe.
        std::thread::spawn(move || {
            let _ = output.read_to_end(&mut Vec::new());
        });
        Self {
            process,
            url,
            _files: files,
        }
    }

    /// What `OPENAI_BASE_URL` should be to reach it.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// What `ANTHROPIC_BASE_URL` should be to reach it.
    pub fn root_url(&self) -> &str {
        &self.url
    }

    /// Its journal: each request that it received, with `body` and the status of the `response`.
    pub fn journal(&self) -> Vec<Value> {
        let (status, body) = loopback::get(&format!("{}/__aimock/journal", self.url));
        assert_eq!(status, 200, "aimock does not show its journal");
        let journal: Value = serde_json::from_slice(&body).expect("the journal is JSON");
        journal.as_array().cloned().expect("the journal is a list")
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads its output up to the line that says where it listens.
fn announced_url(output: &mut impl BufRead) -> String {
    let mut said = String::new();
    for line in output.lines().map_while(Result::ok) {
        if let Some((_, url)) = line.split_once("listening on ") {
            return url.trim().to_owned();
        }
        said.push_str(&line);
        said.push('\n');
    }
    panic!("aimock ended without saying where it listens:\n{said}");
}
