//! What every attack happens in: a sandbox with a policy and an audit trail, where a neighbour works all the while.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dewclaw_sandbox::audit::{
    AuditFolder, AuditOptions, Entry, Filter, VerifyOptions, query, verify,
};
use dewclaw_sandbox::egress::{Connect, Egress, LookUp, Opening, Resolve, SystemConnector};
use dewclaw_sandbox::engine::{CallError, EngineOptions, Limit, TrustedInputOnly};
use dewclaw_sandbox::policy::{PluginManifest, Policy};
use dewclaw_sandbox::sandbox::{
    Denial, LogMessage, Observer, Sandbox, SandboxError, SandboxOptions, SandboxedPlugin,
};
use tempfile::TempDir;

use crate::guest::{ECHO, Guest};

/// What an attack's end may come after its limit, on a machine that runs other tests at the same time.
pub(crate) const LATE: Duration = Duration::from_secs(1);

/// A public address, of nobody that a test reaches.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// A sandbox with room for two stores, the neighbour's and one of the attacker's, unless told otherwise.
pub(crate) struct Scene {
    stores: u32,
    pub(crate) folder: TempDir,
    pub(crate) internet: Arc<Internet>,
    heard: Arc<Heard>,
    sandbox: Sandbox,
    policy: Policy,
    neighbour: SandboxedPlugin,
    survivor: SandboxedPlugin,
}

impl Scene {
    /// One whose policy grants this to the plugin `attacker`: lines of a policy, behind its version.
    pub(crate) fn new(policy: &str) -> Scene {
        Scene::holding(policy, TempDir::new().unwrap())
    }

    /// The same around a folder that has something in it; folders of the policy are from there.
    pub(crate) fn holding(policy: &str, folder: TempDir) -> Scene {
        Scene::with_room(policy, folder, 2)
    }

    /// The same with room for so many stores.
    pub(crate) fn with_room(policy: &str, folder: TempDir, stores: u32) -> Scene {
        let (heard, internet) = (Arc::<Heard>::default(), Arc::<Internet>::default());
        let audit = AuditFolder::open(folder.path().join("audit"), AuditOptions::default());
        let options = SandboxOptions {
            engine: EngineOptions {
                stores,
                ..EngineOptions::default()
            },
            egress: Arc::new(Egress::new(internet.clone(), internet.clone())),
            environment: Arc::new(|_| None),
            observer: heard.clone(),
        };
        let sandbox = Sandbox::new(audit.unwrap(), options).unwrap();
        let text = format!("version = 1\n[plugins.neighbour]\nwarm = true\n{policy}");
        let policy = Policy::read("policy.toml", text.as_bytes(), folder.path()).unwrap();
        let load = |name, guest: Guest| {
            let manifest = PluginManifest::absent(name).unwrap();
            let loaded = sandbox.load(&policy, &manifest, &guest.bytes(), &TrustedInputOnly);
            loaded.unwrap()
        };
        Scene {
            neighbour: load("neighbour", Guest::calling(ECHO)),
            survivor: load("survivor", Guest::default()),
            stores,
            folder,
            internet,
            heard,
            sandbox,
            policy,
        }
    }

    pub(crate) fn load(&self, bytes: &[u8]) -> Result<SandboxedPlugin, SandboxError> {
        self.load_as("attacker", bytes)
    }

    pub(crate) fn load_as(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<SandboxedPlugin, SandboxError> {
        let manifest = PluginManifest::absent(name).unwrap();
        self.sandbox
            .load(&self.policy, &manifest, bytes, &TrustedInputOnly)
    }

    /// What a call of the attacker comes to, while the neighbour is called over and over, and what is left behind: nothing. The
    /// neighbour has every answer, the attacker's store is gone (there is room for no other), and every trail verifies.
    pub(crate) async fn attack(
        &self,
        attacker: &SandboxedPlugin,
        tool: &str,
        parameters: &str,
    ) -> Attempt {
        let began = Instant::now();
        let attack = attacker.call(tool, parameters);
        let mut attempt = self.beside_the_neighbour(attack).await;
        attempt.took = attempt.took.min(began.elapsed());
        self.assert_unharmed().await;
        attempt
    }

    /// A guest of this kind, loaded, and attacked with.
    pub(crate) async fn attack_by(&self, guest: Guest) -> Attempt {
        let attacker = self.load(&guest.bytes()).unwrap();
        self.attack(&attacker, "t", "{}").await
    }

    async fn beside_the_neighbour(
        &self,
        attack: impl Future<Output = Result<String, CallError>>,
    ) -> Attempt {
        let began = Instant::now();
        let mut attack = std::pin::pin!(attack);
        // So that the neighbour works without taking a whole processor from the other tests.
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut neighbours = 0;
        loop {
            tokio::select! {
                biased;
                outcome = &mut attack => {
                    let took = began.elapsed();
                    self.neighbour_works().await;
                    return Attempt { outcome, took, neighbours: neighbours + 1 };
                }
                _ = pace.tick() => {
                    self.neighbour_works().await;
                    neighbours += 1;
                }
            }
        }
    }

    /// Loads what is expected to be one.
    pub(crate) fn load_on_another_thread(&self, bytes: &[u8]) -> JoinHandle<SandboxedPlugin> {
        let (sandbox, policy, bytes) =
            (self.sandbox.clone(), self.policy.clone(), bytes.to_owned());
        std::thread::spawn(move || {
            let manifest = PluginManifest::absent("attacker").unwrap();
            sandbox
                .load(&policy, &manifest, &bytes, &TrustedInputOnly)
                .unwrap()
        })
    }

    /// How often the neighbour is called, and answers, until that is done.
    pub(crate) async fn neighbour_works_until(&self, other: JoinHandle<SandboxedPlugin>) -> u32 {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut calls = 0;
        while !other.is_finished() {
            pace.tick().await;
            self.neighbour_works().await;
            calls += 1;
        }
        other.join().unwrap();
        calls
    }

    async fn neighbour_works(&self) {
        let answer = self.neighbour.call("t", r#"{"still":"here"}"#).await;
        assert_eq!(answer.unwrap(), r#"{"still":"here"}"#);
    }

    /// Places are given back, and trails are sound.
    async fn assert_unharmed(&self) {
        let began = Instant::now();
        // A caller hears of a deadline before the guest is gone.
        while let Err(error) = self.survivor.call("t", "{}").await {
            assert_eq!(
                error.limit(),
                Some(Limit::Concurrency {
                    stores: self.stores
                }),
                "{error}"
            );
            assert!(
                began.elapsed() < LATE,
                "the attacker's store is still there"
            );
            tokio::task::yield_now().await;
        }
        let neighbour = self.trail("neighbour");
        assert!(!neighbour.is_empty());
        assert!(neighbour.iter().all(|entry| entry.function == "log"));
    }

    /// The trail of a plugin, after the whole folder was verified.
    fn trail(&self, plugin: &str) -> Vec<Entry> {
        let path = self.audit();
        let report = verify(&path, &VerifyOptions::default()).unwrap();
        assert!(report.is_intact(), "{report:?}");
        let filter = Filter {
            plugin: Some(plugin.to_owned()),
            ..Filter::default()
        };
        query(&path, &filter).unwrap().entries
    }

    /// The attacker's.
    pub(crate) fn attackers_trail(&self) -> Vec<Entry> {
        self.trail("attacker")
    }

    /// The attacker's trail as it is in the file.
    pub(crate) fn attackers_file(&self) -> Vec<u8> {
        std::fs::read(self.audit().join("attacker.jsonl")).unwrap()
    }

    pub(crate) fn audit(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    /// That the attacker's trail has these functions in this order, with the rules that decided.
    #[track_caller]
    pub(crate) fn assert_trail(&self, expected: &[(&str, &str)]) {
        let trail = self.attackers_trail();
        let found: Vec<_> = trail
            .iter()
            .map(|entry| (entry.function.as_str(), entry.rule.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    /// What the operator heard of the attacker.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.0.lock().unwrap().clone();
        heard.retain(|line| line.starts_with("attacker "));
        heard
    }

    /// That the attacker logged from the engine's threads only, and once at least.
    #[track_caller]
    pub(crate) fn assert_off_the_callers_thread(&self) {
        let threads = self.heard.1.lock().unwrap();
        assert!(!threads.is_empty());
        let engines = |name: &Option<String>| name.as_deref() == Some("dewclaw-guest");
        assert!(threads.iter().all(engines), "{threads:?}");
    }
}

/// The rule under which a plugin's log messages are.
pub(crate) const LOGS: &str = "every plugin may log, within its rate";
/// The entry that a guest of [`Guest::calling`] leaves.
pub(crate) const BEGAN: (&str, &str) = ("log", LOGS);

/// How an attack ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) outcome: Result<String, CallError>,
    pub(crate) took: Duration,
    /// Calls of the neighbour that were answered meanwhile.
    neighbours: u32,
}

impl Attempt {
    /// That a limit ended it, at most [`LATE`] after this time.
    #[track_caller]
    pub(crate) fn is_stopped_by(&self, limit: Limit, within: Duration) {
        let error = self.outcome.as_ref().unwrap_err();
        assert_eq!(error.limit(), Some(limit), "{error}");
        self.is_stopped_saying(&limit.to_string(), within);
    }

    /// The same, by the limit's words.
    #[track_caller]
    pub(crate) fn is_stopped_saying(&self, limit: &str, within: Duration) {
        let error = self.outcome.as_ref().unwrap_err();
        assert!(matches!(error, CallError::Limit(_)), "{error:?}");
        let words = format!("the plugin was stopped by a limit: {limit}");
        assert_eq!(error.to_string(), words);
        assert!(self.took < within + LATE, "{:?}", self.took);
        assert!(self.neighbours > 0);
    }

    /// That the wall clock ended it: at a second, which is the least that a policy can say.
    #[track_caller]
    pub(crate) fn is_stopped_by_the_clock(&self) {
        let after = Duration::from_secs(1);
        self.is_stopped_by(Limit::Deadline { after }, after);
        assert!(self.took >= after, "{:?}", self.took);
        assert!(self.neighbours > 10, "{}", self.neighbours);
    }

    /// What the tool answered, good or bad.
    #[track_caller]
    pub(crate) fn answer(self) -> Result<String, String> {
        match self.outcome {
            Ok(text) => Ok(text),
            Err(CallError::Tool { message }) => Err(message),
            Err(other) => panic!("{other}"),
        }
    }
}

/// A policy with which a guest that spins is ended by the clock, not by fuel.
pub(crate) const ONE_SECOND: &str =
    "[plugins.attacker.resources]\nmax_execution_seconds = 1\nmax_fuel = 10_000_000_000\n";

#[derive(Default)]
struct Heard(Mutex<Vec<String>>, Mutex<Vec<Option<String>>>);

impl Observer for Heard {
    fn logged(&self, message: &LogMessage<'_>) {
        let LogMessage {
            plugin,
            level,
            text,
            cut,
        } = message;
        let cut = if *cut { " (cut)" } else { "" };
        let line = format!("{plugin} {}: {text}{cut}", level.name());
        if *plugin == "attacker" {
            let thread = std::thread::current().name().map(str::to_owned);
            self.1.lock().unwrap().push(thread);
        }
        self.0.lock().unwrap().push(line);
    }

    fn denied(&self, denial: &Denial<'_>) {
        let Denial {
            plugin,
            function,
            error,
            rule,
            ..
        } = denial;
        let line = format!("{plugin} {function}: {error}; rule: {rule}");
        self.0.lock().unwrap().push(line);
    }
}

/// Names and addresses as the attack has them, with servers on loopback behind public addresses.
#[derive(Default)]
pub(crate) struct Internet {
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    behind: Mutex<HashMap<SocketAddr, SocketAddr>>,
    connected: Mutex<Vec<SocketAddr>>,
}

impl Internet {
    /// The name has these addresses the first time it is asked for, and those of the last such line from then on.
    pub(crate) fn name(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut names = self.names.lock().unwrap();
        names.entry(name.to_owned()).or_default().push(addresses);
    }

    /// `http://a.example.com`, at a public address, is that server.
    pub(crate) fn at_a(&self, server: SocketAddr) {
        self.name("a.example.com", &[PUBLIC]);
        let address = format!("{PUBLIC}:80").parse().unwrap();
        self.behind.lock().unwrap().insert(address, server);
    }

    /// Whom it was connected to.
    pub(crate) fn connected(&self) -> Vec<String> {
        let connected = self.connected.lock().unwrap();
        connected.iter().map(ToString::to_string).collect()
    }
}

impl Resolve for Internet {
    fn resolve(&self, name: String) -> LookUp<'_> {
        Box::pin(async move {
            let mut names = self.names.lock().unwrap();
            let Some(left) = names.get_mut(&name).filter(|left| !left.is_empty()) else {
                return Err(io::Error::other("no such name"));
            };
            Ok(if left.len() > 1 {
                left.remove(0)
            } else {
                left[0].clone()
            })
        })
    }
}

impl Connect for Internet {
    fn connect(&self, address: SocketAddr) -> Opening<'_> {
        Box::pin(async move {
            self.connected.lock().unwrap().push(address);
            let behind = self.behind.lock().unwrap().get(&address).copied();
            SystemConnector.connect(behind.unwrap_or(address)).await
        })
    }
}
