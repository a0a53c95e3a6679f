//! The time from the start of the process to the first thing that the guest does for its user.

use crate::guest::Guest;
use crate::scratch::Scratch;
use crate::scripted_model::{Reply, ScriptedModel};
use crate::{artifact, hello_guest, process, wamr_run, wasmtime_run};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Start times, side by side.
#[derive(Clone, Copy, Debug)]
pub struct StartTime {
    /// How the guest was loaded: by wasmtime `jit` (compiled at each start), `cached` (its default) or `precompiled`; or by `WAMR`,
    /// which interprets the core module.
    pub loaded: &'static str,
    /// Median time until the hello guest's line, which tells the length of a file, was read.
    pub hello: Duration,
    /// Median time until the agent's `ask` had sent its first model request.
    pub first_request: Duration,
}

impl StartTime {
    /// How many times the hello guest's start the agent takes.
    pub fn ratio(&self) -> f64 {
        self.first_request.as_secs_f64() / self.hello.as_secs_f64()
    }
}

/// Measures both guests in turn, `rounds` times, in each way of loading them.
pub fn start_times(rounds: usize) -> [StartTime; 4] {
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
    let (jit, cached) = (wasmtime_run::command_without_cache, wasmtime_run::command);
    [
        measure("jit", rounds, jit, &hello, &dewclaw),
        measure("cached", rounds, cached, &hello, &dewclaw),
        measure("precompiled", rounds, cached, &ahead.0, &ahead.1),
        measure(
            "WAMR",
            rounds,
            wamr_run::command,
            &hello_guest::build_module(),
            &artifact::dewclaw_wamr(),
        ),
    ]
}

/// Makes the command line that runs a guest.
type Loading = fn(&Guest) -> Command;

fn measure(
    loaded: &'static str,
    rounds: usize,
    loading: Loading,
    hello: &Path,
    dewclaw: &Path,
) -> StartTime {
    // The first round fills the caches and is not counted.
    let both = |_| (until_hello(loading, hello), until_request(loading, dewclaw));
    let (hello, first_request) = (0..=rounds).map(both).skip(1).unzip();
    StartTime {
        loaded,
        hello: median(hello),
        first_request: median(first_request),
    }
}

fn until_hello(loading: Loading, component: &Path) -> Duration {
    let work = Scratch::with(&[("notes.txt", "some notes\n")]);
    let guest = Guest::of(component).without_network().workspace(&work);
    let mut command = loading(&guest);
    let started = Instant::now();
    let shown = process::output_until(&mut command, "\n");
    let taken = started.elapsed();
    assert_eq!(shown, "hello, 11 bytes\n");
    taken
}

fn until_request(loading: Loading, component: &Path) -> Duration {
    let (work, model) = (
        Scratch::with(&[("notes.txt", "some notes\n")]),
        ScriptedModel::start([Reply::text("ok")]),
    );
    let guest = Guest::of(component).workspace(&work).model(&model);
    let mut command = loading(&guest.args(["ask", "hi", "--model", "scripted"]));
    let started = Instant::now();
    process::run("the start", &mut command, b"")
        .code(0)
        .prints("ok\n");
    model.only_request().http.arrived - started
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
