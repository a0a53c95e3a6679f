//! An example plugin as it is built, in a sandbox with its own policy or another.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use dewclaw_sandbox::audit::{AuditFolder, AuditOptions, Entry, Filter, query};
use dewclaw_sandbox::egress::Egress;
use dewclaw_sandbox::engine::{CallError, TrustedInputOnly};
use dewclaw_sandbox::policy::{Manifest, PluginManifest, Policy};
use dewclaw_sandbox::sandbox::{Sandbox, SandboxError, SandboxOptions, SandboxedPlugin};

/// A plugin's component and manifest, as scripts/build-plugins leaves them.
pub(crate) struct Example {
    name: &'static str,
    pub(crate) module: Vec<u8>,
    pub(crate) manifest: PluginManifest,
}

impl Example {
    /// Builds it where it is not built.
    pub(crate) fn build(name: &'static str) -> Example {
        // Tests of one plugin would copy over each other's files.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap();
        let built = Command::new(repository().join("scripts/build-plugins"))
            .arg(name)
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        // FILE: … bytes, … after gzip
        let told = String::from_utf8(built.stdout).unwrap();
        let file = Path::new(told.split_once(": ").unwrap().0);
        let manifest =
            Manifest::read(&format!("{name}.toml"), &std::fs::read(file).unwrap()).unwrap();
        let manifest = manifest.plugin(name).unwrap().clone();
        let module = file.with_file_name(manifest.module().unwrap());
        Example {
            name,
            module: std::fs::read(module).unwrap(),
            manifest,
        }
    }

    /// The policy that lies beside its source.
    pub(crate) fn policy(&self) -> Policy {
        let folder = self.folder();
        let text = std::fs::read(folder.join("policy.toml")).unwrap();
        Policy::read("policy.toml", &text, &folder).unwrap()
    }

    /// Its source.
    pub(crate) fn folder(&self) -> PathBuf {
        repository().join("examples/plugins").join(self.name)
    }

    /// Loads it in a sandbox of its own.
    pub(crate) fn load(
        &self,
        policy: &Policy,
        egress: Egress,
        variables: &'static [(&'static str, &'static str)],
    ) -> Result<Loaded, SandboxError> {
        let audit = tempfile::tempdir().unwrap();
        let folder = AuditFolder::open(audit.path(), AuditOptions::default()).unwrap();
        let options = SandboxOptions {
            egress: Arc::new(egress),
            environment: Arc::new(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            }),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(folder, options).unwrap();
        let plugin = sandbox.load(policy, &self.manifest, &self.module, &TrustedInputOnly)?;
        Ok(Loaded { plugin, audit })
    }
}

/// A plugin that can be called, and its trail.
pub(crate) struct Loaded {
    pub(crate) plugin: SandboxedPlugin,
    audit: tempfile::TempDir,
}

impl Loaded {
    /// The tool's result; its own error, or what the sandbox says.
    pub(crate) async fn call(&self, tool: &str, json: &str) -> Result<String, String> {
        self.plugin
            .call(tool, json)
            .await
            .map_err(|error| match error {
                CallError::Tool { message } => message,
                other => other.to_string(),
            })
    }

    pub(crate) fn trail(&self) -> Vec<Entry> {
        let found = query(self.audit.path(), &Filter::default()).unwrap();
        found.entries
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
