//! Streams of files: what they write counts, and the file behind them counts as open until the last of them is gone.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

use crate::engine::{Limit as EngineLimit, Stopped};
use crate::files::counts::Lease;
use crate::files::observer::{PathCall, PluginFiles};
use crate::limits::Limit;

/// The plugin has written as much as it may.
#[derive(Debug, Error)]
#[error("quota: {} is reached", Limit::Written.key())]
pub(super) struct QuotaReached;

/// What a stream keeps of its file.
pub(super) struct Kept {
    /// The file is open as long as there is one of these.
    pub(super) _file: Option<Arc<Lease>>,
    pub(super) _stream: Lease,
}

/// A stream that reads.
pub(super) struct Reading {
    pub(super) stream: DynInputStream,
    pub(super) _kept: Kept,
}

#[async_trait]
impl InputStream for Reading {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.read(size)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.blocking_read(size).await
    }

    fn skip(&mut self, count: usize) -> StreamResult<usize> {
        self.stream.skip(count)
    }

    async fn blocking_skip(&mut self, count: usize) -> StreamResult<usize> {
        self.stream.blocking_skip(count).await
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[async_trait]
impl Pollable for Reading {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

/// A stream that writes.
pub(super) struct Writing {
    pub(super) stream: DynOutputStream,
    pub(super) _kept: Kept,
    pub(super) plugin: PluginFiles,
    pub(super) function: &'static str,
    pub(super) name: Arc<str>,
    /// Bytes between the file's end and where the stream begins: the first write makes them.
    pub(super) gap: u64,
    pub(super) is_over: bool,
}

impl Writing {
    /// Counts what is about to be written. Refused once, the stream is closed, as it is after any error.
    fn charge(&mut self, bytes: usize) -> StreamResult<()> {
        if self.is_over {
            return Err(StreamError::Closed);
        }
        let charged = (bytes as u64).saturating_add(self.gap);
        if self.plugin.files.written().charge(charged) {
            self.gap = 0;
            return Ok(());
        }
        self.is_over = true;
        let call = PathCall {
            function: self.function,
            path: &self.name,
            other: None,
        };
        let plugin = &self.plugin;
        let observed = plugin.observer.begin(call);
        let told = observed.and_then(|observed| plugin.deny_limit(observed, Limit::Written));
        Err(match told {
            Ok(()) => StreamError::LastOperationFailed(QuotaReached.into()),
            Err(fault) => StreamError::Trap(Stopped::Host(fault).into()),
        })
    }
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // The guest was told how much is taken at once. More would be the host's memory until it is written.
        let most = self.check_write()?;
        if bytes.len() > most {
            let what = "bytes of one write to a stream";
            let most = most as u64;
            let limit = EngineLimit::Wasi { what, most };
            return Err(StreamError::Trap(Stopped::Limit(limit).into()));
        }
        self.charge(bytes.len())?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.is_over {
            true => Err(StreamError::Closed),
            false => self.stream.check_write(),
        }
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.charge(bytes.len())?;
        self.stream.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[async_trait]
impl Pollable for Writing {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}
