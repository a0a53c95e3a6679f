//! What a run has used of its budget, and of that of the day.

use alloc::string::String;

use dewclaw_platform::Now;

use super::Agent;
use crate::budget_log::{day, line};
use crate::effect::Usage;
use crate::settings::budgets::{
    Amounts, COST, DAY, KINDS, ONE, PRICES_WANTED, SECONDS, STEPS, TOKENS, TOOL_CALLS, UNLIMITED,
    rates, read, shown, write,
};
use crate::settings::{Settings, SettingsError};
use crate::template::fill;
use crate::word_list;

/// How long the wrap-up may take, in millionths of a second, where less is left.
const WRAP_UP_TIME: u64 = 30 * ONE;

/// Bytes that a token is taken for where a server does not say what it used.
const BYTES_PER_TOKEN: usize = 4;

/// The budgets and what was used of them.
pub(super) struct Budget {
    /// Of a run and of a day; 0 is no limit.
    limits: [Amounts; 2],
    /// By this run; on its day by all runs; and by this one since it was last taken for the log.
    used: [Amounts; 3],
    /// What a million tokens cost.
    rates: [u64; 3],
    /// One more than the monotonic moment up to which time is counted; 0 before there is one.
    counted_ms: u64,
    /// Until when the run may take time to wrap up, whatever is left; 0 where no budget is used up.
    wrap_up_until: u64,
}

/// The places in [`Budget::used`].
const RUN: usize = 0;
const TODAY: usize = 1;
const PENDING: usize = 2;

impl Budget {
    /// # Errors
    /// Money is limited, and there is no price to count it by.
    pub(super) fn new(settings: &Settings) -> Result<Budget, SettingsError> {
        let [run, day, spent] = settings.budgets;
        let rates = rates(&settings.prices, &settings.model);
        if rates.is_none() && run[COST] | day[COST] > 0 {
            return Err(SettingsError::Value {
                name: "prices",
                wanted: PRICES_WANTED,
            });
        }
        Ok(Budget {
            limits: [run, day],
            used: [[0; 6], spent, [0; 6]],
            rates: rates.unwrap_or_default(),
            counted_ms: 0,
            wrap_up_until: 0,
        })
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

    /// What is left of a kind.
    fn left(&self, kind: usize) -> u64 {
        let mut left = UNLIMITED;
        for (limit, used) in self.limits.iter().zip(&self.used) {
            if limit[kind] > 0 {
                left = left.min(limit[kind].saturating_sub(used[kind]));
            }
        }
        left
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
        for (at, when) in ["in this run", "today, until 00:00 UTC"]
            .into_iter()
            .enumerate()
        {
            for kind in TOKENS..=STEPS {
                let (limit, used) = (self.limits[at][kind], self.used[at][kind]);
                if limit > 0 && used >= limit {
                    self.wrap_up_until = self.used[RUN][SECONDS].saturating_add(WRAP_UP_TIME);
                    return Some(fill(
                        "the budget is used up: % of % % %",
                        &[
                            &shown(used),
                            &shown(limit),
                            word_list::word(KINDS, kind),
                            when,
                        ],
                    ));
                }
            }
        }
        None
    }

    /// Whether the run ends because a budget is used up.
    pub(super) fn is_used_up(&self) -> bool {
        self.wrap_up_until > 0
    }

    /// Milliseconds that are left; a great many where time has no limit.
    pub(super) fn left_ms(&self) -> u64 {
        let wrap_up = self.wrap_up_until.saturating_sub(self.used[RUN][SECONDS]);
        self.left(SECONDS).max(wrap_up).div_ceil(1_000)
    }

    /// When time is up, on the monotonic clock; `None` where it has no limit.
    pub(super) fn deadline(&self, now: Now) -> Option<u64> {
        let left = self.left_ms();
        (left < UNLIMITED / 2_000).then(|| now.monotonic_ms.saturating_add(left))
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
        let spent = &mut self.budget.used[PENDING];
        if spent[STEPS] == 0 && !all {
            return None;
        }
        let text = line(spent);
        spent[..DAY].fill(0);
        Some(text)
    }
}
