//! `dewclaw:agent/session`: the agent as a library, for a host that drives it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use dewclaw_agent_core::json::{Value, parse};
use dewclaw_agent_core::tools::{ALL, HostTool, Tool, Writes};
use dewclaw_agent_core::{
    Agent, Effect, Event, Input, Misuse, RequestId, RestoreError, ResumeError, Settings, Usage,
};
use dewclaw_platform::Now;

use crate::component::bindings::exports::dewclaw::agent::session as wit;

mod convert;

use convert::{answer_in, effect_out, http_error_in, usage_out, verdict_in};

/// A session: an agent, and what it has used.
pub(crate) struct Session(RefCell<Inner>);

struct Inner {
    agent: Agent,
    usage: Usage,
}

impl Session {
    /// Tells the agent something.
    fn feed(&self, now: wit::Moment, input: Input) -> Result<(), wit::Error> {
        let mut inner = self.0.borrow_mut();
        inner.agent.feed(now_in(now), input).map_err(misuse_out)
    }
}

impl wit::GuestSession for Session {
    fn open(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        seed: u64,
    ) -> Result<wit::Session, wit::Error> {
        let (settings, tools) = configure(&config)?;
        let agent = Agent::new(settings, &tools, seed)
            .and_then(|agent| agent.with_host_tools(tools_in(host_tools)))
            .map_err(|error| wit::Error::Config(error.to_string()))?;
        Ok(session(agent))
    }

    fn restore(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        saved: Vec<u8>,
    ) -> Result<wit::Session, wit::Error> {
        let (settings, tools) = configure(&config)?;
        let agent =
            Agent::restore(settings, &tools, tools_in(host_tools), &saved).map_err(|error| {
                match &error {
                    RestoreError::Resume(ResumeError::Settings(_)) => {
                        wit::Error::Config(error.to_string())
                    }
                    _ => wit::Error::Saved(error.to_string()),
                }
            })?;
        Ok(session(agent))
    }

    fn save(&self) -> Vec<u8> {
        self.0.borrow().agent.save()
    }

    fn prompt(&self, now: wit::Moment, text: String) -> Result<(), wit::Error> {
        let mut inner = self.0.borrow_mut();
        inner.agent.prompt(now_in(now), &text).map_err(misuse_out)
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        let mut inner = self.0.borrow_mut();
        let now = now_in(now);
        let mut effect = inner.agent.next();
        if let Effect::Wait { until_ms } = effect
            && now.monotonic_ms >= until_ms
        {
            // A tick fits at any moment.
            let _ = inner.agent.feed(now, Input::Tick);
            effect = inner.agent.next();
        }
        if let Effect::Event(Event::Usage(usage)) = &effect {
            inner.usage += *usage;
        }
        effect_out(effect)
    }

    fn body_piece(&self, index: u32) -> Option<Vec<u8>> {
        let inner = self.0.borrow();
        inner.agent.body_piece(index as usize).map(<[u8]>::to_vec)
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
        let id = dewclaw_agent_core::OperationId(id);
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

    fn advance(&self, _max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        Err(wit::Error::NothingToAdvance)
    }

    fn usage(&self) -> wit::Usage {
        usage_out(self.0.borrow().usage)
    }
}

fn session(agent: Agent) -> wit::Session {
    wit::Session::new(Session(RefCell::new(Inner {
        agent,
        usage: Usage::default(),
    })))
}

/// The settings and the built-in tools of a configuration.
fn configure(config: &wit::Config) -> Result<(Settings, Vec<&'static Tool>), wit::Error> {
    let wrong = |parts: &[&str]| wit::Error::Config(parts.concat());
    if [config.model, config.files, config.web].contains(&wit::Performer::Component) {
        return Err(wrong(&[
            "this component reaches neither network nor files: the host calls the model and performs operations",
        ]));
    }
    let Ok(Value::Object(members)) = parse(config.settings.as_bytes()) else {
        return Err(wrong(&[
            "the settings must be a JSON object, like {\"model\": \"NAME\"}",
        ]));
    };
    let mut settings = Settings::default();
    for (name, value) in &members {
        settings
            .set(name, value)
            .map_err(|error| wrong(&[&error.to_string()]))?;
    }
    let mut tools: Vec<&'static Tool> = Vec::new();
    match &config.tools {
        None => tools.extend(ALL.iter().filter(|tool| tool.is_configured(&settings))),
        Some(names) => {
            for name in names {
                let known = ALL.iter().find(|tool| tool.name == name);
                tools.push(known.ok_or_else(|| wrong(&["there is no tool \"", name, "\""]))?);
            }
        }
    }
    tools.retain(|tool| !settings.read_only || !matches!(tool.writes, Writes::Always));
    Ok((settings, tools))
}

fn tools_in(tools: Vec<wit::HostTool>) -> Vec<HostTool> {
    let tool = |tool: wit::HostTool| HostTool {
        name: tool.name,
        description: tool.description,
        parameters: tool.parameters,
        writes: tool.writes,
        parallel: tool.parallel,
    };
    tools.into_iter().map(tool).collect()
}

fn now_in(now: wit::Moment) -> Now {
    Now {
        monotonic_ms: now.monotonic_ms,
        wall_ms: now.wall_ms,
    }
}

fn misuse_out(misuse: Misuse) -> wit::Error {
    match misuse {
        Misuse::Busy => wit::Error::Busy,
        Misuse::EmptyPrompt => wit::Error::EmptyPrompt,
        Misuse::UnknownRequest => wit::Error::UnknownRequest,
        Misuse::OutOfOrder => wit::Error::OutOfOrder,
        Misuse::UnknownOperation => wit::Error::UnknownOperation,
        Misuse::WrongAnswer => wit::Error::WrongAnswer,
        Misuse::UnknownCall => wit::Error::UnknownCall,
    }
}
