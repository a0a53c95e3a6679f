//! A request that is ready to be sent, and what a redirect makes of it.

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};

use super::error::{EgressError, shown};
use super::headers;
use super::message::Request;
use super::target::Target;

/// A request in its one reading.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Outgoing {
    pub(super) fn read(request: &Request) -> Result<Outgoing, EgressError> {
        Ok(Outgoing {
            target: Target::parse(&request.url)?,
            method: method(&request.method)?,
            headers: headers::of_request(&request.headers)?,
            body: request.body.clone(),
        })
    }

    /// How many bytes a plugin has put into it.
    pub(super) fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        self.target.url().len() + headers.sum::<usize>() + self.body.len()
    }

    /// Turns it to where the answer points; `false` where it does not point anywhere. What may be a secret of one origin
    /// is gone when it leaves that origin, and stays gone.
    ///
    /// # Errors
    /// The answer points to what is no URL.
    pub(super) fn redirect(
        &mut self,
        status: StatusCode,
        answer: &HeaderMap,
    ) -> Result<bool, EgressError> {
        let Some(location) = answer.get(LOCATION).filter(|_| is_redirect(status)) else {
            return Ok(false);
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        let next = self.target.join(&location)?;
        if next.origin() != self.target.origin() {
            headers::strip_credentials(&mut self.headers);
        }
        self.target = next;
        // The fetch standard's HTTP-redirect fetch, step 12.
        let becomes_get = match status {
            StatusCode::SEE_OTHER => !matches!(self.method, Method::GET | Method::HEAD),
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            headers::strip_content(&mut self.headers);
        }
        Ok(true)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// A method; the well-known ones in any case.
fn method(text: &str) -> Result<Method, EgressError> {
    let upper = text.to_ascii_uppercase();
    let known = matches!(
        upper.as_str(),
        "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH"
    );
    let text = if known { &upper } else { text };
    let refused = matches!(upper.as_str(), "CONNECT" | "TRACE" | "TRACK") || text.len() > 32;
    Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| !refused)
        .ok_or_else(|| EgressError::Method {
            method: shown(text),
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn outgoing(method: &str) -> Outgoing {
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Outgoing::read(&Request {
            method: method.into(),
            url: "https://a.example.com/form".into(),
            headers: vec![
                header("authorization", "Bearer a"),
                header("content-type", "text/plain"),
                header("accept", "*/*"),
            ],
            body: Bytes::from_static(b"body"),
            follow: true,
        })
        .unwrap()
    }

    fn redirected(method: &str, status: u16, location: &'static str) -> Outgoing {
        let mut outgoing = outgoing(method);
        let mut answer = HeaderMap::new();
        answer.insert(LOCATION, HeaderValue::from_static(location));
        let status = StatusCode::from_u16(status).unwrap();
        assert!(outgoing.redirect(status, &answer).unwrap());
        outgoing
    }

    #[test]
    fn the_method_changes_as_the_standard_has_it() {
        for (method, status, wanted) in [
            ("post", 301, "GET"),
            ("POST", 302, "GET"),
            ("POST", 303, "GET"),
            ("PUT", 303, "GET"),
            ("PUT", 301, "PUT"),
            ("DELETE", 302, "DELETE"),
            ("HEAD", 303, "HEAD"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
        ] {
            let next = redirected(method, status, "/next");
            assert_eq!(next.method, wanted, "{method} {status}");
            let emptied = method.to_uppercase() != wanted;
            assert_eq!(next.body.is_empty(), emptied, "{method} {status}");
            assert_eq!(!next.headers.contains_key("content-type"), emptied);
            assert!(next.headers.contains_key("authorization"));
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        for (location, kept) in [
            ("/next", true),
            ("https://A.example.com.:443/next", true),
            ("http://a.example.com/", false),
            ("https://a.example.com:8443/", false),
            ("https://b.example.com/", false),
        ] {
            let next = redirected("GET", 302, location);
            assert_eq!(
                next.headers.contains_key("authorization"),
                kept,
                "{location}"
            );
            assert!(next.headers.contains_key("accept"));
        }
        let mut back = redirected("GET", 302, "https://b.example.com/");
        let mut answer = HeaderMap::new();
        answer.insert(LOCATION, HeaderValue::from_static("https://a.example.com/"));
        assert!(back.redirect(StatusCode::FOUND, &answer).unwrap());
        assert!(!back.headers.contains_key("authorization"));
    }

    #[test]
    fn what_points_nowhere_is_the_answer() {
        let mut answer = HeaderMap::new();
        let mut asked = outgoing("GET");
        assert!(!asked.redirect(StatusCode::FOUND, &answer).unwrap());
        answer.insert(LOCATION, HeaderValue::from_static("/"));
        for status in [
            StatusCode::OK,
            StatusCode::CREATED,
            StatusCode::NOT_MODIFIED,
        ] {
            assert!(!asked.redirect(status, &answer).unwrap());
        }
    }

    #[test]
    fn methods_that_are_not_sent() {
        for wrong in [
            "CONNECT",
            "connect",
            "TRACE",
            "Track",
            "",
            "GET /",
            "A\r\nB",
            &"A".repeat(33),
        ] {
            assert!(method(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(method("patch").unwrap(), Method::PATCH);
        assert_eq!(method("Query").unwrap().as_str(), "Query");
    }
}
