//! A sandbox as a host has it, whose policy grants what the guests ask: their calls go through all of its public interface.

use std::path::Path;

use dewclaw_sandbox::audit::{AuditFolder, AuditOptions};
use dewclaw_sandbox::engine::Compiler;
use dewclaw_sandbox::policy::{PluginManifest, Policy};
use dewclaw_sandbox::sandbox::{Environment, Sandbox, SandboxOptions, SandboxedPlugin};
use tempfile::TempDir;

/// Whether a plugin's store serves one call or several.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stores {
    Fresh,
    Warm,
}

pub(crate) struct Granted {
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
}

impl Granted {
    pub(crate) fn new(environment: Environment) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let audit = AuditFolder::open(folder.path().join("audit"), AuditOptions::default());
        let options = SandboxOptions {
            environment,
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(audit.expect("a folder"), options).expect("an engine");
        Granted { sandbox, folder }
    }

    pub(crate) fn load(
        &self,
        name: &str,
        bytes: &[u8],
        stores: Stores,
        compiler: &dyn Compiler,
    ) -> SandboxedPlugin {
        let policy = format!(
            "version = 1\n[plugins.{name}]\nwarm = {}\n[plugins.{name}.permissions]\nenv_vars = [\"LANG\"]\nwasi = [\"clocks\", \"random\"]\n",
            stores == Stores::Warm
        );
        let policy = Policy::read("policy.toml", policy.as_bytes(), self.path()).expect("a policy");
        let manifest = PluginManifest::absent(name).expect("a name");
        let loaded = self.sandbox.load(&policy, &manifest, bytes, compiler);
        loaded.expect("a plugin")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
