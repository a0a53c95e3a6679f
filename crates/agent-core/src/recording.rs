//! Recordings: everything that an agent was told in one run, so that the run can be made again without a model.
//!
//! A recording is JSON lines. The first holds the settings, the tools' names, the seed and the prompt; then comes a line
//! for each request (its digest, and the messages that it has more than the one before), each input with its moment
//! (model replies as raw bytes with their cuts), each file operation with its
//! answer, each HTTP operation where it began, its answer where it came, and the end. There is no secret in
//! it, because no effect or input holds one.

mod line;
mod operation;
mod recorder;
mod replay;

pub use line::RecordingError;
pub(crate) use line::get_input;
pub(crate) use operation::put_operation;
pub use recorder::Recorder;
pub use replay::{Header, Replay};

/// The version of the format.
pub const VERSION: u64 = 1;

/// What the first line says it is.
pub(crate) const KIND: &str = "dewclaw-recording";

/// FNV-1a, 64 bits (Fowler, Noll and Vo; RFC 9923). It finds a request that has drifted; it proves nothing.
#[derive(Clone, Copy)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) fn finish(self) -> alloc::string::String {
        let mut text = alloc::string::String::from("fnv1a64:");
        for shift in (0..16).rev() {
            let digit = (self.0 >> (shift * 4)) as usize & 15;
            text.push(b"0123456789abcdef"[digit] as char);
        }
        text
    }
}

/// The digest of the request that the agent asked for last.
pub(crate) fn request_digest(agent: &crate::Agent) -> alloc::string::String {
    let mut digest = Digest::new();
    for index in 0.. {
        let Some(piece) = agent.body_piece(index) else {
            break;
        };
        digest.update(piece);
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a() {
        let digest = |text: &str| {
            let mut digest = Digest::new();
            digest.update(text.as_bytes());
            digest.finish()
        };
        assert_eq!(digest(""), "fnv1a64:cbf29ce484222325");
        assert_eq!(digest("a"), "fnv1a64:af63dc4c8601ec8c");
        assert_eq!(digest("foobar"), "fnv1a64:85944171f73967e8");
    }
}
