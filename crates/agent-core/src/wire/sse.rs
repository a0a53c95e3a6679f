//! Server-sent events, decoded from bytes cut anywhere (WHATWG HTML, section 9.2).

use alloc::vec::Vec;

/// Bytes that one event's data may have. A model's event is a few hundred bytes; a whole file written in one
/// tool-call fragment still fits.
pub(crate) const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// An event was larger than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTooLarge {
    /// Bytes that it may have.
    pub(crate) most: usize,
}

/// Collects events' data. Names, ids and retry times are read and dropped: the wires here don't need them.
pub(crate) struct SseDecoder {
    /// Bytes that an event may have.
    most: usize,
    /// The current line, as far as it has come.
    line: Vec<u8>,
    /// The current event's data: its `data` lines, each with a newline after it. The first of them is there whole, as it came.
    data: Vec<u8>,
    /// Where in it the data begins.
    begins: usize,
    /// The last byte was a carriage return, so a newline now is the same line's end.
    after_return: bool,
    /// A byte-order mark can only stand at the very start.
    started: bool,
}

impl SseDecoder {
    /// A decoder of events of at most so many bytes.
    pub(crate) fn new(most: usize) -> SseDecoder {
        SseDecoder {
            most,
            line: Vec::new(),
            data: Vec::new(),
            begins: 0,
            after_return: false,
            started: false,
        }
    }

    /// Takes bytes and calls `event` with the data of each event that they complete.
    pub(crate) fn feed<E: From<EventTooLarge>>(
        &mut self,
        bytes: &[u8],
        event: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        if self.after_return && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        if !bytes.is_empty() {
            self.after_return = false;
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&rest[..end])?;
            let is_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_return {
                match rest.first() {
                    Some(b'\n') => rest = &rest[1..],
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            self.end_line(event)?;
        }
        self.extend_line(rest)?;
        Ok(())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.line.len() + self.data.len() + bytes.len() > self.most {
            return Err(EventTooLarge { most: self.most });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line<E>(&mut self, event: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut line = &self.line[..];
        if !self.started {
            self.started = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let mut result = Ok(());
        if line.is_empty() {
            if let Some((_, data)) = self.data.split_last() {
                result = event(data.get(self.begins..).unwrap_or_default());
            }
            self.data.clear();
        } else if let Some(value) = line.strip_prefix(b"data") {
            // The field's name ends at a colon, or at the line's end; one space after the colon does not count.
            let value = match value {
                [] => Some(value),
                [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
                _ => None,
            };
            if let Some(value) = value {
                if self.data.is_empty() {
                    // Mostly it is the only one: it is not copied.
                    self.begins = self.line.len() - value.len();
                    core::mem::swap(&mut self.line, &mut self.data);
                } else {
                    self.data.extend_from_slice(value);
                }
                self.data.push(b'\n');
            }
        }
        self.line.clear();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> Result<Vec<String>, EventTooLarge> {
        let mut decoder = SseDecoder::new(MAX_EVENT_BYTES);
        let mut events = Vec::new();
        for piece in pieces {
            decoder.feed::<EventTooLarge>(piece, &mut |data| {
                events.push(String::from_utf8_lossy(data).into_owned());
                Ok(())
            })?;
        }
        Ok(events)
    }

    #[test]
    fn events_are_decoded_as_the_standard_says() {
        let stream = b"\xef\xbb\xbfdata: one\n\n: comment\nevent: x\ndata:two\ndata\ndata:  three\r\n\r\nid: 1\rdata: four\r\rdatax: no\n\n\ndata: cut";
        assert_eq!(
            decode(&[stream]).unwrap(),
            vec!["one", "two\n\n three", "four"]
        );
    }

    #[test]
    fn an_event_that_is_too_large_is_an_error_before_it_fills_the_memory() {
        let piece = vec![b'x'; 64 * 1024];
        let mut decoder = SseDecoder::new(MAX_EVENT_BYTES);
        let failed_at = (0..1000)
            .position(|_| {
                decoder
                    .feed::<EventTooLarge>(&piece, &mut |_| Ok(()))
                    .is_err()
            })
            .unwrap();
        assert_eq!(failed_at, MAX_EVENT_BYTES / piece.len());
        assert!(decoder.line.capacity() <= 2 * MAX_EVENT_BYTES);
    }

    proptest! {
        /// However a stream is cut, the events are those of the whole.
        #[test]
        fn cuts_change_nothing(
            lines in prop::collection::vec("(data: ?|data|: |event: |)[a-z\u{e9} ]{0,8}(\n|\r|\r\n|\n\n|\r\n\r\n)", 0..20),
            cuts in prop::collection::vec(0usize..400, 0..20),
        ) {
            let stream = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[&stream]));
        }

        /// No bytes whatever make it panic.
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&[&bytes]);
        }
    }
}
