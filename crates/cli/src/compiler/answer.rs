//! What the compiling process answers: a head of fixed size, then the machine code or the reason why there is none.

use sha2::{Digest, Sha256};

/// Begins every answer of this version.
const MARK: [u8; 8] = *b"dewclaw1";

/// The mark, what it is, the body's length, the body's SHA-256.
pub(super) const HEAD_BYTES: usize = MARK.len() + 1 + 8 + 32;

/// What came of the bytes of a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// They were compiled.
    Code(Vec<u8>),
    /// They are no component that runs here: in the engine's words.
    Invalid(String),
    /// There is no engine on this machine: in its words.
    NoEngine(String),
}

/// Bytes that are no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AnswerError {
    /// It ends too early, or does not begin as an answer does.
    #[error("its answer is not whole")]
    NotWhole,
    /// Its checksum is not of its bytes.
    #[error("its answer is damaged")]
    Damaged,
}

impl Answer {
    /// The head, and the body.
    pub(super) fn parts(&self) -> ([u8; HEAD_BYTES], &[u8]) {
        let (kind, body) = match self {
            Answer::Code(code) => (0, code.as_slice()),
            Answer::Invalid(reason) => (1, reason.as_bytes()),
            Answer::NoEngine(reason) => (2, reason.as_bytes()),
        };
        let mut head = [0; HEAD_BYTES];
        let (mark, rest) = head.split_at_mut(MARK.len());
        mark.copy_from_slice(&MARK);
        rest[0] = kind;
        rest[1..9].copy_from_slice(&(body.len() as u64).to_le_bytes());
        rest[9..].copy_from_slice(&Sha256::digest(body));
        (head, body)
    }

    /// Reads an answer that is `bytes` and nothing more.
    ///
    /// # Errors
    /// They are no whole answer.
    pub(super) fn read(mut bytes: Vec<u8>) -> Result<Answer, AnswerError> {
        if bytes.len() < HEAD_BYTES {
            return Err(AnswerError::NotWhole);
        }
        let body = bytes.split_off(HEAD_BYTES);
        let (mark, rest) = bytes.split_at(MARK.len());
        if *mark != MARK || rest[1..9] != (body.len() as u64).to_le_bytes() {
            return Err(AnswerError::NotWhole);
        }
        if rest[9..] != *Sha256::digest(&body) {
            return Err(AnswerError::Damaged);
        }
        let text = |body| String::from_utf8(body).map_err(|_| AnswerError::Damaged);
        match rest[0] {
            0 => Ok(Answer::Code(body)),
            1 => text(body).map(Answer::Invalid),
            2 => text(body).map(Answer::NoEngine),
            _ => Err(AnswerError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: &Answer) -> Vec<u8> {
        let (head, body) = answer.parts();
        [&head, body].concat()
    }

    #[test]
    fn an_answer_reads_back() {
        for answer in [
            Answer::Code(b"\x7fELF\0code".to_vec()),
            Answer::Code(Vec::new()),
            Answer::Invalid("unknown type 7".into()),
            Answer::NoEngine("no backend".into()),
        ] {
            assert_eq!(Answer::read(written(&answer)), Ok(answer));
        }
    }

    #[test]
    fn every_beginning_and_every_changed_byte_is_noticed() {
        let whole = written(&Answer::Code(b"machine code".to_vec()));
        for length in 0..whole.len() {
            assert_eq!(
                Answer::read(whole[..length].to_vec()),
                Err(AnswerError::NotWhole),
                "{length}"
            );
        }
        let more = [&whole[..], b"x"].concat();
        assert_eq!(Answer::read(more), Err(AnswerError::NotWhole));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 4;
            assert!(Answer::read(changed).is_err(), "{at}");
        }
    }
}
