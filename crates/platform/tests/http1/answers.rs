//! Tables of answers, good and bad, each read at every cut.

use dewclaw_platform::http1::{MAX_FIELDS, MAX_HEAD_BYTES};
use dewclaw_platform::{HttpError, Method};

use crate::reading::{End, Told, read, read_at_every_cut};

const KEPT: End = End::Complete {
    keeps: true,
    surplus: 0,
};
const NOT_KEPT: End = End::Complete {
    keeps: false,
    surplus: 0,
};

fn get(answer: &str) -> Told {
    read_at_every_cut(Method::Get, answer.as_bytes())
}

#[test]
fn bodies_end_where_their_head_says() {
    for (answer, status, body, end) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length:5\r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\nCONTENT-LENGTH: \t 5 \t \r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0005\r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5, 5,5\r\n\r\nhello",
            200,
            "hello",
            KEPT,
        ),
        ("HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n", 500, "", KEPT),
        ("HTTP/1.1 500\r\ncontent-length: 0\r\n\r\n", 500, "", KEPT),
        (
            "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
            999,
            "",
            KEPT,
        ),
        (
            "HTTP/1.1 200 Gr\u{fc}n\tund so\r\ncontent-length: 0\r\n\r\n",
            200,
            "",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n",
            200,
            "hello",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA;x\r\n0123456789\r\n0;y=\"z\"\r\n\r\n",
            200,
            "0123456789",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na \t;x\r\n0123456789\r\n0\r\nx-sum: 1\r\ny:\r\n\r\n",
            200,
            "0123456789",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            200,
            "",
            KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nhello",
            200,
            "hello",
            End::WithConnection,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, "", End::WithConnection),
        (
            "HTTP/1.0 200 OK\r\n\r\nhello",
            200,
            "hello",
            End::WithConnection,
        ),
    ] {
        let told = get(answer);
        assert_eq!((told.status, told.end), (status, end), "{answer:?}");
        assert_eq!(told.body, body.as_bytes(), "{answer:?}");
    }
}

#[test]
fn a_head_is_told_as_it_came() {
    let told = read_at_every_cut(
        Method::Get,
        b"HTTP/1.1 200 OK\r\nX-One:  a b\t c \r\nx-one:\r\nSet-Cookie: \xff\xc3\xbc\xc3\r\n!#$%&'*+-.^_`|~09AZ: \"\r\ncontent-length: 0\r\n\r\n",
    );
    let headers: Vec<(&str, &str)> = told
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("x-one", "a b\t c"),
            ("x-one", ""),
            ("set-cookie", "\u{fffd}\u{fc}\u{fffd}"),
            ("!#$%&'*+-.^_`|~09az", "\""),
            ("content-length", "0"),
        ]
    );
}

#[test]
fn some_answers_have_no_body_whatever_they_say() {
    for (method, answer, surplus) in [
        (
            Method::Head,
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
            0,
        ),
        (
            Method::Head,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            0,
        ),
        (Method::Head, "HTTP/1.1 200 OK\r\n\r\n", 0),
        (Method::Get, "HTTP/1.1 204 No Content\r\n\r\n", 0),
        (
            Method::Get,
            "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
            5,
        ),
        (
            Method::Post,
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
            0,
        ),
    ] {
        let told = read_at_every_cut(method, answer.as_bytes());
        let end = End::Complete {
            keeps: true,
            surplus,
        };
        assert_eq!((&told.body[..], told.end), (&b""[..], end), "{answer:?}");
    }
}

#[test]
fn interim_answers_are_passed_over() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let told = get(&[
            interim,
            "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\nhi",
        ]
        .concat());
        assert_eq!(
            (told.status, told.headers.len(), told.end),
            (200, 2, KEPT),
            "{interim:?}"
        );
        assert_eq!(told.body, b"hi");
    }
    let told = get("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n");
    assert_eq!(told.end, End::Failed(HttpError::Protocol));
    let told = get("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(told.end, End::Failed(HttpError::Closed));
}

#[test]
fn a_connection_is_kept_where_both_sides_may_rely_on_it() {
    for (head, end) in [
        ("HTTP/1.1 200 OK\r\n", KEPT),
        ("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n", KEPT),
        ("HTTP/1.1 200 OK\r\nconnection: x\r\n", KEPT),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n", NOT_KEPT),
        ("HTTP/1.1 200 OK\r\nConnection: x, CLOSE ,y\r\n", NOT_KEPT),
        (
            "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nconnection: close\r\n",
            NOT_KEPT,
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close, keep-alive\r\n",
            NOT_KEPT,
        ),
        ("HTTP/1.0 200 OK\r\n", NOT_KEPT),
        ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\n", KEPT),
        (
            "HTTP/1.0 200 OK\r\nconnection: keep-alive, close\r\n",
            NOT_KEPT,
        ),
    ] {
        let told = get(&[head, "content-length: 2\r\n\r\nhi"].concat());
        assert_eq!((&told.body[..], told.end), (&b"hi"[..], end), "{head:?}");
    }
    let told = get("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n");
    assert_eq!(told.body, b"hi");
    assert_eq!(
        told.end,
        End::Complete {
            keeps: true,
            surplus: 17
        }
    );
}

#[test]
fn what_is_not_valid_is_refused() {
    for answer in [
        // Status lines.
        "",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1. 200 OK\r\n\r\n",
        "HTTP/1.10 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n",
        "HTTP/1.1 200 O\u{0}K\r\n\r\n",
        "HTTP/1.1 200 O\u{7f}K\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "<html>",
        "\u{15}\u{3}\u{3}\u{0}\u{2}",
        // Ends of lines.
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\n",
        "HTTP/1.1 200 OK\r\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\ra: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n\rx",
        // Fields.
        "HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n\tc: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na\t: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\u{fc}: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\na(b): c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\u{0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\u{b}\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: \u{7f}\r\n\r\n",
        // Lengths.
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5,\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5.0\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let told = get(answer);
        let expected = if answer.is_empty() {
            HttpError::Closed
        } else {
            HttpError::Protocol
        };
        assert_eq!(told.end, End::Failed(expected), "{answer:?}");
        assert_eq!((told.status, told.body.len()), (0, 0), "{answer:?}");
    }
}

#[test]
fn chunks_that_are_not_valid_are_refused() {
    for (chunks, body, error) in [
        ("x\r\n", "", HttpError::Protocol),
        ("\r\n", "", HttpError::Protocol),
        (" 5\r\nhello\r\n", "", HttpError::Protocol),
        ("5 \r\nhello\r\n", "", HttpError::Protocol),
        ("5\nhello\r\n", "", HttpError::Protocol),
        ("5\r\rhello\r\n", "", HttpError::Protocol),
        ("0x5\r\nhello\r\n", "", HttpError::Protocol),
        ("-5\r\nhello\r\n", "", HttpError::Protocol),
        ("+5\r\nhello\r\n", "", HttpError::Protocol),
        ("5 5\r\nhello\r\n", "", HttpError::Protocol),
        ("5;a\u{0}\r\nhello\r\n", "", HttpError::Protocol),
        ("5;a\nb\r\nhello\r\n", "", HttpError::Protocol),
        ("5\r\nhello0\r\n\r\n", "hello", HttpError::Protocol),
        ("5\r\nhello\n0\r\n\r\n", "hello", HttpError::Protocol),
        ("5\r\nhello!\r\n", "hello", HttpError::Protocol),
        ("4\r\nhello\r\n0\r\n\r\n", "hell", HttpError::Protocol),
        ("0\r\nx\r\n\r\n", "", HttpError::Protocol),
        ("0\r\n x: y\r\n\r\n", "", HttpError::Protocol),
        ("0\r\nx : y\r\n\r\n", "", HttpError::Protocol),
        ("0\r\nx: y\n\r\n", "", HttpError::Protocol),
        ("100000000\r\n", "", HttpError::TooLarge),
        ("ffffffffffffffff\r\n", "", HttpError::TooLarge),
        ("fffffffffffffffff\r\n", "", HttpError::TooLarge),
        ("00000000000000005\r\nhello\r\n", "", HttpError::TooLarge),
        ("10000000000000000\r\nhello\r\n", "", HttpError::TooLarge),
        ("ffffffff\r\nabc", "abc", HttpError::Closed),
        ("5\r\nhel", "hel", HttpError::Closed),
        ("5\r\nhello", "hello", HttpError::Closed),
        ("5\r\nhello\r\n", "hello", HttpError::Closed),
        ("5\r\nhello\r\n0", "hello", HttpError::Closed),
        ("5\r\nhello\r\n0\r\n", "hello", HttpError::Closed),
        ("5\r\nhello\r\n0\r\nx: y\r\n", "hello", HttpError::Closed),
    ] {
        let told = get(&[
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            chunks,
        ]
        .concat());
        assert_eq!(
            (told.status, told.end),
            (200, End::Failed(error)),
            "{chunks:?}"
        );
        assert_eq!(told.body, body.as_bytes(), "{chunks:?}");
    }
}

#[test]
fn what_breaks_off_is_not_complete() {
    for (answer, status, body) in [
        ("H", 0, ""),
        ("HTTP/1.1 200 OK", 0, ""),
        ("HTTP/1.1 200 OK\r", 0, ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", 0, ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 200, ""),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            200,
            "hell",
        ),
    ] {
        let told = get(answer);
        assert_eq!(told.end, End::Failed(HttpError::Closed), "{answer:?}");
        assert_eq!((told.status, &told.body[..]), (status, body.as_bytes()));
    }
}

#[test]
fn numbers_too_large_for_anyone_are_refused() {
    for (length, end) in [
        ("18446744073709551615", HttpError::Closed),
        ("18446744073709551616", HttpError::TooLarge),
        ("99999999999999999999999999999999", HttpError::TooLarge),
    ] {
        let told = get(&["HTTP/1.1 200 OK\r\ncontent-length: ", length, "\r\n\r\n"].concat());
        assert_eq!(told.end, End::Failed(end), "{length}");
    }
}

#[test]
fn heads_have_a_size() {
    let head = |filler: usize| {
        let filler = "x".repeat(filler);
        ["HTTP/1.1 200 OK\r\na: ", &filler, "\r\n\r\n"]
            .concat()
            .into_bytes()
    };
    // The status line and "a: " count, line ends don't.
    let most = MAX_HEAD_BYTES - 15 - 3;
    let told = read(Method::Get, &head(most), &[]);
    assert_eq!((told.status, told.end), (200, End::WithConnection));
    let told = read(Method::Get, &head(most + 1), &[]);
    assert_eq!(told.end, End::Failed(HttpError::TooLarge));
    // Also in many fields, and in interim answers.
    let many = [
        "HTTP/1.1 200 OK\r\n",
        &"a: b\r\n".repeat(MAX_FIELDS),
        "\r\n",
    ]
    .concat();
    assert_eq!(
        read(Method::Get, many.as_bytes(), &[]).headers.len(),
        MAX_FIELDS
    );
    let many = [
        "HTTP/1.1 200 OK\r\n",
        &"a: b\r\n".repeat(MAX_FIELDS + 1),
        "\r\n",
    ]
    .concat();
    assert_eq!(
        read(Method::Get, many.as_bytes(), &[]).end,
        End::Failed(HttpError::TooLarge)
    );
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_HEAD_BYTES / 20);
    assert_eq!(
        read(Method::Get, interim.as_bytes(), &[]).end,
        End::Failed(HttpError::TooLarge)
    );
}

#[test]
fn extensions_and_trailers_have_a_size_chunks_have_none() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let many = [chunked, &"1\r\nx\r\n".repeat(100_000), "0\r\n\r\n"].concat();
    let told = read(Method::Get, many.as_bytes(), &[]);
    assert_eq!((told.body.len(), told.end), (100_000, KEPT));
    let extended = [chunked, &"1;extended\r\nx\r\n".repeat(100_000), "0\r\n\r\n"].concat();
    let told = read(Method::Get, extended.as_bytes(), &[]);
    assert_eq!(told.end, End::Failed(HttpError::TooLarge));
    assert!(
        (1_000..2_000).contains(&told.body.len()),
        "{}",
        told.body.len()
    );
    let long = [chunked, "1;", &"x".repeat(255), "\r\nx\r\n0\r\n\r\n"].concat();
    assert_eq!(
        read(Method::Get, long.as_bytes(), &[]).end,
        End::Failed(HttpError::TooLarge)
    );
    let trailers = [chunked, "0\r\n", &"a: b\r\n".repeat(MAX_FIELDS), "\r\n"].concat();
    assert_eq!(read(Method::Get, trailers.as_bytes(), &[]).end, KEPT);
    let trailers = [chunked, "0\r\n", &"a: b\r\n".repeat(MAX_FIELDS + 1), "\r\n"].concat();
    assert_eq!(
        read(Method::Get, trailers.as_bytes(), &[]).end,
        End::Failed(HttpError::TooLarge)
    );
    let trailers = [chunked, "0\r\na: ", &"b".repeat(MAX_HEAD_BYTES), "\r\n\r\n"].concat();
    assert_eq!(
        read(Method::Get, trailers.as_bytes(), &[]).end,
        End::Failed(HttpError::TooLarge)
    );
}
