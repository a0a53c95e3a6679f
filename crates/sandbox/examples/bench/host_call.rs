//! What the audit adds to a host function: the same guest, the same answer, with an entry in the log and without.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dewclaw_sandbox::audit::{AuditFolder, AuditOptions};
use dewclaw_sandbox::engine::{Caps, Engine, Plugin, PluginOptions, Reuse, TrustedInputOnly};

use crate::guests::{self, ASK};
use crate::host::GetEnv;
use crate::report::{Aim, Row, median, micros};

/// Host calls of one call.
const CALLS: usize = 500;

pub(crate) fn measure(engine: &Engine, count: usize, mut show: impl FnMut(Row)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let audit = AuditFolder::open(folder.path(), AuditOptions::default()).expect("a folder");
    let log = audit.log("weather").expect("a log");
    let bytes = guests::with_host(ASK);
    let load = |get_env| {
        let options = PluginOptions {
            reuse: Reuse::Warm { idle: 1 },
            host: Arc::new(get_env),
            caps: Caps {
                fuel: u64::MAX,
                ..Caps::default()
            },
            ..PluginOptions::default()
        };
        Plugin::load(engine, &bytes, &TrustedInputOnly, options).expect("a plugin")
    };
    let (unaudited, audited) = (load(GetEnv::Gives), load(GetEnv::Audited(log)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let asks = "x".repeat(CALLS);
    let each = |plugin: &Plugin| {
        let began = Instant::now();
        runtime
            .block_on(plugin.call("tool", asks.as_str()))
            .expect("it runs");
        began.elapsed()
    };
    let measured: Vec<(Duration, Duration)> = (0..20 * count)
        .map(|_| (each(&unaudited), each(&audited)))
        .collect();
    let of_one = |seconds: f64| seconds / CALLS as f64;
    let more = median(
        measured
            .iter()
            .map(|(without, with)| with.as_secs_f64() - without.as_secs_f64()),
    );
    show(Row {
        name: "host function, permitted and audited (here beside unaudited): added".into(),
        bare: micros(of_one(median(
            measured.iter().map(|(without, _)| without.as_secs_f64()),
        ))),
        sandbox: micros(of_one(median(
            measured.iter().map(|(_, with)| with.as_secs_f64()),
        ))),
        value: of_one(more) * 1e6,
        unit: "µs",
        aim: Aim::AtMost(3.0),
    });
}
