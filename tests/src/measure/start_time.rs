//! The time from the start of the process to the first thing that the guest does for its user.

use crate::guest::Guest;
use crate::scratch::Scratch;
use crate::scripted_model::{Reply, ScriptedModel};
use crate::{artifact, hello_guest, process, wasmtime_run};
use std::path::Path;
use std::time::{Duration, Instant};

/// Start times, side by side.
#[derive(Clone, Copy, Debug)]
pub struct StartTime {
    /// How the component was loaded: `jit` or `precompiled`.
    pub loaded: &'static str,
    /// Median time until the hello guest's line, which tells the length of a file, was read.
    pub hello: Duration,
    /// Median time until `dewclaw.wasm ask` had sent its first model request.
    pub first_request: Duration,
}

impl StartTime {
    /// How many times the hello guest's start the agent takes.
    pub fn ratio(&self) -> f64 {
        self.first_request.as_secs_f64() / self.hello.as_secs_f64()
    }
}

/// Measures both guests in turn, `rounds` times, compiled as they start and compiled ahead of time.
pub fn start_times(rounds: usize) -> [StartTime; 2] {
    let folder = Scratch::new();
    let (hello, dewclaw) = (hello_guest::build(), artifact::dewclaw());
    let compiled = |component: &Path, name: &str| {
        let into = folder.join(name);
        wasmtime_run::compile(component, &into);
        into
    };
    let ahead = (
        compiled(&hello, "hello.cwasm"),
        compiled(&dewclaw, "dewclaw.cwasm"),
    );
    [
        measure("jit", rounds, &hello, &dewclaw),
        measure("precompiled", rounds, &ahead.0, &ahead.1),
    ]
}

fn measure(loaded: &'static str, rounds: usize, hello: &Path, dewclaw: &Path) -> StartTime {
    // The first round warms the file cache and is not counted.
    let rounds: Vec<_> = (0..=rounds)
        .map(|_| (until_hello(hello), until_request(dewclaw)))
        .skip(1)
        .collect();
    StartTime {
        loaded,
        hello: median(rounds.iter().map(|round| round.0).collect()),
        first_request: median(rounds.iter().map(|round| round.1).collect()),
    }
}

fn until_hello(component: &Path) -> Duration {
    let work = Scratch::with(&[("notes.txt", "some notes\n")]);
    let guest = Guest::of(component).without_network().workspace(&work);
    let mut command = wasmtime_run::command(&guest);
    let started = Instant::now();
    let shown = process::output_until(&mut command, "\n");
    let taken = started.elapsed();
    assert_eq!(shown, "hello, 11 bytes\n");
    taken
}

fn until_request(component: &Path) -> Duration {
    let (work, model) = (
        Scratch::with(&[("notes.txt", "some notes\n")]),
        ScriptedModel::start([Reply::text("ok")]),
    );
    let guest = Guest::of(component).workspace(&work).model(&model);
    let mut command = wasmtime_run::command(&guest.args(["ask", "hi", "--model", "scripted"]));
    let started = Instant::now();
    process::run("wasmtime run", &mut command, b"")
        .code(0)
        .prints("ok\n");
    model.only_request().http.arrived - started
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
