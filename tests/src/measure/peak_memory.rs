//! The most memory that the wasmtime process held, as the operating system counts it.

use crate::scratch::Scratch;
use crate::scripted_model::{Reply, ScriptedModel};
use crate::{artifact, conversation, wasmtime_run};
use std::process::Stdio;
use std::time::Duration;

/// Longer than any conversation here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Peak memory of one process.
#[derive(Clone, Copy, Debug)]
pub struct PeakMemory {
    /// How the component was loaded: `jit` or `precompiled`.
    pub loaded: &'static str,
    /// The highest resident set so far when the last model request arrived, in kB of 1,024 bytes; `None` off Linux.
    pub resident_kb: Option<u64>,
}

/// Holds a conversation of `turns` turns with `wasmtime run` and looks at the process when its last request has arrived: the whole
/// history is in memory then.
pub fn peak_memory(turns: usize) -> [PeakMemory; 2] {
    let folder = Scratch::new();
    let compiled = folder.join("dewclaw.cwasm");
    wasmtime_run::compile(&artifact::dewclaw(), &compiled);
    [("jit", artifact::dewclaw()), ("precompiled", compiled)].map(|(loaded, component)| {
        let workspace = conversation::notes(turns);
        let replies = (0..turns).map(|number| conversation::reply(number, turns));
        // The last request is not answered, so that the process stands still while it is looked at.
        let model = ScriptedModel::start(replies.chain([Reply::silence()]));
        let guest = conversation::guest(&component, &workspace, &model.base_url(), turns);
        let mut command = wasmtime_run::command_without_cache(&guest);
        let mut child = command
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        model.wait_for(turns + 1, PATIENCE);
        let resident_kb = highest_resident_kb(child.id());
        let _ = child.kill();
        let _ = child.wait();
        PeakMemory {
            loaded,
            resident_kb,
        }
    })
}

/// `VmHWM` of Linux's `/proc/PID/status`.
fn highest_resident_kb(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
