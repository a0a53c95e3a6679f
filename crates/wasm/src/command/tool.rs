//! `tool` and `tools`: the tools without a model.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::json::{parse, push_array};
use dewclaw_agent_core::tools::{ALL, CallStep, ToolCallRun};
use dewclaw_agent_core::{Operation, OperationAnswer, perform};

use super::arguments::Arguments;
use super::offer;
use super::{DENIED, FAILED, Stop, USAGE};
use crate::console::{print, read_input};
use crate::folders::Folders;

/// `tools`: the schemas.
pub(super) fn list(arguments: Vec<String>) -> Result<u8, Stop> {
    Arguments::parse(arguments, &[])?.operands([])?;
    let mut out = Vec::new();
    push_array(&mut out, ALL.iter().map(|tool| tool.to_json("parameters")));
    out.push(b'\n');
    print(&out);
    Ok(0)
}

/// `tool NAME JSON`: one call. Its result goes to standard output, an error too, since that is an object as well.
pub(super) fn run(arguments: Vec<String>) -> Result<u8, Stop> {
    let [name, mut json] = Arguments::parse(arguments, &[])?.operands(["NAME", "JSON"])?;
    let tool = offer::named(&name)?;
    if json == "-" {
        json = read_input().map_err(|why| Stop::usage(&[why]))?;
    }
    let mut folders = Folders::find();
    let mut call = ToolCallRun::new(tool, &json);
    let mut answer = None;
    let result = loop {
        match call.step(answer) {
            CallStep::Operate(Operation::File(operation)) => {
                answer = Some(OperationAnswer::File(perform(
                    &mut folders.workspace,
                    &operation,
                )));
            }
            CallStep::Done(result) => break result,
        }
    };
    let mut out = result.json;
    out.push(b'\n');
    print(&out);
    if result.ok {
        return Ok(0);
    }
    let kind = parse(&out).ok();
    Ok(
        match kind.as_ref().and_then(|error| error.text("error/kind")) {
            Some("permission_denied") => DENIED,
            Some("invalid_arguments") => USAGE,
            _ => FAILED,
        },
    )
}
