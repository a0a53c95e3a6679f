//! The memory of sessions and instances that have held a conversation and wait for the next prompt.

use super::saved_session::{config, host};
use crate::session::{Instance, Session};

/// Sessions of one instance, or instances of one process, that are measured at once.
pub const COUNT: usize = 1_000;

/// Memory of what is idle.
#[derive(Clone, Copy, Debug)]
pub struct IdleMemory {
    /// Bytes of linear memory for each of [`COUNT`] sessions in one instance, over what the instance takes with one.
    pub session_bytes: usize,
    /// The most pages of 64 KiB that one of [`COUNT`] instances has.
    pub instance_pages: usize,
    /// Bytes of resident memory for each of [`COUNT`] instances, with all that the host keeps for it; `None` off Linux.
    pub instance_resident_bytes: Option<u64>,
}

/// Opens [`COUNT`] sessions in one instance, then as many instances, and holds a short conversation in each.
pub fn idle_memory() -> IdleMemory {
    let instance = Instance::start();
    let mut sessions = vec![idle_session(&instance)];
    let with_one = instance.memory_bytes();
    sessions.resize_with(COUNT, || idle_session(&instance));
    let session_bytes = (instance.memory_bytes() - with_one).div_ceil(COUNT);
    drop(sessions);

    let before = resident_kb();
    let start = || {
        let instance = Instance::start();
        let session = idle_session(&instance);
        (instance, session)
    };
    let instances: Vec<_> = std::iter::repeat_with(start).take(COUNT).collect();
    let after = resident_kb();
    let bytes = |(instance, _): &(Instance, Session)| instance.memory_bytes();
    let most = instances.iter().map(bytes).max().expect("there are some");
    IdleMemory {
        session_bytes,
        instance_pages: most / crate::page_costs::PAGE_BYTES,
        instance_resident_bytes: before.zip(after).map(|(before, after)| {
            after.saturating_sub(before) * 1024 / u64::try_from(COUNT).expect("a count is small")
        }),
    }
}

/// A session that has read one line of a file and answered.
fn idle_session(instance: &Instance) -> Session {
    let opened = instance.open(&config("openai", 1), &[]);
    let session = opened.expect("the configuration is fine");
    let outcome = host(1, 20).run(&session, "Read the notes.");
    assert_eq!(outcome.text, "All read.");
    session
}

/// `VmRSS` of Linux's `/proc/self/status`.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
