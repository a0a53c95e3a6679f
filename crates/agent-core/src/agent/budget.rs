//! What a run has used of its budget, and of that of the day.

use alloc::string::String;

use dewclaw_platform::{Now, times};

use super::Agent;
use crate::budget_log::{day, line};
use crate::effect::Usage;
use crate::settings::budgets::{
    Budget, COST, DAY, ONE, PENDING, RUN, SECONDS, STEPS, TODAY, TOKENS, TOOL_CALLS, read, write,
};
use crate::template::fill;

/// How long the wrap-up may take, in millionths of a second, where less is left.
const WRAP_UP_TIME: u64 = 30 * ONE;

/// More than this is never counted at once, of tokens or milliseconds.
const MOST: u64 = 1 << 42;

/// Bytes that a token is taken for where a server does not say what it used.
const BYTES_PER_TOKEN: usize = 4;

impl Budget {
    /// Whether a day has one.
    pub fn is_per_day(&self) -> bool {
        self.limits[TODAY] != [0; 6]
    }

    /// Whether money is limited.
    pub(crate) fn has_cost(&self) -> bool {
        self.limits[RUN][COST] | self.limits[TODAY][COST] > 0
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
        // So it is seen before the first call whether the log can be written.
        self.is_pending = true;
        self.wrap_up_until = 0;
        // What has passed since the last run is nobody's.
        self.counted_ms = 0;
        self.pass(now);
    }

    /// The run ends.
    pub(super) fn end(&mut self) {
        self.is_pending = true;
    }

    /// Time has passed.
    pub(super) fn pass(&mut self, now: Now) {
        let until = now.monotonic_ms.saturating_add(1);
        let last = core::mem::replace(&mut self.counted_ms, until);
        if last > 0 {
            let passed = until.saturating_sub(last);
            self.count(SECONDS, passed.min(MOST) * 1_000);
        }
    }

    /// So much was used.
    fn count(&mut self, kind: usize, amount: u64) {
        for used in &mut self.used {
            used[kind] = used[kind].saturating_add(amount);
        }
    }

    /// Whether this kind or one behind it is used up: the limit of a run or of a day, by its place.
    fn over(&self, first: usize) -> Option<usize> {
        let used = self.used.as_flattened();
        for (at, limit) in self.limits.as_flattened().iter().enumerate() {
            // 0 is no limit, and becomes a great one.
            if at % 6 >= first && used[at] > limit.wrapping_sub(1) {
                return Some(at / 6);
            }
        }
        None
    }

    /// A reply has come. Where the server says nothing of tokens they are taken from the bytes, so that the budget holds.
    pub(super) fn count_reply(
        &mut self,
        rates: Option<[u64; 3]>,
        mut usage: Usage,
        request: usize,
        reply: usize,
    ) {
        if usage == Usage::default() {
            usage.input_tokens = (request / BYTES_PER_TOKEN) as u64;
            usage.output_tokens = (reply / BYTES_PER_TOKEN) as u64;
        }
        let (input, output) = (usage.input_tokens.min(MOST), usage.output_tokens.min(MOST));
        let cached = usage.cached_tokens.min(input);
        let counts = [input - cached, cached, output];
        let mut cost = 0u64;
        for (count, rate) in counts.iter().zip(rates.iter().flatten()) {
            cost = cost.saturating_add(times(*count, *rate));
        }
        self.count(STEPS, ONE);
        self.count(TOKENS, (input + output) * ONE);
        self.count(COST, cost.div_ceil(ONE));
        self.is_pending = true;
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
            "the budget of % is used up: % of %",
            &[
                if at == RUN {
                    "this run"
                } else {
                    "today, until 00:00 UTC,"
                },
                &write(&self.used[at][..DAY]),
                &write(&self.limits[at]),
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
        // Asked at every input.
        if self.limits[RUN][SECONDS] | self.limits[TODAY][SECONDS] == 0 {
            return left;
        }
        for (limit, used) in self.limits.iter().zip(&self.used) {
            let limit = limit[SECONDS].wrapping_sub(1);
            left = left.min(limit.saturating_sub(used[SECONDS]));
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
    /// What was spent since this was last asked, as a line of the day's log, which [`crate::Settings::read_log`] reads. Before a
    /// driver performs an effect it adds this to the log. There is a line where the runs of a day have a budget, and a run
    /// begins or ends, or a reply has come.
    pub fn take_spent(&mut self) -> Option<String> {
        let budget = &mut self.settings.budget;
        if !core::mem::take(&mut budget.is_pending) || !budget.is_per_day() {
            return None;
        }
        let spent = &mut budget.used[PENDING];
        let text = line(spent);
        spent[..DAY].fill(0);
        Some(text)
    }
}
