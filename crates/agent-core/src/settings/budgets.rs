//! Amounts of what budgets are for, in the one form that flags, settings, saved sessions and the log of a day have:
//! `tokens=200000,cost=0.5`; and prices.
//!
//! Every amount is a whole number of millionths, read from and written as a decimal, so that nothing is ever a float: a price
//! of 2.5 for a million tokens is 2,500,000, and so are 2.5 seconds.

use alloc::string::String;

use dewclaw_platform::{cut, split};

use super::Settings;
use crate::json::decimal;
use crate::word_list;

/// A whole one, in millionths.
pub(crate) const ONE: u64 = 1_000_000;

/// What there are budgets for, by their places in amounts; and the day.
pub(crate) const KINDS: &str = "steps, tokens, cost, seconds, tool_calls, day";
/// Model rounds.
pub(crate) const STEPS: usize = 0;
/// Of requests and replies, as the server reports them.
pub(crate) const TOKENS: usize = 1;
/// In the currency of the prices.
pub(crate) const COST: usize = 2;
/// From the prompt to the end, waits and tools included.
pub(crate) const SECONDS: usize = 3;
/// Of the model; those that were refused for a budget don't count.
pub(crate) const TOOL_CALLS: usize = 4;
/// The day on which the amounts were spent, where that matters: one of UTC, from 1970 on.
pub(crate) const DAY: usize = 5;

/// An amount of each kind, in millionths, and the day.
pub(crate) type Amounts = [u64; 6];

/// The budgets, and what was used of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Of a run and of a day; 0 is no limit.
    pub(crate) limits: [Amounts; 2],
    /// By this run; on its day by all runs; and by this one since it was last taken for the log.
    pub(crate) used: [Amounts; 3],
    /// One more than the monotonic moment up to which time is counted; 0 before there is one.
    pub(crate) counted_ms: u64,
    /// There is something to add to the log.
    pub(crate) is_pending: bool,
    /// Until when the run may take time to wrap up, whatever is left; 0 where no budget is used up.
    pub(crate) wrap_up_until: u64,
}

/// The places in [`Budget::limits`] and [`Budget::used`].
pub(crate) const RUN: usize = 0;
pub(crate) const TODAY: usize = 1;
pub(crate) const PENDING: usize = 2;

/// What [`read`] takes.
pub(super) const WANTED: &str =
    "like tokens=200000,cost=0.5, of steps, tokens, cost, seconds, tool_calls";

/// What `prices` takes.
pub(super) const PRICES_WANTED: &str =
    "like MODEL=INPUT/CACHED/OUTPUT, of this model, where a budget has a cost";

/// Reads amounts into their places; what is not named stays as it is. `None` where one is no amount, or has no place.
pub(crate) fn read(text: &str, into: &mut Amounts) -> Option<()> {
    for part in split(text, b',') {
        let (name, amount) = cut(part, b'=');
        *into.get_mut(word_list::place(KINDS, name)?)? = millionths(amount?)?;
    }
    Some(())
}

/// Writes the amounts that are not 0, as [`read`] reads them; nothing where there are none.
pub(crate) fn write(amounts: &[u64]) -> String {
    let mut text = String::new();
    for (at, amount) in amounts.iter().enumerate() {
        if *amount > 0 {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(word_list::word(KINDS, at));
            text.push('=');
            text.push_str(&decimal(*amount / ONE));
            let mut rest = *amount % ONE;
            if rest > 0 {
                text.push('.');
            }
            while rest > 0 {
                rest *= 10;
                text.push(char::from(b'0' + (rest / ONE) as u8));
                rest %= ONE;
            }
        }
    }
    text
}

impl Settings {
    /// What a million tokens cost: input, cached input and output. The last one of the model, or of `*`, counts. `None`
    /// where there is none, or it is no price.
    pub(crate) fn rates(&self) -> Option<[u64; 3]> {
        let mut found = None;
        for price in split(&self.prices, b',') {
            let (name, amounts) = cut(price, b'=');
            if name == "*" || name == self.model {
                found = amounts;
            }
        }
        let mut amounts = split(found?, b'/');
        let mut rates = [0; 3];
        for rate in &mut rates {
            *rate = millionths(amounts.next()?)?;
        }
        Some(rates)
    }
}

/// The millionths of a decimal with at most six digits behind the point.
fn millionths(text: &str) -> Option<u64> {
    let mut bytes = text.bytes();
    let mut amount = 0;
    // Digits behind the point, and one more; 0 before it.
    let mut place = 0;
    text.as_bytes().first().filter(|first| **first != b'.')?;
    loop {
        let byte = match bytes.next() {
            Some(byte) => byte,
            // What is left out is a point and zeros.
            None if place == 0 => b'.',
            None if place < 7 => b'0',
            None => return Some(amount),
        };
        match byte {
            b'.' if place == 0 => place = 1,
            b'0'..=b'9' if place < 7 && amount <= u64::MAX / 20 => {
                amount = amount * 10 + u64::from(byte - b'0');
                place += u32::from(place > 0);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_as_they_are_written() {
        for (text, amount) in [
            ("0", 0),
            ("1", 1_000_000),
            ("007", 7_000_000),
            ("2.5", 2_500_000),
            ("0.000001", 1),
            ("3.", 3_000_000),
            ("9223372036854.775807", u64::MAX / 2),
        ] {
            assert_eq!(millionths(text), Some(amount), "{text}");
        }
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "0.0000001",
            "1e3",
            "1.2.3",
            "1,5",
            " 1",
            "x",
            "0x10",
            "18446744073709.551616",
            "99999999999999999999999999",
        ] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(amount in 1..u64::MAX / 2) {
            let text = write(&[0, amount]);
            prop_assert_eq!(millionths(text.strip_prefix("tokens=").unwrap()), Some(amount));
        }

        #[test]
        fn every_decimal_is_what_its_digits_say(whole in 0u64..1_000_000_000, fraction in "[0-9]{1,6}") {
            let text = alloc::format!("{whole}.{fraction}");
            let six = alloc::format!("{fraction}000000");
            prop_assert_eq!(millionths(&text), Some(whole * ONE + six[..6].parse::<u64>().unwrap()));
        }

        #[test]
        fn amounts_survive_a_round_trip(amounts in prop::array::uniform6(0u64..u64::MAX / 2)) {
            let mut again = [0; 6];
            let text = write(&amounts);
            prop_assert_eq!(read(&text, &mut again).is_some(), amounts != [0; 6]);
            prop_assert_eq!(again, amounts);
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,30}", list in "[a-z_=,.0-9 /*]{0,40}") {
            for text in [text, list] {
                let _ = millionths(&text);
                let _ = read(&text, &mut [0; 6]);
                let _ = rates(&text, "m");
            }
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let read = |text| read(text, &mut [0; 6]);
        assert_eq!(
            read("tokens=200000,cost=0.50,seconds=600,tool_calls=0,steps=1"),
            Some(())
        );
        for text in [
            "",
            "5",
            "tokens",
            "tokens=",
            "tokens=5,",
            "tokens=-5",
            "tokens=1e3",
            "tokens=5;cost=1",
            "money=1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [
            "",
            "m",
            "m=",
            "m=1",
            "m=1/",
            "m=1/2",
            "m=1/-1/1",
            "m=1/2/3,m=1",
            "=1",
        ] {
            assert_eq!(rates(text, "m"), None, "{text}");
        }
    }

    #[test]
    fn the_last_price_of_the_model_or_of_all_counts() {
        let prices = "*=9/9/9,m-1=1/0.1/2,vendor/m:2=1/1/1,x=1/1/1,x=2/2/2";
        for (model, wanted) in [
            ("y", [9.0, 9.0, 9.0]),
            ("m-1", [1.0, 0.1, 2.0]),
            ("m-11", [9.0, 9.0, 9.0]),
            ("vendor/m:2", [1.0, 1.0, 1.0]),
            ("x", [2.0, 2.0, 2.0]),
        ] {
            let wanted = wanted.map(|rate| (rate * 1_000_000.0) as u64);
            assert_eq!(rates(prices, model), Some(wanted), "{model}");
        }
        assert_eq!(rates("m=1/2/3", "n"), None);
    }

    fn rates(prices: &str, model: &str) -> Option<[u64; 3]> {
        let settings = Settings {
            prices: prices.into(),
            model: model.into(),
            ..Settings::default()
        };
        settings.rates()
    }
}
