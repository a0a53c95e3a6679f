//! Performs the agent's effects through the platform's traits.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::{
    Agent, Auth, AuthScheme, Effect, Event, HttpAnswer, Input, ModelCall, Operation,
    OperationAnswer, OperationId, Outcome, REPLY_HEADERS, RequestId, Verdict, perform,
};
use dewclaw_platform::{
    Clock, FileSystem, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method,
};

use crate::command::Stop;
use crate::recording::Recording;

mod fetches;

pub(crate) use fetches::Fetches;

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
    /// Asks the person about a call: the tool's name and the arguments.
    pub(crate) approve: &'w mut dyn FnMut(&str, &str) -> Verdict,
}

/// What is in flight, and what has happened to it and was not told yet.
#[derive(Default)]
struct Flight {
    call: Option<Call>,
    fetches: Fetches,
    events: VecDeque<(HttpId, HttpEvent)>,
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
}

/// The header that carries a credential.
fn authorise(scheme: AuthScheme, key: &str) -> (String, String) {
    match scheme {
        AuthScheme::Bearer => (String::from("authorization"), ["Bearer ", key].concat()),
        AuthScheme::Header(name) => (String::from(name), String::from(key)),
    }
}

/// Where a credential stands in what a server has sent.
fn place_of(key: &str, bytes: &[u8]) -> Option<usize> {
    let key = key.as_bytes();
    bytes.windows(key.len()).position(|window| window == key)
}

/// Takes a credential out of it.
fn take_out(key: &str, bytes: &mut Vec<u8>) {
    while let Some(at) = place_of(key, bytes) {
        let rest = bytes.split_off(at + key.len());
        bytes.truncate(at);
        bytes.extend_from_slice(b"[key]");
        bytes.extend_from_slice(&rest);
    }
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
    ) -> Result<Outcome, Stop> {
        let mut flight = Flight::default();
        loop {
            let effect = agent.next();
            if let Some(recording) = &mut self.recording {
                recording.effect(&effect, agent)?;
            }
            match effect {
                Effect::Event(event) => show(&event),
                Effect::CallModel(request) => match self.start(&request) {
                    Ok(started) => flight.call = Some(started),
                    Err(error) => {
                        let id = request.id;
                        self.tell(agent, Input::ReplyFailed { id, error })?;
                    }
                },
                Effect::Operate { id, operation } => match operation {
                    Operation::File(file) => {
                        let answer = OperationAnswer::File(perform(self.files, &file));
                        self.tell(agent, Input::OperationDone { id, answer })?;
                    }
                    Operation::Http(request) => {
                        let key = request.auth.and_then(|auth| (self.credential)(auth.slot));
                        let now = self.clock.now().monotonic_ms;
                        let fetches = &mut flight.fetches;
                        if let Err(error) = fetches.start(self.http, id, request, key, now) {
                            self.answer(agent, id, HttpAnswer::Failed(error))?;
                        }
                    }
                },
                Effect::Approve {
                    call,
                    name,
                    arguments,
                } => {
                    let verdict = (self.approve)(&name, &arguments);
                    self.tell(agent, Input::Verdict { call, verdict })?;
                }
                // None are offered here, so none is called.
                Effect::RunTool { .. } => {}
                Effect::Wait { until_ms } => {
                    let now = self.clock.now().monotonic_ms;
                    if !self.wait(agent, &mut flight, until_ms.saturating_sub(now))? {
                        self.tell(agent, Input::Tick)?;
                    }
                }
                Effect::Pending if flight.call.is_none() && flight.fetches.is_empty() => {
                    return Err(Stop::failed(&[
                        "the agent waits for nothing: this is a bug",
                    ]));
                }
                Effect::Pending => {
                    self.wait(agent, &mut flight, u64::MAX)?;
                }
                Effect::DropReply { .. } => {
                    if let Some(dropped) = flight.call.take() {
                        let _ = self.http.cancel(dropped.exchange);
                    }
                }
                Effect::DropOperation { id } => flight.fetches.drop(self.http, id),
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
            headers.push(authorise(scheme, key));
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
        })
    }

    /// Sends what can be sent, waits, and takes the next thing that happens. `false` when the time was over first.
    fn wait(
        &mut self,
        agent: &mut Agent,
        flight: &mut Flight,
        timeout_ms: u64,
    ) -> Result<bool, Stop> {
        if let Some(call) = &mut flight.call {
            self.send(agent, call);
        }
        flight.fetches.send(self.http);
        if flight.events.is_empty() {
            let now = self.clock.now().monotonic_ms;
            let left = flight.fetches.until_ms().saturating_sub(now);
            let events = self.http.poll(timeout_ms.min(left)).unwrap_or_default();
            flight.events = VecDeque::from(events);
        }
        let Some((exchange, event)) = flight.events.pop_front() else {
            let now = self.clock.now().monotonic_ms;
            return match flight.fetches.expired(self.http, now) {
                Some((id, answer)) => self.answer(agent, id, answer).map(|()| true),
                None => Ok(false),
            };
        };
        match &mut flight.call {
            Some(call) if call.exchange == exchange => {
                if self.take(agent, call, event)? {
                    flight.call = None;
                }
            }
            _ => {
                if let Some((id, answer)) = flight.fetches.take(self.http, exchange, event) {
                    self.answer(agent, id, answer)?;
                }
            }
        }
        Ok(true)
    }

    fn answer(
        &mut self,
        agent: &mut Agent,
        id: OperationId,
        answer: HttpAnswer,
    ) -> Result<(), Stop> {
        let answer = OperationAnswer::Http(answer);
        self.tell(agent, Input::OperationDone { id, answer })
    }

    /// Tells the agent what has happened to its call; `true` when the call is over.
    fn take(&mut self, agent: &mut Agent, call: &mut Call, event: HttpEvent) -> Result<bool, Stop> {
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
    fn tell_held(&mut self, agent: &mut Agent, call: &mut Call) -> Result<(), Stop> {
        let Some(mut bytes) = call.held.take() else {
            return Ok(());
        };
        if let Some(key) = &call.key {
            take_out(key, &mut bytes);
        }
        if !bytes.is_empty() {
            let id = call.request;
            self.tell(agent, Input::ReplyChunk { id, bytes })?;
        }
        Ok(())
    }

    fn tell(&mut self, agent: &mut Agent, input: Input) -> Result<(), Stop> {
        let now = self.clock.now();
        if let Some(recording) = &mut self.recording {
            recording.input(now, &input)?;
        }
        agent
            .feed(now, input)
            .map_err(|misuse| Stop::failed(&[&misuse.to_string()]))
    }
}
