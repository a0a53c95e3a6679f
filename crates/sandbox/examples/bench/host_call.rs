//! What the audit adds to a host function: the same guest, the same answer, with an entry in the log and without. In processor time:
//! putting the log on the disk is no part of a call.

use std::sync::Arc;

use dewclaw_sandbox::audit::{AuditFolder, AuditOptions};
use dewclaw_sandbox::engine::{Plugin, PluginOptions, Reuse, TrustedInputOnly};

use crate::granted::{Granted, Stores};
use crate::guests::{self, ASK};
use crate::host::GetEnv;
use crate::report::{Aim, Row, median, micros, processor_time};

/// Host calls of one call.
const CALLS: usize = 500;

pub(crate) fn measure(granted: &Granted, count: usize, mut show: impl FnMut(Row)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let audit = AuditFolder::open(folder.path(), AuditOptions::default()).expect("a folder");
    let log = audit.log("weather").expect("a log");
    let bytes = guests::with_host(ASK);
    let of_host = |get_env| {
        let options = PluginOptions {
            reuse: Reuse::Warm { idle: 1 },
            host: Arc::new(get_env),
            ..PluginOptions::default()
        };
        let engine = granted.sandbox.engine();
        Plugin::load(engine, &bytes, &TrustedInputOnly, options).expect("a plugin")
    };
    let (unaudited, audited) = (of_host(GetEnv::Gives), of_host(GetEnv::Audited(log)));
    let decided = granted.load("asking", &bytes, Stores::Warm, &TrustedInputOnly);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let asks = "x".repeat(CALLS);
    let timed = |call: &dyn Fn()| {
        let began = processor_time();
        call();
        (processor_time() - began).as_secs_f64() / CALLS as f64
    };
    let rounds: Vec<[f64; 3]> = (0..20 * count)
        .map(|_| {
            [&unaudited, &audited]
                .map(|plugin| {
                    timed(&|| {
                        let call = plugin.call("tool", asks.as_str());
                        runtime.block_on(call).expect("it runs");
                    })
                })
                .into_iter()
                .chain([timed(&|| {
                    let call = decided.call("tool", asks.as_str());
                    runtime.block_on(call).expect("it runs");
                })])
                .collect::<Vec<_>>()
                .try_into()
                .expect("three")
        })
        .collect();
    let of = |side: usize| micros(median(rounds.iter().map(|round| round[side])));
    for (side, name, aim) in [
        (
            1,
            "host function, permitted and audited, over the same unaudited: added",
            Aim::AtMost(3.0),
        ),
        (
            2,
            "the same with the policy's decision and the value from the environment: added",
            Aim::None,
        ),
    ] {
        show(Row {
            name: name.into(),
            bare: format!("unaudited: {}", of(0)),
            sandbox: of(side),
            value: median(rounds.iter().map(|round| round[side] - round[0])) * 1e6,
            unit: "µs",
            aim,
        });
    }
}
