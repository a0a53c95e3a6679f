//! The driver of a component that imports nothing: every effect is the host's.

use dewclaw_agent_core::{Agent, Effect, Input, Misuse};
use dewclaw_platform::Now;

/// What a driver with nothing to do can fail with.
pub(crate) enum Stop {}

/// An agent, and the moment that was told last.
pub(crate) struct Driver {
    pub(crate) agent: Agent,
    now: Now,
}

impl Driver {
    /// Drives this agent.
    pub(crate) fn new(agent: Agent) -> Driver {
        Driver {
            agent,
            now: Now::default(),
        }
    }

    /// Takes the moment of the host's clocks.
    pub(crate) fn set_time(&mut self, now: Now) {
        self.now = now;
    }

    /// The moment that was told last.
    pub(crate) fn now(&self) -> Now {
        self.now
    }

    /// The next effect.
    ///
    /// # Errors
    /// None.
    pub(crate) fn next(&mut self) -> Result<Effect, Stop> {
        Ok(self.agent.next())
    }

    /// Tells the agent something that happened now.
    ///
    /// # Errors
    /// An input that does not fit, which changes nothing.
    pub(crate) fn feed(&mut self, input: Input) -> Result<(), Misuse> {
        self.agent.feed(self.now, input)
    }
}
