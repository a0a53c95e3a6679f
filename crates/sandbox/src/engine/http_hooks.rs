//! What answers a store's wasi:http: the plugin's own way to the network, or a refusal.

use std::time::Instant;

use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::egress::PluginHttp;

/// Bytes that a body which nobody sends yet takes at once. Each body holds two such pieces, and a store may hold some three hundred
/// bodies, 10 MB: with wasmtime's megabyte they would be 600 MB of the host's memory.
const BODY_CHUNK: usize = 16 << 10;
/// Bytes of the headers of one `fields`, of which a store may hold a thousand, 16 MB. Servers take no more in a request: nginx four
/// times 8 KiB, Node.js 16 KiB. Wasmtime's own is 128 KiB.
pub(crate) const FIELDS: usize = 16 << 10;

/// The hooks of one store.
pub(crate) struct HttpHooks(pub(crate) Option<PluginHttp>);

impl HttpHooks {
    /// No request goes on behind the deadline of the call that runs.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        if let Some(http) = &mut self.0 {
            http.deadline = deadline;
        }
    }
}

/// What hooks answer with: the response, and what must go on while its body is read.
type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for HttpHooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        answer_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        match &mut self.0 {
            Some(http) => http.send_request(request, options, answer_read),
            None => Box::new(async { Err(Error::HttpRequestDenied) }),
        }
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }
}
