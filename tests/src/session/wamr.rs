//! Sessions of `dewclaw-wamr.wasm` in a real WAMR, by the flat interface.

use super::runtime::{AnySession, Opened, Runtime, Told};
use super::{json, wit};
use crate::flat::{Flat, moment};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;
use wamr_runner::Value;

/// An instance of the module.
#[derive(Clone)]
pub struct Wamr(Rc<RefCell<Flat>>);

impl Wamr {
    /// A fresh instance, with nothing granted.
    pub fn start() -> Self {
        Self(Rc::new(RefCell::new(Flat::start())))
    }

    fn make(&self, config: &wit::Config, tools: &[wit::HostTool], saved: &[u8]) -> Opened {
        let config = configuration(config, tools);
        let mut flat = self.0.borrow_mut();
        let number = flat.tell("dc_open", &[], &[config.as_bytes(), saved]);
        if number < 0 {
            return Err(error(number, flat.text()));
        }
        Ok(Box::new(WamrSession {
            flat: self.0.clone(),
            number,
        }))
    }
}

impl Runtime for Wamr {
    fn name(&self) -> &'static str {
        "WAMR"
    }

    fn open(&self, config: &wit::Config, tools: &[wit::HostTool]) -> Opened {
        self.make(config, tools, b"")
    }

    fn restore(&self, config: &wit::Config, tools: &[wit::HostTool], saved: &[u8]) -> Opened {
        self.make(config, tools, saved)
    }
}

/// The configuration as `dc_open` takes it. Schemas stand as they are, since the model is shown them in every byte.
fn configuration(config: &wit::Config, tools: &[wit::HostTool]) -> String {
    let tool = |tool: &wit::HostTool| {
        format!(
            r#"{{"name":{},"description":{},"parameters":{},"writes":{},"parallel":{}}}"#,
            json!(tool.name),
            json!(tool.description),
            tool.parameters,
            tool.writes,
            tool.parallel
        )
    };
    let host_tools: Vec<_> = tools.iter().map(tool).collect();
    let offered = match &config.tools {
        Some(names) => format!(r#","tools":{}"#, json!(names)),
        None => String::new(),
    };
    format!(
        r#"{{"settings":{},"host_tools":[{}],"seed":7{offered}}}"#,
        config.settings,
        host_tools.join(",")
    )
}

struct WamrSession {
    flat: Rc<RefCell<Flat>>,
    number: i32,
}

impl WamrSession {
    /// Calls a function of the session, and gives its answer and its result.
    fn call(&self, name: &str, more: &[Value]) -> (i32, Vec<u8>) {
        let mut flat = self.flat.borrow_mut();
        let answer = flat.call(name, &self.arguments(more));
        (answer, flat.result())
    }

    fn tell_text(&self, name: &str, more: &[Value], text: &[u8]) -> Result<(), wit::Error> {
        let mut flat = self.flat.borrow_mut();
        match flat.tell(name, &self.arguments(more), &[text]) {
            0 => Ok(()),
            status => Err(error(status, flat.text())),
        }
    }

    fn arguments(&self, more: &[Value]) -> Vec<Value> {
        [&[self.number.into()], more].concat()
    }
}

impl AnySession for WamrSession {
    fn save(&self) -> Vec<u8> {
        self.call("dc_save", &[]).1
    }

    fn prompt(&self, now: wit::Moment, text: &str) -> Result<(), wit::Error> {
        self.tell_text("dc_prompt", &at(now), text.as_bytes())
    }

    fn compact(&self, now: wit::Moment) -> Result<(), wit::Error> {
        match self.call("dc_compact", &at(now)) {
            (0, _) => Ok(()),
            (status, why) => Err(error(status, String::from_utf8_lossy(&why).into_owned())),
        }
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        json::effect(&self.call("dc_next", &at(now)).1)
    }

    fn body(&self) -> Vec<u8> {
        let piece = |index: i32| match self.call("dc_body", &[index.into()]) {
            (0, piece) => Some(piece),
            (1, _) => None,
            (status, _) => panic!("dc_body answers {status}"),
        };
        (0..).map_while(piece).flatten().collect()
    }

    fn cancel(&self, now: wit::Moment) {
        let told = self.tell_text("dc_feed", &at(now), br#"{"cancel":true}"#);
        told.expect("a cancel always fits");
    }

    fn tell(&self, now: wit::Moment, told: &Told) -> Result<(), wit::Error> {
        match told {
            Told::Chunk(id, bytes) => {
                let mut more = at(now).to_vec();
                more.push(id.cast_signed().into());
                self.tell_text("dc_chunk", &more, bytes)
            }
            told => self.tell_text("dc_feed", &at(now), &json::input(told)),
        }
    }
}

impl Drop for WamrSession {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.call("dc_close", &[]).0, 0, "dc_close");
        }
    }
}

fn at(now: wit::Moment) -> [Value; 2] {
    moment(now.monotonic_ms, now.wall_ms)
}

/// The error of a status. Panics where the contract has none: such a call was wrong in itself.
fn error(status: i32, text: String) -> wit::Error {
    match status {
        -5 => wit::Error::Config(text),
        -6 => wit::Error::Saved(text),
        -7 => wit::Error::Busy,
        -8 => wit::Error::EmptyPrompt,
        -9 => wit::Error::UnknownRequest,
        -10 => wit::Error::OutOfOrder,
        -11 => wit::Error::UnknownOperation,
        -12 => wit::Error::WrongAnswer,
        -13 => wit::Error::UnknownCall,
        -14 => wit::Error::NothingToAdvance,
        _ => panic!("the module answers {status}: {text}"),
    }
}
