//! One tool call, without a model.

use dewclaw_agent_core::tools::{self, CallStep, ToolCallRun};
use dewclaw_agent_core::{FileOperation, Operation, OperationAnswer, Settings, perform};
use dewclaw_platform::FileSystem;
use serde_json::Value;

/// The result of a call, and what was asked of the files for it.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) ok: bool,
    pub(crate) json: Value,
    /// As the model gets it.
    pub(crate) for_model: Vec<u8>,
    pub(crate) operations: Vec<FileOperation>,
}

impl Called {
    /// The error's kind and message.
    #[track_caller]
    pub(crate) fn error(&self) -> (&str, &str) {
        assert!(!self.ok, "it worked: {}", self.json);
        let error = &self.json["error"];
        let members = error.as_object().expect("an error is an object");
        assert_eq!(
            members.len(),
            2,
            "an error has a kind and a message: {error}"
        );
        let text = |name: &str| error[name].as_str().expect("kind and message are texts");
        (text("kind"), text("message"))
    }

    /// The value, of a call that worked.
    #[track_caller]
    pub(crate) fn value(&self) -> &Value {
        assert!(self.ok, "it failed: {}", self.json);
        &self.json
    }
}

/// Runs a call over these files.
#[track_caller]
pub(crate) fn run_tool(files: &mut dyn FileSystem, name: &str, arguments: &Value) -> Called {
    let tool = tools::ALL.iter().find(|tool| tool.name == name);
    let tool = tool.expect("there is such a tool");
    let mut run = ToolCallRun::new(tool, &arguments.to_string(), &Settings::default());
    let mut operations = Vec::new();
    let mut answer = None;
    loop {
        match run.step(answer) {
            CallStep::Operate(Operation::File(operation)) => {
                answer = Some(OperationAnswer::File(perform(files, &operation)));
                operations.push(operation);
            }
            CallStep::Operate(Operation::Http(operation)) => {
                panic!("no network here: {}", operation.url)
            }
            CallStep::Done(result) => {
                return Called {
                    ok: result.ok,
                    json: serde_json::from_slice(&result.json).expect("a result is JSON"),
                    for_model: result.for_model(),
                    operations,
                };
            }
        }
    }
}
