//! A key that a server sends back is taken out of its answer, wherever the answer is cut.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame};
use wasmtime_wasi_http::Error;

use super::body::AnswerBody;

/// What stands where a key was.
const MARK: &[u8] = b"[key]";

/// An answer without `key`: headers that hold it are gone, and in the body a mark stands for it.
pub(super) fn without(key: &str, mut answer: Response<AnswerBody>) -> Response<RedactedBody> {
    let headers = answer.headers_mut();
    let holding: Vec<_> = headers
        .iter()
        .filter(|(_, value)| memchr::memmem::find(value.as_bytes(), key.as_bytes()).is_some())
        .map(|(name, _)| name.clone())
        .collect();
    for name in holding {
        headers.remove(name);
    }
    // The length may be another now.
    headers.remove(CONTENT_LENGTH);
    answer.map(|inner| RedactedBody {
        inner,
        redactor: Redactor::new(key),
        failure: None,
    })
}

/// Such an answer's body.
pub(super) struct RedactedBody {
    inner: AnswerBody,
    redactor: Redactor,
    /// Told once what was held back is.
    failure: Option<Error>,
}

impl Body for RedactedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(failure) = self.failure.take() {
                return Poll::Ready(Some(Err(failure)));
            }
            let bytes = match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                // Trailers say nothing that anybody reads.
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.redactor.push(&data),
                    Err(_) => continue,
                },
                Poll::Ready(Some(Err(failure))) => {
                    self.failure = Some(failure);
                    self.redactor.finish()
                }
                Poll::Ready(None) => {
                    let rest = self.redactor.finish();
                    if rest.is_empty() {
                        return Poll::Ready(None);
                    }
                    rest
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && self.redactor.held.is_empty() && self.failure.is_none()
    }
}

/// Takes a key out of bytes that come in pieces. It holds back only what may be the beginning of the key.
struct Redactor {
    /// Never empty.
    key: Vec<u8>,
    held: Vec<u8>,
}

impl Redactor {
    fn new(key: &str) -> Redactor {
        Redactor {
            key: key.as_bytes().to_vec(),
            held: Vec::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.held);
        rest.extend_from_slice(bytes);
        let mut clean = Vec::with_capacity(rest.len());
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&rest[from..], &self.key) {
            clean.extend_from_slice(&rest[from..from + at]);
            clean.extend_from_slice(MARK);
            from += at + self.key.len();
        }
        let rest = &rest[from..];
        let longest = rest.len().min(self.key.len() - 1);
        let begun = (1..=longest)
            .rev()
            .find(|length| self.key.starts_with(&rest[rest.len() - length..]))
            .unwrap_or(0);
        let (done, held) = rest.split_at(rest.len() - begun);
        clean.extend_from_slice(done);
        self.held = held.to_vec();
        clean
    }

    /// What was held back and is not the key after all.
    fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(key: &str, pieces: &[&str]) -> String {
        let mut redactor = Redactor::new(key);
        let mut clean: Vec<u8> = Vec::new();
        for piece in pieces {
            clean.extend(redactor.push(piece.as_bytes()));
        }
        clean.extend(redactor.finish());
        String::from_utf8(clean).unwrap()
    }

    #[test]
    fn a_key_is_found_however_it_is_cut() {
        let text = "no key sk-abc, and sk-absk-abcsk-abc.";
        let wanted = "no key [key], and sk-ab[key][key].";
        for size in 1..=text.len() {
            let pieces: Vec<&str> = (0..text.len())
                .step_by(size)
                .map(|at| &text[at..text.len().min(at + size)])
                .collect();
            assert_eq!(redacted("sk-abc", &pieces), wanted, "pieces of {size}");
        }
    }

    #[test]
    fn only_a_beginning_of_the_key_is_held_back() {
        let mut redactor = Redactor::new("sk-abc");
        assert_eq!(redactor.push(b"data: a risk-"), b"data: a ri");
        assert_eq!(redactor.push(b"free day\n\n"), b"sk-free day\n\n");
        assert_eq!(redactor.push(b"sk"), b"");
        assert_eq!(redactor.finish(), b"sk");
    }

    #[test]
    fn a_key_of_a_single_letter_comes_to_an_end() {
        assert_eq!(redacted("k", &["kick"]), "[key]ic[key]");
    }
}
