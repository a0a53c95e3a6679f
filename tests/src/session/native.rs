//! Sessions of agent-core itself, in this process and without wasm.

use super::runtime::{AnySession, Opened, Runtime, Told};
use super::{json, wit};
use dewclaw_agent_core::json::{Value, parse};
use dewclaw_agent_core::tools::{ALL, HostTool, Tool, Writes};
use dewclaw_agent_core::{Agent, Effect, Input, Misuse, RequestId, Settings, effect_json};
use dewclaw_platform::Now;
use std::cell::RefCell;

/// The agent as a Rust library.
pub struct Native;

impl Runtime for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn open(&self, config: &wit::Config, tools: &[wit::HostTool]) -> Opened {
        let (settings, offered) = configure(config);
        let agent = Agent::new(settings, &offered, 7)
            .and_then(|agent| agent.with_host_tools(host_tools(tools)))
            .map_err(|error| wit::Error::Config(error.to_string()))?;
        Ok(Box::new(NativeSession(RefCell::new(agent))))
    }

    fn restore(&self, config: &wit::Config, tools: &[wit::HostTool], saved: &[u8]) -> Opened {
        let (settings, offered) = configure(config);
        let agent = Agent::restore(settings, &offered, host_tools(tools), saved)
            .map_err(|error| wit::Error::Saved(error.to_string()))?;
        Ok(Box::new(NativeSession(RefCell::new(agent))))
    }
}

/// As `crates/wasm/src/session.rs` does it.
fn configure(config: &wit::Config) -> (Settings, Vec<&'static Tool>) {
    let mut settings = Settings::default();
    let Ok(Value::Object(given)) = parse(config.settings.as_bytes()) else {
        panic!("settings are a JSON object");
    };
    for (name, value) in &given {
        settings.set(name, value).expect("the setting is fine");
    }
    let mut tools: Vec<&'static Tool> = match &config.tools {
        None => ALL
            .iter()
            .filter(|tool| tool.is_configured(&settings))
            .copied()
            .collect(),
        Some(names) => {
            let tool = |name: &String| ALL.iter().find(|tool| tool.name == name).copied();
            let tools = names.iter().map(tool).collect::<Option<_>>();
            tools.expect("there are such tools")
        }
    };
    tools.retain(|tool| !settings.read_only || !matches!(tool.writes, Writes::Always));
    (settings, tools)
}

fn host_tools(tools: &[wit::HostTool]) -> Vec<HostTool> {
    let tool = |tool: &wit::HostTool| HostTool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.clone(),
        writes: tool.writes,
        parallel: tool.parallel,
    };
    tools.iter().map(tool).collect()
}

struct NativeSession(RefCell<Agent>);

impl NativeSession {
    fn feed(&self, now: wit::Moment, input: Input) -> Result<(), wit::Error> {
        self.0.borrow_mut().feed(at(now), input).map_err(misuse)
    }
}

impl AnySession for NativeSession {
    fn save(&self) -> Vec<u8> {
        self.0.borrow().save()
    }

    fn prompt(&self, now: wit::Moment, text: &str) -> Result<(), wit::Error> {
        self.0.borrow_mut().prompt(at(now), text).map_err(misuse)
    }

    fn compact(&self, now: wit::Moment) -> Result<(), wit::Error> {
        self.0.borrow_mut().compact(at(now)).map_err(misuse)
    }

    fn next(&self, now: wit::Moment) -> wit::Effect {
        loop {
            let effect = self.0.borrow_mut().next();
            match effect {
                Effect::Wait { until_ms } if until_ms <= now.monotonic_ms => {
                    self.feed(now, Input::Tick).expect("a tick always fits");
                }
                effect => return json::effect(&effect_json::effect(&effect)),
            }
        }
    }

    fn body(&self) -> Vec<u8> {
        let agent = self.0.borrow();
        let pieces = (0..).map_while(|index| agent.body_piece(index));
        pieces.flatten().copied().collect()
    }

    fn cancel(&self, now: wit::Moment) {
        self.feed(now, Input::Cancel).expect("a cancel always fits");
    }

    fn tell(&self, now: wit::Moment, told: &Told) -> Result<(), wit::Error> {
        let input = match told {
            Told::Chunk(id, bytes) => Input::ReplyChunk {
                id: RequestId(*id),
                bytes: bytes.clone(),
            },
            told => {
                let object: Value = parse(&json::input(told)).expect("an input is JSON");
                effect_json::input(&object).expect("an input")
            }
        };
        self.feed(now, input)
    }
}

fn at(now: wit::Moment) -> Now {
    Now {
        monotonic_ms: now.monotonic_ms,
        wall_ms: now.wall_ms,
    }
}

fn misuse(misuse: Misuse) -> wit::Error {
    match misuse {
        Misuse::Busy => wit::Error::Busy,
        Misuse::EmptyPrompt => wit::Error::EmptyPrompt,
        Misuse::UnknownRequest => wit::Error::UnknownRequest,
        Misuse::OutOfOrder => wit::Error::OutOfOrder,
        Misuse::UnknownOperation => wit::Error::UnknownOperation,
        Misuse::WrongAnswer => wit::Error::WrongAnswer,
        Misuse::UnknownCall => wit::Error::UnknownCall,
    }
}
