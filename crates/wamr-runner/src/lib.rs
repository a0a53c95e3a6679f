//! A small safe interface to WAMR, the runtime of boards, as its C interface embeds a guest in firmware.
//!
//! A [`Module`] is loaded from bytes, an [`Instance`] of it gets what its [`Grants`] say and nothing else, and is run
//! as a command ([`Instance::run`]) or called by the names of its exports ([`Instance::call`]), with its linear
//! memory to read and to write between the calls. Any number of instances live in one process; each stays on the
//! thread that made it.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use wamr_runner::{Grants, Instance, Module};
//!
//! let module = Module::load(std::fs::read("guest.wasm")?)?;
//! let mut guest = Instance::new(&module, &Grants::default())?;
//! let at = guest.call("allocate", &[5])?[0];
//! guest.write(at as u32, b"hello")?;
//! guest.call("greet", &[at, 5])?;
//! # Ok(())
//! # }
//! ```
//!
//! The program `wamr-runner` of this package is the same with iwasm's flags.

mod error;
mod grants;
pub mod process;
mod wamr;

pub use error::{CallError, InstantiateError, LoadError, OutOfBounds};
pub use grants::Grants;
pub use wamr::{Instance, Module, PAGE, Value, set_log_level, version};
