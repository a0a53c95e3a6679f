//! Rows of the table: what was measured, beside what it is compared with and what is aimed at.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// What a row has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Printed beside the others, to be read with them.
    None,
}

pub(crate) struct Row {
    pub(crate) name: String,
    /// What was measured of each side, or of what the row says.
    pub(crate) bare: String,
    pub(crate) sandbox: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) aim: Aim,
}

impl Row {
    pub(crate) fn met(&self) -> Option<bool> {
        match self.aim {
            Aim::AtMost(most) => Some(self.value <= most),
            Aim::AtLeast(least) => Some(self.value >= least),
            Aim::None => None,
        }
    }

    /// A ratio of times, where it is the median of the rounds' ratios.
    pub(crate) fn of_rounds(name: &str, rounds: &[(Duration, Duration)], aim: Aim) -> Row {
        let column = |pick: fn(&(Duration, Duration)) -> Duration| {
            micros(median(rounds.iter().map(|round| pick(round).as_secs_f64())))
        };
        // An aim from below is one of throughput.
        let ratio = |(bare, sandbox): &(Duration, Duration)| match aim {
            Aim::AtLeast(_) => bare.as_secs_f64() / sandbox.as_secs_f64(),
            _ => sandbox.as_secs_f64() / bare.as_secs_f64(),
        };
        Row {
            name: name.to_owned(),
            bare: column(|round| round.0),
            sandbox: column(|round| round.1),
            value: median(rounds.iter().map(ratio)),
            unit: "×",
            aim,
        }
    }

    pub(crate) fn line(&self) -> String {
        let value = format!("{:.2} {}", self.value, self.unit);
        let aim = match self.aim {
            Aim::AtMost(most) => format!("≤ {most} {}", self.unit),
            Aim::AtLeast(least) => format!("≥ {least} {}", self.unit),
            Aim::None => String::new(),
        };
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let Row {
            name,
            bare,
            sandbox,
            ..
        } = self;
        format!("| {name} | {bare} | {sandbox} | {value} | {aim} | {met} |")
    }

    pub(crate) fn json(&self) -> Value {
        let aim = match self.aim {
            Aim::AtMost(most) => json!({"at_most": most}),
            Aim::AtLeast(least) => json!({"at_least": least}),
            Aim::None => Value::Null,
        };
        json!({
            "name": self.name, "bare": self.bare, "sandbox": self.sandbox,
            "value": self.value, "unit": self.unit, "aim": aim, "met": self.met(),
        })
    }
}

pub(crate) const HEAD: &str =
    "| | bare wasmtime | sandbox | measured | aim | |\n|---|---|---|---|---|---|";

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn micros(seconds: f64) -> String {
    if seconds < 1e-3 {
        format!("{:.2} µs", seconds * 1e6)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

/// Processor time of all threads of this process.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
