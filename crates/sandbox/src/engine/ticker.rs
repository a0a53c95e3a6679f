//! The epoch ticker: one thread that says, at a steady pace, "look at the clock" to every guest that runs.

use std::io;
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// Ticks until the engine is gone. A tick by itself ends nothing: each store looks at its own deadline.
pub(crate) fn start(engine: &Engine, tick: Duration) -> io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("dewclaw-ticker".into())
        .spawn(move || {
            let mut next = Instant::now();
            loop {
                next += tick;
                let now = Instant::now();
                match next.checked_duration_since(now) {
                    Some(rest) => std::thread::sleep(rest),
                    // Late by a tick or more: those that were missed are not made up for.
                    None => next = now,
                }
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
    Ok(())
}
