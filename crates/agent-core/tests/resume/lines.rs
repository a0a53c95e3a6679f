//! Conversations in no wire's form, written and read by each wire's public reference and not by the code under test.

use dewclaw_agent_core::WireName;
use serde_json::{Value, json};

use crate::{ANTHROPIC, OPENAI, said};

/// A part of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    User(String),
    Reply {
        words: String,
        /// Parts of reasoning; on one wire it is kept only beside calls.
        reasoning: Vec<String>,
        calls: Vec<Called>,
    },
}

/// A call with its result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Called {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
    pub(crate) ok: bool,
    pub(crate) result: String,
}

/// The lines of the conversation on this wire.
pub(crate) fn write(wire: WireName, conversation: &[Said]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for said in conversation {
        match wire {
            OPENAI => write_chat(said, &mut lines),
            ANTHROPIC => write_blocks(said, &mut lines),
        }
    }
    lines.iter().map(|line| line.to_string().into()).collect()
}

/// How many replies have reasoning on this wire.
pub(crate) fn reasoned(wire: WireName, conversation: &[Said]) -> usize {
    let reasoned = conversation.iter().filter(|said| match said {
        Said::User(_) => false,
        Said::Reply {
            reasoning, calls, ..
        } => !reasoning.is_empty() && (wire == ANTHROPIC || !calls.is_empty()),
    });
    reasoned.count()
}

fn write_chat(said: &Said, lines: &mut Vec<Value>) {
    match said {
        Said::User(text) => lines.push(json!({"role": "user", "content": text})),
        Said::Reply {
            words,
            reasoning,
            calls,
        } => {
            let mut message = json!({"role": "assistant", "content": words});
            if !calls.is_empty() {
                if words.is_empty() {
                    message["content"] = Value::Null;
                }
                if !reasoning.is_empty() {
                    message["reasoning_content"] = json!(reasoning.concat());
                }
                let made = calls.iter().map(|call| {
                    let function =
                        json!({"name": call.name, "arguments": call.arguments.to_string()});
                    json!({"id": call.id, "type": "function", "function": function})
                });
                message["tool_calls"] = made.collect();
            }
            lines.push(message);
            lines.extend(calls.iter().map(
                |call| json!({"role": "tool", "tool_call_id": call.id, "content": call.result}),
            ));
        }
    }
}

fn write_blocks(said: &Said, lines: &mut Vec<Value>) {
    match said {
        Said::User(text) => lines.push(json!({"role": "user", "content": [said::text(text)]})),
        Said::Reply {
            words,
            reasoning,
            calls,
        } => {
            let mut blocks = Vec::new();
            for part in reasoning {
                // Some servers send signatures alone.
                blocks.push(if part.len() % 2 == 0 {
                    said::thinking(part, "c2ln")
                } else {
                    said::sealed(part)
                });
            }
            if !words.trim().is_empty() {
                blocks.push(said::text(words));
            }
            blocks.extend(
                calls
                    .iter()
                    .map(|call| said::call(&call.id, &call.name, &call.arguments)),
            );
            if calls.is_empty() && words.trim().is_empty() {
                blocks.push(said::text("(nothing)"));
            }
            lines.push(json!({"role": "assistant", "content": blocks}));
            if !calls.is_empty() {
                let results = calls.iter().map(|call| {
                    let mut result = json!({"type": "tool_result", "tool_use_id": call.id, "content": call.result});
                    if !call.ok {
                        result["is_error"] = json!(true);
                    }
                    result
                });
                lines.push(json!({"role": "user", "content": results.collect::<Vec<_>>()}));
            }
        }
    }
}

/// What the messages say, but for reasoning, which is told by whether there is any. Results that are no error objects
/// count as fine where the wire does not say.
#[track_caller]
pub(crate) fn read(wire: WireName, messages: &[Value]) -> Vec<Said> {
    let mut conversation = Vec::new();
    for message in messages {
        match wire {
            OPENAI => read_chat(message, &mut conversation),
            ANTHROPIC => read_blocks(message, &mut conversation),
        }
    }
    conversation
}

/// The conversation as it can be told on either wire: without reasoning, and blank words as none.
pub(crate) fn told(conversation: &[Said]) -> Vec<Said> {
    let words_of = |text: &String| {
        let blank = text.trim().is_empty() || text == "(nothing)";
        if blank { String::new() } else { text.clone() }
    };
    let told = conversation.iter().map(|said| match said {
        Said::User(text) => Said::User(words_of(text)),
        Said::Reply { words, calls, .. } => Said::Reply {
            words: words_of(words),
            reasoning: Vec::new(),
            calls: calls.clone(),
        },
    });
    told.collect()
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is no text")).into()
}

fn answer(conversation: &mut [Said], id: &Value, ok: bool, result: &Value) {
    let Some(Said::Reply { calls, .. }) = conversation.last_mut() else {
        panic!("a result without a reply before it: {result}");
    };
    let call = calls.iter_mut().find(|call| id == &call.id);
    let call = call.unwrap_or_else(|| panic!("a result for {id}, which nothing calls"));
    call.ok = ok;
    call.result = text(result);
}

fn read_chat(message: &Value, conversation: &mut Vec<Said>) {
    match message["role"].as_str() {
        Some("user") => conversation.push(Said::User(text(&message["content"]))),
        Some("tool") => {
            let result: Option<Value> = serde_json::from_str(&text(&message["content"])).ok();
            let ok = result.is_none_or(|result| result.get("error").is_none());
            answer(
                conversation,
                &message["tool_call_id"],
                ok,
                &message["content"],
            );
        }
        Some("assistant") => {
            let made = message["tool_calls"].as_array().into_iter().flatten();
            let made = made.map(|call| Called {
                id: text(&call["id"]),
                name: text(&call["function"]["name"]),
                arguments: serde_json::from_str(&text(&call["function"]["arguments"]))
                    .expect("arguments are JSON"),
                ok: true,
                result: String::new(),
            });
            conversation.push(Said::Reply {
                words: message["content"].as_str().unwrap_or_default().into(),
                reasoning: Vec::from_iter(message["reasoning_content"].as_str().map(String::from)),
                calls: made.collect(),
            });
        }
        role => panic!("{role:?} speaks"),
    }
}

fn read_blocks(message: &Value, conversation: &mut Vec<Said>) {
    let blocks = message["content"].as_array().expect("content is blocks");
    if message["role"] == "user" {
        for block in blocks {
            if block["type"] == "text" {
                conversation.push(Said::User(text(&block["text"])));
            } else {
                let ok = block.get("is_error").is_none();
                answer(conversation, &block["tool_use_id"], ok, &block["content"]);
            }
        }
        return;
    }
    let (mut words, mut reasoning, mut calls) = (String::new(), Vec::new(), Vec::new());
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => words += &text(&block["text"]),
            Some("thinking") => reasoning.push(text(&block["thinking"])),
            Some("redacted_thinking") => reasoning.push(text(&block["data"])),
            Some("tool_use") => calls.push(Called {
                id: text(&block["id"]),
                name: text(&block["name"]),
                arguments: block["input"].clone(),
                ok: true,
                result: String::new(),
            }),
            kind => panic!("a block {kind:?}"),
        }
    }
    conversation.push(Said::Reply {
        words,
        reasoning,
        calls,
    });
}
