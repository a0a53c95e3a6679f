//! `advance`: what is performed here goes on here with what is in flight.

use dewclaw_agent_core::{Effect, Event, Input};

use super::Session;

impl Session {
    /// Goes on for at most `max_ms` milliseconds, or until there is something to show or something for the host to do.
    /// `false` when there is nothing that is performed here.
    pub(crate) fn advance(&mut self, max_ms: u64, show: &mut dyn FnMut(Event)) -> bool {
        if !self.driver.performs.model && !self.driver.performs.web {
            return false;
        }
        let end = self.driver.now().monotonic_ms.saturating_add(max_ms);
        let mut shown = false;
        let mut over = false;
        loop {
            let until = match self.next_effect() {
                Ok(Effect::Event(event)) => {
                    show(event);
                    shown = true;
                    continue;
                }
                Ok(Effect::Wait { until_ms }) if self.driver.performs.model => until_ms,
                Ok(Effect::Pending) if !self.driver.is_idle() => u64::MAX,
                // The host's, and said anew by every `next`.
                Ok(Effect::Wait { .. } | Effect::Pending) => break,
                Ok(effect) => {
                    self.driver.put_back(effect);
                    break;
                }
                Err(stop) => {
                    self.driver.break_off(stop);
                    break;
                }
            };
            if over || shown {
                break;
            }
            let now = self.driver.now().monotonic_ms;
            let happened = self.driver.wait(end.min(until).saturating_sub(now));
            let now = self.driver.now().monotonic_ms;
            over = now >= end;
            if !happened && now >= until {
                // A tick fits at any moment.
                let _ = self.driver.feed(Input::Tick);
            }
        }
        true
    }
}
