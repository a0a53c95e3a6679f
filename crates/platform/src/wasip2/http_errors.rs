//! The calls of wasi:http that answer an `error-code`, read by their case alone.
//!
//! The generated bindings take every payload of the 39 cases apart, four times over, which costs 9 KB of code that
//! nothing here reads. These call the same imports and look at the discriminants. A text in a payload stays
//! allocated: a few bytes for each failed exchange.

#![allow(unsafe_code, reason = "calls imports by the canonical ABI")]

use core::mem::MaybeUninit;

use wasi::http::types::{
    FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions,
};
use wasi::io::streams::Error;

use crate::HttpError;

/// Where a call leaves its answer. Payloads with a u64 make every level of a variant 8 bytes apart; the largest answer
/// is 56 bytes.
#[repr(align(8))]
struct Answer(MaybeUninit<[u8; 56]>);

impl Answer {
    fn new() -> Answer {
        Answer(MaybeUninit::uninit())
    }

    fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// # Safety
    /// A call has written a discriminant at this offset.
    unsafe fn case(&mut self, offset: usize) -> u8 {
        // SAFETY: inside the answer, and written, as the caller promises.
        unsafe { self.pointer().add(offset).read() }
    }

    /// # Safety
    /// A call has written a handle at this offset, a multiple of 4.
    unsafe fn handle(&mut self, offset: usize) -> u32 {
        // SAFETY: inside the answer, aligned, and written, as the caller promises.
        unsafe { self.pointer().add(offset).cast::<u32>().read() }
    }
}

/// `outgoing-handler.handle`.
pub(super) fn handle(
    request: OutgoingRequest,
    options: RequestOptions,
) -> Result<FutureIncomingResponse, HttpError> {
    #[link(wasm_import_module = "wasi:http/outgoing-handler@0.2.0")]
    unsafe extern "C" {
        #[link_name = "handle"]
        fn call(request: u32, has_options: u32, options: u32, answer: *mut u8);
    }
    let mut answer = Answer::new();
    // SAFETY: the signature is the canonical ABI's; both handles are given away. Answer: result<own, error-code>.
    unsafe {
        call(
            request.take_handle(),
            1,
            options.take_handle(),
            answer.pointer(),
        );
        match answer.case(0) {
            0 => Ok(FutureIncomingResponse::from_handle(answer.handle(8))),
            _ => Err(http_error(answer.case(8))),
        }
    }
}

/// `future-incoming-response.get`: `None` while there is no response yet.
pub(super) fn response(
    future: &FutureIncomingResponse,
) -> Option<Result<IncomingResponse, HttpError>> {
    #[link(wasm_import_module = "wasi:http/types@0.2.0")]
    unsafe extern "C" {
        #[link_name = "[method]future-incoming-response.get"]
        fn call(future: u32, answer: *mut u8);
    }
    let mut answer = Answer::new();
    // SAFETY: as above. Answer: option<result<result<own, error-code>>>.
    unsafe {
        call(future.handle(), answer.pointer());
        match (answer.case(0), answer.case(8)) {
            (0, _) => None,
            (_, 0) => Some(match answer.case(16) {
                0 => Ok(IncomingResponse::from_handle(answer.handle(24))),
                _ => Err(http_error(answer.case(24))),
            }),
            _ => Some(Err(HttpError::Internal)),
        }
    }
}

/// `outgoing-body.finish`, without trailers.
pub(super) fn finish(body: OutgoingBody) -> Result<(), HttpError> {
    #[link(wasm_import_module = "wasi:http/types@0.2.0")]
    unsafe extern "C" {
        #[link_name = "[static]outgoing-body.finish"]
        fn call(body: u32, has_trailers: u32, trailers: u32, answer: *mut u8);
    }
    let mut answer = Answer::new();
    // SAFETY: as above. Answer: result<_, error-code>.
    unsafe {
        call(body.take_handle(), 0, 0, answer.pointer());
        match answer.case(0) {
            0 => Ok(()),
            _ => Err(http_error(answer.case(8))),
        }
    }
}

/// `http-error-code`: why a body's stream failed. One that the host can't name is a connection that broke.
pub(super) fn stream_error(error: &Error) -> HttpError {
    #[link(wasm_import_module = "wasi:http/types@0.2.0")]
    unsafe extern "C" {
        #[link_name = "http-error-code"]
        fn call(error: u32, answer: *mut u8);
    }
    let mut answer = Answer::new();
    // SAFETY: as above. Answer: option<error-code>.
    unsafe {
        call(error.handle(), answer.pointer());
        match answer.case(0) {
            0 => HttpError::Closed,
            _ => http_error(answer.case(8)),
        }
    }
}

/// The error of an `error-code`'s case, by its place in wasi:http/types.
fn http_error(case: u8) -> HttpError {
    match case {
        // DNS-timeout, DNS-error, destination-not-found
        0..=2 => HttpError::Dns,
        // destination-unavailable, destination-IP-unroutable, connection-refused, connection-limit-reached
        3 | 5 | 6 | 11 => HttpError::Connect,
        // destination-IP-prohibited, HTTP-request-denied
        4 | 15 => HttpError::Denied,
        // connection-terminated, HTTP-response-incomplete
        7 | 25 => HttpError::Closed,
        // connection-timeout
        8 => HttpError::ConnectTimeout,
        // connection-read-timeout, connection-write-timeout, HTTP-response-timeout
        9 | 10 | 33 => HttpError::BetweenBytesTimeout,
        // TLS-protocol-error, TLS-certificate-error, TLS-alert-received
        12..=14 => HttpError::Tls,
        // HTTP-request-length-required, -method-invalid, -URI-invalid, -URI-too-long
        16 | 18..=20 => HttpError::InvalidRequest,
        // HTTP-request-body-size; HTTP-response-header-section-size, -header-size, -body-size
        17 | 26..=28 => HttpError::TooLarge,
        // HTTP-response-transfer-coding, -content-coding, HTTP-protocol-error
        31 | 32 | 35 => HttpError::Protocol,
        _ => HttpError::Internal,
    }
}
