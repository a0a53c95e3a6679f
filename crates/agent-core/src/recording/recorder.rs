//! Writing a recording while the run goes on.

use alloc::vec::Vec;

use dewclaw_platform::Now;

use super::line::put_input;
use super::operation::put_operation;
use super::{KIND, VERSION, request_digest};
use crate::agent::Agent;
use crate::effect::{Effect, Input, Operation};
use crate::json::{Array, Object, string};
use crate::settings::Settings;
use crate::tools::Tool;

/// Collects the lines of a recording. The driver shows it every effect and every input, in order, and writes what
/// [`Recorder::take`] gives to a file.
pub struct Recorder {
    lines: Vec<u8>,
    /// Bytes of the transcript's messages that are in the recording.
    recorded: usize,
    /// The file operation that is answered next.
    operation: Vec<u8>,
}

impl Recorder {
    /// A recording of the run that `prompt` begins.
    pub fn new(
        settings: &mut Settings,
        tools: &[&'static Tool],
        seed: u64,
        now: Now,
        prompt: &str,
    ) -> Recorder {
        let mut names = Array::new();
        for tool in tools {
            names.raw(&string(tool.name));
        }
        let mut recorder = Recorder {
            lines: Vec::new(),
            recorded: 0,
            operation: Vec::new(),
        };
        recorder.push(
            super::line::at(now)
                .text("kind", KIND)
                .number("version", VERSION)
                .raw("settings", &settings.to_json())
                .raw("tools", &names.finish())
                .number("seed", seed)
                .text("prompt", prompt)
                .finish(),
        );
        recorder
    }

    /// Notes an effect, before it is performed.
    pub fn effect(&mut self, effect: &Effect, agent: &Agent) {
        match effect {
            Effect::CallModel(call) => {
                let messages = agent.transcript().messages();
                let new = messages.get(self.recorded..).unwrap_or_default();
                let new = new.strip_prefix(b",").unwrap_or(new);
                let mut object = Object::new();
                object
                    .number("request", call.id.0.into())
                    .text("digest", &request_digest(agent))
                    .raw("messages", &[b"[", new, b"]"].concat());
                self.recorded = messages.len();
                self.push(object.finish());
            }
            Effect::Operate { id, operation } => {
                let object = put_operation(operation);
                match operation {
                    // Its answer follows at once.
                    Operation::File(_) => self.operation = object,
                    Operation::Http(_) => {
                        let mut line = Object::new();
                        line.number("operation", id.0.into()).raw("do", &object);
                        self.push(line.finish());
                    }
                }
            }
            Effect::Finished(outcome) => {
                let line = Object::new()
                    .text("finished", outcome.reason.name())
                    .text("text", &outcome.text)
                    .finish();
                self.push(line);
            }
            Effect::Event(_)
            | Effect::DropReply { .. }
            | Effect::DropOperation { .. }
            | Effect::Approve { .. }
            | Effect::RunTool { .. }
            | Effect::Wait { .. }
            | Effect::Pending => {}
        }
    }

    /// The line of an input, which is made before the agent is told, who takes the input.
    pub fn line(&self, now: Now, input: &Input) -> Vec<u8> {
        put_input(now, input, &self.operation)
    }

    /// Notes an input that fits, by its line.
    pub fn input(&mut self, line: Vec<u8>) {
        self.operation = Vec::new();
        self.push(line);
    }

    /// Bytes that [`Recorder::take`] would give.
    pub fn pending_bytes(&self) -> usize {
        self.lines.len()
    }

    /// The whole lines since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.lines)
    }

    fn push(&mut self, line: Vec<u8>) {
        self.lines.extend_from_slice(&line);
        self.lines.push(b'\n');
    }
}
