//! What the benchmarks measure with the real `wasmtime run`: times and memory of this machine, to be compared by ratio.

mod peak_memory;
mod start_time;

pub use peak_memory::{PeakMemory, peak_memory};
pub use start_time::{StartTime, start_times};
