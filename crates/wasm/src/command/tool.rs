//! `tool` and `tools`: the tools without a model.

use alloc::string::String;

use dewclaw_agent_core::json::{Array, parse};
use dewclaw_agent_core::tools::{ALL, CallStep, ToolCallRun};
use dewclaw_agent_core::{
    HttpAnswer, HttpOperation, Operation, OperationAnswer, OperationId, Settings, perform,
};
use dewclaw_platform::wasi::{WasiClock, WasiEnvironment};
use dewclaw_platform::{Clock, HttpClient};

use super::arguments::{Arguments, Flags};
use super::{DENIED, FAILED, Stop, USAGE, configuration, kept, offer};
use crate::console::{print, read_input};
use crate::driver::{Fetches, HttpBackend};
use crate::folders::Folders;

/// `tools`: the schemas of those whose backend is real here.
pub(super) fn list(arguments: &[String]) -> Result<u8, Stop> {
    Arguments::parse(arguments, &[])?.operands([])?;
    let mut schemas = Array::new();
    for tool in ALL {
        if !tool.networked || offer::NO_NETWORK.is_none() {
            schemas.raw(&tool.to_json("parameters"));
        }
    }
    let mut out = schemas.finish();
    out.push(b'\n');
    print(&out);
    Ok(0)
}

const FLAGS: &Flags = &[
    ("--allow-fetch", "", true),
    ("--read-only", "", false),
    #[cfg(feature = "limits")]
    ("--limits", "", true),
];

/// `tool NAME JSON`: one call. Its result goes to standard output, an error too, since that is an object as well.
pub(super) fn run(environment: &WasiEnvironment, arguments: &[String]) -> Result<u8, Stop> {
    let arguments = kept(Arguments::parse(arguments, FLAGS)?);
    let mut folders = kept(Folders::find());
    let tool = arguments.operands.first().map(|name| offer::named(name));
    // What only concerns the model is no hindrance to a tool of the files.
    let mut settings = kept(Settings::default());
    let mut search_key = None;
    if tool.transpose()?.is_some_and(|tool| tool.networked) {
        let configuration = configuration::read(environment, &arguments, &mut folders)?;
        settings = kept(configuration.settings);
        search_key = configuration.keys.search;
    }
    settings.read_only |= arguments.has("--read-only");
    settings.recall = true;
    #[cfg(feature = "limits")]
    configuration::set_limits(&mut settings, environment, &arguments)?;
    let [name, mut json] = arguments.operands(["NAME", "JSON"])?;
    let tool = offer::named(name)?;
    let input;
    if json == "-" {
        input =
            read_input(settings.limits.prompt_bytes()).map_err(|why| Stop::usage("%", &[why]))?;
        json = &input;
    }
    let mut call = kept(match offer::NO_NETWORK {
        Some(why) if tool.networked => ToolCallRun::unsupported(why),
        _ => ToolCallRun::new(tool, json, &settings),
    });
    let mut http = kept(HttpBackend::new());
    let mut answer = None;
    let result = loop {
        match call.step(answer) {
            CallStep::Operate(Operation::File(operation)) => {
                answer = Some(OperationAnswer::File(perform(
                    &mut folders.workspace,
                    &operation,
                )));
            }
            CallStep::Operate(Operation::Http(operation)) => {
                let key = operation.auth.and(search_key.clone());
                answer = Some(OperationAnswer::Http(fetch(&mut *http, operation, key)));
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

/// One HTTP operation, from start to end.
fn fetch(http: &mut dyn HttpClient, operation: HttpOperation, key: Option<String>) -> HttpAnswer {
    let mut fetches = Fetches::default();
    let now = || WasiClock.now().monotonic_ms;
    if let Err(error) = fetches.start(http, OperationId(0), operation, key, now()) {
        return HttpAnswer::Failed(error);
    }
    loop {
        fetches.send(http);
        let left = fetches.until_ms().saturating_sub(now());
        for (exchange, event) in http.poll(left).unwrap_or_default() {
            if let Some((_, answer)) = fetches.take(http, exchange, event) {
                return answer;
            }
        }
        if let Some((_, answer)) = fetches.expired(http, now()) {
            return answer;
        }
    }
}
