//! A model call in flight, as far as its reply has come.

use alloc::string::String;
use alloc::vec::Vec;

use crate::effect::RequestId;
use crate::wire::ReplyDecoder;

/// Bytes of a header's value; a longer one says nothing that is of use here.
const MAX_HEADER_BYTES: usize = 1024;

/// A model call in flight.
pub(super) struct Exchange {
    pub(super) id: RequestId,
    /// The reply's status, once its head is here.
    pub(super) status: Option<u16>,
    pub(super) content_type: String,
    pub(super) retry_after: Option<String>,
    /// Reads the body of a success.
    pub(super) decoder: Option<ReplyDecoder>,
    /// The body of anything else.
    pub(super) error_body: Vec<u8>,
    /// Something of it was shown.
    pub(super) shown: bool,
    /// The reply has said that it is complete: its connection's end is waited for until then.
    pub(super) complete_until: Option<u64>,
}

impl Exchange {
    /// A call of which nothing has come yet.
    pub(super) fn new(id: RequestId) -> Exchange {
        Exchange {
            id,
            status: None,
            content_type: String::new(),
            retry_after: None,
            decoder: None,
            error_body: Vec::new(),
            shown: false,
            complete_until: None,
        }
    }

    /// Takes the reply's head.
    pub(super) fn start(&mut self, status: u16, headers: Vec<(String, String)>) {
        self.status = Some(status);
        for (name, value) in headers {
            if value.len() > MAX_HEADER_BYTES {
                continue;
            }
            match name.as_str() {
                "content-type" => self.content_type = value.to_ascii_lowercase(),
                "retry-after" => self.retry_after = Some(value),
                _ => {}
            }
        }
    }
}
