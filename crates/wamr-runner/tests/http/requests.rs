//! Requests with bodies, also to servers that do not want them.

use crate::probe::run;
use crate::server::Server;

#[test]
fn a_large_body_goes_to_a_slow_reader() {
    let server = Server::new(|connection| {
        let head = connection.head().expect("a request");
        assert_eq!(head.first().map(String::as_str), Some("POST /x HTTP/1.1"));
        for _ in 0..50 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            connection.body(1_000_000 / 50).expect("a whole body");
        }
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nread");
        connection.stall();
    });
    let ended = run(&[&format!("POST {}/x body=1000000", server.url())]);
    assert_eq!(ended.lines, ["0 head 200 1", "0 body 4 read", "0 end"]);
    assert!(ended.pages <= 4, "{} pages", ended.pages);
    assert!(ended.cpu_ms < 200, "{} ms", ended.cpu_ms);
}

/// The head arrives before the body is there, and says what a server must know.
#[test]
fn a_request_is_what_was_asked_for() {
    let server = Server::new(|connection| {
        let asked = connection.ask().expect("a request");
        let text = format!("{} +{}", asked.head.join("|"), asked.body);
        connection.send(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        ));
    });
    let ended = run(&[&format!("PUT {}/a?b=c body=3", server.url())]);
    let expected = format!(
        "PUT /a?b=c HTTP/1.1|host: 127.0.0.1:{}|x-exchange: 0|content-length: 3 +3",
        server.port()
    );
    let body = format!("0 body {} {expected}", expected.len());
    assert_eq!(ended.lines, ["0 head 200 1", &body, "0 end"]);
}

/// A server that answers early and closes with bytes unread breaks the connection; its answer counts. Sending into such
/// a connection would end the process by SIGPIPE.
#[test]
fn an_early_answer_counts_and_ends_nobody() {
    for _ in 0..20 {
        let server = Server::new(|connection| {
            connection.head();
            connection.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!");
        });
        let ended = run(&[&format!("POST {}/x body=3000000", server.url())]);
        assert_eq!(ended.lines, ["0 head 413 1", "0 body 3 no!", "0 end"]);
    }
}

#[test]
fn a_server_that_hangs_up_on_a_body_is_told_and_ends_nobody() {
    for _ in 0..20 {
        let server = Server::new(|connection| {
            connection.head();
        });
        let lines = run(&[&format!("POST {}/x body=3000000", server.url())]).lines;
        let told = [
            "0 failed: the server reset the connection",
            "0 failed: the connection closed before the answer was complete",
        ];
        assert!(
            lines.len() == 1 && told.contains(&lines[0].as_str()),
            "{lines:?}"
        );
    }
}
