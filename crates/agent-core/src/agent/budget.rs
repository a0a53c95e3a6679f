//! What a run has used of its budget, and of that of the day.

use alloc::string::String;

use dewclaw_platform::Now;

use super::Agent;
use crate::budget_log::{day, line};
use crate::effect::Usage;
use crate::settings::budgets::{
    Budget, COST, DAY, KINDS, ONE, PENDING, PRICES_WANTED, RUN, SECONDS, STEPS, TODAY, TOKENS,
    TOOL_CALLS, rates, read, shown, write,
};
use crate::settings::{Settings, SettingsError};
use crate::template::fill;
use crate::word_list;

/// How long the wrap-up may take, in millionths of a second, where less is left.
const WRAP_UP_TIME: u64 = 30 * ONE;

/// Bytes that a token is taken for where a server does not say what it used.
const BYTES_PER_TOKEN: usize = 4;

/// Finds what tokens cost.
///
/// # Errors
/// Money is limited, and there is no price to count it by.
pub(super) fn settle(settings: &mut Settings) -> Result<(), SettingsError> {
    let budget = &mut settings.budget;
    if budget.limits[RUN][COST] | budget.limits[TODAY][COST] > 0 {
        budget.rates = rates(&settings.prices, &settings.model).ok_or(SettingsError::Value {
            name: "prices",
            wanted: PRICES_WANTED,
        })?;
    }
    Ok(())
}

impl Budget {
    /// Whether a day has one.
    pub fn is_per_day(&self) -> bool {
        self.limits[TODAY] != [0; 6]
    }

    /// A run begins.
    pub(super) fn begin(&mut self, now: Now) {
        let today = day(now);
        // A clock that goes back changes nothing.
        if self.used[TODAY][DAY] < today {
            if self.used[TODAY][DAY] > 0 {
                self.used[TODAY] = [0; 6];
            }
            self.used[TODAY][DAY] = today;
        }
        self.used[PENDING][DAY] = today;
        self.used[RUN] = [0; 6];
        self.wrap_up_until = 0;
        // What has passed since the last run is nobody's.
        self.counted_ms = 0;
        self.pass(now);
    }

    /// Time has passed.
    pub(super) fn pass(&mut self, now: Now) {
        let until = now.monotonic_ms.saturating_add(1);
        let last = core::mem::replace(&mut self.counted_ms, until);
        if last > 0 {
            let passed = until.saturating_sub(last);
            self.count(SECONDS, passed.saturating_mul(1_000));
        }
    }

    /// So much was used.
    fn count(&mut self, kind: usize, amount: u64) {
        for used in &mut self.used {
            used[kind] = used[kind].saturating_add(amount);
        }
    }

    /// Which kind of this and those behind it is used up: its place in the limits of a run and a day together.
    fn over(&self, first: usize) -> Option<usize> {
        let limits = self
            .limits
            .as_flattened()
            .iter()
            .zip(self.used.as_flattened());
        for (at, (limit, used)) in limits.enumerate() {
            if at % 6 >= first && *limit > 0 && used >= limit {
                return Some(at);
            }
        }
        None
    }

    /// A reply has come. Where the server says nothing of tokens they are taken from the bytes, so that the budget holds.
    pub(super) fn count_reply(&mut self, mut usage: Usage, request: usize, reply: usize) {
        if usage == Usage::default() {
            usage.input_tokens = (request / BYTES_PER_TOKEN) as u64;
            usage.output_tokens = (reply / BYTES_PER_TOKEN) as u64;
        }
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let counts = [usage.input_tokens - cached, cached, usage.output_tokens];
        let mut cost = 0u64;
        for (count, rate) in counts.iter().zip(&self.rates) {
            cost = cost.saturating_add(count.saturating_mul(*rate));
        }
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        self.count(STEPS, ONE);
        self.count(TOKENS, tokens.saturating_mul(ONE));
        self.count(COST, cost.div_ceil(ONE));
    }

    /// A reply has so many calls: how many of them, the first ones, may run.
    pub(super) fn allow(&mut self, calls: usize) -> usize {
        for allowed in 0..calls {
            if self.over(STEPS + 1).is_some() {
                return allowed;
            }
            self.count(TOOL_CALLS, ONE);
        }
        calls
    }

    /// What the person is told when a budget is used up, from where on the run wraps up; `None` while none is.
    pub(super) fn used_up(&mut self) -> Option<String> {
        let at = self.over(STEPS)?;
        self.wrap_up_until = self.used[RUN][SECONDS].saturating_add(WRAP_UP_TIME);
        Some(fill(
            "the budget is used up: % of % % %",
            &[
                &shown(*self.used.as_flattened().get(at)?),
                &shown(*self.limits.as_flattened().get(at)?),
                word_list::word(KINDS, at % 6),
                if at < 6 {
                    "in this run"
                } else {
                    "today, until 00:00 UTC"
                },
            ],
        ))
    }

    /// Whether the run ends because a budget is used up.
    pub(super) fn is_used_up(&self) -> bool {
        self.wrap_up_until > 0
    }

    /// Milliseconds that are left; a great many where time has no limit.
    pub(super) fn left_ms(&self) -> u64 {
        let mut left = u64::MAX;
        for (limit, used) in self.limits.iter().zip(&self.used) {
            if limit[SECONDS] > 0 {
                left = left.min(limit[SECONDS].saturating_sub(used[SECONDS]));
            }
        }
        let wrap_up = self.wrap_up_until.saturating_sub(self.used[RUN][SECONDS]);
        left.max(wrap_up).div_ceil(1_000)
    }

    /// When time is up, on the monotonic clock; `None` where it has no limit.
    pub(super) fn deadline(&self, now: Now) -> Option<u64> {
        let left = self.left_ms();
        (left < u64::MAX / 2_000).then(|| now.monotonic_ms.saturating_add(left))
    }

    /// A field of a saved session: what the run has spent; empty where that is nothing.
    pub(super) fn save(&self) -> String {
        write(&self.used[RUN])
    }

    /// Goes on with a run that has spent this, and wraps up or does not. What was spent on the day is told by the settings.
    pub(super) fn restore(&mut self, saved: &str, is_wrapping_up: bool) {
        let _ = read(saved, &mut self.used[RUN]);
        if is_wrapping_up {
            self.used_up();
        }
    }
}

impl Agent {
    /// What was spent since this was last asked, as a line of the day's log, which [`crate::read_log`] reads. Before a
    /// driver performs an effect it adds this to the log, where the runs of a day have a budget. There is a line when a
    /// reply has come, and with `all` in any case.
    pub fn take_spent(&mut self, all: bool) -> Option<String> {
        let is_per_day = self.settings.budget.is_per_day();
        let spent = &mut self.settings.budget.used[PENDING];
        if !is_per_day || spent[STEPS] == 0 && !all {
            return None;
        }
        let text = line(spent);
        spent[..DAY].fill(0);
        Some(text)
    }
}
