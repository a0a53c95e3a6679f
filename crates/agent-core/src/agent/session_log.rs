//! A session's file: a conversation as lines of JSON that are only ever added to, read back in pieces.
//!
//!     {"dewclaw-session":1,"created":…}  the beginning, once
//!     {"wire":"openai-chat","all":[…]}   the wire from here on, and all that was said before as it is on that
//!     {"m":[…]}                          messages, as they are sent
//!     {"r":{"id":…,"ok":…,"content":…}}  the result of a call, while others of the same reply have none
//!     {"from":N,"head":[…]}              what is before message N was left out, and these stand in its place
//!     ~                                  the line before does not count: it was cut off
//!
//! Each begins with `"t"`, the milliseconds of the wall clock at that moment. Messages are counted over the lines since
//! the last one that names a wire. A call without a result is one that was interrupted; a prompt without an answer is there to be asked again.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{Now, cut};

use super::calls::interrupted;
use super::resume::Walk;
use super::{Agent, ResumeError, State};
use crate::effect::Effect;
use crate::json::{elements, is_object, parse, parse_within};
use crate::settings::{Limits, Settings, SettingsError, WireName};
use crate::tools::Tool;
use crate::transcript::{LineProblem, Transcript, TranscriptError};
use crate::wire::{self, Block, CallResult, Message, ToolCall};

/// Bytes of a file that is gone on with: all of it is read, and without limits all of it may be sent.
pub const MAX_SESSION_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a line: the results of all calls of a reply are one.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// A line's share of a board's memory.
const LINE: usize = 10;

/// What the person is told when the last run did not come to its end.
const NOTICE: &str =
    "the last run of this session was interrupted; calls that have no result are not run again";

/// Reads a session's file, and then is an agent that goes on with it.
pub struct SessionLog {
    settings: Settings,
    limits: Limits,
    tools: Vec<&'static Tool>,
    seed: u64,
    /// The agent as it would be on the wire of the file; `None` before its beginning.
    agent: Option<Agent>,
    walk: Walk<'static>,
    wire: WireName,
    has_begun: bool,
    created_ms: u64,
    /// Results that stand alone so far.
    results: Vec<CallResult>,
    lines: Lines,
    /// Lines so far.
    before: usize,
    /// The last line was cut off.
    is_torn: bool,
}

impl SessionLog {
    /// A file of which nothing was read. Settings, tools and seed are those of [`Agent::new`].
    pub fn new(settings: Settings, tools: &[&'static Tool], seed: u64) -> SessionLog {
        let limits = settings.limits;
        SessionLog {
            wire: settings.wire,
            limits,
            settings,
            tools: tools.to_vec(),
            seed,
            agent: None,
            walk: Walk::default(),
            has_begun: false,
            created_ms: 0,
            results: Vec::new(),
            lines: Lines::of(limits.of(LINE, MAX_LINE_BYTES)),
            before: 0,
            is_torn: false,
        }
    }

    /// Takes more of the file, in pieces of any size. What is before a piece that is refused stays.
    ///
    /// # Errors
    /// Settings that no run can be made with; a line that can't be gone on with, by its number in the file.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), ResumeError> {
        let mut lines = core::mem::take(&mut self.lines);
        let mut taken = Ok(());
        lines.split(bytes, &mut |line| {
            self.before += 1;
            taken = match line.len() <= self.limits.of(LINE, MAX_LINE_BYTES) {
                true => self.take(line),
                false => Err(self.problem(LineProblem::TooLong)),
            };
            taken.is_ok()
        });
        self.lines = lines;
        taken
    }

    fn take(&mut self, line: &[u8]) -> Result<(), ResumeError> {
        if core::mem::take(&mut self.is_torn) {
            if line == b"~" {
                return Ok(());
            }
            self.before -= 1;
            return Err(self.problem(LineProblem::Damaged));
        }
        let limits = self.limits;
        if limits.are_tight()
            && matches!(parse_within(line, limits.values()), Err(error) if error.is_too_large)
            && !is_wire(line)
        {
            return Err(self.problem(LineProblem::TooLong));
        }
        match self.take_parts(line) {
            Some(taken) => taken,
            None if is_object(line) => Err(self.problem(LineProblem::Damaged)),
            None => {
                self.is_torn = true;
                Ok(())
            }
        }
    }

    /// `None` for what is no line of a session's, whole.
    fn take_parts(&mut self, line: &[u8]) -> Option<Result<(), ResumeError>> {
        let SessionLine { name, json, .. } = SessionLine::read(line)?;
        if name == "dewclaw-session" {
            let (version, rest) = digits(json);
            self.has_begun = true;
            self.created_ms = digits(rest.strip_prefix(br#","created":"#)?).0;
            return Some(match version {
                Transcript::VERSION => Ok(()),
                _ => Err(TranscriptError::Version(version).into()),
            });
        }
        let mut wire = self.wire;
        let mut json = json;
        if name == "wire" {
            if !self.has_begun {
                return None;
            }
            let (tag, all) = wire_of(json)?;
            json = all;
            wire = match wire::tagged(tag) {
                Some(wire) => wire,
                None => return Some(Err(TranscriptError::Wire(tag.to_string()).into())),
            };
        }
        match name {
            "m" | "wire" => {
                let messages = inside(json)?;
                let Some(read) = messages_of(wire, messages) else {
                    return is_object(line).then(|| Err(self.problem(LineProblem::NotOfItsWire)));
                };
                if name == "wire"
                    && let Err(error) = self.begin(wire)
                {
                    return Some(Err(error));
                }
                let agent = self.agent.as_mut()?;
                for message in read {
                    if let Err(error) = self.walk.take(self.before, message) {
                        return Some(Err(error.into()));
                    }
                }
                if self.limits.are_tight() {
                    self.walk.calls.forget_ids();
                }
                self.results.clear();
                if messages.is_empty() {
                    return Some(Ok(()));
                }
                // A line more may be needed behind it, whose calls are open.
                if !agent.make_room(messages.len() + 1, true) {
                    return Some(Err(too_large()));
                }
                agent.transcript.push(messages);
            }
            "from" => {
                let (gone, rest) = digits(json);
                let head = inside(rest.strip_prefix(br#","head":"#)?)?;
                messages_of(wire, head)?;
                self.agent
                    .as_mut()?
                    .transcript
                    .leave_out_again(gone as usize, head);
            }
            "r" => {
                let value = parse(json).ok()?;
                self.results.push(CallResult {
                    call: call_of(value.text("id")?),
                    ok: value.is_true("ok"),
                    result: Vec::from(value.text("content")?),
                });
            }
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Begins anew on a wire.
    fn begin(&mut self, wire: WireName) -> Result<(), ResumeError> {
        // One at a time: each may take all its memory at once.
        self.agent = None;
        self.wire = wire;
        self.walk = Walk::default();
        let mut settings = self.settings.clone();
        settings.wire = wire;
        let mut agent = Agent::new(settings, &self.tools, self.seed)?;
        agent.transcript.follow();
        // What does not fit any more is left out as in a run: whole turns, and else the oldest of the last one.
        agent.state = State::Calling;
        self.agent = Some(agent);
        Ok(())
    }

    /// The agent. It keeps a journal ([`Agent::take_journal`]) for the end of the file. Calls that have no result are closed, each
    /// with an error that says that it was interrupted, and the next prompt follows; without one ([`Agent::prompt`]) the run
    /// that was interrupted goes on.
    ///
    /// # Errors
    /// As [`SessionLog::read`].
    pub fn resume(&mut self, now: Now) -> Result<Agent, ResumeError> {
        let has_half = !self.lines.line.is_empty();
        if has_half {
            self.read(b"\n")?;
        }
        let repair = match (has_half, self.is_torn) {
            (true, true) => "\n~\n",
            (true, false) => "\n",
            (false, true) => "~\n",
            (false, false) => "",
        };
        let is_new = self.agent.is_none();
        if is_new {
            self.begin(self.settings.wire)?;
            self.created_ms = now.wall_ms;
        }
        let Some(mut agent) = self.agent.take() else {
            return Err(self.problem(LineProblem::Damaged));
        };
        agent.transcript.set_time(now.wall_ms);
        let moves = self.wire != self.settings.wire;
        if !moves {
            agent.transcript.keep_journal(repair);
        }
        if is_new {
            agent.transcript.note_beginning();
        }
        let mut results = Vec::new();
        for (id, _) in core::mem::take(&mut self.walk.open) {
            let known = self.results.iter().position(|known| known.call.id == id);
            results.push(match known {
                Some(at) => self.results.swap_remove(at),
                None => CallResult {
                    call: call_of(&id),
                    ok: false,
                    result: interrupted(),
                },
            });
        }
        if !results.is_empty() {
            let messages = (agent.wire.tool_messages)(&results);
            if !agent.make_room(messages.len() + 1, true) {
                return Err(too_large());
            }
            agent.transcript.push(&messages);
        }
        agent.calls = core::mem::take(&mut self.walk.calls);
        if moves {
            // All of it is a line.
            let most = self.limits.of(LINE, usize::MAX) / 2;
            if agent.transcript.messages().len() > most {
                return Err(too_large());
            }
            let transcript = core::mem::replace(&mut agent.transcript, Transcript::new(""));
            agent = Agent::take_up(self.settings.clone(), &self.tools, self.seed, transcript)?;
            agent.transcript.set_time(now.wall_ms);
            agent.transcript.keep_journal(repair);
            agent.transcript.note_wire();
        }
        agent.state = State::Idle;
        for effect in core::mem::take(&mut agent.effects) {
            if let Effect::Event(crate::Event::Notice(notice)) = effect {
                agent.notice = Some(notice);
            }
        }
        agent.is_interrupted = self.walk.is_unanswered;
        if agent.is_interrupted && agent.notice.is_none() {
            agent.notice = Some(NOTICE.to_string());
        }
        agent.born_ms = self.created_ms;
        agent.fit(0)?;
        Ok(agent)
    }

    fn problem(&self, problem: LineProblem) -> ResumeError {
        let line = self.before;
        TranscriptError::Line { line, problem }.into()
    }
}

/// A line, as it is written: the time, and one member besides.
pub struct SessionLine<'l> {
    /// Milliseconds of the wall clock.
    pub time_ms: u64,
    /// Its kind: `m` for messages.
    pub name: &'l str,
    json: &'l [u8],
}

impl SessionLine<'_> {
    /// Takes a line apart; `None` where it is none. What its member holds is not looked at.
    pub fn read(line: &[u8]) -> Option<SessionLine<'_>> {
        let (time_ms, rest) = digits(line.strip_prefix(br#"{"t":"#)?);
        let rest = core::str::from_utf8(rest.strip_prefix(b",\"")?).ok()?;
        let (name, json) = cut(rest, b'"');
        Some(SessionLine {
            time_ms,
            name,
            json: json?.strip_prefix(':')?.strip_suffix('}')?.as_bytes(),
        })
    }
}

/// The wire that a line names, and what was said before.
fn wire_of(json: &[u8]) -> Option<(&str, &[u8])> {
    let json = core::str::from_utf8(json).ok()?;
    let (tag, rest) = cut(json.strip_prefix('"')?, b'"');
    Some((tag, rest?.strip_prefix(",\"all\":")?.as_bytes()))
}

/// Whether a line is one that names a wire: it may hold more than others, since nothing of it is kept but the messages.
fn is_wire(line: &[u8]) -> bool {
    matches!(SessionLine::read(line), Some(line) if line.name == "wire")
}

/// The number that a text begins with, and what follows.
pub fn digits(text: &[u8]) -> (u64, &[u8]) {
    let (mut number, mut rest) = (0u64, text);
    while let [digit @ b'0'..=b'9', more @ ..] = rest {
        number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'));
        rest = more;
    }
    (number, rest)
}

fn call_of(id: &str) -> ToolCall {
    ToolCall {
        id: id.to_string(),
        ..ToolCall::default()
    }
}

/// What stands between an array's brackets.
fn inside(array: &[u8]) -> Option<&[u8]> {
    array.strip_prefix(b"[")?.strip_suffix(b"]")
}

/// The messages of a line, in no wire's form.
fn messages_of(wire: WireName, inside: &[u8]) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    for json in elements(inside) {
        messages.append(&mut wire::read(wire, json)?);
    }
    Some(messages)
}

fn too_large() -> ResumeError {
    SettingsError::Value {
        name: "limits",
        wanted: "none: this session is larger than board leaves it",
    }
    .into()
}

/// Cuts a file that comes in pieces into its lines.
#[derive(Default)]
pub struct Lines {
    /// The one that has not come to its end.
    line: Vec<u8>,
    most: usize,
}

impl Lines {
    /// Lines of at most so many bytes: of a longer one only as much is given that it is seen.
    pub fn of(most: usize) -> Lines {
        let line = Vec::new();
        Lines { line, most }
    }

    /// Takes a piece, and gives out each line that ends in it, until one is not taken.
    pub fn split(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) {
        loop {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() <= self.most {
                self.line.extend_from_slice(part);
            }
            let Some(end) = end else {
                return;
            };
            if !take(&self.line) {
                return;
            }
            self.line.clear();
            bytes = &bytes[end + 1..];
        }
    }
}

/// Something that was said in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// By the person.
    Person,
    /// By the model.
    Model,
    /// A call: the tool, and its arguments as JSON.
    Call,
    /// The result of a call, as JSON.
    Result,
}

/// Tells what a session's file says, a line at a time, whether or not it can be gone on with.
#[derive(Default)]
pub struct Telling {
    wire: WireName,
}

impl Telling {
    /// What a line says. Lines that say nothing to a person, or that are damaged, are passed over.
    pub fn line(&mut self, line: &[u8], show: &mut dyn FnMut(Said, &str)) {
        let messages = match SessionLine::read(line) {
            Some(SessionLine {
                name: "wire", json, ..
            }) => {
                let tag = wire_of(json).map_or("", |(tag, _)| tag);
                self.wire = wire::tagged(tag).unwrap_or_default();
                return;
            }
            Some(SessionLine {
                name: "m", json, ..
            }) => inside(json).unwrap_or_default(),
            _ => return,
        };
        for message in messages_of(self.wire, messages).unwrap_or_default() {
            match message {
                Message::User(text) => show(Said::Person, &text),
                Message::Result(result) => {
                    show(Said::Result, &String::from_utf8_lossy(&result.result));
                }
                Message::Reply(reply) => {
                    for block in &reply.blocks {
                        match block {
                            Block::Text(text) => show(Said::Model, text),
                            Block::Call(call) => {
                                show(Said::Call, &[&call.name, " ", &call.arguments].concat());
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
}
