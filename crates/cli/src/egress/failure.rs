//! Why an exchange failed: the code that the component gets, and the words that only this machine knows.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_rustls::rustls;
use wasmtime_wasi_http::Error;

/// A failed exchange. Its text names the other side, never a header or a proxy's password.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Failure {
    /// The wasi:http error.
    pub(super) code: Error,
    text: String,
}

impl Failure {
    /// A failure of the exchange with `whom`.
    pub(super) fn new(code: Error, whom: &str, cause: impl std::fmt::Display) -> Failure {
        Failure {
            code,
            text: format!("{whom}: {cause}"),
        }
    }

    /// No address was found for the name.
    pub(super) fn resolve(whom: &str, cause: &io::Error) -> Failure {
        let code = Error::DnsError {
            rcode: None,
            info_code: None,
        };
        Failure::new(
            code,
            whom,
            format_args!("the name cannot be resolved: {cause}"),
        )
    }

    /// No address took the connection.
    pub(super) fn connect(whom: &str, cause: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        let code = match cause.kind() {
            Kind::ConnectionRefused => Error::ConnectionRefused,
            Kind::TimedOut => Error::ConnectionTimeout,
            Kind::NetworkUnreachable | Kind::AddrNotAvailable => Error::DestinationIpUnroutable,
            _ => Error::DestinationUnavailable,
        };
        Failure::new(code, whom, cause)
    }

    /// The TLS handshake failed.
    pub(super) fn handshake(whom: &str, cause: &io::Error) -> Failure {
        let inner = cause
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => Failure::new(
                Error::TlsCertificateError,
                whom,
                format_args!(
                    "its certificate is not trusted: {why}: if it should be, name its authority's file in SSL_CERT_FILE"
                ),
            ),
            Some(rustls::Error::AlertReceived(alert)) => Failure::new(
                Error::TlsAlertReceived {
                    alert_id: Some(u8::from(*alert)),
                    alert_message: None,
                },
                whom,
                cause,
            ),
            Some(_) => Failure::new(
                Error::TlsProtocolError,
                whom,
                format_args!("the tls handshake failed: {cause}"),
            ),
            None => Failure::new(
                Error::ConnectionTerminated,
                whom,
                format_args!("the connection broke in the tls handshake: {cause}"),
            ),
        }
    }

    /// The exchange itself failed, before or within the answer.
    pub(super) fn exchange(whom: &str, cause: &hyper::Error) -> Failure {
        let code = if cause.is_parse_too_large() {
            Error::HttpResponseHeaderSectionSize(None)
        } else if cause.is_incomplete_message() {
            Error::HttpResponseIncomplete
        } else if cause.is_parse() || cause.is_user() {
            Error::HttpProtocolError
        } else {
            io_cause(cause).map_or(Error::ConnectionTerminated, io_code)
        };
        let mut text = cause.to_string();
        if let Some(source) = cause.source() {
            text = format!("{text}: {source}");
        }
        Failure::new(code, whom, text)
    }
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(found) = source.downcast_ref() {
            return Some(found);
        }
        next = source.source();
    }
    None
}

fn io_code(error: &io::Error) -> Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::UnexpectedEof => Error::HttpResponseIncomplete,
        Kind::InvalidData | Kind::InvalidInput => Error::HttpProtocolError,
        Kind::TimedOut => Error::ConnectionReadTimeout,
        _ => Error::ConnectionTerminated,
    }
}

/// The last failure, for the line that a failed run ends with. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Option<String>>>);

impl Diary {
    /// What failed last, if nothing succeeded since.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn failed(&self, failure: &Failure) {
        self.set(Some(failure.to_string()));
    }

    pub(super) fn succeeded(&self) {
        self.set(None);
    }

    fn set(&self, text: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_a_missing_connection_are_told_apart() {
        let code = |kind: io::ErrorKind| Failure::connect("host:1", &kind.into()).code;
        assert!(matches!(
            code(io::ErrorKind::ConnectionRefused),
            Error::ConnectionRefused
        ));
        assert!(matches!(
            code(io::ErrorKind::TimedOut),
            Error::ConnectionTimeout
        ));
        assert!(matches!(
            code(io::ErrorKind::NetworkUnreachable),
            Error::DestinationIpUnroutable
        ));
        assert!(matches!(
            code(io::ErrorKind::HostUnreachable),
            Error::DestinationUnavailable
        ));
    }

    #[test]
    fn causes_of_a_failed_handshake_are_told_apart() {
        let code = |error: rustls::Error| {
            Failure::handshake("host:1", &io::Error::new(io::ErrorKind::InvalidData, error)).code
        };
        assert!(matches!(
            code(rustls::Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer
            )),
            Error::TlsCertificateError
        ));
        assert!(matches!(
            code(rustls::Error::AlertReceived(
                rustls::AlertDescription::HandshakeFailure
            )),
            Error::TlsAlertReceived {
                alert_id: Some(40),
                ..
            }
        ));
        assert!(matches!(
            code(rustls::Error::DecryptError),
            Error::TlsProtocolError
        ));
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(matches!(
            Failure::handshake("host:1", &eof).code,
            Error::ConnectionTerminated
        ));
    }

    #[test]
    fn the_diary_forgets_at_the_next_success() {
        let diary = Diary::default();
        let other = diary.clone();
        other.failed(&Failure::new(Error::ConnectionRefused, "a:1", "refused"));
        assert_eq!(diary.last_failure().as_deref(), Some("a:1: refused"));
        other.succeeded();
        assert_eq!(diary.last_failure(), None);
    }
}
