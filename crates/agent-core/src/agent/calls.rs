//! The tool calls of one reply, run in order, and the guards on them.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::effect::{Effect, Event, Misuse, OperationAnswer, OperationId};
use crate::json::{decimal, parse};
use crate::tools::{CallStep, ErrorKind, Tool, ToolCallRun, ToolError, ToolResult};
use crate::wire::{CallResult, ToolCall};

/// The same call so many times in a row is not run again.
const MAX_REPEATS: u32 = 3;

/// The calls of one reply.
#[derive(Default)]
pub(super) struct Calls {
    calls: Vec<ToolCall>,
    /// One for each call that is over, in order.
    results: Vec<CallResult>,
    running: Option<ToolCallRun>,
    open: Option<OperationId>,
    answer: Option<OperationAnswer>,
    last_operation: u32,
    /// The hash of every id of the conversation. Two ids that share one cost the second its own, and nothing else.
    used: Vec<u32>,
    /// Ids given here to calls that came without.
    named: u32,
    /// The name and arguments of the last call, and how often it has come in a row.
    last: (String, String),
    repeats: u32,
}

impl Calls {
    /// A new run: calls of the last one don't count as repeated.
    pub(super) fn forget_repeats(&mut self) {
        self.repeats = 0;
    }

    /// Gives ids to calls that have none, or one that an earlier call of the conversation has.
    pub(super) fn name<'c>(&mut self, calls: impl Iterator<Item = &'c mut ToolCall>) {
        for call in calls {
            while call.id.is_empty() || self.used.contains(&hash(&call.id)) {
                self.named += 1;
                call.id = ["dewclaw_", &decimal(self.named.into())].concat();
            }
            self.used.push(hash(&call.id));
        }
    }

    pub(super) fn begin(&mut self, calls: Vec<ToolCall>) {
        self.calls = calls;
        self.results = Vec::new();
        self.running = None;
        self.open = None;
        self.answer = None;
    }

    pub(super) fn answer(
        &mut self,
        id: OperationId,
        answer: OperationAnswer,
    ) -> Result<(), Misuse> {
        if self.open != Some(id) {
            return Err(Misuse::UnknownOperation);
        }
        self.open = None;
        self.answer = Some(answer);
        Ok(())
    }

    /// Goes on as far as it can; `true` once every call has its result.
    pub(super) fn step(&mut self, tools: &[&'static Tool], effects: &mut VecDeque<Effect>) -> bool {
        while self.open.is_none() {
            let index = self.results.len();
            let Some(call) = self.calls.get(index).cloned() else {
                return true;
            };
            let result = match &mut self.running {
                Some(running) => running.step(self.answer.take()),
                None => {
                    effects.push_back(Effect::Event(Event::ToolStarted {
                        call: call.id.clone(),
                        name: call.name.clone(),
                        arguments: call.arguments.clone(),
                    }));
                    match self.start(&call, tools) {
                        Ok(run) => self.running.insert(run).step(None),
                        Err(error) => CallStep::Done(ToolResult::from_error(&error)),
                    }
                }
            };
            match result {
                CallStep::Operate(operation) => {
                    self.last_operation += 1;
                    let id = OperationId(self.last_operation);
                    self.open = Some(id);
                    effects.push_back(Effect::Operate { id, operation });
                }
                CallStep::Done(result) => {
                    self.running = None;
                    self.results.push(CallResult {
                        call: call.clone(),
                        ok: result.ok,
                        result: result.for_model(),
                    });
                    effects.push_back(Effect::Event(Event::ToolFinished {
                        call: call.id,
                        name: call.name,
                        ok: result.ok,
                        result: result.json,
                    }));
                }
            }
        }
        false
    }

    /// Every call with its result.
    pub(super) fn take_results(&mut self) -> Vec<CallResult> {
        self.calls.clear();
        core::mem::take(&mut self.results)
    }

    /// Every call with its result; those that have none yet get one that says so.
    pub(super) fn abandon(&mut self) -> Vec<CallResult> {
        self.running = None;
        self.open = None;
        self.answer = None;
        let error = ToolError::new(
            ErrorKind::Internal,
            "the run was cancelled; whether this call had an effect is unknown".to_string(),
        );
        for call in self.calls.drain(self.results.len()..) {
            self.results.push(CallResult {
                call,
                ok: false,
                result: error.to_json(),
            });
        }
        self.take_results()
    }

    fn start(
        &mut self,
        call: &ToolCall,
        tools: &[&'static Tool],
    ) -> Result<ToolCallRun, ToolError> {
        if self.repeats > 0
            && self.last.0 == call.name
            && same_arguments(&self.last.1, &call.arguments)
        {
            self.repeats += 1;
        } else {
            self.last = (call.name.clone(), call.arguments.clone());
            self.repeats = 1;
        }
        let Some(tool) = tools.iter().find(|tool| tool.name == call.name) else {
            let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
            return Err(ToolError::invalid(
                [
                    "unknown tool \"",
                    &call.name,
                    "\"; there are: ",
                    &names.join(", "),
                ]
                .concat(),
            ));
        };
        if self.repeats >= MAX_REPEATS {
            return Err(ToolError::invalid(
                [
                    "this is the same call ",
                    &decimal(self.repeats.into()),
                    " times in a row, so it was not run: its result is above. Do something else, or answer",
                ]
                .concat(),
            ));
        }
        Ok(ToolCallRun::new(tool, &call.arguments))
    }

    /// Keeps an id of an earlier conversation from being given again.
    pub(super) fn note_used(&mut self, id: &str) {
        self.used.push(hash(id));
    }
}

/// FNV-1a, 32 bits.
fn hash(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Whether two calls' arguments mean the same, however they are spelled.
fn same_arguments(one: &str, other: &str) -> bool {
    one == other
        || matches!(
            (parse(one.as_bytes()), parse(other.as_bytes())),
            (Ok(one), Ok(other)) if one.means(&other)
        )
}
