//! What the operator did not grant, and what there is not: each error says what to write.

use crate::probe::{run, run_with};
use crate::server::Server;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[test]
fn an_address_outside_the_pool_is_told_with_its_flag() {
    let server = Server::answering(HELLO);
    let get = format!("GET {}/", server.url());
    let expected = [
        "0 failed: the server's address may not be connected to: allow it with --addr-pool=ADDRESS/32 (IPv6: /128)",
    ];
    assert_eq!(run_with(&[], &[&get]).lines, expected);
    assert_eq!(
        run_with(&["--addr-pool=10.0.0.0/8"], &[&get]).lines,
        expected
    );
    let by_name = format!("GET http://localhost:{}/", server.port());
    assert_eq!(
        run_with(&["--allow-resolve=localhost"], &[&by_name]).lines,
        expected
    );
    assert_eq!(server.connections(), 0);
    let pool = ["--addr-pool=127.0.0.1/32"];
    assert_eq!(run_with(&pool, &[&get]).lines[2], "0 end");
    let both = ["--addr-pool=127.0.0.1/32", "--allow-resolve=localhost"];
    assert_eq!(run_with(&both, &[&by_name]).lines[2], "0 end");
}

#[test]
fn a_name_that_may_not_be_resolved_is_told_with_its_flag() {
    let server = Server::answering(HELLO);
    let get = format!("GET http://localhost:{}/", server.port());
    let expected =
        ["0 failed: the server's name may not be resolved: allow it with --allow-resolve=NAME"];
    let pool = "--addr-pool=127.0.0.0/8";
    assert_eq!(run_with(&[pool], &[&get]).lines, expected);
    assert_eq!(
        run_with(&[pool, "--allow-resolve=gateway"], &[&get]).lines,
        expected
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_name_without_an_address_is_told() {
    // Empty labels are no name, so no server is asked for it.
    let grants = ["--addr-pool=127.0.0.0/8", "--allow-resolve=no..name"];
    let ended = run_with(&grants, &["GET http://no..name/"]);
    assert_eq!(
        ended.lines,
        ["0 failed: the server's name could not be resolved"]
    );
}

#[test]
fn without_tls_the_error_says_where_to_go_instead() {
    let ended = run(&["GET https://api.example.org/v1"]);
    let [line] = &ended.lines[..] else {
        panic!("{:?}", ended.lines)
    };
    for word in [
        "refused: there is no TLS here",
        "gateway on the local network",
        "Ollama",
        "llama.cpp",
        "LiteLLM",
    ] {
        assert!(line.contains(word), "{word}: {line}");
    }
}
