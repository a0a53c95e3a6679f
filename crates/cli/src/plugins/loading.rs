//! From the files of plugins to plugins that can be called.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use dewclaw_sandbox::audit::AuditFolder;
use dewclaw_sandbox::engine::EngineOptions;
use dewclaw_sandbox::sandbox::{Description, PluginFile, Sandbox, SandboxOptions, SandboxedPlugin};

use super::error::PluginsError;
use super::terms::Settled;
use super::witness::Witness;
use crate::compiler::ChildCompiler;
use crate::environment;
use crate::keys::Keys;
use crate::settings::Settings;

/// Stores that may live at once: more than the calls of one turn.
const STORES: u32 = 64;

/// After how much time a person who waits is told what for.
const PATIENCE: Duration = Duration::from_secs(4);

/// The plugins of these files, in their order, each compiled in a process of its own.
///
/// # Errors
/// A file is no plugin or is refused, or two plugins have one name.
pub(super) fn load(
    files: &[PathBuf],
    terms: &Settled,
    witness: Arc<Witness>,
) -> Result<Vec<SandboxedPlugin>, PluginsError> {
    let compiler = ChildCompiler::of_this_command()?;
    let options = terms.policy.audit();
    for key in keys(&terms.state)?.values() {
        // One that is too short to be hidden is none that anybody uses.
        let _ = options.secrets.register(key);
    }
    let sandbox = Sandbox::new(
        AuditFolder::open(&terms.audit, options)?,
        SandboxOptions {
            engine: EngineOptions {
                stores: STORES,
                ..EngineOptions::default()
            },
            observer: witness.clone(),
            ..SandboxOptions::default()
        },
    )?;
    let mut loaded: Vec<(&Path, SandboxedPlugin)> = Vec::new();
    for path in files {
        for PluginFile { manifest, bytes } in PluginFile::read(path, &terms.policy)? {
            let name = manifest.name();
            if let Some((first, _)) = loaded.iter().find(|(_, other)| other.name() == name) {
                return Err(PluginsError::SameName {
                    name: name.to_owned(),
                    first: (*first).to_owned(),
                    second: path.clone(),
                });
            }
            let most = compiler.most_time(bytes.len());
            let plugin = telling(
                || witness.still_compiling(name, bytes.len(), most),
                || sandbox.load(&terms.policy, &manifest, &bytes, &compiler),
            );
            let plugin = plugin.map_err(|source| PluginsError::Load {
                plugin: name.to_owned(),
                source,
            })?;
            loaded.push((path, plugin));
        }
    }
    Ok(loaded.into_iter().map(|(_, plugin)| plugin).collect())
}

/// What `work` gives; where that takes longer than anybody waits in silence, `tell` is called meanwhile.
fn telling<T>(tell: impl FnOnce() + Send, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, waiting) = channel::<()>();
        scope.spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                tell();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// The keys that this command could know, none of which belongs into the trail.
fn keys(state: &Path) -> Result<Keys, PluginsError> {
    let mut variables = environment::for_component(std::env::vars_os(), &[]).unwrap_or_default();
    Ok(Keys::take(&mut variables, state, &Settings::read(state))?)
}

/// What a plugin says that it is.
///
/// # Errors
/// It does not, or not in its limits.
pub(super) async fn describe(plugin: &SandboxedPlugin) -> Result<Description, PluginsError> {
    let described = plugin.describe().await;
    described.map_err(|source| PluginsError::Describe {
        plugin: plugin.name().to_owned(),
        source,
    })
}

/// Runs one future on this thread; plugins compute on threads of their own.
///
/// # Errors
/// The system gives no runtime.
pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> Result<T, PluginsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}
