//! A connection to where a request goes: the name, the address, a proxy in between, TLS.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use dewclaw_sandbox::egress::{Stream, alternate, race, special_use};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

use super::failure::Failure;
use super::names::Names;
use super::proxy::Proxy;
use super::target::Target;
use super::tls::Tls;

/// Which addresses a name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// Any: the operator has named this very host.
    Any,
    /// Those of public servers.
    Public,
}

/// Connects to `target`, through `proxy` if there is one, and speaks TLS where the target wants it.
///
/// A plain `http` target behind a proxy gets the connection to the proxy itself. A proxy resolves the target's name, so
/// `reach` holds for a target without one.
///
/// # Errors
/// What stood in the way: the name, the address, the proxy or TLS.
pub(super) async fn connect(
    target: &Target,
    reach: Reach,
    proxy: Option<&Proxy>,
    names: &Names,
    tls: &Tls,
) -> Result<Box<dyn Stream>, Failure> {
    let Some(proxy) = proxy else {
        return secure(open(target, reach, names).await?, target, tls).await;
    };
    let stream = open(&proxy.target, Reach::Any, names).await?;
    let stream = secure(stream, &proxy.target, tls).await?;
    if target.tls {
        secure(tunnel(stream, target, proxy).await?, target, tls).await
    } else {
        Ok(stream)
    }
}

async fn secure<S: Stream>(
    stream: S,
    target: &Target,
    tls: &Tls,
) -> Result<Box<dyn Stream>, Failure> {
    Ok(if target.tls {
        Box::new(tls.handshake(stream, target).await?)
    } else {
        Box::new(stream)
    })
}

async fn open(target: &Target, reach: Reach, names: &Names) -> Result<TcpStream, Failure> {
    let whom = target.to_string();
    let addresses = addresses(target, reach, names).await?;
    let stream = race(addresses, TcpStream::connect)
        .await
        .map_err(|cause| Failure::connect(&whom, &cause))?;
    // Requests are written in large pieces; waiting to fill packets only delays their last one.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The target's addresses, never none. The name is resolved this once: what is judged here is what is connected to.
async fn addresses(
    target: &Target,
    reach: Reach,
    names: &Names,
) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let whom = target.to_string();
    let found = names
        .resolve(&target.host, target.port)
        .await
        .map_err(|cause| Failure::resolve(&whom, &cause))?;
    if reach == Reach::Public {
        let kind = |address: &SocketAddr| Some((address.ip(), special_use(address.ip())?));
        if let Some((address, kind)) = found.iter().find_map(kind) {
            let cause = format_args!(
                "the name leads to {address}, {kind}: where that is meant, allow the very name with --allow-fetch {}",
                target.host
            );
            return Err(Failure::new(Error::DestinationIpProhibited, &whom, cause));
        }
    }
    Ok(alternate(found))
}

/// Asks the proxy for a tunnel to `target`.
async fn tunnel(
    stream: Box<dyn Stream>,
    target: &Target,
    proxy: &Proxy,
) -> Result<impl Stream, Failure> {
    let whom = format!("proxy {}", proxy.target);
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(target.to_string())
        .header(HOST, target.to_string());
    if let Some(value) = &proxy.authorization {
        request = request.header(PROXY_AUTHORIZATION, value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|cause| Failure::new(Error::HttpRequestUriInvalid, &whom, cause))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| Failure::exchange(&whom, &cause))?;
    let connection = tokio::spawn(connection.with_upgrades());
    let answer = sender
        .send_request(request)
        .await
        .map_err(|cause| Failure::exchange(&whom, &cause))?;
    let status = answer.status();
    if !status.is_success() {
        connection.abort();
        return Err(refused(&whom, target, status));
    }
    let tunnel = hyper::upgrade::on(answer)
        .await
        .map_err(|cause| Failure::exchange(&whom, &cause))?;
    Ok(TokioIo::new(tunnel))
}

fn refused(whom: &str, target: &Target, status: StatusCode) -> Failure {
    let (code, fix) = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => (
            Error::HttpRequestDenied,
            ": give its user and password in the proxy's URL",
        ),
        status if status.is_client_error() => (Error::HttpRequestDenied, ""),
        _ => (Error::DestinationUnavailable, ""),
    };
    Failure::new(
        code,
        whom,
        format_args!("it answered {status} to a tunnel to {target}{fix}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_refusal_says_what_to_do() {
        let target = Target {
            tls: true,
            host: "a.example".into(),
            port: 443,
        };
        let failure = refused(
            "proxy p:1",
            &target,
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        );
        assert!(matches!(failure.code, Error::HttpRequestDenied));
        assert_eq!(
            failure.to_string(),
            "proxy p:1: it answered 407 Proxy Authentication Required to a tunnel to a.example:443: \
             give its user and password in the proxy's URL"
        );
        let failure = refused("proxy p:1", &target, StatusCode::BAD_GATEWAY);
        assert!(matches!(failure.code, Error::DestinationUnavailable));
    }
}
