//! One run of a component, described: the same description runs in every host.

use crate::artifact;
use crate::scratch::Scratch;
use crate::scripted_model::ScriptedModel;
use std::path::{Path, PathBuf};

/// A component with its command line and its grants.
#[derive(Clone, Debug)]
pub struct Guest {
    pub(crate) component: PathBuf,
    /// The core module that stands for the component in WAMR; by default the file itself.
    pub(crate) on_a_board: Option<fn() -> PathBuf>,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) folders: Vec<Folder>,
    pub(crate) stdin: Vec<u8>,
    pub(crate) network: bool,
    /// Names that it may look up in WAMR besides `localhost`; other hosts let it look up any.
    pub(crate) names: Vec<String>,
}

/// A folder of the host that the guest may use.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) read_only: bool,
}

impl Guest {
    /// `dist/dewclaw.wasm`, in WAMR `dist/dewclaw-wamr.wasm`, with the network and nothing else.
    pub fn dewclaw() -> Self {
        Self::of(&artifact::dewclaw()).on_a_board(artifact::dewclaw_wamr)
    }

    /// `dist/dewclaw-offline.wasm`, in WAMR the core module without sockets, with nothing.
    pub fn offline() -> Self {
        Self::of(&artifact::dewclaw_offline())
            .on_a_board(artifact::without_sockets)
            .without_network()
    }

    /// This component with the network and nothing else.
    pub fn of(component: &Path) -> Self {
        Self {
            component: component.to_owned(),
            on_a_board: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            folders: Vec::new(),
            stdin: Vec::new(),
            network: true,
            names: Vec::new(),
        }
    }

    /// `dewclaw.wasm ask PROMPT`, over this workspace, with this model under the name `scripted`.
    pub fn ask(workspace: &Scratch, model: &ScriptedModel, prompt: &str) -> Self {
        Self::dewclaw()
            .workspace(workspace)
            .model(model)
            .env("DEWCLAW_MODEL", "scripted")
            .args(["ask", prompt])
    }

    /// `dewclaw.wasm chat`, over this workspace, with this model under the name `scripted`, on these lines.
    pub fn chat(workspace: &Scratch, model: &ScriptedModel, lines: &str) -> Self {
        Self::dewclaw()
            .workspace(workspace)
            .model(model)
            .env("DEWCLAW_MODEL", "scripted")
            .args(["chat"])
            .stdin(lines)
    }

    /// As [`Guest::ask`], on the messages wire.
    pub fn ask_by_messages(workspace: &Scratch, model: &ScriptedModel, prompt: &str) -> Self {
        Self::dewclaw()
            .workspace(workspace)
            .messages_model(model)
            .env("DEWCLAW_MODEL", "scripted")
            .args(["ask", prompt])
    }

    /// `dewclaw-offline.wasm tool NAME ARGUMENTS`, over this workspace. In WAMR it is `dewclaw-wamr.wasm`: what boards get.
    pub fn tool(workspace: &Scratch, name: &str, arguments: &serde_json::Value) -> Self {
        Self::offline()
            .on_a_board(artifact::dewclaw_wamr)
            .workspace(workspace)
            .args(["tool", name, &arguments.to_string()])
    }

    /// `dewclaw.wasm tool NAME ARGUMENTS`, for the tools that need the network. No folder is granted.
    pub fn web_tool(name: &str, arguments: &serde_json::Value) -> Self {
        Self::dewclaw().args(["tool", name, &arguments.to_string()])
    }

    /// What runs in WAMR in the component's place.
    fn on_a_board(mut self, module: fn() -> PathBuf) -> Self {
        self.on_a_board = Some(module);
        self
    }

    /// Lets web_fetch reach this host.
    pub fn allow_fetch(self, host: &str) -> Self {
        self.args(["--allow-fetch", host])
    }

    /// More arguments after the program's name.
    pub fn args<Argument: Into<String>>(
        mut self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The address of this model in `OPENAI_BASE_URL`.
    pub fn model(self, model: &ScriptedModel) -> Self {
        self.base_url(&model.base_url())
    }

    /// The address of this model in `ANTHROPIC_BASE_URL`, which chooses the messages wire.
    pub fn messages_model(self, model: &ScriptedModel) -> Self {
        self.env("ANTHROPIC_BASE_URL", &model.root_url())
    }

    /// This address in `OPENAI_BASE_URL`.
    pub fn base_url(self, url: &str) -> Self {
        self.env("OPENAI_BASE_URL", url)
    }

    /// The folder that the tools see: the preopen `/`.
    pub fn workspace(self, folder: &Scratch) -> Self {
        self.folder(folder.path(), "/")
    }

    /// The folder that only the agent sees: the preopen `/state`.
    pub fn state(self, folder: &Scratch) -> Self {
        self.folder(folder.path(), "/state")
    }

    /// A preopen that may be written.
    pub fn folder(self, host: &Path, guest: &str) -> Self {
        self.with_folder(host, guest, false)
    }

    /// A preopen that can only be read. Neither wasmtime's command line nor WAMR has such a grant, so only the in-process host can run it.
    pub fn read_only_folder(self, host: &Path, guest: &str) -> Self {
        self.with_folder(host, guest, true)
    }

    fn with_folder(mut self, host: &Path, guest: &str, read_only: bool) -> Self {
        self.folders.push(Folder {
            host: host.to_owned(),
            guest: guest.to_owned(),
            read_only,
        });
        self
    }

    /// A name that it may look up in WAMR, where each is granted.
    pub fn may_look_up(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    /// What the guest reads on its standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// What it will read there.
    pub fn input(&self) -> &[u8] {
        &self.stdin
    }

    /// The same without `-S http`, and in WAMR without `--addr-pool`.
    pub fn without_network(mut self) -> Self {
        self.network = false;
        self
    }
}
