//! `bench`: what a turn, a page and a saved session cost in fuel, how long it takes to the first model request and into a session,
//! and how much memory is used.
//!
//! Fuel and pages are counts and the same on every machine; times and resident memory are of this one, to be compared by ratio.

use e2e::conversation::{self, Conversation};
use e2e::measure::{self, PeakMemory, SessionReport, StartTime};
use e2e::page_costs::{self, PageCost};
use e2e::size_budget;
use serde_json::{Value, json};
use std::process::ExitCode;

const HELP: &str = "\
Measures dist/dewclaw.wasm, and the sessions of dist/dewclaw-core.wasm.

    bench [--json] [--rounds N] [--session]

  --json      one JSON object instead of tables
  --rounds N  how often times are measured (15)
  --session   the sessions alone
";

/// The turns of the conversations whose fuel is measured.
const CONVERSATIONS: [usize; 3] = [10, 100, 1000];

/// Pages of HTML that are fetched, and every how many of them one is shown.
const PAGES: (usize, usize) = (200, 11);

/// The turns of the conversation whose resident memory is measured.
const MEMORY_TURNS: usize = 10;

fn main() -> ExitCode {
    let mut rounds = 15;
    let (mut as_json, mut session_alone) = (false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => as_json = true,
            "--session" => session_alone = true,
            "--rounds" => match arguments.next().and_then(|count| count.parse().ok()) {
                Some(count @ 1..) => rounds = count,
                _ => return usage("--rounds takes a whole number from 1"),
            },
            "-h" | "--help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => return usage(&format!("unknown argument {other}")),
        }
    }
    let session = SessionReport::measure(rounds);
    if session_alone {
        if as_json {
            println!("{}", session.json());
        } else {
            print!("{}", session.tables());
        }
        return ExitCode::SUCCESS;
    }
    let measured = Measured {
        session,
        conversations: CONVERSATIONS.map(conversation::hold).into(),
        pages: page_costs::fetch_all(PAGES.0),
        start: measure::start_times(rounds),
        memory: measure::peak_memory(MEMORY_TURNS),
    };
    if as_json {
        println!("{}", measured.json());
    } else {
        print!("{}", measured.tables());
    }
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    eprint!("bench: {problem}\n\n{HELP}");
    ExitCode::from(2)
}

/// Everything that was measured.
struct Measured {
    conversations: Vec<Conversation>,
    pages: Vec<PageCost>,
    start: [StartTime; 4],
    memory: [PeakMemory; 2],
    session: SessionReport,
}

impl Measured {
    fn json(&self) -> Value {
        let fuel = self.conversations.iter().map(|conversation| {
            let turns = shown(conversation).into_iter().map(|number| {
                let turn = conversation.turns[number - 1];
                json!({"turn": number, "fuel": turn.fuel, "history_bytes": turn.history_bytes})
            });
            json!({
                "turns": conversation.turns.len(),
                "fuel": conversation.fuel,
                "end_pages": conversation.end_pages,
                "shown": turns.collect::<Vec<_>>(),
            })
        });
        let pages = self.pages.iter().map(|page| {
            json!({
                "bytes": page.bytes,
                "fuel": page.fuel,
                "memory_bytes": page.memory_bytes,
                "text_bytes": page.text_bytes,
            })
        });
        let start = self.start.iter().map(|start| {
            json!({
                "loaded": start.loaded,
                "hello_ms": start.hello.as_secs_f64() * 1e3,
                "first_request_ms": start.first_request.as_secs_f64() * 1e3,
                "ratio": start.ratio(),
            })
        });
        let memory = self.memory.iter().map(|memory| {
            json!({"loaded": memory.loaded, "turns": MEMORY_TURNS, "resident_kb": memory.resident_kb})
        });
        let (constant, per_byte) = fit(&self.conversations);
        json!({
            "fuel": fuel.collect::<Vec<_>>(),
            "fit": {"turn_constant": constant, "per_history_byte": per_byte},
            "pages": pages.collect::<Vec<_>>(),
            "start": start.collect::<Vec<_>>(),
            "memory": memory.collect::<Vec<_>>(),
            "session": self.session.json(),
        })
    }

    fn tables(&self) -> String {
        let mut text = String::from(
            "Fuel of a turn: the reply is read, one read_file runs, the next request is written\n\n",
        );
        text += "| turns | turn | fuel | history bytes | fuel per byte | pages at the end |\n";
        text += "|---|---|---|---|---|---|\n";
        for conversation in &self.conversations {
            for number in shown(conversation) {
                let turn = conversation.turns[number - 1];
                let per_byte = whole(turn.fuel) / whole(turn.history_bytes);
                let (turns, fuel, bytes) =
                    (conversation.turns.len(), turn.fuel, turn.history_bytes);
                text += &format!(
                    "| {turns} | {number} | {fuel} | {bytes} | {per_byte:.1} | {} |\n",
                    conversation.end_pages
                );
            }
        }
        let (constant, per_byte) = fit(&self.conversations);
        let budget = size_budget::read();
        text += &format!(
            "\nNo turn costs more than {constant} + {per_byte:.2} x history bytes; the budget allows {} + {} x history bytes.\n",
            budget.turn_constant, budget.per_history_byte
        );
        text += "\nFetching a page of HTML and making text of it\n\n";
        text += "| bytes | fuel | fuel per byte | linear memory | of the page | text |\n|---|---|---|---|---|---|\n";
        for page in self.pages.iter().step_by(PAGES.1) {
            let (bytes, fuel, memory) = (page.bytes, page.fuel, page.memory_bytes);
            text += &format!(
                "| {bytes} | {fuel} | {:.1} | {memory} | {:.1} | {} |\n",
                whole(fuel) / whole(bytes),
                whole(memory) / whole(bytes),
                page.text_bytes
            );
        }
        text += "\nStart, from the process's start; medians\n\n";
        text +=
            "| loaded | hello and one file | first model request | ratio |\n|---|---|---|---|\n";
        for start in &self.start {
            let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
            text += &format!(
                "| {} | {:.1} ms | {:.1} ms | {:.2} |\n",
                start.loaded,
                ms(start.hello),
                ms(start.first_request),
                start.ratio()
            );
        }
        text += &format!(
            "\nPeak resident memory of the wasmtime process, {MEMORY_TURNS} turns\n\n| loaded | MB |\n|---|---|\n"
        );
        for memory in &self.memory {
            let resident = memory.resident_kb.map(|kb| whole(kb) * 1024.0 / 1e6);
            let resident =
                resident.map_or_else(|| "not measured here".to_owned(), |mb| format!("{mb:.1}"));
            text += &format!("| {} | {resident} |\n", memory.loaded);
        }
        text + "\n" + &self.session.tables()
    }
}

/// The turns of a conversation that the table shows, from 1: the first, the middle one and the last.
fn shown(conversation: &Conversation) -> Vec<usize> {
    let count = conversation.turns.len();
    vec![1, count / 2, count]
}

/// The least line above all turns whose slope is that between the smallest and the largest history: fuel at no history, and fuel for
/// each byte of it.
fn fit(conversations: &[Conversation]) -> (u64, f64) {
    let turns = || {
        conversations
            .iter()
            .flat_map(|conversation| &conversation.turns)
    };
    let (Some(least), Some(most)) = (
        turns().min_by_key(|turn| turn.history_bytes),
        turns().max_by_key(|turn| turn.history_bytes),
    ) else {
        return (0, 0.0);
    };
    let bytes = whole(most.history_bytes) - whole(least.history_bytes);
    let slope = ((whole(most.fuel) - whole(least.fuel)) / bytes.max(1.0)).max(0.0);
    let above = turns().map(|turn| whole(turn.fuel) - slope * whole(turn.history_bytes));
    (above.fold(0.0, f64::max).ceil() as u64, slope)
}

/// A count as a number to calculate with; those here are far below 2^53.
fn whole(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or_default() as f64
}
