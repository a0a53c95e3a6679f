//! A model inside the host: wasi:http's outgoing handler, answering without any socket and looking at the fuel at each request.
//!
//! Everything runs on one thread, so the same run costs the same fuel each time.

use super::state::State;
use crate::scripted_model::{Answer, Ending};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HyperIncomingBody;
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpView};

/// What was seen when a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Fuel left in the store when the guest asked for the request to be sent.
    pub fuel_left: u64,
    /// The bytes of the request's body: the history, and what stands around it.
    pub request_bytes: usize,
}

/// What gives the answer to the request with this number, from 0, and this body.
type Answering = dyn Fn(usize, &[u8]) -> Answer + Send + Sync;

/// Answers requests, and keeps a sample of each.
#[derive(Clone)]
pub struct Directly {
    answer: Arc<Answering>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Directly {
    /// `answer` gets the number of the request, from 0, and its body.
    pub fn new(answer: impl Fn(usize, &[u8]) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            samples: Arc::default(),
        }
    }

    /// The samples so far, in the order of the requests.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .clone()
    }

    fn keep(&self, sample: Sample) -> usize {
        let mut samples = self
            .samples
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        samples.push(sample);
        samples.len() - 1
    }
}

/// The whole of wasi:http, with the outgoing handler replaced.
pub(super) fn add_to_linker(
    linker: &mut Linker<State>,
    directly: Directly,
) -> wasmtime::Result<()> {
    use wasmtime_wasi_http::p2::bindings::{LinkOptions, http};
    http::types::add_to_linker::<_, WasiHttp>(
        linker,
        &(&LinkOptions::default()).into(),
        State::http,
    )?;
    let mut handler = linker.instance("wasi:http/outgoing-handler@0.2.0")?;
    handler.func_wrap(
        "handle",
        move |mut store: StoreContextMut<'_, State>,
              (request, _options): (
            Resource<HostOutgoingRequest>,
            Option<Resource<RequestOptions>>,
        )| {
            let fuel_left = store.get_fuel()?;
            let table = &mut store.data_mut().table;
            let body = table.delete(request)?.body;
            let directly = directly.clone();
            let response = wasmtime_wasi::runtime::spawn(async move {
                let body = match body {
                    Some(body) => body.collect().await?.to_bytes(),
                    None => Bytes::new(),
                };
                let number = directly.keep(Sample {
                    fuel_left,
                    request_bytes: body.len(),
                });
                let answer = (directly.answer)(number, &body);
                // Nothing of the response is left to drive.
                Ok((respond(answer), wasmtime_wasi::runtime::spawn(async {})))
            });
            let response = table.push(HostFutureIncomingResponse::Pending(response))?;
            Ok((Ok::<_, ErrorCode>(response),))
        },
    )
}

fn respond(answer: Answer) -> http::Response<HyperIncomingBody> {
    assert_eq!(
        answer.ending,
        Ending::Complete,
        "a direct answer cannot break off"
    );
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = Cuts(answer.cuts.into_iter().map(Bytes::from).collect());
    response
        .body(body.boxed_unsync())
        .expect("the script's headers are headers")
}

/// A body in frames that are all there.
struct Cuts(VecDeque<Bytes>);

impl http_body::Body for Cuts {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|cut| Ok(Frame::data(cut))))
    }
}
