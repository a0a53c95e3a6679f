//! The log of what the runs of a day have spent: a line for each model call, in the form of budgets, which is only ever added to.

use alloc::string::String;

use dewclaw_platform::{Now, cut};

use crate::settings::Settings;
use crate::settings::budgets::{Amounts, DAY, ONE, TODAY, read, write};

/// Bytes from which lines are summed up.
const MANY_BYTES: usize = 16 * 1024;

const DAY_MS: u64 = 86_400_000;

/// The day as an amount.
pub(crate) fn day(now: Now) -> u64 {
    (now.wall_ms / DAY_MS).saturating_mul(ONE).max(ONE)
}

/// A line: what was spent, and the day.
pub(crate) fn line(amounts: &Amounts) -> String {
    let mut line = write(amounts);
    line.push('\n');
    line
}

impl Settings {
    /// Reads a log at a moment, for the setting `spent_today`: what was spent on this day, and on days after it (a clock that
    /// goes back does not fill a budget again). A line that has no end was being written when a run was killed; it does not
    /// count. Answers what is to stand in the log's place, which is nothing where it can stay: some of it is of days before,
    /// cut off, or one of very many lines. `None` where a line is one that no run of this version has written.
    pub fn read_log(&mut self, log: &[u8], now: Now) -> Option<String> {
        let today = day(now);
        let spent = &mut self.budget.used[TODAY];
        spent[DAY] = today;
        let mut replace = log.len() > MANY_BYTES;
        let mut rest = core::str::from_utf8(log).ok()?;
        while let (text, Some(behind)) = cut(rest, b'\n') {
            rest = behind;
            let mut amounts = [0; 6];
            read(text, &mut amounts)?;
            if amounts[DAY] < today {
                replace = true;
                continue;
            }
            let last = amounts[DAY].max(spent[DAY]);
            for (spent, amount) in spent.iter_mut().zip(&amounts) {
                *spent = spent.saturating_add(*amount);
            }
            spent[DAY] = last;
        }
        Some(if replace || !rest.is_empty() {
            line(spent)
        } else {
            String::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn at(day: u64) -> Now {
        Now {
            monotonic_ms: 5,
            wall_ms: day * DAY_MS + 1_000,
        }
    }

    /// What was spent by a log, and what is to stand in its place.
    fn read(log: impl AsRef<[u8]>, day: u64) -> Option<(String, String)> {
        let mut settings = Settings::default();
        let replacement = settings.read_log(log.as_ref(), at(day))?;
        Some((write(&settings.budget.used[TODAY][..DAY]), replacement))
    }

    #[test]
    fn a_line_says_what_was_spent() {
        assert_eq!(
            line(&[ONE, 1_300_000_000, 4_250, 2_400_000, 0, day(at(20_777))]),
            "steps=1,tokens=1300,cost=0.00425,seconds=2.4,day=20777\n"
        );
    }

    #[test]
    fn the_lines_of_this_day_and_later_ones_count() {
        let lines = "tokens=100,steps=1,day=5\ntokens=10,steps=1,day=6\ntokens=20,cost=0.5,day=6\ntokens=3,steps=1,day=9\n";
        let sum = |days| alloc::format!("steps=2,tokens=33,cost=0.5{days}");
        assert_eq!(read(lines, 6), Some((sum(""), sum(",day=9\n"))));
        // A clock that goes back finds what was spent, and what it leaves is found when it goes right again.
        let all = "steps=3,tokens=133,cost=0.5";
        assert_eq!(read(lines, 3), Some((all.into(), String::new())));
        let (_, left) = read([lines, "tokens=1,day=3\n", "torn"].concat(), 3).unwrap();
        assert_eq!(read(left, 6).unwrap().0, "steps=3,tokens=134,cost=0.5");
        // The next day is a new one.
        assert_eq!(read(lines, 10), Some((String::new(), "day=10\n".into())));
        let stays = Some((String::new(), String::new()));
        assert_eq!(read("day=10\n", 10), stays);
    }

    #[test]
    fn lines_of_this_day_alone_stay_as_they_are() {
        let lines = "tokens=10,steps=1,day=6\ntokens=20,steps=1,day=6\n";
        let sum = "steps=2,tokens=30";
        assert_eq!(read(lines, 6), Some((sum.into(), String::new())));
        assert_eq!(read("", 6), Some((String::new(), String::new())));
        // A board whose clock was never set.
        assert_eq!(read("tokens=5,day=1\n", 0).unwrap().0, "tokens=5");
        let sum = "steps=800,tokens=12000";
        let shorter = [sum, ",day=6\n"].concat();
        assert_eq!(read(lines.repeat(400), 6), Some((sum.into(), shorter)));
    }

    #[test]
    fn a_log_torn_at_any_byte_loses_its_last_line_alone() {
        let first = "steps=1,tokens=10,day=6\n";
        let lines = [first, "steps=1,tokens=20,day=6\n"].concat();
        for end in first.len() + 1..lines.len() {
            let (spent, replacement) = read(&lines[..end], 6).unwrap();
            assert_eq!(spent, "steps=1,tokens=10", "{end}");
            assert_eq!(replacement, first, "{end}");
        }
    }

    #[test]
    fn what_no_run_wrote_is_an_error() {
        let good = "tokens=10,day=6\n";
        for bad in [
            "\n",
            "garbage\n",
            "day=6,version=2\n",
            "day=-6\n",
            "day=6 \n",
            "day=6\r\n",
            "{\"day\":6}\n",
            "\0\n",
        ] {
            assert_eq!(read([good, bad, good].concat(), 6), None, "{bad:?}");
            assert_eq!(read(bad, 6), None, "{bad:?}");
        }
        assert_eq!(read(b"day=6\n\xff\n", 6), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, text in "[a-z_=,:0-9.\n]{0,80}") {
            let _ = read(bytes, 6);
            let _ = read(text, 6);
        }

        #[test]
        fn what_is_written_is_summed(spent in prop::collection::vec(prop::array::uniform5(0..1u64 << 40), 0..400)) {
            let mut sum = [0; 5];
            let mut lines = String::new();
            for spent in &spent {
                let [a, b, c, d, e] = *spent;
                lines.push_str(&line(&[a, b, c, d, e, 7 * ONE]));
                for (sum, amount) in sum.iter_mut().zip(spent) {
                    *sum += amount;
                }
            }
            let (spent, shorter) = read(lines, 7).unwrap();
            prop_assert_eq!(&spent, &write(&sum));
            if !shorter.is_empty() {
                prop_assert_eq!(read(shorter, 7).unwrap().0, spent);
            }
        }
    }
}
