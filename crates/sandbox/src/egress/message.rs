//! A request of a plugin, and its answer.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// What a plugin asks for, as it gives it: nothing of it is believed yet.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, in any case.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Names and values. Names may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// Whether redirects are followed; otherwise they are the answer.
    pub follow: bool,
}

/// The answer behind the last redirect.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status, whatever it is.
    pub status: StatusCode,
    /// Its headers without those of one connection only, and without `content-length` and `content-encoding`: the body is
    /// decoded.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
    /// The requests that were sent, for the audit: the first, then one for each redirect. Never empty.
    pub hops: Vec<Hop>,
}

/// One request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where to, in the one spelling that was decided on.
    pub url: String,
    /// The addresses that were classified and of which one was connected to.
    pub addresses: Vec<IpAddr>,
    /// The rules that allowed it: the host's, then those of special-use addresses.
    pub rules: Vec<String>,
    /// What the server answered.
    pub status: StatusCode,
}
