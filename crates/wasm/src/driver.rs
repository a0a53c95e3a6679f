//! Performs the agent's effects through the platform's traits.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::{
    Agent, Auth, AuthScheme, Effect, Event, Input, ModelCall, Operation, OperationAnswer, Outcome,
    REPLY_HEADERS, RequestId, perform,
};
use dewclaw_platform::{
    Clock, FileSystem, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method,
};

use crate::recording::Recording;

/// Bytes of a request's body put together before they are written: a call for each message would cost more.
const WRITE_BYTES: usize = 16 * 1024;

/// Bytes of an error reply that are kept back until it is whole, so that the key can be taken out of it.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// What one run needs of the world.
pub(crate) struct Driver<'w> {
    pub(crate) clock: &'w dyn Clock,
    pub(crate) files: &'w mut dyn FileSystem,
    pub(crate) http: &'w mut dyn HttpClient,
    /// The credential of each slot.
    pub(crate) credential: &'w dyn Fn(&str) -> Option<String>,
    pub(crate) recording: Option<Recording>,
}

/// A model call in flight.
struct Call {
    request: RequestId,
    exchange: HttpId,
    /// The body's next piece.
    piece: usize,
    /// Bytes put together.
    outgoing: Vec<u8>,
    /// How many of them were taken.
    sent: usize,
    /// An error reply, held back.
    held: Option<Vec<u8>>,
    key: Option<String>,
    /// What has happened and was not told yet.
    events: VecDeque<HttpEvent>,
}

impl Driver<'_> {
    /// Drives a run to its end and shows its events.
    ///
    /// # Errors
    /// A recording that can't be written: the run stops there.
    pub(crate) fn run(
        &mut self,
        agent: &mut Agent,
        show: &mut dyn FnMut(&Event),
    ) -> Result<Outcome, String> {
        let mut call = None;
        loop {
            let effect = agent.next();
            if let Some(recording) = &mut self.recording {
                recording.effect(&effect, agent)?;
            }
            match effect {
                Effect::Event(event) => show(&event),
                Effect::CallModel(request) => match self.start(&request) {
                    Ok(started) => call = Some(started),
                    Err(error) => {
                        let id = request.id;
                        self.tell(agent, Input::ReplyFailed { id, error })?;
                    }
                },
                Effect::Operate { id, operation } => {
                    let Operation::File(file) = &operation;
                    let answer = OperationAnswer::File(perform(self.files, file));
                    self.tell(agent, Input::OperationDone { id, answer })?;
                }
                Effect::Wait { until_ms } => {
                    let now = self.clock.now().monotonic_ms;
                    if !self.wait(agent, &mut call, until_ms.saturating_sub(now))? {
                        self.tell(agent, Input::Tick)?;
                    }
                }
                Effect::Pending if call.is_none() => {
                    return Err(String::from("the agent waits for nothing: this is a bug"));
                }
                Effect::Pending => {
                    self.wait(agent, &mut call, u64::MAX)?;
                }
                Effect::DropReply { .. } => {
                    if let Some(dropped) = call.take() {
                        let _ = self.http.cancel(dropped.exchange);
                    }
                }
                Effect::Finished(outcome) => return Ok(outcome),
            }
        }
    }

    fn start(&mut self, call: &ModelCall) -> Result<Call, HttpError> {
        let Auth { slot, scheme } = call.auth;
        let key = (self.credential)(slot);
        let mut headers: Vec<(String, String)> = call
            .headers
            .iter()
            .map(|(name, value)| (String::from(*name), String::from(*value)))
            .collect();
        if let Some(key) = &key {
            let (name, value) = match scheme {
                AuthScheme::Bearer => ("authorization", ["Bearer ", key].concat()),
                AuthScheme::Header(name) => (name, key.clone()),
            };
            headers.push((String::from(name), value));
        }
        let exchange = self.http.start(&HttpRequest {
            method: Method::Post,
            url: call.url.clone(),
            headers,
            content_length: call.content_length,
            timeouts: call.timeouts,
        })?;
        Ok(Call {
            request: call.id,
            exchange,
            piece: 0,
            outgoing: Vec::new(),
            sent: 0,
            held: None,
            key,
            events: VecDeque::new(),
        })
    }

    /// Sends what can be sent, waits, and takes the next thing that happens. `false` when the time was over first. A
    /// call that is over is gone afterwards.
    fn wait(
        &mut self,
        agent: &mut Agent,
        slot: &mut Option<Call>,
        timeout_ms: u64,
    ) -> Result<bool, String> {
        let Some(call) = slot else {
            // Nothing is in flight, so nothing but the time can come of it.
            let _ = self.http.poll(timeout_ms);
            return Ok(false);
        };
        self.send(agent, call);
        if call.events.is_empty() {
            let events = self.http.poll(timeout_ms).unwrap_or_default();
            call.events
                .extend(events.into_iter().map(|(_, event)| event));
        }
        let Some(event) = call.events.pop_front() else {
            return Ok(false);
        };
        if self.take(agent, call, event)? {
            *slot = None;
        }
        Ok(true)
    }

    /// Tells the agent what has happened to its call; `true` when the call is over.
    fn take(
        &mut self,
        agent: &mut Agent,
        call: &mut Call,
        event: HttpEvent,
    ) -> Result<bool, String> {
        let id = call.request;
        match event {
            HttpEvent::Writable => {}
            HttpEvent::Head {
                status,
                mut headers,
            } => {
                headers.retain(|(name, _)| REPLY_HEADERS.contains(&name.as_str()));
                if status >= 300 {
                    call.held = Some(Vec::new());
                }
                let input = Input::ReplyStart {
                    id,
                    status,
                    headers,
                };
                self.tell(agent, input)?;
            }
            HttpEvent::Chunk(bytes) => match &mut call.held {
                None => self.tell(agent, Input::ReplyChunk { id, bytes })?,
                Some(held) => {
                    let room = MAX_ERROR_BODY_BYTES - held.len();
                    held.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    if held.len() == MAX_ERROR_BODY_BYTES {
                        // It never has to end: what is there is enough to say what went wrong.
                        let _ = self.http.cancel(call.exchange);
                        self.tell_held(agent, call)?;
                        self.tell(agent, Input::ReplyEnd { id })?;
                        return Ok(true);
                    }
                }
            },
            HttpEvent::End => {
                self.tell_held(agent, call)?;
                self.tell(agent, Input::ReplyEnd { id })?;
                return Ok(true);
            }
            HttpEvent::Failed(error) => {
                self.tell_held(agent, call)?;
                self.tell(agent, Input::ReplyFailed { id, error })?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the body as far as the client takes it.
    fn send(&mut self, agent: &Agent, call: &mut Call) {
        loop {
            if call.sent == call.outgoing.len() {
                call.sent = 0;
                call.outgoing.clear();
                while call.outgoing.len() < WRITE_BYTES {
                    let Some(piece) = agent.body_piece(call.piece) else {
                        break;
                    };
                    call.outgoing.extend_from_slice(piece);
                    call.piece += 1;
                }
            }
            if call.outgoing.is_empty() {
                return;
            }
            // A failure is told by the next poll.
            match self.http.write(call.exchange, &call.outgoing[call.sent..]) {
                Ok(0) | Err(_) => return,
                Ok(taken) => call.sent += taken,
            }
        }
    }

    /// Tells an error reply's body, without the key, should the server have sent it back.
    fn tell_held(&mut self, agent: &mut Agent, call: &mut Call) -> Result<(), String> {
        let Some(mut bytes) = call.held.take() else {
            return Ok(());
        };
        if let Some(key) = &call.key {
            let key = key.as_bytes();
            while let Some(at) = bytes.windows(key.len()).position(|window| window == key) {
                bytes.splice(at..at + key.len(), *b"[key]");
            }
        }
        if !bytes.is_empty() {
            let id = call.request;
            self.tell(agent, Input::ReplyChunk { id, bytes })?;
        }
        Ok(())
    }

    fn tell(&mut self, agent: &mut Agent, input: Input) -> Result<(), String> {
        let now = self.clock.now();
        if let Some(recording) = &mut self.recording {
            recording.input(now, &input)?;
        }
        agent.feed(now, input).map_err(|misuse| misuse.to_string())
    }
}
