//! The body of an answer: its time limit, its failures, and the connection that it gives back.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::Error;

use super::failure::{Diary, Failure};
use super::pool::Lease;

/// An answer's body as the component reads it.
pub(super) struct AnswerBody {
    incoming: Incoming,
    /// Held until the end of the body.
    lease: Option<Lease>,
    between_bytes: Duration,
    /// Runs only while a read waits.
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    whom: String,
    diary: Diary,
}

impl AnswerBody {
    pub(super) fn new(
        incoming: Incoming,
        lease: Lease,
        between_bytes: Duration,
        whom: String,
        diary: Diary,
    ) -> AnswerBody {
        AnswerBody {
            incoming,
            lease: Some(lease),
            between_bytes,
            timer: Box::pin(sleep(between_bytes)),
            waiting: false,
            whom,
            diary,
        }
    }

    fn ended(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn failed(&mut self, failure: Failure) -> Error {
        self.lease = None;
        self.diary.failed(&failure);
        failure.code
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = false;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(cause))) => {
                let failure = Failure::exchange(&self.whom, &cause);
                Poll::Ready(Some(Err(self.failed(failure))))
            }
            Poll::Ready(None) => {
                self.ended();
                Poll::Ready(None)
            }
            Poll::Pending => {
                if !self.waiting {
                    self.waiting = true;
                    let deadline = Instant::now() + self.between_bytes;
                    self.timer.as_mut().reset(deadline);
                }
                if self.timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                let cause = format!("no byte of its answer for {:?}", self.between_bytes);
                let failure = Failure::new(Error::ConnectionReadTimeout, &self.whom, cause);
                Poll::Ready(Some(Err(self.failed(failure))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // A reader may stop at the last byte without asking for what follows it.
        if self.incoming.is_end_stream() {
            self.ended();
        }
    }
}
