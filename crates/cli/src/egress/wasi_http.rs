//! The component's own wasi:http, by which `tool` calls the tools of the web.

use std::time::Duration;

use http::{HeaderValue, Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::http::{Egress, Limits, Purpose};
use crate::keys::{Keys, SEARCHES};

/// For a stage that the component sets no limit for, as in wasmtime's own client.
const NO_LIMIT_GIVEN: Duration = Duration::from_secs(600);

/// What answers wasi:http.
pub(crate) enum WasiHttp {
    /// Nothing: this host makes the exchanges itself, or there are none.
    Refused,
    /// This machine's network, for the tools of the web.
    Granted {
        /// The client.
        egress: Egress,
        /// Where the key of searches is.
        keys: Keys,
    },
}

/// What hooks answer with: the response, and what must go on while its body is read. Here nothing must.
type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for WasiHttp {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _answer_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let WasiHttp::Granted { egress, keys } = self else {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let (egress, keys) = (egress.clone(), keys.clone());
        Box::new(async move {
            let key = put_in_key(&mut request, &keys)?;
            let answer = egress
                .send(request, limits(options), Purpose::Web, key)
                .await?;
            Ok((answer, Box::new(async { Ok(()) }) as _))
        })
    }
}

/// Puts the key of searches where its stand-in is in a header, and answers with it.
fn put_in_key<'k>(
    request: &mut Request<WasiBody>,
    keys: &'k Keys,
) -> Result<Option<&'k str>, Error> {
    let mut key = None;
    for value in request.headers_mut().values_mut() {
        if let Some((whole, secret)) = keys.put_in(SEARCHES, value.as_bytes()) {
            *value = HeaderValue::from_bytes(&whole).map_err(|_| Error::HttpProtocolError)?;
            value.set_sensitive(true);
            key = Some(secret);
        }
    }
    Ok(key)
}

fn limits(options: Option<RequestOptions>) -> Limits {
    let options = options.unwrap_or_default();
    Limits {
        connect: options.connect_timeout.unwrap_or(NO_LIMIT_GIVEN),
        first_byte: options.first_byte_timeout.unwrap_or(NO_LIMIT_GIVEN),
        between_bytes: options.between_bytes_timeout.unwrap_or(NO_LIMIT_GIVEN),
    }
}
