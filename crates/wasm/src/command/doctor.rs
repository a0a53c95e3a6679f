//! `doctor`: what this run was granted, and which flag adds what is missing.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "limits")]
use dewclaw_agent_core::Limits;
use dewclaw_agent_core::tools::{ALL, Tool, Writes};
use dewclaw_agent_core::url::HostRule;
use dewclaw_agent_core::{Approve, SearchEngine, Settings};
use dewclaw_platform::wasi::{WasiEnvironment, WasiFileSystem};
use dewclaw_platform::{Environment, HttpError, concat, join};

use super::arguments::{Arguments, Flags};
use super::{Stop, USAGE, configuration, kept, offer};
use crate::console::print;
use crate::folders::Folders;
#[cfg(target_env = "p2")]
use crate::host::NATIVE;
use crate::host::{HOST, Host};

const FLAGS: &Flags = &[
    ("--model", "-m", true),
    ("--wire", "", true),
    ("--base-url", "", true),
    ("--tools", "", true),
    ("--read-only", "", false),
    ("--allow-fetch", "", true),
    ("--approve", "", true),
    #[cfg(feature = "limits")]
    ("--limits", "", true),
];

/// The network of a build that has one.
const NETWORK: &str = if cfg!(target_env = "p2") {
    "this run was given wasi:http"
} else {
    "WAMR's sockets: iwasm's --addr-pool says which addresses, --allow-resolve which names"
};

/// What `--limits board` leaves each part.
#[cfg(feature = "limits")]
const BOARD: &str = "640 KiB in all: history 160 KiB, a prompt or a reply 20 KiB, a tool's result 10 KiB, \
    a page or a file to edit 40 KiB, memory 16 KiB";

/// Columns of the table's first two fields.
const NAME_WIDTH: usize = 15;
const STATUS_WIDTH: usize = 10;

/// Runs the command: 0 when `ask` would have what it needs, else 2.
pub(super) fn run(environment: &WasiEnvironment, arguments: &[String]) -> Result<u8, Stop> {
    let arguments = kept(Arguments::parse(arguments, FLAGS)?);
    let mut folders = kept(Folders::find());
    let mut configuration = kept(configuration::read(environment, &arguments, &mut folders)?);
    configuration.settle()?;
    let tools = kept(offer::tools(
        environment,
        &arguments,
        &configuration.settings,
    )?);
    arguments.operands([])?;
    let advice = match environment.var("DEWCLAW_RUNNER") {
        #[cfg(target_env = "p2")]
        Some("dewclaw") => &NATIVE,
        _ => &HOST,
    };
    let mut table = kept(Table::default());
    workspace_row(&mut table, &folders, advice);
    state_row(&mut table, &mut folders, advice);
    for name in &folders.unused {
        table.row(
            "folder",
            "unused",
            &[name, " is neither / nor /state: no tool sees it"],
        );
    }
    network_row(&mut table, advice);
    let settings = &configuration.settings;
    if settings.model.is_empty() {
        table.missing("model", "missing", &[advice.model]);
    } else {
        table.row("model", "ok", &[&settings.model]);
    }
    table.row("wire", "ok", &[settings.wire.name()]);
    let url = settings.base_url();
    match settings.check() {
        Err(dewclaw_agent_core::SettingsError::BaseUrl { problem, .. }) => {
            table.missing("address", "wrong", &["the base URL ", problem]);
        }
        // What a client here would say of it.
        _ if cfg!(target_env = "p1") && cfg!(feature = "http") && url.starts_with("https:") => {
            table.missing("address", "wrong", &[url, ": ", HttpError::NoTls.text()]);
        }
        _ => table.row("address", "ok", &[url]),
    }
    match (&configuration.keys.model, url.starts_with("http://")) {
        (Some(_), true) => table.row(
            "key",
            "ok",
            &[
                "from ",
                configuration.key_source,
                "; it travels unencrypted to ",
                url,
            ],
        ),
        (Some(_), false) => table.row("key", "ok", &["from ", configuration.key_source]),
        (None, _) if configuration.lacks_key() => {
            let names = configuration.variables;
            table.missing(
                "key",
                "missing",
                &[
                    advice.variable.0,
                    names.key,
                    advice.variable.1,
                    ", or ",
                    names.key_file,
                    "=NAME and the file NAME in state",
                ],
            );
        }
        (None, _) => table.row(
            "key",
            "none",
            &["requests carry none, which a server of your own may not need"],
        ),
    }
    #[cfg(feature = "limits")]
    if settings.limits == Limits::Board {
        table.row("limits", "board", &[BOARD]);
    }
    table.text.push_str("\nThe model may call:\n");
    for tool in &ALL {
        let offered = tools.iter().any(|other| other.name == tool.name);
        tool_row(&mut table, tool, settings, offered);
    }
    print(table.text.as_bytes());
    Ok(if table.incomplete { USAGE } else { 0 })
}

fn workspace_row(table: &mut Table, folders: &Folders, advice: &Host) {
    let Some(name) = &folders.workspace_name else {
        return table.missing("workspace", "missing", &[advice.workspace]);
    };
    let (status, what) = access(&folders.workspace);
    table.row("workspace", status, &["granted as ", name, what]);
}

fn state_row(table: &mut Table, folders: &mut Folders, advice: &Host) {
    if folders.state_is_trusted {
        let (status, what) = access(folders.state());
        return table.row("state", status, &["granted as /state", what]);
    }
    if folders.state().is_granted() {
        return table.row(
            "state",
            "limited",
            &[
                ".dewclaw/ of the workspace, which can't set addresses, keys or limits; ",
                advice.state,
                " for a folder of its own",
            ],
        );
    }
    table.row(
        "state",
        "none",
        &[advice.state, " to keep settings, keys and recordings"],
    );
}

fn network_row(table: &mut Table, advice: &Host) {
    if cfg!(feature = "http") {
        table.row("network", "ok", &[NETWORK]);
    } else {
        table.missing("network", "none", &[advice.network]);
    }
}

/// Whether the model may call a tool, and what that gives it.
fn tool_row(table: &mut Table, tool: &Tool, settings: &Settings, offered: bool) {
    let writes = match tool.writes {
        Writes::Never => false,
        Writes::Always => true,
        Writes::With(_) => !settings.read_only,
    };
    if !offered {
        return match offer::missing(tool, settings) {
            Some(why) => table.row(tool.name, "no", &[&why]),
            None if writes && settings.read_only => table.row(tool.name, "no", &["--read-only"]),
            None => table.row(tool.name, "no", &["--tools leaves it out"]),
        };
    }
    let status = match settings.approve {
        Approve::All => "asks",
        Approve::Writes if writes => "asks",
        _ => "yes",
    };
    let hosts: Vec<&str> = settings.allow_fetch.iter().map(HostRule::text).collect();
    let hosts = join(&hosts, ", ");
    let engine = settings.search.map_or("", SearchEngine::name);
    let what: &[&str] = match (tool.name, tool.networked, writes) {
        ("web_search", ..) => &["searches by ", engine],
        (_, true, true) => &["any method, to ", &hosts],
        (_, true, false) => &["GET and HEAD, to ", &hosts],
        (_, false, true) => &["changes files of the workspace"],
        (_, false, false) => &["reads the workspace"],
    };
    let asks = match (status, settings.approve, tool.writes) {
        ("asks", Approve::Writes, Writes::With(_)) => {
            "; a person is asked before all but GET and HEAD"
        }
        ("asks", ..) => "; a person is asked first",
        _ => "",
    };
    table.row(tool.name, status, &[&concat(what), asks]);
}

fn access(files: &WasiFileSystem) -> (&'static str, &'static str) {
    match files.probe_write() {
        Ok(()) => ("ok", ", can be written"),
        Err(_) => ("read-only", ", can't be written"),
    }
}

#[derive(Default)]
struct Table {
    text: String,
    incomplete: bool,
}

impl Table {
    fn row(&mut self, name: &str, status: &str, what: &[&str]) {
        self.text.push_str(name);
        self.pad(name, NAME_WIDTH);
        self.text.push_str(status);
        self.pad(status, STATUS_WIDTH);
        self.text.push_str(&concat(what));
        self.text.push('\n');
    }

    fn missing(&mut self, name: &str, status: &str, what: &[&str]) {
        self.incomplete = true;
        self.row(name, status, what);
    }

    fn pad(&mut self, text: &str, width: usize) {
        for _ in text.len()..width {
            self.text.push(' ');
        }
    }
}
