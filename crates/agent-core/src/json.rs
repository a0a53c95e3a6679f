//! JSON: reading into a small value, writing straight into bytes.
//!
//! By hand, because serde_json costs the guest kilobytes for what nothing here needs: 7 for its reader, 4 for doubles,
//! more for the trees behind its objects.

mod raw;
mod read;
mod value;
mod write;

pub use dewclaw_platform::decimal;
pub(crate) use raw::elements;
pub use raw::raw;
pub(crate) use read::{FIRST_PRIVATE, parse_halves};
pub use read::{ParseError, is_object, parse, parse_within};
pub use value::Value;
pub(crate) use write::string_cost;
pub use write::{Array, Object, push_string, string};
