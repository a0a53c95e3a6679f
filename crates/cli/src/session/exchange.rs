//! One exchange for a session: the request with its key, and the answer as it comes.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, WasiBody};

use super::wit::AuthScheme;
use crate::egress::{Egress, Limits, Purpose};

/// A request as a session asks for it, with the key that it goes with.
pub(super) struct Outgoing {
    pub(super) method: String,
    pub(super) url: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The key, and how it goes into the request.
    pub(super) auth: Option<(AuthScheme, String)>,
    pub(super) body: Vec<u8>,
    pub(super) limits: Limits,
    pub(super) purpose: Purpose,
}

/// An answer whose head is there.
pub(super) struct Answer {
    response: Response<WasiBody>,
}

/// What comes next of an answer's body.
pub(super) enum Piece {
    Bytes(Bytes),
    End,
    Failed(Error),
}

/// Sends a request.
///
/// # Errors
/// It is none that can be sent, or no answer came.
pub(super) async fn send(egress: &Egress, outgoing: Outgoing) -> Result<Answer, Error> {
    let (limits, purpose) = (outgoing.limits, outgoing.purpose);
    let key = outgoing.auth.as_ref().map(|(_, key)| key.clone());
    let response = egress
        .send(outgoing.request()?, limits, purpose, key.as_deref())
        .await?;
    Ok(Answer { response })
}

impl Outgoing {
    fn request(self) -> Result<Request<WasiBody>, Error> {
        let invalid = |_| Error::HttpRequestUriInvalid;
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| Error::HttpRequestMethodInvalid)?;
        // Without it an empty body may be sent in chunks.
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        let length = self.body.len();
        let mut request = Request::builder().method(method).uri(self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(self.body)).map_err(|never| match never {});
        let mut request = request.body(body.boxed_unsync()).map_err(invalid)?;
        let authority = request.uri().authority().map(|at| at.as_str());
        let host = HeaderValue::try_from(authority.unwrap_or_default());
        let headers = request.headers_mut();
        headers.insert(HOST, host.map_err(|error| invalid(error.into()))?);
        if has_body || length > 0 {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        if let Some((scheme, key)) = self.auth {
            let (name, value) = match scheme {
                AuthScheme::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
                AuthScheme::Header(name) => {
                    let name = HeaderName::from_bytes(name.as_bytes());
                    (name.map_err(|error| invalid(error.into()))?, key)
                }
            };
            let mut value = HeaderValue::try_from(value).map_err(|error| invalid(error.into()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(request)
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Its headers of these names.
    pub(super) fn headers(&self, wanted: &[&str]) -> Vec<(String, String)> {
        self.response
            .headers()
            .iter()
            .filter(|(name, _)| wanted.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), value.into_owned())
            })
            .collect()
    }

    /// The next piece of its body.
    pub(super) async fn piece(&mut self) -> Piece {
        loop {
            return match self.response.body_mut().frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => Piece::Bytes(bytes),
                    // Trailers say nothing that a session reads.
                    Err(_) => continue,
                },
                Some(Err(error)) => Piece::Failed(error),
                None => Piece::End,
            };
        }
    }
}
