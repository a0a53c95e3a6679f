//! Why an exchange failed, as a session is told.

use wasmtime_wasi_http::Error;

use super::wit::HttpError;

/// The class of a failure before the answer's head. To wasi:http every read that takes too long is the same.
pub(super) fn before_the_head(error: &Error) -> HttpError {
    match class(error) {
        HttpError::BetweenBytesTimeout => HttpError::FirstByteTimeout,
        class => class,
    }
}

/// The class of a failure: the one that the component gives the same code of wasi:http.
pub(super) fn class(error: &Error) -> HttpError {
    match error {
        Error::DnsTimeout | Error::DnsError { .. } | Error::DestinationNotFound => HttpError::Dns,
        Error::DestinationUnavailable
        | Error::DestinationIpUnroutable
        | Error::ConnectionRefused
        | Error::ConnectionLimitReached => HttpError::Connect,
        Error::DestinationIpProhibited | Error::HttpRequestDenied => HttpError::Denied,
        Error::ConnectionTerminated | Error::HttpResponseIncomplete => HttpError::Closed,
        Error::ConnectionTimeout => HttpError::ConnectTimeout,
        Error::ConnectionReadTimeout
        | Error::ConnectionWriteTimeout
        | Error::HttpResponseTimeout => HttpError::BetweenBytesTimeout,
        Error::TlsProtocolError | Error::TlsCertificateError | Error::TlsAlertReceived { .. } => {
            HttpError::Tls
        }
        Error::HttpRequestLengthRequired
        | Error::HttpRequestMethodInvalid
        | Error::HttpRequestUriInvalid
        | Error::HttpRequestUriTooLong => HttpError::InvalidRequest,
        Error::HttpRequestBodySize(_)
        | Error::HttpResponseHeaderSectionSize(_)
        | Error::HttpResponseHeaderSize { .. }
        | Error::HttpResponseBodySize(_) => HttpError::TooLarge,
        Error::HttpResponseTransferCoding(_)
        | Error::HttpResponseContentCoding(_)
        | Error::HttpProtocolError => HttpError::Protocol,
        _ => HttpError::Internal,
    }
}
