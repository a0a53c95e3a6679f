//! The ways to the network: the exchanges that this host makes for a session, and the component's own wasi:http.

mod body;
mod connect;
mod failure;
mod http;
mod named;
mod names;
mod pool;
mod proxy;
mod redaction;
mod target;
mod tls;
mod wasi_http;

pub(crate) use self::failure::Diary;
pub(crate) use self::http::{Egress, Limits, Purpose};
pub(crate) use self::named::Named;
pub(crate) use self::wasi_http::WasiHttp;
