//! Answers: as they should be, and as they should not.

use crate::probe::run;
use crate::server::Server;

const TIMED_OUT_AT_FIRST: &str = "0 failed: timed out waiting for the server to answer";
const TIMED_OUT_BETWEEN: &str =
    "0 failed: timed out: the server stopped sending in the middle of its answer";
const CLOSED: &str = "0 failed: the connection closed before the answer was complete";
const NOT_HTTP: &str = "0 failed: the server's answer is not valid HTTP";

#[test]
fn what_a_server_says_is_told() {
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            &["0 head 200 1", "0 body 5 hello", "0 end"][..],
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nx: y\r\n\r\n",
            &["0 head 200 1", "0 body 5 hello", "0 end"],
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\na: b\r\n\r\n",
            &["0 head 204 1", "0 end"],
        ),
    ] {
        let server = Server::answering(answer);
        assert_eq!(
            run(&[&format!("GET {}/", server.url())]).lines,
            expected,
            "{answer:?}"
        );
    }
}

#[test]
fn an_answer_may_end_with_its_connection() {
    for (answer, expected) in [
        (
            "HTTP/1.0 200 OK\r\n\r\nhello",
            &["0 head 200 0", "0 body 5 hello", "0 end"],
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nhello",
            &["0 head 200 0", "0 body 5 hello", "0 end"],
        ),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            &["0 head 200 1", "0 body 5 hello", "0 end"],
        ),
    ] {
        let server = Server::new(move |connection| {
            connection.ask();
            connection.send(answer);
        });
        assert_eq!(
            run(&[&format!("GET {}/", server.url())]).lines,
            expected,
            "{answer:?}"
        );
    }
}

#[test]
fn a_connection_that_closes_midway_is_told() {
    for (answer, before) in [
        ("", &[][..]),
        ("HTTP/1.1 200", &[]),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", &[]),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
            &["0 head 200 1", "0 body 5 hello"],
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello",
            &["0 head 200 1", "0 body 5 hello"],
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            &["0 head 200 1", "0 body 5 hello"],
        ),
    ] {
        let server = Server::new(move |connection| {
            connection.ask();
            connection.send(answer);
        });
        let lines = run(&[&format!("GET {}/", server.url())]).lines;
        assert_eq!(lines, [before, &[CLOSED]].concat(), "{answer:?}");
    }
}

#[test]
fn what_is_not_http_is_told() {
    for (answer, before) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", &[][..]),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            &[],
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            &[],
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello!",
            &["0 head 200 1", "0 body 5 hello"],
        ),
    ] {
        let server = Server::answering(answer);
        let lines = run(&[&format!("GET {}/", server.url())]).lines;
        assert_eq!(lines, [before, &[NOT_HTTP]].concat(), "{answer:?}");
    }
}

#[test]
fn a_server_that_stalls_is_given_up_without_burning_the_processor() {
    for (answer, limit, expected) in [
        ("", "first", &[TIMED_OUT_AT_FIRST][..]),
        ("HTTP/1.1 200 OK\r\n", "first", &[TIMED_OUT_AT_FIRST]),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
            "between",
            &["0 head 200 1", "0 body 5 hello", TIMED_OUT_BETWEEN],
        ),
    ] {
        let server = Server::new(move |connection| {
            connection.ask();
            connection.send(answer);
            connection.stall();
        });
        let ended = run(&[&format!("GET {}/ {limit}=1000", server.url())]);
        assert_eq!(ended.lines, expected, "{answer:?}");
        assert!(ended.cpu_ms < 300, "{} ms of a second", ended.cpu_ms);
    }
}

/// A head that comes byte by byte is still too late; a body that does is not, since something comes.
#[test]
fn a_server_that_drips_has_the_time_that_it_has() {
    let drip = |what: &'static str| {
        Server::new(move |connection| {
            connection.ask();
            for byte in what.as_bytes().chunks(1) {
                // The server's own pace; the client is what is waited for.
                std::thread::sleep(std::time::Duration::from_millis(20));
                if !connection.send(byte) {
                    return;
                }
            }
        })
    };
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n01234567890123456789";
    let server = drip(answer);
    let lines = run(&[&format!("GET {}/ first=200", server.url())]).lines;
    assert_eq!(lines, [TIMED_OUT_AT_FIRST]);
    let server = drip(answer);
    let lines = run(&[&format!("GET {}/ between=300", server.url())]).lines;
    assert_eq!(
        lines,
        ["0 head 200 1", "0 body 20 01234567890123456789", "0 end"]
    );
}

#[test]
fn a_large_answer_passes_through_a_small_memory() {
    const SIZE: usize = 10_000_000;
    let server = Server::new(|connection| {
        connection.ask();
        connection.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"));
        let piece = vec![b'y'; 100_000];
        for _ in 0..SIZE / piece.len() {
            connection.send(&piece);
        }
        connection.stall();
    });
    let ended = run(&[&format!("GET {}/", server.url())]);
    assert_eq!(ended.lines, ["0 head 200 1", "0 body 10000000 ", "0 end"]);
    assert!(ended.pages <= 4, "{} pages", ended.pages);
}

#[test]
fn an_endless_head_takes_no_memory() {
    for piece in ["x", "a: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let server = Server::new(move |connection| {
            connection.ask();
            let start = if piece.starts_with('H') {
                ""
            } else {
                "HTTP/1.1 200 OK\r\n"
            };
            connection.send(start);
            while connection.send(piece.repeat(1_000)) {}
        });
        let ended = run(&[&format!("GET {}/", server.url())]);
        assert_eq!(
            ended.lines,
            ["0 failed: the answer is larger than the host allows"],
            "{piece:?}"
        );
        assert!(ended.pages <= 4, "{} pages", ended.pages);
    }
}
