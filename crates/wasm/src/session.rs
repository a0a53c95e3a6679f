//! A session: the agent as a library, for a host that drives it. How it is spoken to is `component`'s and `flat`'s business.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::json::Value;
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::tools::{ALL, HostTool, Tool, Writes};
use dewclaw_agent_core::{
    Agent, Effect, Event, Input, Misuse, RestoreError, ResumeError, Settings, SettingsError, Usage,
};
use dewclaw_platform::Now;

#[cfg(not(feature = "wasi"))]
use crate::bare::{Driver, Stop};
#[cfg(feature = "wasi")]
use crate::command::Stop;
#[cfg(feature = "wasi")]
use crate::driver::Driver;
use crate::performs::Performs;

#[cfg(feature = "http")]
mod advance;
mod surroundings;

use surroundings::Surroundings;

/// What a session is made with, but for the host's tools.
pub(crate) struct Config<'c> {
    /// The members of a JSON object, by their names in `dewclaw.json`.
    pub(crate) settings: &'c [(String, Value)],
    /// The built-in tools that the model is offered, by name; `None` for every one that the settings leave.
    pub(crate) tools: Option<&'c [String]>,
    /// What the module does itself.
    pub(crate) performs: Performs,
}

/// Why no session can be made.
pub(crate) enum Error {
    /// A setting, a tool or a combination of them that no session can be made with: what is wrong, and what to write.
    Config(String),
    /// Saved bytes that can't be gone on from: why.
    Saved(String),
}

impl Error {
    /// Settings that are no JSON object.
    pub(crate) fn no_settings() -> Error {
        Error::Config("the settings must be a JSON object, like {\"model\": \"NAME\"}".into())
    }
}

/// Why nothing is compacted where the feature `context` was left out.
#[cfg(not(feature = "context"))]
pub(crate) const NO_COMPACTION: &str = "this build can't compact a conversation";

/// An agent with its driver, and what it has used.
pub(crate) struct Session {
    pub(crate) driver: Driver,
    usage: Usage,
}

impl Session {
    /// A session of a driver's.
    pub(crate) fn new(driver: Driver) -> Session {
        Session {
            driver,
            usage: Usage::default(),
        }
    }

    /// A session before its first prompt, or with `saved` the one that [`Session::save`] wrote down.
    ///
    /// # Errors
    /// [`Error::Config`] and [`Error::Saved`].
    pub(crate) fn open(
        config: &Config<'_>,
        host_tools: Vec<HostTool>,
        seed: u64,
        saved: Option<&[u8]>,
    ) -> Result<Session, Error> {
        let (settings, tools) = configure(config)?;
        let surroundings = Surroundings::find(config.performs, &settings)?;
        let agent = agent(settings, &tools, host_tools, seed, saved)?;
        Ok(Session::new(surroundings.driver(agent)))
    }

    /// Everything that the session is, to be restored anywhere.
    pub(crate) fn save(&self) -> Vec<u8> {
        self.driver.agent.save()
    }

    /// Begins a run.
    ///
    /// # Errors
    /// A prompt that is empty or comes too early.
    pub(crate) fn prompt(&mut self, now: Now, text: &str) -> Result<(), Misuse> {
        self.driver.set_time(now);
        self.driver.agent.prompt(now, text)
    }

    /// Begins a run that only compacts.
    ///
    /// # Errors
    /// While another goes on.
    #[cfg(feature = "context")]
    pub(crate) fn compact(&mut self, now: Now) -> Result<(), Misuse> {
        self.driver.set_time(now);
        self.driver.agent.compact(now)
    }

    /// The next effect that is the host's to perform.
    ///
    /// # Errors
    /// A recording or an answer that can't be kept: the run is over.
    pub(crate) fn next(&mut self, now: Now) -> Result<Effect, Stop> {
        self.driver.set_time(now);
        let next = self.next_effect();
        #[cfg(feature = "wasi")]
        match &next {
            // What is waited for happens here.
            Ok(Effect::Wait { .. }) if self.driver.performs.model => return Ok(Effect::Pending),
            Ok(_) => {}
            Err(_) => self.driver.abandon(),
        }
        next
    }

    /// As [`Session::next`], but that a wait is told.
    ///
    /// # Errors
    /// As [`Session::next`].
    pub(crate) fn next_effect(&mut self) -> Result<Effect, Stop> {
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

    /// A piece of the request that was asked for last; `None` past the last one.
    pub(crate) fn body_piece(&self, index: u32) -> Option<&[u8]> {
        self.driver.agent.body_piece(index as usize)
    }

    /// Tells the agent something.
    ///
    /// # Errors
    /// An input that does not fit.
    pub(crate) fn feed(&mut self, now: Now, input: Input) -> Result<(), Misuse> {
        self.driver.set_time(now);
        self.driver.feed(input)
    }

    /// What the session's model calls have used.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }
}

/// An agent at the start of its conversation, or with `saved` in the middle of that one.
///
/// # Errors
/// [`Error::Config`] and [`Error::Saved`].
pub(crate) fn agent(
    settings: Settings,
    tools: &[&'static Tool],
    host_tools: Vec<HostTool>,
    seed: u64,
    saved: Option<&[u8]>,
) -> Result<Agent, Error> {
    let config = |error: SettingsError| Error::Config(error.text());
    let mut agent = Agent::new(settings, tools, seed).map_err(config)?;
    agent.add_host_tools(host_tools).map_err(config)?;
    if let Some(saved) = saved {
        agent.take_saved(saved).map_err(|error| {
            let why = error.text();
            match error {
                RestoreError::Resume(ResumeError::Settings(_)) => Error::Config(why),
                _ => Error::Saved(why),
            }
        })?;
    }
    Ok(agent)
}

/// The settings and the built-in tools of a configuration.
fn configure(config: &Config<'_>) -> Result<(Settings, Vec<&'static Tool>), Error> {
    let mut settings = Settings::default();
    for (name, value) in config.settings {
        settings
            .set(name, value)
            .map_err(|error| Error::Config(error.text()))?;
    }
    let mut tools: Vec<&'static Tool> = Vec::new();
    match config.tools {
        None => tools.extend(ALL.iter().filter(|tool| tool.is_configured(&settings))),
        Some(names) => {
            for name in names {
                let known = ALL.iter().find(|tool| tool.name == name);
                tools.push(
                    known.ok_or_else(|| Error::Config(fill("there is no tool \"%\"", &[name])))?,
                );
            }
        }
    }
    tools.retain(|tool| !settings.read_only || !matches!(tool.writes, Writes::Always));
    Ok((settings, tools))
}
