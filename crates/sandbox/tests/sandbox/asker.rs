//! A plugin that asks its host for what its parameters say, in a sandbox with a policy, an audit folder and somebody who listens.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use dewclaw_sandbox::audit::{
    AuditFolder, AuditOptions, Entry, Filter, VerifyOptions, query, verify,
};
use dewclaw_sandbox::engine::{CallError, TrustedInputOnly};
use dewclaw_sandbox::policy::{PluginManifest, Policy};
use dewclaw_sandbox::sandbox::{
    Denial, LogMessage, Observer, Sandbox, SandboxError, SandboxOptions, SandboxedPlugin,
};
use tempfile::TempDir;

/// The plugin's bytes: see the file for its tools.
pub(crate) fn asker() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(include_str!("../guests/asker.wat")).unwrap())
}

/// What a person heard.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn logged(&self, message: &LogMessage<'_>) {
        let LogMessage {
            plugin,
            level,
            text,
            cut,
        } = message;
        let cut = if *cut { " (cut)" } else { "" };
        self.hear(format!("{plugin} {}: {text}{cut}", level.name()));
    }

    fn denied(&self, denial: &Denial<'_>) {
        let Denial {
            plugin,
            function,
            error,
            rule,
            grant,
        } = denial;
        let grant = grant.unwrap_or("nothing");
        self.hear(format!(
            "{plugin} {function}: {error}; rule: {rule}; grant: {grant}"
        ));
    }
}

impl Heard {
    fn hear(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A sandbox, and what is around it.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) heard: Arc<Heard>,
    pub(crate) sandbox: Sandbox,
    policy: Policy,
}

impl Fixture {
    /// One whose policy is this text, behind its version. Its folders are from the fixture's own.
    pub(crate) fn new(policy: &str) -> Fixture {
        let folder = TempDir::new().unwrap();
        let heard = Arc::<Heard>::default();
        let audit = AuditFolder::open(folder.path().join("audit"), AuditOptions::default());
        let options = SandboxOptions {
            environment: Arc::new(|name| {
                let known = matches!(name, "UNITS" | "HOME" | "SERVICE_TOKEN");
                known.then(|| format!("the value of {name}"))
            }),
            observer: heard.clone(),
            ..SandboxOptions::default()
        };
        let text = format!("version = 1\n{policy}");
        Fixture {
            sandbox: Sandbox::new(audit.unwrap(), options).unwrap(),
            policy: Policy::read("policy.toml", text.as_bytes(), folder.path()).unwrap(),
            folder,
            heard,
        }
    }

    /// The plugin that asks, without a manifest: it gets what the policy grants.
    pub(crate) fn asker(&self) -> SandboxedPlugin {
        self.load("asker", asker()).unwrap()
    }

    pub(crate) fn load(&self, name: &str, bytes: &[u8]) -> Result<SandboxedPlugin, SandboxError> {
        let manifest = PluginManifest::absent(name).unwrap();
        self.sandbox
            .load(&self.policy, &manifest, bytes, &TrustedInputOnly)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The plugin's audit trail, after it was verified.
    pub(crate) fn trail(&self) -> Vec<Entry> {
        let path = self.path().join("audit");
        let report = verify(&path, &VerifyOptions::default()).unwrap();
        assert!(report.is_intact(), "{report:?}");
        query(&path, &Filter::default()).unwrap().entries
    }
}

/// What the plugin's host answered.
pub(crate) async fn ask(
    plugin: &SandboxedPlugin,
    tool: &str,
    parameters: &str,
) -> Result<String, String> {
    match plugin.call(tool, parameters).await {
        Ok(text) => Ok(text),
        Err(CallError::Tool { message }) => Err(message),
        Err(other) => panic!("{other}"),
    }
}
