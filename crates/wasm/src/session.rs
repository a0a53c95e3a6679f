//! `dewclaw:agent/session`: the agent as a library, for a host that drives it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use dewclaw_agent_core::json::{Value, parse};
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::tools::{ALL, HostTool, Tool, Writes};
use dewclaw_agent_core::{
    Agent, Effect, Event, Input, Misuse, RequestId, RestoreError, ResumeError, Settings, Usage,
};
use dewclaw_platform::Now;

#[cfg(not(feature = "wasi"))]
use crate::bare::{Driver, Stop};
#[cfg(feature = "wasi")]
use crate::command::Stop;
use crate::component::bindings::exports::dewclaw::agent::session as wit;
#[cfg(feature = "wasi")]
use crate::driver::Driver;

#[cfg(feature = "http")]
mod advance;
#[cfg(feature = "wasi")]
mod command_line;
mod convert;
mod surroundings;

use convert::{answer_in, effect_out, http_error_in, usage_out, verdict_in};
use surroundings::Surroundings;

/// A session: an agent with its driver, and what it has used.
pub(crate) struct Session(RefCell<Inner>);

struct Inner {
    driver: Driver,
    usage: Usage,
}

impl Session {
    /// A session of a driver's.
    pub(crate) fn new(driver: Driver) -> Session {
        Session(RefCell::new(Inner {
            driver,
            usage: Usage::default(),
        }))
    }

    /// Tells the agent something.
    fn feed(&self, now: wit::Moment, input: Input) -> Result<(), wit::Error> {
        let mut inner = self.0.borrow_mut();
        inner.driver.set_time(now_in(now));
        inner.driver.feed(input).map_err(misuse_out)
    }
}

impl Inner {
    /// The next effect that is the host's to perform.
    fn next(&mut self) -> Result<Effect, Stop> {
        loop {
            let effect = self.driver.next()?;
            match &effect {
                Effect::Wait { until_ms } if self.driver.now().monotonic_ms >= *until_ms => {
                    // A tick fits at any moment.
                    let _ = self.driver.feed(Input::Tick);
                    continue;
                }
                Effect::Event(Event::Usage(usage)) => self.usage += *usage,
                _ => {}
            }
            return Ok(effect);
        }
    }

    /// The end of a run whose recording or answer can't be kept.
    #[cfg(feature = "wasi")]
    fn stopped(&mut self, stop: Stop) -> wit::Outcome {
        self.driver.abandon();
        wit::Outcome {
            reason: String::from("failed"),
            exit_code: stop.code,
            text: String::new(),
            usage: usage_out(Usage::default()),
            failure: Some((String::from("io"), stop.message)),
        }
    }
}

impl wit::GuestSession for Session {
    fn open(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        seed: u64,
    ) -> Result<wit::Session, wit::Error> {
        let (settings, tools) = configure(&config)?;
        let surroundings = Surroundings::find(&config, &settings)?;
        let agent = Agent::new(settings, &tools, seed)
            .and_then(|agent| agent.with_host_tools(tools_in(host_tools)))
            .map_err(|error| wit::Error::Config(error.to_string()))?;
        Ok(wit::Session::new(Session::new(surroundings.driver(agent))))
    }

    fn restore(
        config: wit::Config,
        host_tools: Vec<wit::HostTool>,
        saved: Vec<u8>,
    ) -> Result<wit::Session, wit::Error> {
        let (settings, tools) = configure(&config)?;
        let surroundings = Surroundings::find(&config, &settings)?;
        let agent =
            Agent::restore(settings, &tools, tools_in(host_tools), &saved).map_err(|error| {
                match &error {
                    RestoreError::Resume(ResumeError::Settings(_)) => {
                        wit::Error::Config(error.to_string())
                    }
                    _ => wit::Error::Saved(error.to_string()),
                }
            })?;
        Ok(wit::Session::new(Session::new(surroundings.driver(agent))))
    }

    fn save(&self) -> Vec<u8> {
        self.0.borrow().driver.agent.save()
    }

    fn prompt(&self, now: wit::Moment, text: String) -> Result<(), wit::Error> {
        let mut inner = self.0.borrow_mut();
        let now = now_in(now);
        inner.driver.set_time(now);
        inner.driver.agent.prompt(now, &text).map_err(misuse_out)
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        let mut inner = self.0.borrow_mut();
        inner.driver.set_time(now_in(now));
        match inner.next() {
            #[cfg(feature = "wasi")]
            Ok(Effect::Wait { .. }) if inner.driver.performs.model => wit::Effect::Pending,
            Ok(effect) => effect_out(effect),
            #[cfg(feature = "wasi")]
            Err(stop) => wit::Effect::Finished(inner.stopped(stop)),
        }
    }

    fn body_piece(&self, index: u32) -> Option<Vec<u8>> {
        let inner = self.0.borrow();
        inner
            .driver
            .agent
            .body_piece(index as usize)
            .map(<[u8]>::to_vec)
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

    #[cfg(not(feature = "http"))]
    fn advance(&self, _max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        Err(wit::Error::NothingToAdvance)
    }

    #[cfg(feature = "http")]
    fn advance(&self, max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        self.0.borrow_mut().advance(max_ms.into())
    }

    fn usage(&self) -> wit::Usage {
        usage_out(self.0.borrow().usage)
    }
}

/// The settings and the built-in tools of a configuration.
fn configure(config: &wit::Config) -> Result<(Settings, Vec<&'static Tool>), wit::Error> {
    let wrong = |template: &str, part: &str| wit::Error::Config(fill(template, &[part]));
    let Ok(Value::Object(members)) = parse(config.settings.as_bytes()) else {
        return Err(wrong(
            "the settings must be a JSON object, like {\"model\": \"NAME\"}",
            "",
        ));
    };
    let mut settings = Settings::default();
    for (name, value) in &members {
        settings
            .set(name, value)
            .map_err(|error| wrong("%", &error.to_string()))?;
    }
    let mut tools: Vec<&'static Tool> = Vec::new();
    match &config.tools {
        None => tools.extend(ALL.iter().filter(|tool| tool.is_configured(&settings))),
        Some(names) => {
            for name in names {
                let known = ALL.iter().find(|tool| tool.name == name);
                tools.push(known.ok_or_else(|| wrong("there is no tool \"%\"", name))?);
            }
        }
    }
    tools.retain(|tool| !settings.read_only || !matches!(tool.writes, Writes::Always));
    Ok((settings, tools))
}

pub(crate) fn tools_in(tools: Vec<wit::HostTool>) -> Vec<HostTool> {
    let tool = |tool: wit::HostTool| HostTool {
        name: tool.name,
        description: tool.description,
        parameters: tool.parameters,
        writes: tool.writes,
        parallel: tool.parallel,
    };
    tools.into_iter().map(tool).collect()
}

pub(crate) fn now_in(now: wit::Moment) -> Now {
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
