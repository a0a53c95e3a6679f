//! The component's way to the network: wasi:http requests, sent from this machine.

mod body;
mod connect;
mod failure;
mod http;
mod pool;
mod proxy;
mod target;
mod tls;

pub(crate) use self::failure::Diary;
pub(crate) use self::http::Egress;
