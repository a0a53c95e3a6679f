//! What sessions have in common wherever they run, so that one host can drive them all.

use super::{Instance, Session, wit};

/// Where sessions are opened. [`Instance`] is one: the component, in wasmtime.
pub trait Runtime {
    /// What a failed test calls it.
    fn name(&self) -> &'static str;

    /// Opens a session, by the seed 7.
    fn open(&self, config: &wit::Config, tools: &[wit::HostTool]) -> Opened;

    /// Opens a session that goes on from saved bytes.
    fn restore(&self, config: &wit::Config, tools: &[wit::HostTool], saved: &[u8]) -> Opened;
}

/// A session, or why there is none.
pub type Opened = Result<Box<dyn AnySession>, wit::Error>;

/// A session: `wit/session.wit` says what each function does.
pub trait AnySession {
    /// `save`.
    fn save(&self) -> Vec<u8>;
    /// `prompt`.
    fn prompt(&self, now: wit::Moment, text: &str) -> Result<(), wit::Error>;
    /// `compact`.
    fn compact(&self, now: wit::Moment) -> Result<(), wit::Error>;
    /// `next`.
    fn next(&self, now: wit::Moment) -> wit::Effect;
    /// `body-piece`, all of them.
    fn body(&self) -> Vec<u8>;
    /// `cancel`.
    fn cancel(&self, now: wit::Moment);
    /// Everything else that happened.
    fn tell(&self, now: wit::Moment, told: &Told) -> Result<(), wit::Error>;
}

/// What a session is told.
pub enum Told {
    /// `reply-start`.
    Start(u32, u16, Vec<(String, String)>),
    /// `reply-chunk`.
    Chunk(u32, Vec<u8>),
    /// `reply-end`.
    End(u32),
    /// `reply-failed`.
    Failed(u32, wit::HttpError),
    /// `operation-done`.
    Operation(u32, wit::Answer),
    /// `tool-done`.
    Tool(String, Result<String, String>),
    /// `approve`.
    Verdict(String, wit::Verdict),
}

impl Runtime for Instance {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn open(&self, config: &wit::Config, tools: &[wit::HostTool]) -> Opened {
        boxed(Instance::open(self, config, tools))
    }

    fn restore(&self, config: &wit::Config, tools: &[wit::HostTool], saved: &[u8]) -> Opened {
        boxed(Instance::restore(self, config, tools, saved))
    }
}

fn boxed(opened: Result<Session, wit::Error>) -> Opened {
    Ok(Box::new(opened?))
}

impl AnySession for Session {
    fn save(&self) -> Vec<u8> {
        Session::save(self)
    }

    fn prompt(&self, now: wit::Moment, text: &str) -> Result<(), wit::Error> {
        Session::prompt(self, now, text)
    }

    fn compact(&self, now: wit::Moment) -> Result<(), wit::Error> {
        Session::compact(self, now)
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        Session::next(self, now)
    }

    fn body(&self) -> Vec<u8> {
        Session::body(self)
    }

    fn cancel(&self, now: wit::Moment) {
        Session::cancel(self, now);
    }

    fn tell(&self, now: wit::Moment, told: &Told) -> Result<(), wit::Error> {
        match told {
            Told::Start(id, status, headers) => self.reply_start(now, *id, *status, headers),
            Told::Chunk(id, bytes) => self.reply_chunk(now, *id, bytes),
            Told::End(id) => self.reply_end(now, *id),
            Told::Failed(id, class) => self.reply_failed(now, *id, *class),
            Told::Operation(id, answer) => self.operation_done(now, *id, answer),
            Told::Tool(call, result) => {
                let result = result.as_ref().map(String::as_str).map_err(String::as_str);
                self.tool_done(now, call, result)
            }
            Told::Verdict(call, verdict) => self.approve(now, call, *verdict),
        }
    }
}
