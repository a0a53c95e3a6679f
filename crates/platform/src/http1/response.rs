//! An answer, read from bytes in any cut.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{is_name_byte, is_value_byte};
use crate::{HttpError, Method, lossy};

/// Bytes of a head at most, interim answers in front of it included, and of a chunked body's extensions and trailers. A
/// field's value that is not UTF-8 takes three times its bytes.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Fields of a head at most, and of trailers.
pub const MAX_FIELDS: usize = 100;

/// Bytes of the line in front of a chunk.
const MAX_CHUNK_LINE: usize = 256;

/// Hexadecimal digits of a chunk's size, leading zeros included.
const MAX_SIZE_DIGITS: usize = 16;

/// More than fits into the memory that this runs in: nobody sends that as one chunk.
const MAX_CHUNK_BYTES: u64 = u32::MAX as u64;

/// What a version begins with.
const VERSION: &[u8; 7] = b"HTTP/1.";

/// What came next of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'b> {
    /// The head.
    Head {
        /// The status code, 200 to 999.
        status: u16,
        /// Names in lower case; of values that are not UTF-8, what is not is replaced.
        headers: Vec<(String, String)>,
    },
    /// Bytes of the body, never none.
    Body(&'b [u8]),
    /// The answer is complete.
    End,
}

/// An answer on its way in.
#[derive(Debug)]
pub struct Response {
    state: State,
    /// The line that is being read, without its end.
    line: Vec<u8>,
    /// The line's CR was read.
    ends: bool,
    /// Bytes that lines may still take.
    allowance: usize,
    fields: usize,
    headers: Vec<(String, String)>,
    to_head: bool,
    begun: bool,
    status: u16,
    old: bool,
    length: Option<u64>,
    chunked: bool,
    keeps: bool,
    closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Status,
    Fields,
    /// This much of the body is left.
    Sized(u64),
    UntilClose,
    ChunkSize,
    /// This much of the chunk is left, and then its line's end.
    Chunk(u64),
    Trailers,
    Over,
}

impl Response {
    /// The answer to a request of this method, before its first byte.
    pub fn new(method: Method) -> Response {
        Response {
            state: State::Status,
            line: Vec::new(),
            ends: false,
            allowance: MAX_HEAD_BYTES,
            fields: 0,
            headers: Vec::new(),
            to_head: method == Method::Head,
            begun: false,
            status: 0,
            old: false,
            length: None,
            chunked: false,
            keeps: false,
            closes: false,
        }
    }

    /// Reads on from the front of `bytes`, as far as the next part; `None` once it needs more of them. Call it again
    /// until then, also when no bytes are left.
    ///
    /// # Errors
    /// `Protocol` for what is not valid, `TooLarge` for what is over a limit. Nothing can be read after that.
    pub fn read<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Part<'b>>, HttpError> {
        self.begun |= !bytes.is_empty();
        loop {
            let most = match self.state {
                State::Sized(0) => {
                    self.state = State::Over;
                    return Ok(Some(Part::End));
                }
                State::Sized(left) => {
                    let (part, left) = take(bytes, left);
                    self.state = State::Sized(left);
                    return Ok(part);
                }
                State::UntilClose => return Ok(take(bytes, u64::MAX).0),
                State::Chunk(left) if left > 0 => {
                    let (part, left) = take(bytes, left);
                    self.state = State::Chunk(left);
                    return Ok(part);
                }
                State::Over if bytes.is_empty() => return Ok(None),
                State::Over => return Err(HttpError::Protocol),
                State::Chunk(_) => 0,
                State::ChunkSize => MAX_CHUNK_LINE,
                State::Status | State::Fields | State::Trailers => MAX_HEAD_BYTES,
            };
            let Some(line) = self.take_line(bytes, most)? else {
                return Ok(None);
            };
            match self.state {
                State::Status => self.status_line(&line)?,
                State::ChunkSize => self.chunk_line(&line)?,
                State::Chunk(_) => self.state = State::ChunkSize,
                _ if !line.is_empty() => self.field(&line)?,
                State::Fields => {
                    if let Some(head) = self.head()? {
                        return Ok(Some(head));
                    }
                }
                _ => {
                    self.state = State::Over;
                    return Ok(Some(Part::End));
                }
            }
        }
    }

    /// The connection was closed, after everything that it brought was read.
    ///
    /// # Errors
    /// `Closed` if that is not where the answer ends.
    pub fn closed(&self) -> Result<(), HttpError> {
        match self.state {
            State::UntilClose | State::Over => Ok(()),
            _ => Err(HttpError::Closed),
        }
    }

    /// Whether any byte of it was read.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the connection can serve another request: RFC 9112, 9.3. Only after [`Part::End`].
    pub fn keeps_connection(&self) -> bool {
        self.keeps && self.state == State::Over
    }

    /// Takes bytes to the end of a line of no more than `most` bytes, which is answered without its end.
    fn take_line(&mut self, bytes: &mut &[u8], most: usize) -> Result<Option<Vec<u8>>, HttpError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if self.ends || byte == b'\r' {
                if !self.ends {
                    self.ends = true;
                    continue;
                }
                self.ends = false;
                if byte != b'\n' {
                    return Err(HttpError::Protocol);
                }
                return Ok(Some(mem::take(&mut self.line)));
            }
            let at = self.line.len();
            let version = VERSION.get(at).filter(|_| self.state == State::Status);
            if most == 0 || !is_value_byte(byte) || version.is_some_and(|known| *known != byte) {
                return Err(HttpError::Protocol);
            }
            if at >= most.min(self.allowance) {
                return Err(HttpError::TooLarge);
            }
            self.line.push(byte);
        }
        Ok(None)
    }

    /// RFC 9112, 4. That it begins with [`VERSION`], as far as it goes, was seen to when it was taken.
    fn status_line(&mut self, line: &[u8]) -> Result<(), HttpError> {
        let rest = line.get(VERSION.len()..).unwrap_or_default();
        let [minor @ (b'0' | b'1'), b' ', code @ ..] = rest else {
            return Err(HttpError::Protocol);
        };
        let ([a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9']
        | [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..]) = code
        else {
            return Err(HttpError::Protocol);
        };
        let digit = |digit: &u8| u16::from(digit - b'0');
        self.status = digit(a) * 100 + digit(b) * 10 + digit(c);
        self.old = *minor == b'0';
        self.keeps = !self.old;
        self.state = State::Fields;
        self.spend(line.len())
    }

    /// A field of the head or of the trailers: RFC 9112, 5.
    fn field(&mut self, line: &[u8]) -> Result<(), HttpError> {
        self.spend(line.len())?;
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return Err(HttpError::TooLarge);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or_default());
        if name.is_empty() || !name.iter().all(|byte| is_name_byte(*byte)) {
            return Err(HttpError::Protocol);
        }
        if self.state == State::Trailers {
            return Ok(());
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let mut name = lossy(name);
        name.make_ascii_lowercase();
        match name.as_str() {
            "content-length" => self.content_length(value)?,
            "transfer-encoding" => {
                if self.chunked || self.old || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(HttpError::Protocol);
                }
                self.chunked = true;
            }
            "connection" => {
                for option in value.split(|byte| *byte == b',') {
                    let option = option.trim_ascii();
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keeps |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
        let value = lossy(value);
        self.headers.push((name, value));
        Ok(())
    }

    /// A list of one number, however often: RFC 9112, 6.3, rule 5.
    fn content_length(&mut self, value: &[u8]) -> Result<(), HttpError> {
        for digits in value.split(|byte| *byte == b',') {
            let length = number(digits.trim_ascii(), 10)?;
            if self.length.is_some_and(|known| known != length) {
                return Err(HttpError::Protocol);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    /// The end of a head: how long its body is, by RFC 9112, 6.3. `None` for an interim one.
    fn head(&mut self) -> Result<Option<Part<'static>>, HttpError> {
        self.fields = 0;
        if self.status < 200 {
            if self.status == 101 {
                return Err(HttpError::Protocol);
            }
            self.headers.clear();
            (self.length, self.chunked, self.closes) = (None, false, false);
            self.state = State::Status;
            return Ok(None);
        }
        self.keeps &= !self.closes;
        self.allowance = MAX_HEAD_BYTES;
        self.state = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(HttpError::Protocol),
            _ if self.to_head || matches!(self.status, 204 | 304) => State::Sized(0),
            (true, None) => State::ChunkSize,
            (false, Some(length)) => State::Sized(length),
            (false, None) => {
                self.keeps = false;
                State::UntilClose
            }
        };
        Ok(Some(Part::Head {
            status: self.status,
            headers: mem::take(&mut self.headers),
        }))
    }

    /// The line in front of a chunk: RFC 9112, 7.1.
    fn chunk_line(&mut self, line: &[u8]) -> Result<(), HttpError> {
        let is_hex = |byte: &&u8| byte.is_ascii_hexdigit();
        let (size, extensions) = line.split_at(line.iter().take_while(is_hex).count());
        // Whitespace may stand in front of a semicolon alone.
        if !extensions.is_empty() && extensions.trim_ascii_start().first() != Some(&b';') {
            return Err(HttpError::Protocol);
        }
        if size.len() > MAX_SIZE_DIGITS {
            return Err(HttpError::TooLarge);
        }
        let size = number(size, 16)?;
        if size > MAX_CHUNK_BYTES {
            return Err(HttpError::TooLarge);
        }
        self.state = match size {
            0 => State::Trailers,
            _ => State::Chunk(size),
        };
        self.spend(extensions.len())
    }

    /// Counts bytes of lines.
    fn spend(&mut self, bytes: usize) -> Result<(), HttpError> {
        self.allowance = self
            .allowance
            .checked_sub(bytes)
            .ok_or(HttpError::TooLarge)?;
        Ok(())
    }
}

/// Up to `left` bytes from the front, if there are any, and how many are left then.
fn take<'b>(bytes: &mut &'b [u8], left: u64) -> (Option<Part<'b>>, u64) {
    let count = left.min(bytes.len() as u64);
    let (part, rest) = bytes.split_at(count as usize);
    *bytes = rest;
    ((count > 0).then_some(Part::Body(part)), left - count)
}

/// Digits of a radix up to 16, and nothing else.
fn number(digits: &[u8], radix: u32) -> Result<u64, HttpError> {
    let mut number = 0u64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(radix);
        let digit = digit.ok_or(HttpError::Protocol)?;
        let radix = u64::from(radix);
        // As `checked_mul` does, which takes 128 bits.
        if number > u64::MAX / radix {
            return Err(HttpError::TooLarge);
        }
        let next = (number * radix).checked_add(digit.into());
        number = next.ok_or(HttpError::TooLarge)?;
    }
    if digits.is_empty() {
        return Err(HttpError::Protocol);
    }
    Ok(number)
}
