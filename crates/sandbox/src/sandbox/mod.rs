//! The sandbox as a host uses it: a plugin's bytes, its manifest and the operator's policy go in, and a plugin whose tools can be
//! called comes out, with every limit in force and every host call in its audit trail.
//!
//! ```no_run
//! use dewclaw_sandbox::audit::{AuditFolder, AuditOptions};
//! use dewclaw_sandbox::engine::TrustedInputOnly;
//! use dewclaw_sandbox::policy::{Manifest, Policy};
//! use dewclaw_sandbox::sandbox::{Sandbox, SandboxOptions};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let audit = AuditFolder::open("audit", AuditOptions::default())?;
//! let sandbox = Sandbox::new(audit, SandboxOptions::default())?;
//! let policy = Policy::read("policy.toml", &std::fs::read("policy.toml")?, ".".as_ref())?;
//! let manifest = Manifest::read("weather.toml", &std::fs::read("weather.toml")?)?;
//! let weather = manifest.plugin("weather").ok_or("no such plugin")?;
//! let bytes = std::fs::read("weather.wasm")?;
//! // For bytes of a stranger, a compiler in a process of its own: the `dewclaw` command has one.
//! let plugin = sandbox.load(&policy, weather, &bytes, &TrustedInputOnly)?;
//! println!("{}", plugin.call("forecast", r#"{"city":"Ulm"}"#).await?);
//! # Ok(())
//! # }
//! ```

mod description;
mod error;
mod grants;
mod host;
mod imports;
mod observer;
mod plugin_file;
mod wasi_trail;

use std::path::Path;
use std::sync::Arc;

pub use description::{
    Description, DescriptionError, MAX_DESCRIPTION, MAX_TOOL_NAME, MAX_TOOL_TEXT, MAX_TOOLS,
    ToolDescription,
};
pub use error::{DescribeError, SandboxError};
pub use host::Environment;
pub use imports::{ImportsError, component_imports};
pub use observer::{Denial, LogMessage, Observer, Unobserved};
pub use plugin_file::{PluginFile, PluginFileError};

use crate::audit::AuditFolder;
use crate::egress::{Caller, Egress, PluginHttp};
use crate::engine::{
    CallError, Caps, Compiler, Engine, EngineError, EngineOptions, ModuleSize, Plugin,
    PluginOptions, Reuse,
};
use crate::files::{Files, PluginFiles};
use crate::policy::{Access, Effective, FolderGrant, PluginManifest, Policy};
use grants::{PolicyGrants, egress_limits};
use host::{PolicyHost, Trail};
use wasi_trail::WasiTrail;

/// Stores of a warm plugin that wait for their next call: as many as a machine's cores could use at once.
const WARM_STORES: usize = 8;

/// What a sandbox gets beside its audit folder.
#[derive(Clone)]
pub struct SandboxOptions {
    /// How the engine is made.
    pub engine: EngineOptions,
    /// The way to the network.
    pub egress: Arc<Egress>,
    /// Where the variables of `get-env` come from: this process's environment, unless told otherwise.
    pub environment: Environment,
    /// Who hears of log messages and denials.
    pub observer: Arc<dyn Observer>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        SandboxOptions {
            engine: EngineOptions::default(),
            egress: Arc::new(Egress::system()),
            environment: Arc::new(|name| std::env::var(name).ok()),
            observer: Arc::new(Unobserved),
        }
    }
}

impl std::fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxOptions")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// What all plugins of a process share. Cheap to clone; make one.
#[derive(Clone, Debug)]
pub struct Sandbox {
    engine: Engine,
    audit: AuditFolder,
    options: SandboxOptions,
}

impl Sandbox {
    /// A sandbox whose audit trails lie in `audit`.
    ///
    /// # Errors
    /// No engine can be had on this machine.
    pub fn new(audit: AuditFolder, options: SandboxOptions) -> Result<Sandbox, EngineError> {
        Ok(Sandbox {
            engine: Engine::new(options.engine)?,
            audit,
            options,
        })
    }

    /// The engine, for a [`Compiler`].
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Decides what a plugin gets, opens that, compiles it and links it. Nothing of the plugin runs. Compiling takes a while and
    /// blocks: some 0.2 s for 300 KB.
    ///
    /// # Errors
    /// The bytes are too large or no plugin, it imports what is not granted, what it is granted cannot be opened, or
    /// would let it write its own trail.
    pub fn load(
        &self,
        policy: &Policy,
        manifest: &PluginManifest,
        bytes: &[u8],
        compiler: &dyn Compiler,
    ) -> Result<SandboxedPlugin, SandboxError> {
        let imports = component_imports(bytes)?;
        let manifest = manifest
            .clone()
            .importing(imports.iter().map(String::as_str));
        let effective = Arc::new(Effective::decide(policy, &manifest));
        let wasi = granted_wasi(&effective, &imports)?;
        let limits = effective.limits();
        let caller = Arc::new(Caller::new(
            Arc::new(PolicyGrants(Arc::clone(&effective))),
            egress_limits(limits),
        ));
        refuse_audit_folder(&effective, self.audit.path())?;
        let files = Files::open(&effective)?;
        let host = Arc::new(PolicyHost {
            effective: Arc::clone(&effective),
            trail: Trail::new(self.audit.clone(), effective.plugin()),
            files: files.clone(),
            egress: Arc::clone(&self.options.egress),
            caller: Arc::clone(&caller),
            environment: Arc::clone(&self.options.environment),
            observer: Arc::clone(&self.options.observer),
        });
        let http = PluginHttp {
            caller,
            deadline: std::time::Instant::now(),
            requests: host.clone(),
        };
        let options = PluginOptions {
            caps: Caps::from(limits),
            module_size: ModuleSize::from(limits),
            reuse: if effective.warm() {
                Reuse::Warm { idle: WARM_STORES }
            } else {
                Reuse::Fresh
            },
            files: Some(PluginFiles {
                files,
                observer: Arc::new(WasiTrail(Arc::clone(&host))),
            }),
            host,
            wasi,
            http: Some(http),
            ..PluginOptions::default()
        };
        Ok(SandboxedPlugin {
            plugin: Plugin::load(&self.engine, bytes, compiler, options)?,
            effective,
        })
    }
}

/// # Errors
/// A folder that the plugin is granted for writing is the audit's, or around it: it could write its own trail anew.
fn refuse_audit_folder(effective: &Effective, audit: &Path) -> Result<(), SandboxError> {
    let writable = |grant: &&FolderGrant| grant.access() == Access::ReadWrite;
    for grant in effective.folders().iter().filter(writable) {
        let folder = grant.folder().join(grant.within());
        // What is not there cannot be opened either.
        if let (Ok(audit), Ok(granted)) = (audit.canonicalize(), folder.canonicalize())
            && audit.starts_with(granted)
        {
            return Err(SandboxError::AuditFolder {
                folder,
                rule: grant.rule().to_string(),
            });
        }
    }
    Ok(())
}

/// The interfaces of WASI that the plugin imports and is granted, as the engine wants them.
///
/// # Errors
/// One of them is not granted.
fn granted_wasi(effective: &Effective, imports: &[String]) -> Result<Vec<String>, SandboxError> {
    let mut granted = Vec::new();
    for name in imports.iter().filter(|name| name.starts_with("wasi:")) {
        let decision = effective.wasi(name);
        if !decision.allowed {
            return Err(SandboxError::Import {
                name: name.escape_debug().take(200).collect(),
                rule: decision.rule.to_string(),
                grant: decision.grant_line().unwrap_or_default(),
            });
        }
        let unversioned = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
        granted.push(unversioned.to_owned());
    }
    Ok(granted)
}

/// A plugin that can be called. Cheap to clone; calls may run at once.
#[derive(Clone, Debug)]
pub struct SandboxedPlugin {
    plugin: Plugin,
    effective: Arc<Effective>,
}

impl SandboxedPlugin {
    /// The name that the operator knows it by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.effective.plugin()
    }

    /// What it gets, and what decided that.
    #[must_use]
    pub fn effective(&self) -> &Effective {
        &self.effective
    }

    /// What it says that it is, in a store of its own.
    ///
    /// # Errors
    /// A limit, a trap, or a description that is none.
    pub async fn describe(&self) -> Result<Description, DescribeError> {
        let text = self.plugin.describe().await?;
        Ok(Description::read(&text)?)
    }

    /// Runs a tool with its parameters, a JSON object, and gives its result. Dropping the future ends the guest.
    ///
    /// # Errors
    /// [`CallError::Tool`] where the tool itself says so; else a limit, a trap, or what the plugin gave was refused.
    pub fn call(
        &self,
        tool: impl Into<String>,
        parameters: impl Into<String>,
    ) -> impl Future<Output = Result<String, CallError>> + Send {
        self.plugin.call(tool, parameters)
    }
}
