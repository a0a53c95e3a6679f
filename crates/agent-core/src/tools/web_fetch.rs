//! `web_fetch`: a page or a file of the web, as text.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{Method, has};

use super::error::{ErrorKind, ToolError};
use super::web::{Headers, NOTE, add_header, failed, header, request, wrong_answer};
use super::{Step, Task, Tool, Writes, fitting, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value, parse_within};
use crate::operation::{HttpAnswer, HttpOperation};
use crate::settings::Settings;
use crate::settings::limits::{TEXT, WHOLE};
use crate::template::fill;
use crate::url::{HostRule, Url, check, cut};
use crate::{charset, html, word_list};

/// Bytes of a body that are read: pages are seldom larger, and the memory of a small host is not either.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of text in a result, as they stand in its JSON: the model is handed no more.
const MAX_TEXT_BYTES: usize = 60 * 1024;

/// Bytes at the start of a body that tell text from binary data (WHATWG MIME Sniffing, section 5.2): what has a NUL
/// there is no text, and one later on is a slip.
const SNIFFED_BYTES: usize = 1_445;

/// Redirects followed in one call.
const MAX_HOPS: u32 = 5;

/// Bytes of a header's value, and how many headers a call may have.
const MAX_VALUE_BYTES: usize = 4 * 1024;
const MAX_HEADERS: usize = 32;

/// Headers that are the driver's own business, or would change how the message is framed (RFC 9110 section 7.6.1).
const REFUSED_HEADERS: &str = "accept-encoding connection content-length expect host keep-alive proxy-authorization \
    proxy-connection te trailer transfer-encoding upgrade";

/// Headers that go along to another origin. Any other may be meant for the first one alone.
const TRAVELLING_HEADERS: &str = "accept accept-encoding accept-language user-agent";

pub(crate) const TOOL: Tool = Tool {
    name: "web_fetch",
    description: "Fetches an http or https URL of an allowed host. HTML comes as readable text; the header \"accept\": \"text/html\" asks for its source.",
    parameters: r#"{"type":"object","properties":{"url":{"type":"string"},"method":{"type":"string","enum":["GET","HEAD","POST","PUT","PATCH","DELETE"],"description":"default GET"},"headers":{"type":"object","description":"names and values, all text"},"body":{"type":"string"}},"required":["url"],"additionalProperties":false}"#,
    writes: Writes::With(can_change),
    networked: true,
    start,
};

fn method(arguments: &Value) -> Method {
    let named = |method: &&Method| arguments.text("method") == Some(method.name());
    *Method::ALL.iter().find(named).unwrap_or(&Method::Get)
}

/// By the definition of the methods (RFC 9110 section 9.2.1).
fn can_change(arguments: &Value) -> bool {
    !matches!(method(arguments), Method::Get | Method::Head)
}

fn start(arguments: &Value, settings: &Settings) -> Result<Box<dyn Task>, ToolError> {
    let url = Url::parse(text_argument(arguments, "url"))
        .map_err(|why| ToolError::invalid("the URL %", &[why]))?;
    let rules = settings.allow_fetch.clone();
    check(&rules, &url).map_err(|why| ToolError::new(ErrorKind::PermissionDenied, "%", &[&why]))?;
    let method = method(arguments);
    let body = text_argument(arguments, "body").as_bytes().to_vec();
    if !body.is_empty() && !can_change(arguments) {
        return Err(ToolError::invalid(
            "only POST, PUT, PATCH and DELETE have a body: name the method",
            &[],
        ));
    }
    let mut headers = headers(arguments.members("headers"))?;
    let raw = header(&headers, "accept").starts_with("text/html");
    let accept = "text/html, text/plain, application/json, */*;q=0.5";
    add_header(&mut headers, "accept", accept);
    if !body.is_empty() {
        let kind = if parse_within(&body, 0).is_ok() {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        add_header(&mut headers, "content-type", kind);
    }
    let limits = settings.limits;
    let max_bytes = limits.of(WHOLE, MAX_BODY_BYTES);
    let mut operation = request(settings, method, &url, headers, max_bytes);
    operation.body = body;
    Ok(Box::new(WebFetch {
        operation,
        url,
        rules,
        hops: 0,
        raw,
        // With the rest of the result it stays below what the model is handed.
        most: limits.of(TEXT, MAX_TEXT_BYTES),
    }))
}

/// The model's headers, in lower case.
fn headers(members: &[(String, Value)]) -> Result<Headers, ToolError> {
    let wrong = |name: &str, why: &str| Err(ToolError::invalid("the header \"%\" %", &[name, why]));
    if members.len() > MAX_HEADERS {
        return Err(ToolError::invalid("more than 32 headers", &[]));
    }
    let mut headers = Vec::new();
    for (name, value) in members {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || has(b"!#$%&'*+-.^_`|~", byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return wrong(name, "has a name that no header has");
        }
        let mut name = name.clone();
        name.make_ascii_lowercase();
        if word_list::place(REFUSED_HEADERS, &name).is_some() {
            return wrong(&name, "can't be set: leave it out");
        }
        let Some(value) = value.as_str() else {
            return wrong(&name, "must be text");
        };
        // Field values (RFC 9110 section 5.5); others would end the header early.
        let is_sound = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7F);
        if value.len() > MAX_VALUE_BYTES || !value.bytes().all(is_sound) {
            return wrong(
                &name,
                "has a value that is too long or has control characters",
            );
        }
        headers.push((name, value.to_string()));
    }
    Ok(headers)
}

struct WebFetch {
    operation: HttpOperation,
    url: Url,
    rules: Vec<HostRule>,
    hops: u32,
    /// HTML is wanted as it is.
    raw: bool,
    /// Bytes of text in the result.
    most: usize,
}

impl Task for WebFetch {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        match answer {
            None => {}
            Some(OperationAnswer::Http(HttpAnswer::Reply {
                status,
                headers,
                body,
                whole,
            })) => {
                let location = header(&headers, "location");
                if !matches!(status, 301 | 302 | 303 | 307 | 308) || location.is_empty() {
                    return Step::Done(self.result(status, &headers, body, whole));
                }
                if let Err(error) = self.follow(status, location) {
                    return Step::Done(Err(error));
                }
            }
            Some(OperationAnswer::Http(HttpAnswer::Failed(error))) => {
                return Step::Done(Err(failed(&self.url.authority(), error)));
            }
            Some(_) => return Step::Done(Err(wrong_answer())),
        }
        Step::Operate(Operation::Http(self.operation.clone()))
    }
}

impl WebFetch {
    /// Turns to where a redirect leads, if that may be (RFC 9110 section 15.4).
    fn follow(&mut self, status: u16, location: &str) -> Result<(), ToolError> {
        let from = self.url.text();
        let stop = |kind: ErrorKind, why: &str, part: &str| {
            ToolError::new(kind, "% redirects %", &[&from, &fill(why, &[part])])
        };
        self.hops += 1;
        if self.hops > MAX_HOPS {
            let why = "on and on: more than 5 times in this call";
            return Err(stop(ErrorKind::Network, why, ""));
        }
        let next = self
            .url
            .join(location)
            .map_err(|why| stop(ErrorKind::PermissionDenied, "to a URL that %", why))?;
        if self.url.is_https() && !next.is_https() {
            let why =
                "from https to %, which anybody on the way could read or change: not followed";
            return Err(stop(ErrorKind::PermissionDenied, why, &next.text()));
        }
        check(&self.rules, &next)
            .map_err(|why| stop(ErrorKind::PermissionDenied, "elsewhere: %", &why))?;
        let operation = &mut self.operation;
        let asks_anew = status == 303 || (status < 303 && operation.method == Method::Post);
        let drops_body = asks_anew && operation.method != Method::Head;
        if drops_body {
            operation.method = Method::Get;
            operation.body = Vec::new();
        }
        let same_origin = self.url.same_origin(&next);
        if !same_origin && !operation.body.is_empty() {
            let why = "what was sent on to %: send it there yourself, if it may go there";
            return Err(stop(ErrorKind::PermissionDenied, why, &next.text()));
        }
        operation.headers.retain(|(name, _)| {
            let travels = same_origin || word_list::place(TRAVELLING_HEADERS, name).is_some();
            travels && !(drops_body && name == "content-type")
        });
        operation.url = next.text();
        self.url = next;
        Ok(())
    }

    fn result(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: Vec<u8>,
        whole: bool,
    ) -> Result<Vec<u8>, ToolError> {
        let most = self.most;
        let kind = header(headers, "content-type");
        let encoding = header(headers, "content-encoding");
        let bytes = body.len() as u64;
        if !body.is_empty() && !matches!(encoding, "" | "identity") {
            return Err(
                self.unsupported("sent it compressed (%), though asked not to", &[encoding])
            );
        }
        let is_html = is_html(kind, &body);
        let is_wide = matches!(body.get(..2), Some([0xFF, 0xFE] | [0xFE, 0xFF]));
        let is_text = is_html || is_text(kind) || core::str::from_utf8(&body).is_ok();
        let start = body.get(..SNIFFED_BYTES).unwrap_or(&body);
        if !is_text || (!is_wide && has(start, 0)) {
            return Err(self.unsupported("is no text but binary data (%)", &[kind]));
        }
        let text = charset::decode(body, kind, is_html).map_err(|label| {
            self.unsupported("is in the charset %, which can't be read here", &[&label])
        })?;
        let (text, mut truncated) = if is_html && !self.raw {
            let resolve = |link: &str| Some(self.url.join(link).ok()?.text());
            html::to_text(&text, most, &resolve)
        } else {
            (text, false)
        };
        let shown = fitting(&text, most);
        truncated |= shown.len() < text.len();
        let mut object = Object::new();
        object
            .text("note", NOTE)
            .number("status", status.into())
            .text("content_type", kind)
            .text("url", &self.url.text())
            .text("body", shown)
            .number("bytes", bytes);
        if truncated || !whole {
            object.boolean("truncated", true);
        }
        Ok(object.finish())
    }

    fn unsupported(&self, why: &str, parts: &[&str]) -> ToolError {
        let (url, why) = (self.url.text(), fill(why, parts));
        ToolError::new(ErrorKind::Unsupported, "% %", &[&url, &why])
    }
}

/// The media type, without parameters, is one of these.
fn is_one_of(content_type: &str, kinds: &[&str]) -> bool {
    let (kind, _) = cut(content_type.as_bytes(), b';');
    let kind = kind.trim_ascii();
    kinds
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}

/// Said to be HTML; or said to be nothing, and begins like it.
fn is_html(content_type: &str, body: &[u8]) -> bool {
    if !content_type.is_empty() {
        return is_one_of(content_type, &["text/html", "application/xhtml+xml"]);
    }
    let start = body.trim_ascii_start();
    begins(start, b"<!doctype html") || begins(start, b"<html")
}

fn begins(text: &[u8], mark: &[u8]) -> bool {
    let start = text.get(..mark.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(mark)
}

/// Said to be text, so that bytes which are no UTF-8 are of another charset.
fn is_text(content_type: &str) -> bool {
    begins(content_type.as_bytes(), b"text/")
        || is_one_of(
            content_type,
            &[
                "application/json",
                "application/xml",
                "application/javascript",
            ],
        )
}
