//! Why plugins are not there, or gave nothing, and the exit code that says so.

use std::io;
use std::path::{Path, PathBuf};

use dewclaw_sandbox::audit::AuditError;
use dewclaw_sandbox::engine::{self, CallError, CompileError, EngineError, LoadError};
use dewclaw_sandbox::limits;
use dewclaw_sandbox::policy::{Problem, ReadError};
use dewclaw_sandbox::sandbox::{DescribeError, DescriptionError, PluginFileError, SandboxError};

use crate::folders::FoldersError;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const LIMIT: u8 = 4;
const DENIED: u8 = 5;

/// Something about a plugin that went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginsError {
    /// No place for state.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The policy is not there, or cannot be read.
    #[error("cannot read the policy `{}`: {cause}", path.display())]
    PolicyUnreadable { path: PathBuf, cause: io::Error },
    /// The policy is none.
    #[error("the policy is refused: {0}")]
    Policy(ReadError),
    /// The preset is none.
    #[error("--preset: {0}")]
    Preset(Problem),
    /// The plugin's files.
    #[error(transparent)]
    File(#[from] PluginFileError),
    /// The trail.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Threads, streams, or the name of this executable.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
    /// It was not loaded.
    #[error("plugin {plugin}: {source}{}", raise_size(source, plugin))]
    Load {
        plugin: String,
        source: SandboxError,
    },
    /// It did not say what it is.
    #[error("plugin {plugin}: {source}{}", raise_described(source))]
    Describe {
        plugin: String,
        source: DescribeError,
    },
    /// Its tool gave no result. What it was denied was told when it was.
    #[error("plugin {plugin}: {source}{}", raise(source))]
    Call {
        plugin: String,
        source: CallError,
        denied: bool,
    },
    /// The name of a tool that no one plugin has.
    #[error("{given:?} does not say which plugin: write PLUGIN.TOOL with one of {names}")]
    WhichPlugin { given: String, names: String },
    /// What is to be handed to the tool is no object.
    #[error("the parameters must be a JSON object, such as '{{}}': {reason}")]
    Parameters { reason: String },
    /// Two plugins of one name.
    #[error(
        "two plugins are named {name}: {} and {}; a plugin's name is its manifest's, [plugins.NAME], or its file's",
        first.display(), second.display()
    )]
    SameName {
        name: String,
        first: PathBuf,
        second: PathBuf,
    },
    /// Two tools that a model's server could not tell apart.
    #[error(
        "the tools {first} and {second} would both be {wire} to the model: give one of the plugins another name, [plugins.NAME] in its manifest"
    )]
    SameTool {
        first: String,
        second: String,
        wire: String,
    },
}

impl PluginsError {
    /// For the policy at `path`.
    pub(super) fn policy(path: &Path) -> impl FnOnce(io::Error) -> PluginsError {
        let path = path.to_owned();
        |cause| PluginsError::PolicyUnreadable { path, cause }
    }

    /// 4 for a limit, 5 for what a policy denies, 2 for what the command line names, 1 for all else.
    pub(crate) fn code(&self) -> u8 {
        match self {
            PluginsError::File(
                PluginFileError::TooLarge { .. } | PluginFileError::FolderTooLarge { .. },
            ) => LIMIT,
            PluginsError::Load { source, .. } => match source {
                SandboxError::Import { .. } | SandboxError::AuditFolder { .. } => DENIED,
                SandboxError::Files(_) => USAGE,
                SandboxError::Load(LoadError::ImportRefused { .. }) => DENIED,
                SandboxError::Load(
                    LoadError::TooLarge { .. }
                    | LoadError::TooLargeGzipped { .. }
                    | LoadError::Limit(_)
                    | LoadError::Compile(CompileError::Limit { .. }),
                ) => LIMIT,
                _ => FAILED,
            },
            PluginsError::Describe { source, .. } => match source {
                DescribeError::Call(CallError::Limit(_)) => LIMIT,
                DescribeError::Description(
                    DescriptionError::TooLong { .. }
                    | DescriptionError::TooManyTools { .. }
                    | DescriptionError::TooMuchText { .. },
                ) => LIMIT,
                _ => FAILED,
            },
            PluginsError::Call { source, denied, .. } => match source {
                CallError::Limit(_) => LIMIT,
                _ if *denied => DENIED,
                _ => FAILED,
            },
            PluginsError::Engine(_) | PluginsError::System(_) => FAILED,
            _ => USAGE,
        }
    }
}

fn raise_size(error: &SandboxError, plugin: &str) -> String {
    let limit = match error {
        SandboxError::Load(LoadError::TooLarge { .. }) => limits::Limit::Module,
        SandboxError::Load(LoadError::TooLargeGzipped { .. }) => limits::Limit::ModuleGzip,
        _ => return String::new(),
    };
    let key = limit.key();
    format!(": {key} in [plugins.{plugin}.resources]")
}

fn raise_described(error: &DescribeError) -> String {
    match error {
        DescribeError::Call(error) => raise(error),
        DescribeError::Description(_) => String::new(),
    }
}

/// What would raise the limit that a call met.
fn raise(error: &CallError) -> String {
    let limit = match error.limit() {
        Some(engine::Limit::Fuel { .. }) => limits::Limit::Fuel,
        Some(engine::Limit::Memory { .. }) => limits::Limit::Memory,
        Some(engine::Limit::TableElements { .. }) => limits::Limit::TableElements,
        Some(engine::Limit::Deadline { .. }) => limits::Limit::ExecutionTime,
        _ => return String::new(),
    };
    format!(
        "; {}, asked by its manifest and allowed by the policy, raises it to at most {}",
        limit.key(),
        limit.show(limit.maximum())
    )
}
