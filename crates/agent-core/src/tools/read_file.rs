//! `read_file`: a page of a text file.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::has;

use super::error::{ErrorKind, ToolError};
use super::path::workspace_path;
use super::whole_file::{NOT_TEXT, PIECE_BYTES, WRONG_ANSWER};
use super::{Step, Task, Tool, Writes, count_argument, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value, decimal, string_cost};
use crate::operation::{FileAnswer, FileOperation};
use crate::settings::Settings;
use crate::settings::limits::TEXT;
use crate::template::fill;

/// Lines of a page where no limit is given.
const DEFAULT_LIMIT: u64 = 2_000;

/// Bytes of a page as JSON: with the rest of the result it stays below what the model is handed.
const MAX_PAGE_BYTES: usize = 60_000;

pub(crate) const TOOL: Tool = Tool {
    name: "read_file",
    description: "Reads a text file of the workspace. Long files come in pages: read on with offset, as the hint says.",
    parameters: r#"{"type":"object","properties":{"path":{"type":"string","description":"relative to the workspace"},"offset":{"type":"integer","minimum":1,"description":"first line to read, from 1"},"limit":{"type":"integer","minimum":1,"description":"lines to read at most"}},"required":["path"],"additionalProperties":false}"#,
    writes: Writes::Never,
    networked: false,
    start,
};

fn start(arguments: &Value, settings: &Settings) -> Result<Box<dyn Task>, ToolError> {
    Ok(Box::new(ReadFile {
        path: workspace_path(text_argument(arguments, "path"))?,
        first: count_argument(arguments, "offset", 1),
        limit: count_argument(arguments, "limit", DEFAULT_LIMIT),
        position: 0,
        line: 1,
        page: Vec::new(),
        page_cost: 0,
        most: settings.limits.of(TEXT, MAX_PAGE_BYTES),
        lines: 0,
        line_open: false,
        at_line_start: true,
    }))
}

/// The file goes by piece by piece; only the page stays in memory.
struct ReadFile {
    path: String,
    first: u64,
    limit: u64,
    /// Bytes read so far.
    position: u64,
    /// The number of the line that the next byte belongs to.
    line: u64,
    page: Vec<u8>,
    /// The page's bytes once they are JSON.
    page_cost: usize,
    /// What they may be.
    most: usize,
    /// Lines that the page has a part of.
    lines: u64,
    /// The page's last line has no end yet.
    line_open: bool,
    /// The next byte begins a line.
    at_line_start: bool,
}

/// Why a page is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Full {
    /// It has as many lines as were asked for.
    Lines,
    /// Another line does not fit.
    Bytes,
    /// Its only line does not fit, and is cut.
    LongLine,
}

impl Task for ReadFile {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        let chunk = match answer {
            None => None,
            Some(OperationAnswer::File(FileAnswer::Bytes(chunk))) => Some(chunk),
            Some(OperationAnswer::File(FileAnswer::Failed(error))) => {
                return Step::Done(Err(ToolError::file(&self.path, error)));
            }
            Some(_) => {
                return Step::Done(Err(self.error(ErrorKind::Internal, WRONG_ANSWER)));
            }
        };
        if let Some(chunk) = chunk {
            if has(&chunk.bytes, 0) {
                return Step::Done(Err(self.error(ErrorKind::Unsupported, NOT_TEXT)));
            }
            self.position += chunk.bytes.len() as u64;
            if let Some((full, rest)) = self.take(&chunk.bytes) {
                let more = !rest.is_empty() || !chunk.end;
                return Step::Done(self.finish(more.then_some(full)));
            }
            if chunk.end {
                return Step::Done(self.finish(None));
            }
        }
        Step::Operate(Operation::File(FileOperation::Read {
            path: self.path.clone(),
            offset: self.position,
            length: PIECE_BYTES,
        }))
    }
}

impl ReadFile {
    /// Takes more of the file; when the page is full, says why and what of the bytes it did not take.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> Option<(Full, &'b [u8])> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|newline| newline + 1);
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line >= self.first {
                if !self.line_open {
                    if self.lines == self.limit {
                        return Some((Full::Lines, rest));
                    }
                    self.lines += 1;
                }
                let cost: usize = part.iter().map(|byte| string_cost(*byte)).sum();
                if self.page_cost + cost > self.most {
                    return Some(self.overflow(part, rest));
                }
                self.page.extend_from_slice(part);
                self.page_cost += cost;
                self.line_open = end.is_none();
            }
            self.at_line_start = end.is_some();
            self.line += u64::from(self.at_line_start);
            rest = after;
        }
        None
    }

    /// The page can't take `part`: the line moves to the next page, or is cut when it is this page's only one.
    fn overflow<'b>(&mut self, part: &[u8], rest: &'b [u8]) -> (Full, &'b [u8]) {
        if self.lines > 1 {
            if self.line_open {
                let kept = self.page.iter().rposition(|byte| *byte == b'\n');
                self.page.truncate(kept.map_or(0, |newline| newline + 1));
            }
            self.lines -= 1;
            return (Full::Bytes, rest);
        }
        for byte in part {
            self.page_cost += string_cost(*byte);
            if self.page_cost > self.most {
                break;
            }
            self.page.push(*byte);
        }
        // A character that the cut went through goes whole.
        if let Err(error) = core::str::from_utf8(&self.page)
            && error.error_len().is_none()
        {
            self.page.truncate(error.valid_up_to());
        }
        (Full::LongLine, rest)
    }

    fn finish(&mut self, full: Option<Full>) -> Result<Vec<u8>, ToolError> {
        if self.lines == 0 && self.first > 1 && full.is_none() {
            let lines = decimal(self.line - u64::from(self.at_line_start));
            return Err(ToolError::invalid(
                "\"%\" has only % lines: take a smaller offset",
                &[&self.path, &lines],
            ));
        }
        let content = String::from_utf8(core::mem::take(&mut self.page))
            .map_err(|_| self.error(ErrorKind::Unsupported, NOT_TEXT))?;
        let mut result = Object::new();
        result.text("content", &content).number("lines", self.lines);
        if let Some(full) = full {
            let next = decimal(self.first + self.lines);
            let hint = match full {
                Full::LongLine => fill(
                    "the line is longer than a page and was cut; what follows it, if anything, is at offset %",
                    &[&next],
                ),
                Full::Lines | Full::Bytes => fill("read on with offset %", &[&next]),
            };
            result.boolean("truncated", true).text("hint", &hint);
        }
        Ok(result.finish())
    }

    fn error(&self, kind: ErrorKind, why: &str) -> ToolError {
        ToolError::new(kind, "\"%\" %", &[&self.path, why])
    }
}
