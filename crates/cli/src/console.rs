//! Where the component's standard output goes: every write appears at once, and a reader that went away is noticed.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// The most that the component may write at once.
const WRITE_BYTES: usize = 64 * 1024;

/// A standard stream of this process. Clones write to the same one.
#[derive(Clone)]
pub(crate) struct Console {
    stream: Stream,
    closed: Arc<Notify>,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

impl Console {
    /// This process's standard output.
    pub(crate) fn stdout() -> Console {
        Console {
            stream: Stream::Stdout,
            closed: Arc::default(),
        }
    }

    /// This process's standard error.
    pub(crate) fn stderr() -> Console {
        Console {
            stream: Stream::Stderr,
            closed: Arc::default(),
        }
    }

    /// Writes and flushes.
    ///
    /// # Errors
    /// The stream's own; a reader that went away is remembered for [`Console::reader_gone`] too.
    pub(crate) fn print(&self, bytes: &[u8]) -> io::Result<()> {
        let written = match self.stream {
            Stream::Stdout => print_to(io::stdout().lock(), bytes),
            Stream::Stderr => print_to(io::stderr().lock(), bytes),
        };
        if let Err(error) = &written
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.closed.notify_one();
        }
        written
    }

    /// Completes when a write found that nobody reads any more.
    pub(crate) async fn reader_gone(&self) {
        self.closed.notified().await;
    }
}

fn print_to(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

impl IsTerminal for Console {
    fn is_terminal(&self) -> bool {
        match self.stream {
            Stream::Stdout => io::stdout().is_terminal(),
            Stream::Stderr => io::stderr().is_terminal(),
        }
    }
}

impl StdoutStream for Console {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    // Only WASI 0.3 asks for this one.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        match self.stream {
            Stream::Stdout => io::stdout().async_stream(),
            Stream::Stderr => io::stderr().async_stream(),
        }
    }
}

impl OutputStream for Console {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => StreamError::Closed,
            _ => StreamError::LastOperationFailed(error.into()),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

#[async_trait]
impl Pollable for Console {
    async fn ready(&mut self) {}
}
