//! Reading a whole answer, cut anywhere: what a client would tell of it.

use dewclaw_platform::http1::{Part, Response};
use dewclaw_platform::{HttpError, Method};

/// What was told of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Complete {
        /// The connection can serve another request.
        keeps: bool,
        /// Bytes after the last one.
        surplus: usize,
    },
    /// When the connection was closed.
    WithConnection,
    /// Not as it should.
    Failed(HttpError),
}

/// Reads `bytes` in pieces that end at `cuts`, in rising order, and then sees the connection closed.
pub(crate) fn read(method: Method, bytes: &[u8], cuts: &[usize]) -> Told {
    let mut response = Response::new(method);
    let mut told = Told {
        status: 0,
        headers: Vec::new(),
        body: Vec::new(),
        end: End::WithConnection,
    };
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let mut piece = &bytes[from..to];
        from = to;
        loop {
            match response.read(&mut piece) {
                Ok(None) => {
                    assert!(piece.is_empty(), "bytes are left without a reason");
                    break;
                }
                Ok(Some(Part::Head { status, headers })) => {
                    assert_eq!(told.status, 0, "a second head");
                    (told.status, told.headers) = (status, headers);
                }
                Ok(Some(Part::Body(part))) => {
                    assert!(told.status >= 200 && !part.is_empty());
                    told.body.extend_from_slice(part);
                }
                Ok(Some(Part::End)) => {
                    assert!(told.status >= 200);
                    assert_eq!(response.closed(), Ok(()));
                    told.end = End::Complete {
                        keeps: response.keeps_connection(),
                        surplus: piece.len() + bytes.len() - to,
                    };
                    return told;
                }
                Err(error) => {
                    told.end = End::Failed(error);
                    return told;
                }
            }
        }
        assert_eq!(response.has_begun(), to > 0);
        assert!(!response.keeps_connection());
    }
    if let Err(error) = response.closed() {
        told.end = End::Failed(error);
    }
    told
}

/// The same, uncut; checked to be the same at every single cut, and byte by byte.
pub(crate) fn read_at_every_cut(method: Method, bytes: &[u8]) -> Told {
    let whole = read(method, bytes, &[]);
    for cut in 0..=bytes.len() {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(read(method, bytes, &[cut]), whole, "{shown:?} cut at {cut}");
    }
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(read(method, bytes, &every), whole);
    whole
}
