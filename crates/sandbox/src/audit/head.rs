//! Hashes, and the head of a chain: the sequence and hash of its newest entry.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub(super) fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }

    pub(super) fn hex(&self) -> [u8; 64] {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }

    /// Of 64 lower-case digits and nothing else.
    pub(super) fn from_hex(text: &[u8]) -> Option<Hash> {
        let digit = |letter: u8| match letter {
            b'0'..=b'9' => Some(letter - b'0'),
            b'a'..=b'f' => Some(letter - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Hash(bytes))
    }
}

impl From<Sha256> for Hash {
    fn from(hasher: Sha256) -> Hash {
        Hash(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.hex() {
            fmt::Write::write_char(f, char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Hash, String> {
        Hash::from_hex(text.as_bytes())
            .ok_or_else(|| format!("{text:?} is not a hash: 64 digits of 0-9 and a-f are needed"))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// The end of a chain. Printed as `SEQUENCE:HASH`, and read back from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Of the newest entry; 0 where there is none.
    pub sequence: u64,
    /// Of the newest entry; the chain's beginning where there is none.
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Head, String> {
        let (sequence, hash) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} is not a head: SEQUENCE:HASH is needed"))?;
        Ok(Head {
            sequence: sequence
                .parse()
                .map_err(|_| format!("{sequence:?} is not an entry's sequence number"))?,
            hash: hash.parse()?,
        })
    }
}

/// What the head's file holds. Always as long, so that one write puts a newer one in its place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadFile {
    v: u32,
    chain: String,
    seq: String,
    hash: Hash,
    sum: String,
}

/// Of both, as 16 digits: a reader that meets the file while it is being written may get half of each of two heads, and sees it by
/// this. It holds off no attacker.
fn sum(head: &Head) -> [u8; 16] {
    let mut sum = head.sequence;
    for byte in head.hash.0 {
        // FNV-1a, 64 bits.
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut text = [0; 16];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(sum & 15) as usize];
        sum >>= 4;
    }
    text
}

/// The bytes of a head's file, changed in place.
pub(super) struct HeadText {
    bytes: Vec<u8>,
    sequence_at: usize,
    hash_at: usize,
    sum_at: usize,
}

impl HeadText {
    /// `chain` needs no escapes.
    pub(super) fn new(chain: &str) -> HeadText {
        let mut bytes = format!("{{\"v\":1,\"chain\":\"{chain}\",\"seq\":\"").into_bytes();
        let sequence_at = bytes.len();
        bytes.extend_from_slice(&[b'0'; 20]);
        bytes.extend_from_slice(b"\",\"hash\":\"");
        let hash_at = bytes.len();
        bytes.extend_from_slice(&[b'0'; 64]);
        bytes.extend_from_slice(b"\",\"sum\":\"");
        let sum_at = bytes.len();
        bytes.extend_from_slice(&[b'0'; 16]);
        bytes.extend_from_slice(b"\"}\n");
        HeadText {
            bytes,
            sequence_at,
            hash_at,
            sum_at,
        }
    }

    pub(super) fn of(&mut self, head: &Head) -> &[u8] {
        let mut rest = head.sequence;
        for digit in self.bytes[self.sequence_at..self.sequence_at + 20]
            .iter_mut()
            .rev()
        {
            *digit = DIGITS[(rest % 10) as usize];
            rest /= 10;
        }
        self.bytes[self.hash_at..self.hash_at + 64].copy_from_slice(&head.hash.hex());
        self.bytes[self.sum_at..self.sum_at + 16].copy_from_slice(&sum(head));
        &self.bytes
    }
}

/// The head that a chain's file holds, if it is one of that chain.
pub(super) fn parse_head(chain: &str, bytes: &[u8]) -> Option<Head> {
    let read: HeadFile = serde_json::from_slice(bytes).ok()?;
    if read.v != 1 || read.chain != chain {
        return None;
    }
    let head = Head {
        sequence: read.seq.parse().ok()?,
        hash: read.hash,
    };
    (read.sum.as_bytes() == sum(&head)).then_some(head)
}
