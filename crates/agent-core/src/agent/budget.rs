//! What a run has used of its budget, and of that of the day.

use alloc::string::String;

use dewclaw_platform::Now;

use super::Agent;
use crate::budget_log::{add, day, line};
use crate::effect::Usage;
use crate::settings::budgets::{
    Amounts, COST, KINDS, ONE, SECONDS, STEPS, TOKENS, TOOL_CALLS, UNSET, rates, read, shown, write,
};
use crate::settings::{Settings, SettingsError};
use crate::template::fill;
use crate::word_list;

/// How long the wrap-up may take, in millionths of a second, where less is left.
const WRAP_UP_TIME: u64 = 30 * ONE;

/// Bytes that a token is taken for where a server does not say what it used.
const BYTES_PER_TOKEN: usize = 4;

/// The budgets and what was used of them.
#[derive(Default)]
pub(super) struct Budget {
    /// Of a run; 0 is no limit.
    run: Amounts,
    /// Of a day.
    day: Amounts,
    /// By this run.
    spent: Amounts,
    /// On its day, by the runs before it.
    before: Amounts,
    /// Since it was last taken for the log; and the day on which the run began, 0 before there is one.
    pending: [u64; 6],
    /// What a million tokens cost.
    rates: [u64; 3],
    /// One more than the monotonic moment up to which time is counted; 0 before there is one.
    counted_ms: u64,
    is_used_up: bool,
    /// Until when the run may take time to wrap up, whatever is left.
    wrap_up_until: u64,
}

/// The place of the day in [`Budget::pending`].
const DAY: usize = 5;

impl Budget {
    pub(super) fn new(settings: &Settings) -> Budget {
        // Texts were checked when they were set.
        let mut budget = Budget {
            rates: rates(&settings.prices, &settings.model).unwrap_or([UNSET; 3]),
            ..Budget::default()
        };
        let _ = read(&settings.budget, &mut budget.run);
        let _ = read(&settings.budget_per_day, &mut budget.day);
        let _ = read(&settings.spent_today, &mut budget.before);
        budget
    }

    /// # Errors
    /// Money is limited, and there is no price to count it by.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.run[COST] | self.day[COST] > 0 && self.rates[0] == UNSET {
            return Err(SettingsError::Value {
                name: "prices",
                wanted: "set for this model where a budget has a cost: MODEL=INPUT/OUTPUT",
            });
        }
        Ok(())
    }

    /// A run begins.
    pub(super) fn begin(&mut self, now: Now) {
        let (today, last) = (day(now), self.pending[DAY]);
        add(&mut self.before, &self.spent);
        if last > 0 && today > last {
            self.before = [0; 5];
        }
        self.spent = [0; 5];
        // A clock that goes back changes nothing.
        self.pending[DAY] = last.max(today);
        self.is_used_up = false;
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
        for spent in [&mut self.spent[kind], &mut self.pending[kind]] {
            *spent = spent.saturating_add(amount);
        }
    }

    /// What is left of a kind.
    fn left(&self, kind: usize) -> u64 {
        let spent = self.spent[kind];
        let of_run = left(self.run[kind], spent);
        of_run.min(left(
            self.day[kind],
            self.before[kind].saturating_add(spent),
        ))
    }

    /// A reply has come. Where the server says nothing of tokens they are taken from the bytes, so that the budget holds.
    pub(super) fn count_reply(&mut self, mut usage: Usage, request: usize, reply: usize) {
        if usage == Usage::default() {
            usage.input_tokens = (request / BYTES_PER_TOKEN) as u64;
            usage.output_tokens = (reply / BYTES_PER_TOKEN) as u64;
        }
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let counts = [usage.input_tokens - cached, usage.output_tokens, cached];
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
        let mut allowed = (self.left(TOOL_CALLS) / ONE).min(calls as u64);
        for kind in [TOKENS, COST, SECONDS] {
            if self.left(kind) == 0 {
                allowed = 0;
            }
        }
        self.count(TOOL_CALLS, allowed * ONE);
        allowed as usize
    }

    /// What the person is told when a budget is used up, from where on the run wraps up; `None` while none is.
    pub(super) fn used_up(&mut self) -> Option<String> {
        let kind = (TOKENS..=STEPS).find(|kind| self.left(*kind) == 0)?;
        self.wrap_up();
        let mut spent = self.spent[kind];
        let (mut limit, mut advice) = (self.run[kind], "this run: raise --budget");
        if left(limit, spent) > 0 {
            spent = spent.saturating_add(self.before[kind]);
            limit = self.day[kind];
            advice = "today: raise --budget-per-day, or wait until 00:00 UTC";
        }
        Some(fill(
            "the budget is used up: % of % % %",
            &[
                &shown(spent),
                &shown(limit),
                word_list::word(KINDS, kind),
                advice,
            ],
        ))
    }

    /// Whether the run ends because a budget is used up.
    pub(super) fn is_used_up(&self) -> bool {
        self.is_used_up
    }

    fn wrap_up(&mut self) {
        self.is_used_up = true;
        self.wrap_up_until = self.spent[SECONDS].saturating_add(WRAP_UP_TIME);
    }

    /// Milliseconds that are left; a great many where time has no limit.
    pub(super) fn left_ms(&self) -> u64 {
        let wrap_up = self.wrap_up_until.saturating_sub(self.spent[SECONDS]);
        self.left(SECONDS).max(wrap_up).div_ceil(1_000)
    }

    /// When time is up, on the monotonic clock; `None` where it has no limit.
    pub(super) fn deadline(&self, now: Now) -> Option<u64> {
        let left = self.left_ms();
        (left < UNSET / 2_000).then(|| now.monotonic_ms.saturating_add(left))
    }

    /// A field of a saved session: what the run has spent; empty where that is nothing.
    pub(super) fn save(&self) -> String {
        write(&self.spent)
    }

    /// Goes on with a run that has spent this, and wraps up or does not. What was told to be spent on the day has it too.
    pub(super) fn restore(&mut self, saved: &str, is_wrapping_up: bool) {
        let _ = read(saved, &mut self.spent);
        for (before, spent) in self.before.iter_mut().zip(&self.spent) {
            *before = before.saturating_sub(*spent);
        }
        if is_wrapping_up {
            self.used_up();
        }
    }
}

/// What is left of a limit.
fn left(limit: u64, spent: u64) -> u64 {
    if limit == 0 {
        UNSET
    } else {
        limit.saturating_sub(spent)
    }
}

impl Agent {
    /// What was spent since this was last asked, as a line of the day's log, which [`crate::read_log`] reads. Before a
    /// driver performs an effect it adds this to the log, where the runs of a day have a budget. There is a line when a
    /// reply has come, and with `all` in any case.
    pub fn take_spent(&mut self, all: bool) -> Option<String> {
        let spent = &mut self.budget.pending;
        if spent[STEPS] == 0 && !all {
            return None;
        }
        let text = line(spent);
        spent[..DAY].fill(0);
        Some(text)
    }
}
