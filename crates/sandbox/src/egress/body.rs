//! The body of an answer: decoded as it comes, and never more of it than the limit.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// What the door says that it reads.
pub(super) const CODINGS: &str = "gzip, deflate";

/// How an answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
}

impl Coding {
    /// What the headers say; one coding at most, since of two the inner one has no limit of its own.
    ///
    /// # Errors
    /// The coding is none of those that were offered.
    pub(super) fn of(headers: &HeaderMap) -> Result<Coding, &'static str> {
        let mut coding = Coding::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            let text = value.to_str().map_err(|_| "its coding has no name")?;
            for name in text.split(',').map(str::trim) {
                let next = match name.to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Coding::Gzip,
                    "deflate" => Coding::Deflate,
                    _ => return Err("its coding was not offered (gzip and deflate were)"),
                };
                if coding != Coding::Identity {
                    return Err("it has more than one coding");
                }
                coding = next;
            }
        }
        Ok(coding)
    }
}

/// Why a body ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// More bytes than may be, as they came or decoded.
    TooLarge,
    /// It is not of its coding, or not to its end.
    Corrupt(String),
}

/// A body that is being read.
pub(super) struct Collected {
    limit: usize,
    came: usize,
    decoder: Decoder,
}

enum Decoder {
    Identity(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
    /// `deflate` is zlib's form by the standard (RFC 9110, section 8.4.1.2) and the bare one by habit; two bytes tell which.
    Undecided(Vec<u8>, Capped),
    Zlib(Box<ZlibDecoder<Capped>>),
    Bare(Box<DeflateDecoder<Capped>>),
}

impl Collected {
    pub(super) fn new(coding: Coding, limit: usize) -> Collected {
        let capped = Capped::new(limit);
        Collected {
            limit,
            came: 0,
            decoder: match coding {
                Coding::Identity => Decoder::Identity(capped),
                Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(capped))),
                Coding::Deflate => Decoder::Undecided(Vec::new(), capped),
            },
        }
    }

    /// Takes in what came. At most `limit` bytes are ever taken in, and at most `limit` are kept: compressed nothings are
    /// endless too.
    ///
    /// # Errors
    /// The body is to be given up.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.came = self.came.saturating_add(bytes.len());
        if self.came > self.limit {
            return Err(Broken::TooLarge);
        }
        if let Decoder::Undecided(head, capped) = &mut self.decoder {
            head.extend_from_slice(bytes);
            if head.len() < 2 {
                return Ok(());
            }
            let (head, capped) = (std::mem::take(head), capped.take());
            self.decoder = if is_zlib(&head) {
                Decoder::Zlib(Box::new(ZlibDecoder::new(capped)))
            } else {
                Decoder::Bare(Box::new(DeflateDecoder::new(capped)))
            };
            return self.write(&head);
        }
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let written = match &mut self.decoder {
            Decoder::Identity(capped) => capped.write_all(bytes),
            Decoder::Gzip(decoder) => decoder.write_all(bytes),
            Decoder::Zlib(decoder) => decoder.write_all(bytes),
            Decoder::Bare(decoder) => decoder.write_all(bytes),
            Decoder::Undecided(..) => Ok(()),
        };
        written.map_err(broken)
    }

    /// The whole body.
    ///
    /// # Errors
    /// It is not whole.
    pub(super) fn finish(self) -> Result<Bytes, Broken> {
        if self.came == 0 {
            return Ok(Bytes::new());
        }
        let capped = match self.decoder {
            Decoder::Identity(capped) => Ok(capped),
            Decoder::Gzip(decoder) => decoder.finish(),
            Decoder::Zlib(decoder) => decoder.finish(),
            Decoder::Bare(decoder) => decoder.finish(),
            Decoder::Undecided(..) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        Ok(capped.map_err(broken)?.bytes.into())
    }
}

/// Whether these are the first two bytes of zlib's form (RFC 1950, section 2.2).
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [method, flags, ..]
        if method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

fn broken(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Broken::TooLarge,
        io::ErrorKind::WriteZero => Broken::Corrupt("bytes behind its end".into()),
        _ => Broken::Corrupt(error.to_string()),
    }
}

/// Bytes up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl Capped {
    fn new(limit: usize) -> Capped {
        Capped {
            bytes: Vec::new(),
            limit,
        }
    }

    fn take(&mut self) -> Capped {
        std::mem::replace(self, Capped::new(0))
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn encoded(form: u8, bytes: &[u8]) -> (Coding, Vec<u8>) {
        let level = Compression::default();
        match form % 4 {
            0 => (Coding::Identity, bytes.to_vec()),
            1 => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                (Coding::Gzip, encoder.finish().unwrap())
            }
            2 => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                (Coding::Deflate, encoder.finish().unwrap())
            }
            _ => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                (Coding::Deflate, encoder.finish().unwrap())
            }
        }
    }

    fn decoded(coding: Coding, limit: usize, bytes: &[u8], size: usize) -> Result<Bytes, Broken> {
        let mut body = Collected::new(coding, limit);
        for piece in bytes.chunks(size) {
            body.push(piece)?;
        }
        body.finish()
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = vec![0; 50_000_000];
        for form in 1..4 {
            let (coding, bytes) = encoded(form, &bomb);
            assert!(bytes.len() < 100_000);
            let mut body = Collected::new(coding, 1_000_000);
            let mut taken = 0;
            let stopped = bytes.chunks(1024).try_for_each(|piece| {
                taken += piece.len();
                body.push(piece)
            });
            assert_eq!(stopped, Err(Broken::TooLarge), "form {form}");
            // One kilobyte holds a megabyte: the third is too many.
            assert!(taken <= 3 * 1024, "form {form}: {taken}");
        }
    }

    #[test]
    fn endless_compressed_nothing_stops_at_the_limit() {
        // A stored block without bytes, which is not the last one.
        let nothing = [0, 0, 0, 0xff, 0xff];
        let mut body = Collected::new(Coding::Deflate, 10_000);
        let count = (0..).find(|_| body.push(&nothing).is_err());
        assert_eq!(count, Some(2_000));
    }

    #[test]
    fn a_gzip_body_of_several_parts_is_whole() {
        let (coding, mut bytes) = encoded(1, b"one ");
        bytes.extend(encoded(1, b"two").1);
        assert_eq!(decoded(coding, 100, &bytes, 5).unwrap(), "one two");
    }

    #[test]
    fn codings_that_were_not_offered_are_refused() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, http::HeaderValue::from_static(value));
            }
            Coding::of(&headers)
        };
        assert_eq!(of(&[]), Ok(Coding::Identity));
        assert_eq!(of(&["GZIP"]), Ok(Coding::Gzip));
        assert_eq!(of(&["identity, deflate"]), Ok(Coding::Deflate));
        for refused in [
            &["br"][..],
            &["gzip, gzip"],
            &["gzip", "deflate"],
            &["zstd"],
        ] {
            assert!(of(refused).is_err(), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(
            bytes in prop::collection::vec(any::<u8>(), 1..2000), form: u8, size in 1usize..300
        ) {
            let (coding, encoded) = encoded(form, &bytes);
            let limit = encoded.len().max(bytes.len());
            prop_assert_eq!(decoded(coding, limit, &encoded, size), Ok(Bytes::from(bytes.clone())));
            prop_assert_eq!(decoded(coding, limit - 1, &encoded, size), Err(Broken::TooLarge));
            if coding != Coding::Identity {
                let cut = &encoded[..encoded.len() - 1];
                prop_assert!(matches!(decoded(coding, limit, cut, size), Err(Broken::Corrupt(_))));
            }
        }

        #[test]
        fn any_bytes_are_survived(
            bytes in prop::collection::vec(any::<u8>(), 0..600), form: u8, size in 1usize..50
        ) {
            let coding = [Coding::Gzip, Coding::Deflate][usize::from(form % 2)];
            if let Ok(body) = decoded(coding, 1000, &bytes, size) {
                prop_assert!(body.len() <= 1000);
            }
        }
    }
}
