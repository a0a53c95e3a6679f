//! Performs the agent's effects through the platform's traits.

use alloc::string::String;
use alloc::vec::{self, Vec};

use dewclaw_agent_core::{
    Agent, AuthScheme, Effect, HttpAnswer, Input, Misuse, ModelCall, Operation, OperationAnswer,
    OperationId, REPLY_HEADERS, RequestId, perform,
};
#[cfg(not(feature = "http"))]
pub(crate) use dewclaw_platform::StubHttpClient as HttpBackend;
#[cfg(feature = "http")]
pub(crate) use dewclaw_platform::wasi::WasiHttpClient as HttpBackend;
use dewclaw_platform::wasi::{WasiClock, WasiFileSystem};
use dewclaw_platform::{
    Clock, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Now, concat,
};

#[cfg(feature = "budgets")]
use crate::budget_file;
use crate::command::{Stop, answer};
use crate::performs::Performs;
use crate::recording::Recording;

mod fetches;
#[cfg(feature = "sessions")]
pub(crate) mod session_file;

pub(crate) use fetches::Fetches;

/// Bytes of a request's body put together before they are written: a call for each message would cost more.
const WRITE_BYTES: usize = 16 * 1024;

/// Bytes of an error reply that are kept back until it is whole, so that the key can be taken out of it.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// The credentials, which go nowhere but into requests.
#[derive(Default)]
pub(crate) struct Keys {
    /// The model's.
    pub(crate) model: Option<String>,
    /// Brave's, for searches.
    pub(crate) search: Option<String>,
}

/// An agent, what it may reach, and what is in flight.
pub(crate) struct Driver {
    pub(crate) agent: Agent,
    pub(crate) performs: Performs,
    pub(crate) files: WasiFileSystem,
    pub(crate) keys: Keys,
    pub(crate) recording: Option<Recording>,
    /// The state folder, where what the day's runs spend is counted.
    #[cfg(feature = "budgets")]
    pub(crate) state: WasiFileSystem,
    /// Where the answer is kept too, in the workspace.
    pub(crate) answer_file: Option<String>,
    /// Where the conversation is kept.
    #[cfg(feature = "sessions")]
    pub(crate) session: Option<session_file::SessionFile>,
    http: HttpBackend,
    /// The moment that was told last, and our own clock then, in milliseconds.
    told: (Now, u64),
    call: Option<Call>,
    fetches: Fetches,
    /// What has happened and was not told yet.
    events: vec::IntoIter<(HttpId, HttpEvent)>,
    /// What could not be recorded: the run stops there.
    broken: Option<Stop>,
    /// The next effect was put back: it is in the recording.
    recorded: bool,
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
        AuthScheme::Bearer => (String::from("authorization"), concat(&["Bearer ", key])),
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
    let mut clean = Vec::new();
    while let Some(at) = place_of(key, bytes) {
        let rest = bytes.split_off(at + key.len());
        bytes.truncate(at);
        clean.extend_from_slice(bytes);
        clean.extend_from_slice(b"[key]");
        *bytes = rest;
    }
    clean.append(bytes);
    *bytes = clean;
}

impl Driver {
    /// A driver with nothing in flight.
    pub(crate) fn new(
        agent: Agent,
        performs: Performs,
        files: WasiFileSystem,
        keys: Keys,
    ) -> Driver {
        let now = WasiClock.now();
        Driver {
            agent,
            performs,
            files,
            keys,
            recording: None,
            #[cfg(feature = "budgets")]
            state: WasiFileSystem::default(),
            answer_file: None,
            #[cfg(feature = "sessions")]
            session: None,
            http: HttpBackend::new(),
            told: (now, now.monotonic_ms),
            call: None,
            fetches: Fetches::default(),
            events: Vec::new().into_iter(),
            broken: None,
            recorded: false,
        }
    }

    /// Takes the moment of somebody else's clocks; what happens here is told by them.
    pub(crate) fn set_time(&mut self, now: Now) {
        self.told = (now, WasiClock.now().monotonic_ms);
    }

    /// This moment, by the clocks that were told.
    pub(crate) fn now(&self) -> Now {
        let (told, then) = self.told;
        let passed = WasiClock.now().monotonic_ms.saturating_sub(then);
        Now {
            monotonic_ms: told.monotonic_ms.saturating_add(passed),
            wall_ms: told.wall_ms.saturating_add(passed),
        }
    }

    /// The next effect that is not the driver's own; its own are begun.
    ///
    /// # Errors
    /// A recording or an answer that can't be kept: the run stops there.
    pub(crate) fn next(&mut self) -> Result<Effect, Stop> {
        loop {
            if let Some(stop) = self.broken.take() {
                return Err(stop);
            }
            #[cfg(feature = "budgets")]
            budget_file::note(&mut self.state, &mut self.agent)?;
            let effect = self.agent.next();
            #[cfg(feature = "sessions")]
            self.keep()?;
            let recorded = core::mem::take(&mut self.recorded);
            if let Some(recording) = &mut self.recording
                && !recorded
            {
                recording.effect(&effect, &self.agent)?;
            }
            match effect {
                Effect::CallModel(request) if self.performs.model => match self.start(&request) {
                    Ok(started) => self.call = Some(started),
                    Err(error) => {
                        let id = request.id;
                        self.tell(Input::ReplyFailed { id, error });
                    }
                },
                Effect::Operate {
                    id,
                    operation: Operation::File(file),
                } if self.performs.files => {
                    let answer = OperationAnswer::File(perform(&mut self.files, &file));
                    self.tell(Input::OperationDone { id, answer });
                }
                Effect::Operate {
                    id,
                    operation: Operation::Http(request),
                } if self.performs.web => {
                    let key = request.auth.and(self.keys.search.clone());
                    let now = self.now().monotonic_ms;
                    let fetches = &mut self.fetches;
                    if let Err(error) = fetches.start(&mut self.http, id, request, key, now) {
                        self.answer(id, HttpAnswer::Failed(error));
                    }
                }
                Effect::DropReply { .. } if self.performs.model => {
                    if let Some(dropped) = self.call.take() {
                        let _ = self.http.cancel(dropped.exchange);
                    }
                }
                Effect::DropOperation { id } if self.performs.web => {
                    self.fetches.drop(&mut self.http, id);
                }
                Effect::Finished(outcome) => {
                    if let Some(path) = &self.answer_file {
                        answer::write(&mut self.files, path, &outcome)?;
                    }
                    return Ok(Effect::Finished(outcome));
                }
                other => return Ok(other),
            }
        }
    }

    /// Writes what the session's file does not have yet: before what follows from it is begun.
    #[cfg(feature = "sessions")]
    fn keep(&mut self) -> Result<(), Stop> {
        if let Some(session) = &mut self.session {
            let lines = self.agent.take_journal();
            if !lines.is_empty() {
                return session.keep(&lines);
            }
        }
        Ok(())
    }

    /// Gives back what [`Driver::next`] answered last, to be answered again.
    #[cfg(feature = "http")]
    pub(crate) fn put_back(&mut self, effect: Effect) {
        self.recorded = true;
        self.agent.put_back(effect);
    }

    /// Stops at the next call of [`Driver::next`].
    #[cfg(feature = "http")]
    pub(crate) fn break_off(&mut self, stop: Stop) {
        self.broken = Some(stop);
    }

    /// Ends the run without keeping anything more of it.
    pub(crate) fn abandon(&mut self) {
        self.recording = None;
        self.answer_file = None;
        #[cfg(feature = "sessions")]
        {
            self.session = None;
        }
        self.tell(Input::Cancel);
        while !matches!(
            self.next(),
            Ok(Effect::Finished(_) | Effect::Pending) | Err(_)
        ) {}
    }

    /// Whether nothing is in flight here.
    pub(crate) fn is_idle(&self) -> bool {
        self.call.is_none() && self.fetches.is_empty()
    }

    fn start(&mut self, call: &ModelCall) -> Result<Call, HttpError> {
        let key = self.keys.model.clone();
        let mut headers: Vec<(String, String)> = call
            .headers
            .iter()
            .map(|(name, value)| (String::from(*name), String::from(*value)))
            .collect();
        if let Some(key) = &key {
            headers.push(authorise(call.auth.scheme, key));
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

    /// Sends what can be sent, waits, and tells the next thing that happens. `false` when the time was over first.
    pub(crate) fn wait(&mut self, timeout_ms: u64) -> bool {
        self.send();
        self.fetches.send(&mut self.http);
        if self.events.as_slice().is_empty() {
            let now = self.now().monotonic_ms;
            let left = self.fetches.until_ms().saturating_sub(now);
            let events = self.http.poll(timeout_ms.min(left)).unwrap_or_default();
            self.events = events.into_iter();
        }
        let Some((exchange, event)) = self.events.next() else {
            let now = self.now().monotonic_ms;
            let Some((id, answer)) = self.fetches.expired(&mut self.http, now) else {
                return false;
            };
            self.answer(id, answer);
            return true;
        };
        match self.call.take() {
            Some(mut call) if call.exchange == exchange => {
                if !self.take(&mut call, event) {
                    self.call = Some(call);
                }
            }
            other => {
                self.call = other;
                if let Some((id, answer)) = self.fetches.take(&mut self.http, exchange, event) {
                    self.answer(id, answer);
                }
            }
        }
        true
    }

    fn answer(&mut self, id: OperationId, answer: HttpAnswer) {
        let answer = OperationAnswer::Http(answer);
        self.tell(Input::OperationDone { id, answer });
    }

    /// Tells the agent what has happened to its call; `true` when the call is over.
    fn take(&mut self, call: &mut Call, event: HttpEvent) -> bool {
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
                self.tell(input);
            }
            HttpEvent::Chunk(bytes) => match &mut call.held {
                None => self.tell(Input::ReplyChunk { id, bytes }),
                Some(held) => {
                    let room = MAX_ERROR_BODY_BYTES - held.len();
                    held.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    if held.len() == MAX_ERROR_BODY_BYTES {
                        // It never has to end: what is there is enough to say what went wrong.
                        let _ = self.http.cancel(call.exchange);
                        self.tell_held(call);
                        self.tell(Input::ReplyEnd { id });
                        return true;
                    }
                }
            },
            HttpEvent::End => {
                self.tell_held(call);
                self.tell(Input::ReplyEnd { id });
                return true;
            }
            HttpEvent::Failed(error) => {
                self.tell_held(call);
                self.tell(Input::ReplyFailed { id, error });
                return true;
            }
        }
        false
    }

    /// Writes the body as far as the client takes it.
    fn send(&mut self) {
        let Some(call) = &mut self.call else {
            return;
        };
        loop {
            if call.sent == call.outgoing.len() {
                call.sent = 0;
                call.outgoing.clear();
                while call.outgoing.len() < WRITE_BYTES {
                    let Some(piece) = self.agent.body_piece(call.piece) else {
                        break;
                    };
                    call.outgoing.extend_from_slice(piece);
                    call.piece += 1;
                }
            }
            if call.outgoing.is_empty() {
                // All of it is on its way, and the reply may need the memory.
                call.outgoing = Vec::new();
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
    fn tell_held(&mut self, call: &mut Call) {
        let Some(mut bytes) = call.held.take() else {
            return;
        };
        if let Some(key) = &call.key {
            take_out(key, &mut bytes);
        }
        if !bytes.is_empty() {
            let id = call.request;
            self.tell(Input::ReplyChunk { id, bytes });
        }
    }

    /// Tells the agent something that happened now.
    ///
    /// # Errors
    /// An input that does not fit, which changes nothing.
    pub(crate) fn feed(&mut self, input: Input) -> Result<(), Misuse> {
        // A cancel may take back what was put back.
        self.recorded &= !matches!(input, Input::Cancel);
        let now = self.now();
        let recording = self.recording.as_mut();
        let noted = recording.map(|recording| (recording.line(now, &input), recording));
        self.agent.feed(now, input)?;
        if let Some((line, recording)) = noted {
            self.broken = recording.input(line).err();
        }
        Ok(())
    }

    /// Tells what it asked for itself, which fits.
    fn tell(&mut self, input: Input) {
        let _ = self.feed(input);
    }
}
