//! Which of a name's addresses is connected to: families in turn, each with a head start (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

/// How long one address may take before the next is tried beside it (RFC 8305's recommended value).
const HEAD_START: Duration = Duration::from_millis(250);

/// The same addresses, those of the first one's family and the others in turn (RFC 8305, section 4).
pub fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
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

/// Tries the addresses in order, each with a head start, and takes the first connection (RFC 8305, section 5). Attempts that
/// are still under way then, or when the future is dropped, are given up.
///
/// # Errors
/// That of the attempt that failed last.
pub async fn race<S, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S>
where
    S: Send + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
{
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
            attempts.spawn(connect(address));
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

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
        let stream = race(vec![dead, live], TcpStream::connect).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let error = race(vec![dead], TcpStream::connect).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
