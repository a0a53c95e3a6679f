//! Standard input, a line at a time, for whoever asks next: a chat, or a question about a tool call.

use std::io::{self, BufRead, IsTerminal, Write, stderr};
use std::sync::mpsc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Before each line of a prompt on a terminal.
pub(super) const SIGN: &str = "> ";

/// Bytes that a line may have, those that it goes on in included: as many as the component takes of standard input.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// It is longer than [`MAX_LINE_BYTES`] or no text. It was read to its end.
    #[error("a line must be UTF-8 text without NUL, of at most 1 MiB")]
    Unusable,
    /// Nothing can be read any more.
    #[error("standard input can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// A line; `None` past the last one.
pub(super) type Line = Result<Option<String>, LineError>;

/// The lines of standard input. Nothing is read before somebody asks.
#[derive(Default)]
pub(super) struct Lines {
    reader: Option<Reader>,
}

/// The thread that reads, since reading from a terminal can't be broken off.
struct Reader {
    wanted: mpsc::Sender<()>,
    lines: UnboundedReceiver<Line>,
    /// A line was asked for and has not come.
    waits: bool,
}

impl Lines {
    /// Puts `question` on standard error and waits for the next line. Where that is broken off, the line that is being typed
    /// belongs to who asks next.
    pub(super) async fn next(&mut self, question: &str) -> Line {
        let _ = stderr().write_all(question.as_bytes());
        let reader = self.reader.get_or_insert_with(Reader::start);
        if !reader.waits {
            reader.waits = reader.wanted.send(()).is_ok();
        }
        let line = reader.lines.recv().await;
        reader.waits = false;
        line.unwrap_or(Ok(None))
    }
}

impl Reader {
    fn start() -> Reader {
        let (wanted, wishes) = mpsc::channel();
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || read_wanted(&wishes, &sender));
        Reader {
            wanted,
            lines,
            waits: false,
        }
    }
}

fn read_wanted(wishes: &mpsc::Receiver<()>, lines: &UnboundedSender<Line>) {
    let sign = if io::stdin().is_terminal() { SIGN } else { "" };
    while wishes.recv().is_ok() {
        let line = read_line(&mut io::stdin().lock(), || {
            let _ = stderr().write_all(sign.as_bytes());
        });
        if lines.send(line).is_err() {
            return;
        }
    }
}

/// The next line without its end. One that ends in `\` goes on in the next, of which `goes_on` is told.
fn read_line(input: &mut impl BufRead, mut goes_on: impl FnMut()) -> Line {
    let mut line = Vec::new();
    let mut fits = true;
    loop {
        let piece = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            piece => piece?,
        };
        let end = memchr::memchr(b'\n', piece);
        let length = end.unwrap_or(piece.len());
        line.extend_from_slice(&piece[..length]);
        let at_end = piece.is_empty();
        input.consume(length + usize::from(end.is_some()));
        if line.len() > MAX_LINE_BYTES {
            // Its end says whether it goes on.
            fits = false;
            line.drain(..line.len() - 2);
        }
        if at_end && line.is_empty() && fits {
            return Ok(None);
        }
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.last() == Some(&b'\\') {
                line.pop();
                line.push(b'\n');
                goes_on();
                continue;
            }
        }
        if end.is_some() || at_end {
            break;
        }
    }
    match String::from_utf8(line) {
        Ok(line) if fits && !line.contains('\0') => Ok(Some(line)),
        _ => Err(LineError::Unusable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNUSABLE: &str = "! a line must be UTF-8 text without NUL, of at most 1 MiB";

    /// What is read of `input`, by a reader that gets it in pieces of `piece` bytes, and how often a line goes on.
    fn read(input: &[u8], piece: usize) -> (Vec<String>, usize) {
        let mut input = io::BufReader::with_capacity(piece, input);
        let (mut lines, mut more) = (Vec::new(), 0);
        loop {
            lines.push(match read_line(&mut input, || more += 1) {
                Ok(None) => return (lines, more),
                Ok(Some(line)) => line,
                Err(error) => format!("! {error}"),
            });
        }
    }

    #[test]
    fn lines_end_and_go_on() {
        for (input, wanted, more) in [
            (&b""[..], &[][..], 0),
            (b"\n", &[""], 0),
            (b"a\nb", &["a", "b"], 0),
            (b"a\r\nb\r\n", &["a", "b"], 0),
            (b"a\\\nb\\\r\nc\nd", &["a\nb\nc", "d"], 2),
            (b"a\\\\\nb\n", &["a\\\nb"], 1),
            (b"a\\", &["a\\"], 0),
            (b"a\\\n", &["a\n"], 1),
            (b"\\\n\n", &["\n"], 1),
        ] {
            for piece in [1, 2, 3, 100] {
                let text = String::from_utf8_lossy(input);
                let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
                assert_eq!(read(input, piece), (wanted, more), "{text:?} by {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_text_or_too_long_is_read_to_its_end() {
        let long = "x".repeat(MAX_LINE_BYTES);
        let input = format!("{long}\n{long}y\n{long}\\\ny\\\nz\n\0\nafter\n");
        let wanted = [long.as_str(), UNUSABLE, UNUSABLE, UNUSABLE, "after"];
        assert_eq!(read(input.as_bytes(), 8192).0, wanted);
        let wanted = [UNUSABLE, "after"];
        assert_eq!(read(b"\xff\xfe\nafter", 8192).0, wanted);
    }
}
