//! Property tests: however the network cuts an answer, it is the same answer; whatever a server sends, nothing panics and
//! what is kept of it stays small.

use dewclaw_platform::Method;
use dewclaw_platform::http1::{MAX_FIELDS, MAX_HEAD_BYTES, Part, Response};
use proptest::prelude::*;

use crate::reading::{End, read};

const ANSWERS: [&str; 4] = [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
     1a;x=\"y\"\r\ndata: {\"choices\":[{}]}\n\n\r\n\r\n8\r\ndata: {}\r\n0\r\nx-sum: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: Gr\u{fc}\u{df}e\r\n\r\nhello, world",
    "HTTP/1.0 404 Not Found\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200\r\nserver: x\r\n\r\nuntil it closes",
];

fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..=length, 0..20).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

/// Pieces of answers, whole lines and parts of them, and bytes that belong nowhere.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 204\r\n",
        "content-length: ",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
        "connection: keep-alive\r\n",
        "x: y\r\n",
        "\r\n",
        "\r\n\r\n",
        "3\r\nabc\r\n",
        "0\r\n",
        "0\r\n\r\n",
        ";x=y",
        "ffffffffffffffff",
        "\r",
        "\n",
        " ",
        ":",
        "5",
        "abc",
    ]);
    prop_oneof![
        4 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(piece(), 0..20).prop_map(|pieces| pieces.concat());
    let answer = (0..2u8, pieces).prop_map(|(with_head, pieces)| {
        let head: &[u8] = [&b""[..], b"HTTP/1.1 200 OK\r\n"][usize::from(with_head)];
        [head, &pieces].concat()
    });
    prop_oneof![8 => answer, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_of_any_bytes_change_nothing((bytes, cuts) in bytes().prop_flat_map(|bytes| {
        let length = bytes.len();
        (Just(bytes), cuts(length))
    }), method in method()) {
        prop_assert_eq!(read(method, &bytes, &cuts), read(method, &bytes, &[]));
    }

    /// Bytes changed, lost, doubled and moved: whatever is told is told in order, and cuts change nothing of that either.
    #[test]
    fn mutations_are_survived(
        answer in prop::sample::select(ANSWERS.to_vec()),
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), 0..5u8), 1..6),
        cut in any::<usize>(),
    ) {
        let mut bytes = answer.as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at % (bytes.len() + 1);
            match how {
                1 => bytes.insert(at, byte),
                3 => bytes.truncate(at),
                _ if at == bytes.len() => {}
                0 => bytes[at] = byte,
                2 => { bytes.remove(at); }
                _ => bytes.copy_within(at.., at / 2),
            }
        }
        let cut = cut % (bytes.len() + 1);
        prop_assert_eq!(read(Method::Get, &bytes, &[cut]), read(Method::Get, &bytes, &[]));
    }

    /// What a head makes of a server's bytes stays within the limits, times three where they are not UTF-8.
    #[test]
    fn what_is_kept_is_bounded(
        names in prop::collection::vec("[a-z]{1,10}", 0..150),
        value in prop::collection::vec(0x80u8.., 0..200),
    ) {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        for name in &names {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(&value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let told = read(Method::Get, &bytes, &[]);
        let kept: usize = told.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        prop_assert!(told.headers.len() <= MAX_FIELDS && kept <= 3 * MAX_HEAD_BYTES);
        let is_whole = told.headers.len() == names.len();
        prop_assert!(is_whole == (told.end == End::WithConnection) || matches!(told.end, End::Failed(_)));
    }

    /// A body of any length in any chunks comes out as it went in.
    #[test]
    fn any_chunks_are_the_body(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 0..10),
        upper: bool,
        cut in any::<usize>(),
    ) {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for chunk in &chunks {
            let size = if upper { format!("{:X}\r\n", chunk.len()) } else { format!("{:x}\r\n", chunk.len()) };
            bytes.extend_from_slice(size.as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        let told = read(Method::Get, &bytes, &[cut % bytes.len()]);
        prop_assert_eq!(told.body, chunks.concat());
        prop_assert_eq!(told.end, End::Complete { keeps: true, surplus: 0 });
    }
}

/// A server that never ends what it sends: neither a line, a head, a chunk's line nor a body is ever gathered.
#[test]
fn endless_answers_end_or_pass_through() {
    for (start, again, ends) in [
        ("", "HTTP/1.1 ", true),
        ("HTTP/1.1 200 ", "x", true),
        ("HTTP/1.1 200 OK\r\n", "a: b\r\n", true),
        ("HTTP/1.1 200 OK\r\na", "a", true),
        ("HTTP/1.1 200 OK\r\na:", " ", true),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", true),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "0",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "1;x\r\ny\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
            "a: b\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "1\r\ny\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
            "y",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", "y", false),
    ] {
        let mut response = Response::new(Method::Get);
        let mut failed = false;
        let mut passed = 0;
        for index in 0..200_000 {
            let mut piece = if index == 0 { start } else { again }.as_bytes();
            failed = loop {
                match response.read(&mut piece) {
                    Ok(None) => break false,
                    Ok(Some(Part::Body(part))) => passed += part.len(),
                    Ok(Some(_)) => {}
                    Err(_) => break true,
                }
            };
            if failed {
                break;
            }
        }
        assert_eq!(failed, ends, "{start:?} and {again:?} without end");
        assert!(failed || passed > 199_000);
    }
}
