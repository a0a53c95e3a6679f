//! `scripts/bench sandbox`: what the sandbox costs, beside wasmtime alone with the same settings and protections in the same run.
//!
//! Each figure is the median of rounds in which one side is measured right after the other; a ratio is the median of the rounds'
//! ratios. Times are of this machine, to be compared by ratio. Linux only: the process looks at itself in /proc.

mod bare;
mod calls;
mod computing;
mod deadlines;
mod granted;
mod growth;
mod guests;
mod host;
mod host_call;
mod mixed_calls;
mod report;

use std::process::ExitCode;
use std::sync::Arc;

use dewclaw_sandbox::engine::{EngineOptions, TICK};
use granted::Granted;
use report::{HEAD, Row};

const HELP: &str = "\
Measures the sandbox beside wasmtime alone.

    scripts/bench sandbox [--json] [--check] [--rounds N] [--calls N] [PART]...

  PART        calls, host, computing, deadlines, growth; all of them by default
  --json      one JSON object instead of the table
  --check     ends with 1 when an aim is missed
  --rounds N  how often times are measured (15)
  --calls N   after how many calls nothing may have grown (1000000)
";

const PARTS: [&str; 5] = ["calls", "host", "computing", "deadlines", "growth"];

fn main() -> ExitCode {
    let (mut as_json, mut check, mut rounds, mut calls) = (false, false, 15, 1_000_000);
    let mut chosen: Vec<String> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = |next: Option<String>, least: u64| {
            next.and_then(|next| next.parse().ok())
                .filter(|number| *number >= least)
        };
        match argument.as_str() {
            "--json" => as_json = true,
            "--check" => check = true,
            "--rounds" => match number(arguments.next(), 1) {
                Some(count) => rounds = usize::try_from(count).unwrap_or(usize::MAX),
                None => return usage("--rounds takes a whole number from 1"),
            },
            "--calls" => match number(arguments.next(), 10_000) {
                Some(count) => calls = count,
                None => return usage("--calls takes a whole number from 10000"),
            },
            "-h" | "--help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            part if PARTS.contains(&part) => chosen.push(argument),
            other => return usage(&format!("unknown argument {other}")),
        }
    }
    let granted = Granted::new(Arc::new(|_| Some("C".into())));
    let engine = granted.sandbox.engine();
    if !as_json {
        println!(
            "Stores: {:?}. Tick: {TICK:?}. Threads: {}.\n\n{HEAD}",
            engine.allocation(),
            EngineOptions::default().threads
        );
    }
    let mut rows = Vec::new();
    let mut show = |row: Row| {
        if !as_json {
            println!("{}", row.line());
        }
        rows.push(row);
    };
    for part in PARTS {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == part) {
            continue;
        }
        match part {
            "calls" => calls::measure(&granted, rounds, &mut show),
            "host" => host_call::measure(&granted, rounds, &mut show),
            "computing" => computing::measure(engine, rounds, &mut show),
            "deadlines" => deadlines::measure(engine, &mut show),
            _ => growth::measure(&granted, calls, &mut show),
        }
    }
    let missed = rows.iter().filter(|row| row.met() == Some(false)).count();
    if as_json {
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        println!("{}", serde_json::json!({"rows": rows, "missed": missed}));
    } else {
        let aims = rows.iter().filter(|row| row.met().is_some()).count();
        println!("\n{} of {aims} aims are met.", aims - missed);
    }
    if check && missed > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    eprint!("bench: {problem}\n\n{HELP}");
    ExitCode::from(2)
}
