//! Shows entries to a person, as a table, or to a program, as JSON lines. Nothing in them does anything to a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::civil_time::utc;
use super::entry::Entry;
use super::line::{is_harmful, write_entry};

/// Writes each entry as the line that it has in its log.
pub fn write_json_lines(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    let mut line = Vec::new();
    for entry in entries {
        write_entry(&mut line, entry);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// Writes a table with a head, one row for each entry. Columns are as wide as their widest cell; the last, what was asked for and what
/// went wrong, is as long as it is.
pub fn write_table(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    let head = [
        "TIME (UTC)",
        "PLUGIN",
        "SEQ",
        "VERDICT",
        "FUNCTION",
        "TOOK",
        "RULE",
        "CALL",
    ]
    .map(str::to_owned);
    let rows: Vec<[String; 8]> = std::iter::once(head)
        .chain(entries.iter().map(row))
        .collect();
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            write!(out, "{cell:width$}  ")?;
        }
        writeln!(out, "{}", row[7])?;
    }
    Ok(())
}

fn row(entry: &Entry) -> [String; 8] {
    let mut call = harmless(&entry.summary);
    if let Some(error) = &entry.error {
        call.push_str(if call.is_empty() {
            "error: "
        } else {
            "  error: "
        });
        call.push_str(&harmless(error));
    }
    for notice in &entry.notices {
        let _ = write!(call, "  [{notice}]");
    }
    [
        utc(entry.time_ms),
        harmless(&entry.plugin),
        entry.sequence.to_string(),
        entry.verdict.to_string(),
        harmless(&entry.function),
        duration(entry.duration_ns),
        harmless(&entry.rule),
        call,
    ]
}

fn duration(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} µs", ns / 1000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

/// Letters that would do something are shown by their number.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_harmful(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}
