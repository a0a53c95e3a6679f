//! What the person says: the command line, the variables, and where the conversation is kept.

use crate::agent::wit::{Config, Performer};
use serde_json::json;
use std::env::{args, var};
use std::io::ErrorKind;
use std::{fs, process};
use wasmtime::Result;
use wasmtime::error::Context;

const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dist/dewclaw.wasm");

/// The command line.
pub(crate) struct Arguments {
    /// The component's file; `DEWCLAW_COMPONENT` names another one.
    pub(crate) component: String,
    /// The folder that the agent works on.
    pub(crate) folder: String,
    /// What it is asked.
    pub(crate) prompt: String,
    session: Option<String>,
}

/// Reads the command line. Ends the program where it is wrong.
pub(crate) fn read() -> Arguments {
    let (mut folder, mut session, mut prompts) = (None, None, Vec::new());
    let mut given = args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--dir" => folder = given.next(),
            "--session" => session = given.next(),
            option if option.starts_with("--") => usage(&format!("there is no option {option}")),
            _ => prompts.push(argument),
        }
    }
    let Some(folder) = folder else {
        usage("no folder to work on");
    };
    let [prompt] = &mut prompts[..] else {
        usage("one prompt is needed, in quotes");
    };
    Arguments {
        component: var("DEWCLAW_COMPONENT").unwrap_or_else(|_| COMPONENT.to_owned()),
        folder,
        prompt: std::mem::take(prompt),
        session,
    }
}

fn usage(problem: &str) -> ! {
    eprintln!("embed-rust: {problem}: embed-rust --dir DIR [--session FILE] \"PROMPT\"");
    process::exit(2);
}

/// How the session is made: the component does what it can by itself, and asks before it writes.
pub(crate) fn config() -> Config {
    let settings = json!({
        "model": var("DEWCLAW_MODEL").unwrap_or_default(),
        "base_url": var("OPENAI_BASE_URL").unwrap_or_default(),
        "approve": "writes",
    });
    Config {
        settings: settings.to_string(),
        tools: None,
        model: Performer::Component,
        files: Performer::Component,
        web: Performer::Component,
    }
}

impl Arguments {
    /// The conversation so far, if one is kept.
    pub(crate) fn saved(&self) -> Result<Option<Vec<u8>>> {
        match self.session.as_ref().map(fs::read) {
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.transpose().context("--session can't be read"),
        }
    }

    /// Keeps the conversation: whole, or as it was.
    pub(crate) fn keep(&self, saved: &[u8]) -> Result<()> {
        let Some(file) = &self.session else {
            return Ok(());
        };
        let new = format!("{file}.new");
        fs::write(&new, saved)
            .and_then(|()| fs::rename(&new, file))
            .with_context(|| format!("the conversation can't be kept in {file}"))
    }
}
