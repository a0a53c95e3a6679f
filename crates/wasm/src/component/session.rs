//! `dewclaw:agent/session`: the session, as `wit/session.wit` has it.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use dewclaw_agent_core::json::{Value, parse};
use dewclaw_agent_core::tools::HostTool;
use dewclaw_agent_core::{Input, OperationId, RequestId};
use dewclaw_platform::Now;

use super::bindings::exports::dewclaw::agent::session as wit;
#[cfg(feature = "http")]
use super::convert::event_out;
#[cfg(feature = "wasi")]
use super::convert::stop_out;
use super::convert::{
    answer_in, effect_out, error_out, http_error_in, misuse_out, performs_in, usage_out, verdict_in,
};
use crate::session::{Config, Error, Session};

/// The resource.
pub(crate) struct Resource(RefCell<Session>);

impl Resource {
    /// A session as a resource.
    pub(super) fn new(session: Session) -> Resource {
        Resource(RefCell::new(session))
    }

    /// Tells the agent something.
    fn feed(&self, now: wit::Moment, input: Input) -> Result<(), wit::Error> {
        let mut session = self.0.borrow_mut();
        session.feed(now_in(now), input).map_err(misuse_out)
    }
}

/// Makes a session.
fn make(
    config: &wit::Config,
    host_tools: Vec<wit::HostTool>,
    seed: u64,
    saved: Option<&[u8]>,
) -> Result<wit::Session, wit::Error> {
    let Ok(Value::Object(settings)) = parse(config.settings.as_bytes()) else {
        return Err(error_out(Error::no_settings()));
    };
    let config = Config {
        settings: &settings,
        tools: config.tools.as_deref(),
        performs: performs_in(config.model, config.files, config.web),
    };
    let session = Session::open(&config, tools_in(host_tools), seed, saved).map_err(error_out)?;
    Ok(wit::Session::new(Resource::new(session)))
}

impl wit::GuestSession for Resource {
    fn open(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        seed: u64,
    ) -> Result<wit::Session, wit::Error> {
        make(&config, host_tools, seed, None)
    }

    fn restore(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        saved: Vec<u8>,
    ) -> Result<wit::Session, wit::Error> {
        make(&config, host_tools, 0, Some(&saved))
    }

    fn save(&self) -> Vec<u8> {
        self.0.borrow().save()
    }

    fn prompt(&self, now: wit::Moment, text: String) -> Result<(), wit::Error> {
        let mut session = self.0.borrow_mut();
        session.prompt(now_in(now), &text).map_err(misuse_out)
    }

    #[cfg(feature = "context")]
    fn compact(&self, now: wit::Moment) -> Result<(), wit::Error> {
        let mut session = self.0.borrow_mut();
        session.compact(now_in(now)).map_err(misuse_out)
    }

    #[cfg(not(feature = "context"))]
    fn compact(&self, _now: wit::Moment) -> Result<(), wit::Error> {
        Err(wit::Error::Config(crate::session::NO_COMPACTION.into()))
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        match self.0.borrow_mut().next(now_in(now)) {
            Ok(effect) => effect_out(effect),
            #[cfg(feature = "wasi")]
            Err(stop) => wit::Effect::Finished(stop_out(stop)),
        }
    }

    fn body_piece(&self, index: u32) -> Option<Vec<u8>> {
        self.0.borrow().body_piece(index).map(<[u8]>::to_vec)
    }

    fn reply_start(
        &self,
        now: wit::Moment,
        id: u32,
        status: u16,
        headers: Vec<(String, String)>,
    ) -> Result<(), wit::Error> {
        let id = RequestId(id);
        self.feed(
            now,
            Input::ReplyStart {
                id,
                status,
                headers,
            },
        )
    }

    fn reply_chunk(&self, now: wit::Moment, id: u32, bytes: Vec<u8>) -> Result<(), wit::Error> {
        let id = RequestId(id);
        self.feed(now, Input::ReplyChunk { id, bytes })
    }

    fn reply_end(&self, now: wit::Moment, id: u32) -> Result<(), wit::Error> {
        let id = RequestId(id);
        self.feed(now, Input::ReplyEnd { id })
    }

    fn reply_failed(
        &self,
        now: wit::Moment,
        id: u32,
        class: wit::HttpError,
    ) -> Result<(), wit::Error> {
        let id = RequestId(id);
        let error = http_error_in(class);
        self.feed(now, Input::ReplyFailed { id, error })
    }

    fn operation_done(
        &self,
        now: wit::Moment,
        id: u32,
        answer: wit::Answer,
    ) -> Result<(), wit::Error> {
        let id = OperationId(id);
        let answer = answer_in(answer);
        self.feed(now, Input::OperationDone { id, answer })
    }

    fn tool_done(
        &self,
        now: wit::Moment,
        call: String,
        result: Result<String, String>,
    ) -> Result<(), wit::Error> {
        self.feed(now, Input::ToolDone { call, result })
    }

    fn approve(
        &self,
        now: wit::Moment,
        call: String,
        verdict: wit::Verdict,
    ) -> Result<(), wit::Error> {
        let verdict = verdict_in(verdict);
        self.feed(now, Input::Verdict { call, verdict })
    }

    fn cancel(&self, now: wit::Moment) {
        // A cancel fits at any moment.
        let _ = self.feed(now, Input::Cancel);
    }

    #[cfg(not(feature = "http"))]
    fn advance(&self, _max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        Err(wit::Error::NothingToAdvance)
    }

    #[cfg(feature = "http")]
    fn advance(&self, max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        let mut events = Vec::new();
        let mut session = self.0.borrow_mut();
        if session.advance(max_ms.into(), &mut |event| events.push(event_out(event))) {
            Ok(events)
        } else {
            Err(wit::Error::NothingToAdvance)
        }
    }

    fn usage(&self) -> wit::Usage {
        usage_out(self.0.borrow().usage())
    }
}

pub(super) fn tools_in(tools: Vec<wit::HostTool>) -> Vec<HostTool> {
    let tool = |tool: wit::HostTool| HostTool {
        name: tool.name,
        description: tool.description,
        parameters: tool.parameters,
        writes: tool.writes,
        parallel: tool.parallel,
    };
    tools.into_iter().map(tool).collect()
}

pub(super) fn now_in(now: wit::Moment) -> Now {
    Now {
        monotonic_ms: now.monotonic_ms,
        wall_ms: now.wall_ms,
    }
}
