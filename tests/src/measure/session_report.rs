//! What a session costs, as tables and as JSON.

use super::boundary::{Boundary, boundary};
use super::idle_memory::{COUNT, IdleMemory, idle_memory};
use super::saved_session::{SavedSession, saved_sessions};
use crate::size_budget;
use serde_json::{Value, json};
use std::time::Duration;

/// Everything that is measured on sessions of `dewclaw-core.wasm`.
pub struct SessionReport {
    saved: Vec<SavedSession>,
    boundary: Boundary,
    idle: IdleMemory,
}

impl SessionReport {
    /// Measures it, the times in so many rounds.
    pub fn measure(rounds: usize) -> Self {
        // First, since the memory that is let go of is not given back to the system.
        let idle = idle_memory();
        Self {
            saved: saved_sessions(),
            boundary: boundary(rounds),
            idle,
        }
    }

    /// The calls whose times were measured, in words.
    fn times(&self) -> [(&'static str, Duration); 4] {
        let Boundary {
            empty,
            next,
            usage,
            shown_piece,
        } = self.boundary;
        [
            ("an empty function of an empty component", empty),
            ("next, between runs", next),
            ("usage", usage),
            ("reply-chunk and next, for a piece of text", shown_piece),
        ]
    }

    /// One object.
    pub fn json(&self) -> Value {
        let saved = self.saved.iter().map(|saved| {
            json!({
                "wire": saved.wire,
                "turns": saved.turns,
                "bytes": saved.bytes,
                "copy_fuel": saved.copy,
                "save_fuel": saved.save,
                "restore_fuel": saved.restore,
                "open_fuel": saved.open,
            })
        });
        let times = self.times().map(|(call, time)| {
            json!({"call": call, "ns": time.as_nanos(), "ratio": self.boundary.ratio(time)})
        });
        json!({
            "saved": saved.collect::<Vec<_>>(),
            "calls": times,
            "idle": {
                "count": COUNT,
                "session_bytes": self.idle.session_bytes,
                "instance_pages": self.idle.instance_pages,
                "instance_resident_bytes": self.idle.instance_resident_bytes,
            },
        })
    }

    /// Tables.
    pub fn tables(&self) -> String {
        let budget = size_budget::read();
        let mut text = String::from(
            "Fuel of saving and restoring a session; a copy is what all pieces of the next request's body take\n\n",
        );
        text += "| wire | turns | saved bytes | a copy | save | restore | of it open | copies |\n";
        text += "|---|---|---|---|---|---|---|---|\n";
        for saved in &self.saved {
            let copies = (saved.save + saved.restore) as f64 / saved.copy as f64;
            text += &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {copies:.1} |\n",
                saved.wire,
                saved.turns,
                saved.bytes,
                saved.copy,
                saved.save,
                saved.restore,
                saved.open
            );
        }
        text += &format!(
            "\nThe budget allows {} + {} x tool calls + {} x a copy for both.\n",
            budget.saved_constant, budget.saved_per_call, budget.saved_copies
        );
        text += "\nCalls into a component that do nothing; the least of all rounds\n\n";
        text += "| call | ns | of an empty call |\n|---|---|---|\n";
        for (call, time) in self.times() {
            let (ns, ratio) = (time.as_nanos(), self.boundary.ratio(time));
            text += &format!("| {call} | {ns} | {ratio:.1} |\n");
        }
        text += &format!(
            "\nIdle, with one run behind each: {COUNT} sessions in one instance, {COUNT} instances in one process\n\n"
        );
        text += "| one of them | linear memory | resident memory |\n|---|---|---|\n";
        let resident = self.idle.instance_resident_bytes;
        let resident = resident.map_or_else(
            || "not measured here".to_owned(),
            |bytes| format!("{:.0} KB", bytes as f64 / 1e3),
        );
        text += &format!("| session | {} bytes | |\n", self.idle.session_bytes);
        text += &format!(
            "| instance | {} pages of 64 KiB | {resident} |\n",
            self.idle.instance_pages
        );
        text
    }
}
