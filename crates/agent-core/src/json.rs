//! JSON: reading into a small value, writing straight into bytes.
//!
//! serde_json reads; its own `Value` stays out, because the trees behind its objects and the serializer that formats
//! floating-point numbers cost the guest kilobytes that nothing here needs.

mod raw;
mod value;
mod write;

pub(crate) use raw::elements;
pub use raw::raw;
pub use value::{ParseError, Value, is_object, parse, parse_within};
pub(crate) use write::string_cost;
pub use write::{Array, Object, decimal, push_string, string};
