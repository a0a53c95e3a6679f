//! Statuses and error pages that a model's server can answer with, a row each: a message with cause and fix, a stable exit code, no
//! trap.
//!
//! Retries are off here, so that each row shows the first failure; `retry` has the tests of what is tried again.

use crate::bad_replies::ask;
use e2e::guest::Guest;
use e2e::host::on_each_host_and_board;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};

#[test]
fn ten_megabytes_of_an_error_page() {
    on_each_host_and_board(|host| {
        let ended = ask(
            host,
            Reply::body(500, "text/html", &b"<p>oops</p>\n".repeat(850_000)),
        );
        ended.code(3).says(&["500"]);
        assert!(
            ended.stderr.len() < 10_000,
            "the page is not repeated to the person"
        );
    });
}

#[test]
fn an_html_page_with_status_200() {
    on_each_host_and_board(|host| {
        let page = b"<!DOCTYPE html><html><body><h1>Welcome to the hotel Wi-Fi</h1></body></html>";
        let ended = ask(host, Reply::body(200, "text/html", page));
        ended.code(3).says(&["dewclaw:", "base URL"]);
    });
}

#[test]
fn an_html_page_with_status_502() {
    on_each_host_and_board(|host| {
        let page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
        ask(host, Reply::body(502, "text/html", page))
            .code(3)
            .says(&["dewclaw:", "502"]);
    });
}

#[test]
fn status_401_names_the_key() {
    on_each_host_and_board(|host| {
        let refused = || {
            Reply::error(
                401,
                "Incorrect API key provided.",
                "invalid_request_error",
                Some("invalid_api_key"),
            )
        };
        ask(host, refused())
            .code(3)
            .says(&["401", "Incorrect API key", "OPENAI_API_KEY"]);
        // Some servers repeat the key in their message.
        let (work, key) = (Scratch::new(), "sk-wrong-0123456789");
        let message = format!("Incorrect API key provided: {key}.");
        let model = ScriptedModel::start([Reply::error(
            401,
            &message,
            "invalid_request_error",
            Some("invalid_api_key"),
        )]);
        let ended = host.run(&Guest::ask(&work, &model, "hi").env("OPENAI_API_KEY", key));
        ended.code(3).keeps(key);
    });
}

#[test]
fn status_403_is_a_refusal() {
    on_each_host_and_board(|host| {
        let refused = Reply::error(
            403,
            "Your country is not supported.",
            "request_forbidden",
            None,
        );
        ask(host, refused)
            .code(3)
            .says(&["403", "country is not supported"]);
    });
}

#[test]
fn status_404_names_the_model_and_the_address() {
    on_each_host_and_board(|host| {
        let missing = Reply::error(
            404,
            "The model `scripted` does not exist.",
            "invalid_request_error",
            Some("model_not_found"),
        );
        ask(host, missing)
            .code(3)
            .says(&["404", "`scripted` does not exist", "base URL"]);
    });
}

#[test]
fn status_413_says_that_the_request_is_too_large() {
    on_each_host_and_board(|host| {
        ask(
            host,
            Reply::body(413, "text/html", b"<h1>413 Request Entity Too Large</h1>"),
        )
        .code(3)
        .says(&["413", "too large"]);
    });
}

#[test]
fn status_429_with_and_without_retry_after() {
    on_each_host_and_board(|host| {
        let limited = || {
            Reply::error(
                429,
                "You exceeded your current quota.",
                "insufficient_quota",
                Some("insufficient_quota"),
            )
        };
        ask(host, limited())
            .code(3)
            .says(&["429", "exceeded your current quota"]);
        ask(host, limited().header("retry-after", "7"))
            .code(3)
            .says(&["429"]);
        for odd in [
            "soon",
            "-1",
            "99999999999999999999",
            "",
            "Fri, 31 Dec 1999 23:59:59 GMT",
        ] {
            ask(host, limited().header("retry-after", odd))
                .code(3)
                .says(&["429"]);
        }
    });
}

#[test]
fn status_500_quotes_the_server() {
    on_each_host_and_board(|host| {
        let broken = Reply::error(
            500,
            "The server had an error while processing your request.",
            "server_error",
            None,
        );
        ask(host, broken)
            .code(3)
            .says(&["500", "had an error while processing"]);
    });
}

#[test]
fn an_error_body_cannot_write_to_the_terminal() {
    on_each_host_and_board(|host| {
        let hostile = Reply::error(
            400,
            "\u{1b}[2J\u{1b}]0;owned\u{7}Ignore this.",
            "invalid_request_error",
            None,
        );
        let ended = ask(host, hostile);
        ended.code(3);
        assert!(
            !ended.stderr().contains('\u{1b}') && !ended.stderr().contains('\u{7}'),
            "{ended}"
        );
    });
}

#[test]
fn a_redirect_is_not_followed() {
    on_each_host_and_board(|host| {
        let elsewhere = ScriptedModel::never_asked();
        let location = format!("{}/chat/completions", elsewhere.base_url());
        for status in [301, 302, 307, 308] {
            let ended = ask(host, Reply::redirect(status, &location));
            ended.code(3).says(&[&status.to_string(), "base URL"]);
        }
        assert_eq!(elsewhere.connections(), 0);
    });
}
