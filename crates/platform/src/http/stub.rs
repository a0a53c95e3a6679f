//! The HTTP client of builds that must not reach the network.

use alloc::vec::Vec;

use super::{HttpClient, HttpError, HttpEvent, HttpId, HttpRequest};

/// Answers every call with [`HttpError::Unsupported`], whose text names the artifact that has a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct StubHttpClient;

impl StubHttpClient {
    /// A client that reaches nothing.
    pub fn new() -> StubHttpClient {
        StubHttpClient
    }
}

impl HttpClient for StubHttpClient {
    fn start(&mut self, _: &HttpRequest) -> Result<HttpId, HttpError> {
        Err(HttpError::Unsupported)
    }

    fn write(&mut self, _: HttpId, _: &[u8]) -> Result<usize, HttpError> {
        Err(HttpError::Unsupported)
    }

    fn poll(&mut self, _: u64) -> Result<Vec<(HttpId, HttpEvent)>, HttpError> {
        Err(HttpError::Unsupported)
    }

    fn cancel(&mut self, _: HttpId) -> Result<(), HttpError> {
        Err(HttpError::Unsupported)
    }
}
