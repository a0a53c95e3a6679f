//! The pinned numbers of `size-budget.toml` that the tests hold.

use crate::artifact;

/// The figures that only a run can show.
#[derive(Clone, Copy, Debug)]
pub struct RunBudget {
    /// `[fuel] turn_constant`: the fuel that a turn may cost whatever the history.
    pub turn_constant: u64,
    /// `[fuel] per_history_byte`: the fuel that it may cost for each byte of history.
    pub per_history_byte: u64,
    /// `[html] constant`: the fuel that fetching a page may cost whatever its size.
    pub html_constant: u64,
    /// `[html] per_byte`: the fuel that it may cost for each byte of the page.
    pub html_per_byte: u64,
    /// `[html] memory_factor`: the bytes of linear memory that it may take for each byte of the page.
    pub html_memory_factor: usize,
    /// `[resume] per_byte`: the fuel that going on with a session may cost for each byte of its file.
    pub resume_per_byte: u64,
    /// `[resume] memory_factor`: the bytes of linear memory that it may take for each.
    pub resume_memory_factor: usize,
    /// `[memory] demo_end_pages`: the pages of linear memory at the end of the demo.
    pub demo_end_pages: usize,
    /// `[memory] wamr_demo_end_pages`: the same of `dewclaw-wamr.wasm` in WAMR.
    pub wamr_demo_end_pages: usize,
    /// `[session] saved_copies`: how many copies of the transcript saving and restoring a session may cost together.
    pub saved_copies: u64,
    /// `[session] saved_constant`: the fuel that both may cost besides, whatever the conversation.
    pub saved_constant: u64,
    /// `[session] saved_per_call`: the fuel that both may cost besides for each tool call of the conversation.
    pub saved_per_call: u64,
    /// `[session] boundary_ratio`: how many empty calls a call of `next` or `usage` may take that does nothing.
    pub boundary_ratio: u64,
    /// `[session] idle_session_bytes`: the linear memory that one more session of an instance may take.
    pub idle_session_bytes: usize,
    /// `[session] idle_instance_pages`: the pages of linear memory that an instance with a session may have.
    pub idle_instance_pages: usize,
}

/// Reads the budget. Panics, naming the entry, when one is missing.
pub fn read() -> RunBudget {
    let path = artifact::repository().join("size-budget.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |section: &str, entry: &str| {
        let value = table.get(section).and_then(|section| section.get(entry));
        let value = value
            .and_then(toml::Value::as_integer)
            .and_then(|value| u64::try_from(value).ok());
        value.unwrap_or_else(|| {
            panic!("size-budget.toml has no whole number {entry} in [{section}]")
        })
    };
    let count = |section: &str, entry: &str| {
        usize::try_from(number(section, entry)).expect("a count fits into memory")
    };
    RunBudget {
        turn_constant: number("fuel", "turn_constant"),
        per_history_byte: number("fuel", "per_history_byte"),
        html_constant: number("html", "constant"),
        html_per_byte: number("html", "per_byte"),
        html_memory_factor: count("html", "memory_factor"),
        resume_per_byte: number("resume", "per_byte"),
        resume_memory_factor: count("resume", "memory_factor"),
        demo_end_pages: count("memory", "demo_end_pages"),
        wamr_demo_end_pages: count("memory", "wamr_demo_end_pages"),
        saved_copies: number("session", "saved_copies"),
        saved_constant: number("session", "saved_constant"),
        saved_per_call: number("session", "saved_per_call"),
        boundary_ratio: number("session", "boundary_ratio"),
        idle_session_bytes: count("session", "idle_session_bytes"),
        idle_instance_pages: count("session", "idle_instance_pages"),
    }
}
