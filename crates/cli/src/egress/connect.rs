//! A connection to where a request goes: the name, the address, a proxy in between, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use wasmtime_wasi_http::Error;

use super::failure::Failure;
use super::names::Names;
use super::proxy::Proxy;
use super::special_use;
use super::target::Target;
use super::tls::Tls;

/// How long one address may take before the next is tried beside it (RFC 8305's recommended value).
const HEAD_START: Duration = Duration::from_millis(250);

/// Which addresses a name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// Any: the operator has named this very host.
    Any,
    /// Those of public servers.
    Public,
}

/// A byte stream in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

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
    let stream = race(addresses)
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
        let kind = |address: &SocketAddr| Some((address.ip(), special_use::of(address.ip())?));
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

/// The same addresses, those of the first one's family and the others in turn (RFC 8305, section 4).
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut preferred, mut others): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_6);
    preferred.reverse();
    others.reverse();
    let mut ordered = Vec::with_capacity(preferred.len() + others.len());
    while !(preferred.is_empty() && others.is_empty()) {
        ordered.extend(preferred.pop());
        ordered.extend(others.pop());
    }
    ordered
}

/// Tries the addresses in order, each with a head start, and takes the first connection (RFC 8305, section 5).
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut ahead = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::other("no address");
    loop {
        let next = ahead.next();
        if next.is_none() && attempts.is_empty() {
            return Err(last);
        }
        let more = next.is_some();
        if let Some(address) = next {
            attempts.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            Some(done) = attempts.join_next() => match done {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(error) => last = error.into(),
            },
            () = tokio::time::sleep(HEAD_START), if more => {}
        }
    }
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

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1", "2.2.2.2:1"]);
        let ordered = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(alternate(found), ordered);
        let four = addresses(&["1.1.1.1:1", "[::1]:1"]);
        assert_eq!(alternate(four.clone()), four);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let live = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = live.local_addr().unwrap();
        let dead = "127.0.0.1:1".parse().unwrap();
        let stream = race(vec![dead, live]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let error = race(vec![dead]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

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
