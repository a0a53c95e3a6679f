//! Byte streams to addresses.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A connection under way.
pub type Opening<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// What opens connections. It is given the address that was classified and knows no names.
pub trait Connect: Send + Sync {
    /// Connects to this very address.
    ///
    /// # Errors
    /// Nobody takes the connection there.
    fn connect(&self, address: SocketAddr) -> Opening<'_>;
}

/// TCP over this machine's network; no proxy, since a proxy resolves names itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemConnector;

impl Connect for SystemConnector {
    fn connect(&self, address: SocketAddr) -> Opening<'_> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            // Requests are written in large pieces; waiting to fill packets only delays their last one.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
