//! Connections: kept, lost, several at once, refused, and over IPv6.

#![allow(
    unsafe_code,
    reason = "one call of the C library, for a listener without room"
)]

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::probe::run;
use crate::server::Server;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// The lines of an exchange that went well.
fn well(index: usize) -> [String; 3] {
    ["head 200 1", "body 5 hello", "end"].map(|line| format!("{index} {line}"))
}

#[test]
fn a_connection_is_used_again() {
    let server = Server::answering(HELLO);
    let url = server.url();
    let get = format!("GET {url}/");
    let ended = run(&[&get, &format!("POST {url}/ body=20000"), &get]);
    assert_eq!(ended.lines, [well(0), well(1), well(2)].concat());
    assert_eq!((server.connections(), server.requests()), (1, 3));
}

#[test]
fn two_exchanges_are_in_flight_at_once() {
    // The first is answered only once the second was.
    let (told, heard) = channel();
    let heard = Mutex::new(heard);
    let server = Server::new(move |connection| {
        let Some(asked) = connection.ask() else {
            return;
        };
        if asked.head[0].contains("/first") {
            heard
                .lock()
                .expect("one at a time")
                .recv()
                .expect("the second comes");
        }
        connection.send(HELLO);
        let _ = told.send(());
        connection.stall();
    });
    let url = server.url();
    let mut lines = run(&[
        &format!("GET {url}/first beside=yes"),
        &format!("POST {url}/second body=9"),
    ])
    .lines;
    lines.sort_by_key(|line| line.starts_with('1'));
    assert_eq!(lines, [well(0), well(1)].concat());
    assert_eq!(server.connections(), 2);
}

/// What a server sends on a connection that nothing was asked on, an answer to nobody, is no answer to what comes next.
#[test]
fn what_was_not_asked_for_is_no_answer() {
    let server = Server::new(|connection| {
        while connection.ask().is_some() {
            connection.send([HELLO, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"].concat());
        }
    });
    let get = format!("GET {}/", server.url());
    assert_eq!(run(&[&get, &get]).lines, [well(0), well(1)].concat());
    assert_eq!(server.connections(), 2);
}

/// A server that closes what it said it would keep: seen before anything is sent.
#[test]
fn a_kept_connection_that_was_closed_is_not_used() {
    let (told, heard) = channel();
    let heard = Mutex::new(heard);
    let server = Server::new(move |connection| {
        connection.ask();
        connection.send(HELLO);
        let _ = connection.shutdown();
        let _ = told.send(());
    });
    let other = Server::new(move |connection| {
        connection.ask();
        heard
            .lock()
            .expect("one at a time")
            .recv()
            .expect("the first has closed");
        connection.send(HELLO);
    });
    let post = format!("POST {}/ body=5", server.url());
    let ended = run(&[&post, &format!("GET {}/", other.url()), &post]);
    assert_eq!(ended.lines, [well(0), well(1), well(2)].concat());
    assert_eq!((server.connections(), server.requests()), (2, 2));
}

/// Closed as the next request comes: that is made once more where the server can't have acted on it twice.
#[test]
fn a_request_is_made_anew_once_where_that_is_safe() {
    let lost = "1 failed: the connection closed before the answer was complete".to_string();
    for (request, repeated) in [
        ("GET", true),
        ("DELETE", true),
        ("PUT body=5", false),
        ("POST", false),
        ("POST body=5", false),
    ] {
        let server = Server::new(|connection| {
            connection.ask();
            connection.send(HELLO);
            if connection.number == 0 {
                // Reads the next one and hangs up on it.
                connection.ask();
            } else {
                connection.stall();
            }
        });
        let (method, options) = request.split_once(' ').unwrap_or((request, ""));
        let next = format!("{method} {}/ {options}", server.url());
        let ended = run(&[&format!("GET {}/", server.url()), &next]);
        let expected = if repeated {
            well(1).to_vec()
        } else {
            vec![lost.clone()]
        };
        assert_eq!(
            ended.lines,
            [well(0).to_vec(), expected].concat(),
            "{request}"
        );
        let connections = if repeated { 2 } else { 1 };
        assert_eq!(server.connections(), connections, "{request}");
    }
    // Once, and not again and again.
    let server = Server::new(|connection| {
        connection.ask();
        if connection.number == 0 {
            connection.send(HELLO);
            connection.ask();
        }
    });
    let get = format!("GET {}/", server.url());
    assert_eq!(
        run(&[&get, &get]).lines,
        [well(0).to_vec(), vec![lost]].concat()
    );
    assert_eq!((server.connections(), server.requests()), (2, 3));
}

#[test]
fn a_connection_that_may_not_be_used_again_is_not() {
    for answer in [
        "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
    ] {
        let server = Server::answering(answer);
        let get = format!("GET {}/", server.url());
        let lines = run(&[&get, &get]).lines;
        assert_eq!(
            lines.iter().filter(|line| line.contains("end")).count(),
            2,
            "{lines:?}"
        );
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn addresses_may_be_of_version_6() {
    let server = Server::at("[::1]:0", |connection| {
        let asked = connection.ask().expect("a request");
        assert!(
            asked.head[1].starts_with("host: [::1]:"),
            "{:?}",
            asked.head
        );
        connection.send(HELLO);
    });
    let ended = run(&[&format!("GET http://[::1]:{}/", server.port())]);
    assert_eq!(ended.lines, well(0));
}

/// `localhost` is `::1` too, in most places, where nothing listens.
#[test]
fn the_addresses_of_a_name_are_tried_in_turn() {
    let server = Server::answering(HELLO);
    let get = format!("GET http://localhost:{}/", server.port());
    assert_eq!(run(&[&get, &get]).lines, [well(0), well(1)].concat());
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_closed_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let expected = ["0 failed: the server's machine refused the connection: nothing listens there"];
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(
            run(&[&format!("GET http://{host}:{port}/")]).lines,
            expected,
            "{host}"
        );
    }
}

/// A listener whose queue is full answers nothing, like an address at which there is no machine.
#[test]
fn connecting_takes_no_longer_than_it_may() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let address = listener.local_addr().expect("it is bound");
    // SAFETY: a plain call on a file that is open; it shortens the queue.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let _queued = TcpStream::connect(address).expect("the queue has one place");
    let ended = run(&[&format!("GET http://{address}/ connect=500")]);
    assert_eq!(
        ended.lines,
        ["0 failed: timed out connecting to the server"]
    );
    assert!(ended.cpu_ms < 200, "{} ms", ended.cpu_ms);
}
