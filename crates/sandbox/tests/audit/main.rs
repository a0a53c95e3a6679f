//! The audit trail as its readers meet it: what was tampered with is found, what was cut is set aside, what cannot be written fails.

#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod entries;
mod failures;
mod properties;
mod tampering;

use std::fs;
use std::path::{Path, PathBuf};

use dewclaw_sandbox::audit::{
    AuditError, AuditFolder, AuditLog, AuditOptions, Entry, Filter, Report, SyncPolicy,
    VerifyOptions, query, verify,
};

fn options() -> AuditOptions {
    let mut options = AuditOptions::default();
    options.sync = SyncPolicy::Never;
    options
}

fn open(folder: &Path, options: AuditOptions) -> AuditFolder {
    AuditFolder::open(folder, options).unwrap()
}

fn call(log: &AuditLog, name: &str) -> Result<(), AuditError> {
    let mut call = log.begin("get-env", |summary| {
        summary.text(name);
    })?;
    call.permit("policy.toml:3 env = [\"LANG\"]");
    call.succeeded()
}

/// Writes `count` entries of plugin `weather`, three to a file or so, and closes the log.
fn written(folder: &Path, count: usize) {
    let mut options = options();
    options.rotate_bytes = 1200;
    let log = open(folder, options).log("weather").unwrap();
    for number in 0..count {
        call(&log, &format!("VARIABLE_{number}")).unwrap();
    }
}

fn report(folder: &Path) -> Report {
    verify(folder, &VerifyOptions::default()).unwrap()
}

fn entries(folder: &Path) -> Vec<Entry> {
    query(folder, &Filter::default()).unwrap().entries
}

/// The files of `weather` that hold entries, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = (1..)
        .map(|number| folder.join(format!("weather.{number}.jsonl")))
        .take_while(|file| file.exists())
        .collect();
    files.push(folder.join("weather.jsonl"));
    files
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .split_inclusive('\n')
        .map(str::to_owned)
        .collect()
}

/// All lines of all files, each with its file.
fn all_lines(folder: &Path) -> Vec<(PathBuf, String)> {
    files(folder)
        .into_iter()
        .flat_map(|file| {
            lines(&file)
                .into_iter()
                .map(move |line| (file.clone(), line))
        })
        .collect()
}

fn put_lines(folder: &Path, all: &[(PathBuf, String)]) {
    for file in files(folder) {
        let text: String = all
            .iter()
            .filter(|(of, _)| *of == file)
            .map(|(_, line)| line.as_str())
            .collect();
        fs::write(file, text).unwrap();
    }
}
