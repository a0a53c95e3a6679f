//! What the benchmarks measure: times and resident memory of this machine, to be compared by ratio; and what a session costs, in
//! fuel and linear memory, which is the same everywhere.

mod boundary;
mod idle_memory;
mod peak_memory;
mod saved_session;
mod session_report;
mod start_time;

pub use boundary::{Boundary, boundary};
pub use idle_memory::{COUNT as IDLE_COUNT, IdleMemory, idle_memory};
pub use peak_memory::{PeakMemory, peak_memory};
pub use saved_session::{
    SavedSession, config as reading_config, host as reading_host, saved_session, saved_sessions,
};
pub use session_report::SessionReport;
pub use start_time::{StartTime, start_times};
