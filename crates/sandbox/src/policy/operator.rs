//! The operator's policy: what plugins are granted. Without a line that grants it, nothing is.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::audit::AuditOptions;
use crate::limits::Limit;

use super::audit_keys;
use super::environment;
use super::error::{Problem, ReadError};
use super::folder::{Access, FolderRule};
use super::grant_line::Layout;
use super::network::HostRule;
use super::read::{At, Section, Source, is_plugin_name};
use super::wasi::WasiPackage;

/// The operator's policy:
///
/// ```toml
/// version = 1
///
/// [shared.permissions]                # every plugin
/// presets = ["loopback"]
///
/// [shared.resources]
/// max_memory_mb = 32
///
/// [plugins.weather]                   # this plugin, besides what is shared
/// warm = true
///
/// [plugins.weather.permissions]
/// network = ["https://api.example.com", "http://192.168.1.20:8080"]
/// filesystem = ["read-only /srv/maps as maps", "read-write cache"]
/// env_vars = ["WEATHER_UNITS"]
/// wasi = ["clocks", "random"]
///
/// [plugins.weather.resources]
/// max_execution_seconds = 60
/// max_module_kb = 12_000
/// ```
///
/// The keys are those of a [`Manifest`](super::Manifest), so that a manifest's tables can be copied into a policy to grant all
/// of it. Every key but `version` may be missing; any other key is an error. A plugin gets what it asks for **and** a line of
/// `[shared…]` or of its own `[plugins.NAME…]` grants. One that comes without a manifest gets what these grant.
///
/// | key | grants |
/// |---|---|
/// | `version` | nothing: it must be 1 |
/// | `audit.sync` | nothing: when the disk is asked to keep audit entries. `"every entry"`, `"100 entries"`, `"5 s"`, `"never"`; without it, within a second |
/// | `audit.max_file_mb`, `audit.max_total_mb` (1,000,000 bytes) | nothing: the size at which a trail's file is rotated, and what one plugin's trail may take before its calls fail |
/// | `shared`, `plugins.NAME` | to every plugin; to the plugin of that name |
/// | `….warm` | true: one store is kept for all calls of the plugin, with what earlier calls left in it. Otherwise every call has a fresh one. The plugin's own line goes before the shared one |
/// | `….permissions.network` | hosts: see [`HostRule`](super::HostRule). A special-use address (this machine, private networks, cloud metadata) is reached only where a rule names the address itself; `localhost` names the loopback addresses |
/// | `….permissions.filesystem` | folders: `read-only DIR` or `read-write DIR`. DIR is from the policy's own folder when it is relative. The plugin knows it as DIR, or as NAME with ` as NAME` behind it; `.` is the root of all that it sees. Rules add up: a read-only folder inside a read-write one can be written. The folder of the policy itself, or one around it, is never read-write |
/// | `….permissions.env_vars` | variables of the environment, each by its full name. What looks like a secret is never given, whatever stands here |
/// | `….permissions.wasi` | WASI's interfaces by their packages: `cli`, `clocks`, `filesystem`, `http`, `random`. `filesystem` and `http` bring no folder and no host with them |
/// | `….permissions.presets` | `loopback`: this machine, by any scheme and port. `read-only DIR`, `read-write DIR`: as in `filesystem`. `none`, alone: nothing; in a plugin's own part, nothing of `shared.permissions` either |
/// | `….resources.KEY` | a ceiling for what the plugin asks; for a key that a manifest cannot ask, the value. The plugin's own line goes before the shared one, and a hard maximum before both |
///
/// The keys of `resources`:
///
/// | key | without a line | at most |
/// |---|---|---|
/// | `max_fuel` | 1,000,000,000 | 10,000,000,000 |
/// | `max_memory_mb` (MiB) | 16 | 256 |
/// | `max_table_elements` | 10,000 | 100,000 |
/// | `max_execution_seconds` | 30 | 300 |
/// | `max_connections` | 5 | 50 |
/// | `max_open_files` | 10 | 100 |
/// | `max_module_kb`, `max_module_gzip_kb` (1,000 bytes) | 300, 120 | any: a manifest cannot ask for it |
/// | `max_plugin_folder_mb` (1,000,000 bytes) | 10 | any: a manifest cannot ask for it |
/// | `max_written_mb` (1,000,000 bytes written to files since the plugin was loaded) | 100 | any: a manifest cannot ask for it |
/// | `max_instances`, `max_tables`, `max_memories` | 10, 10, 2 | the same: it can be lowered |
/// | `max_read_file_kb`, `max_write_file_kb` | 8,000, 4,000 | the same |
/// | `max_log_message_bytes`, `max_log_messages_per_minute` | 4,000, 100 | the same |
/// | `max_http_requests_per_minute` | 10 | the same |
/// | `max_http_request_kb`, `max_http_response_kb` | 1,000, 10,000 | the same |
/// | `max_http_seconds` | 30 | the same |
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) file: Arc<str>,
    pub(super) layout: Arc<Layout>,
    audit: AuditOptions,
    shared: Part,
    plugins: BTreeMap<String, Part>,
}

/// A grant with the words by which a decision names it.
#[derive(Clone, Debug)]
pub(super) struct Rule<T> {
    pub(super) value: T,
    pub(super) label: Arc<str>,
}

/// `[shared]`, or one `[plugins.NAME]`; or both together, as they hold for one plugin.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Nothing of what is shared.
    alone: bool,
    pub(super) warm: Option<Rule<bool>>,
    pub(super) network: Vec<Rule<HostRule>>,
    pub(super) folders: Vec<Rule<FolderRule>>,
    pub(super) env_vars: Vec<Rule<String>>,
    pub(super) wasi: Vec<Rule<WasiPackage>>,
    pub(super) limits: BTreeMap<Limit, Rule<u64>>,
}

enum Preset {
    None,
    Loopback,
    Folder(FolderRule),
}

impl Policy {
    /// Reads a policy. `file` is the name by which messages call it; relative folders in it are from `base`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line.
    pub fn read(file: &str, bytes: &[u8], base: &Path) -> Result<Policy, ReadError> {
        let source = Source::new(file, bytes)?;
        let document = source.parse()?;
        let root = Section::root(&source, document.get_ref());
        match root.number("version")? {
            // Other versions may have other keys.
            Some(At { value: 1, .. }) => {}
            Some(At { value, .. }) => {
                let at = root
                    .table
                    .get("version")
                    .map_or(0, |value| value.span().start);
                return Err(source.refuse(at, Problem::UnknownVersion(value)));
            }
            None => return Err(source.refuse(0, Problem::NoVersion)),
        }
        root.only(&["version", "audit", "shared", "plugins"])?;
        let file: Arc<str> = file.into();
        let mut policy = Policy {
            layout: Arc::new(Layout::new(&file, &source, document.get_ref())),
            audit: AuditOptions::default(),
            shared: Part::default(),
            plugins: BTreeMap::new(),
            file,
        };
        if let Some(section) = root.section("audit")? {
            policy.audit = audit_keys::read(&section)?;
        }
        if let Some(section) = root.section("shared")? {
            policy.shared = Part::read(&policy.file, &section, base)?;
            refuse_two_folders(&section, &policy.shared, usize::MAX)?;
        }
        if let Some(section) = root.section("plugins")? {
            for (name, at, plugin) in section.sections()? {
                if !is_plugin_name(name) {
                    return Err(
                        source.refuse(at, Problem::PluginName(name.chars().take(100).collect()))
                    );
                }
                let part = Part::read(&policy.file, &plugin, base)?;
                let own = part.folders.len();
                policy.plugins.insert(name.to_owned(), part);
                refuse_two_folders(&plugin, &policy.part(name), own)?;
            }
        }
        Ok(policy)
    }

    /// The policy that grants nothing. `file` is where an operator would write one.
    pub fn none(file: &str) -> Policy {
        let file: Arc<str> = file.into();
        Policy {
            layout: Arc::new(Layout::empty(&file)),
            audit: AuditOptions::default(),
            shared: Part::default(),
            plugins: BTreeMap::new(),
            file,
        }
    }

    /// The policy that grants one preset to every plugin: `none`, `loopback`, `read-only DIR` or `read-write DIR`.
    ///
    /// # Errors
    ///
    /// It is none of these.
    pub fn preset(preset: &str, base: &Path) -> Result<Policy, Problem> {
        let read = Preset::read(preset, base).map_err(|reason| Problem::Entry {
            key: "presets",
            entry: preset.chars().take(100).collect(),
            reason,
        })?;
        let mut policy = Policy::none("policy.toml");
        policy
            .shared
            .take(read, format!("preset {preset:?}").into());
        Ok(policy)
    }

    /// How audit trails are kept. No secret is registered in it yet.
    pub fn audit(&self) -> AuditOptions {
        self.audit.clone()
    }

    /// Everything that holds for a plugin.
    pub(super) fn part(&self, plugin: &str) -> Part {
        let Some(own) = self.plugins.get(plugin) else {
            return self.shared.clone();
        };
        let shared = &self.shared;
        let mut part = own.clone();
        if !own.alone {
            part.network.extend_from_slice(&shared.network);
            part.folders.extend_from_slice(&shared.folders);
            part.env_vars.extend_from_slice(&shared.env_vars);
            part.wasi.extend_from_slice(&shared.wasi);
        }
        part.warm = part.warm.or_else(|| shared.warm.clone());
        for (limit, rule) in &shared.limits {
            part.limits.entry(*limit).or_insert_with(|| rule.clone());
        }
        part
    }
}

impl Preset {
    fn read(text: &str, base: &Path) -> Result<Preset, String> {
        match text {
            "none" => Ok(Preset::None),
            "loopback" => Ok(Preset::Loopback),
            _ if text.starts_with("read-") => FolderRule::read(text, base).map(Preset::Folder),
            _ => Err(
                "is no preset: write none, loopback, read-only DIR or read-write DIR".to_owned(),
            ),
        }
    }
}

impl Part {
    fn read(file: &Arc<str>, section: &Section<'_>, base: &Path) -> Result<Part, ReadError> {
        section.only(&["warm", "permissions", "resources"])?;
        let mut part = Part::default();
        if let Some(At { value, line }) = section.flag("warm")? {
            part.warm = Some(Rule {
                value,
                label: format!("{file}:{line} warm = {value}").into(),
            });
        }
        if let Some(permissions) = section.section("permissions")? {
            permissions.only(&["network", "filesystem", "env_vars", "wasi", "presets"])?;
            part.network = rules(
                file,
                "network",
                permissions.list("network", HostRule::read)?,
                HostRule::to_string,
            );
            let folders = permissions.list("filesystem", |text| {
                let rule = refuse_own_folder(FolderRule::read(text, base)?, base)?;
                Ok((text.to_owned(), rule))
            })?;
            part.folders = rules(file, "filesystem", folders, |(text, _)| text.clone())
                .into_iter()
                .map(
                    |Rule {
                         value: (_, value),
                         label,
                     }| Rule { value, label },
                )
                .collect();
            part.env_vars = rules(
                file,
                "env_vars",
                permissions.list("env_vars", environment::read)?,
                String::clone,
            );
            part.wasi = rules(
                file,
                "wasi",
                permissions.list("wasi", WasiPackage::read)?,
                WasiPackage::to_string,
            );
            let presets = permissions.list("presets", |text| {
                let preset = match Preset::read(text, base)? {
                    Preset::Folder(rule) => Preset::Folder(refuse_own_folder(rule, base)?),
                    preset => preset,
                };
                Ok((text.to_owned(), preset))
            })?;
            if presets.len() > 1
                && presets
                    .iter()
                    .any(|preset| matches!(preset.value.1, Preset::None))
            {
                let at = permissions
                    .table
                    .get("presets")
                    .map_or(0, |value| value.span().start);
                let problem = Problem::Entry {
                    key: "presets",
                    entry: "none".to_owned(),
                    reason: "stands alone: remove it, or the others".to_owned(),
                };
                return Err(permissions.source.refuse(at, problem));
            }
            for At {
                value: (text, preset),
                line,
            } in presets
            {
                part.take(preset, label(file, line, "preset", &text));
            }
        }
        if let Some(resources) = section.section("resources")? {
            resources.only(&Limit::all().map(Limit::key).collect::<Vec<_>>())?;
            for limit in Limit::all() {
                if let Some(At { value, line }) = resources.number(limit.key())? {
                    let rule = Rule {
                        value: limit.of_number(value),
                        label: format!("{file}:{line} {} = {value}", limit.key()).into(),
                    };
                    part.limits.insert(limit, rule);
                }
            }
        }
        Ok(part)
    }

    fn take(&mut self, preset: Preset, label: Arc<str>) {
        match preset {
            Preset::None => self.alone = true,
            Preset::Loopback => self.network.push(Rule {
                value: HostRule::loopback(),
                label,
            }),
            Preset::Folder(value) => self.folders.push(Rule { value, label }),
        }
    }
}

fn label(file: &Arc<str>, line: usize, key: &str, value: impl Display) -> Arc<str> {
    format!("{file}:{line} {key} \"{value}\"").into()
}

fn rules<T>(
    file: &Arc<str>,
    key: &str,
    entries: Vec<At<T>>,
    show: impl Fn(&T) -> String,
) -> Vec<Rule<T>> {
    entries
        .into_iter()
        .map(|At { value, line }| Rule {
            label: label(file, line, key, show(&value)),
            value,
        })
        .collect()
}

/// A plugin that knows two folders by one name would read in one and write in the other. Of a part that has shared rules behind
/// its own ones, the first `own` are held against all.
fn refuse_two_folders(section: &Section<'_>, part: &Part, own: usize) -> Result<(), ReadError> {
    for (at, one) in part.folders.iter().take(own).enumerate() {
        for other in part.folders.iter().skip(at + 1) {
            if let Some((name, first, second)) = one.value.conflict(&other.value) {
                let problem = Problem::TwoFolders {
                    name,
                    first: first.display().to_string(),
                    second: second.display().to_string(),
                };
                return Err(section.source.refuse(section.begin, problem));
            }
        }
    }
    Ok(())
}

/// A plugin that can write where its policy lies could grant itself anything. By names alone: what a link leads to is the
/// operator's to know.
fn refuse_own_folder(rule: FolderRule, base: &Path) -> Result<FolderRule, String> {
    if rule.access == Access::ReadWrite && without_up(base).starts_with(without_up(&rule.folder)) {
        return Err("would let the plugin change this very policy: name a folder in it".to_owned());
    }
    Ok(rule)
}

/// A path with `..` taken away together with the name before it.
fn without_up(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Policy, ReadError> {
        Policy::read("p.toml", text.as_bytes(), Path::new("/p"))
    }

    fn labels<T>(rules: &[Rule<T>]) -> Vec<&str> {
        rules.iter().map(|rule| rule.label.as_ref()).collect()
    }

    #[test]
    fn a_plugins_part_adds_to_what_is_shared() {
        let policy = read(
            "version = 1\n[shared.permissions]\npresets = [\"loopback\"]\nwasi = [\"clocks\"]\n[shared.resources]\nmax_fuel = 5\n\
             max_tables = 4\n[plugins.a]\nwarm = true\n[plugins.a.permissions]\nnetwork = [\"x.example\"]\n[plugins.a.resources]\n\
             max_fuel = 9\n[plugins.b.permissions]\npresets = [\"none\"]\nenv_vars = [\"TZ\"]\n",
        )
        .unwrap();
        let a = policy.part("a");
        assert_eq!(
            labels(&a.network),
            [
                "p.toml:11 network \"https://x.example\"",
                "p.toml:3 preset \"loopback\""
            ]
        );
        assert_eq!(labels(&a.wasi), ["p.toml:4 wasi \"clocks\""]);
        assert!(a.warm.unwrap().value);
        assert_eq!(
            (a.limits[&Limit::Fuel].value, a.limits[&Limit::Tables].value),
            (9, 4)
        );
        let b = policy.part("b");
        assert!(b.network.is_empty() && b.wasi.is_empty() && b.warm.is_none());
        assert_eq!(labels(&b.env_vars), ["p.toml:16 env_vars \"TZ\""]);
        assert_eq!(b.limits[&Limit::Fuel].value, 5);
        assert_eq!(policy.part("c").network.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_the_remedy() {
        for (text, says) in [
            (
                "",
                "p.toml:1: a policy says its version: write `version = 1` in its first line",
            ),
            (
                "\nversion = 2",
                "p.toml:2: version 2 is not known here: this program reads version 1",
            ),
            (
                "version = '1'",
                "p.toml:1: version must be a whole number, such as 10, not a text",
            ),
            (
                "version = 1\n[share]",
                "p.toml:2: unknown key \"share\": did you mean \"shared\"?",
            ),
            (
                "version = 1\n[plugins.a.permissions]\npreset = 'none'",
                "p.toml:3: unknown key \"preset\" in [plugins.a.permissions]: did you mean \"presets\"?",
            ),
            (
                "version = 1\n[shared.permissions]\npresets = ['all']",
                "p.toml:3: presets: \"all\" is no preset: write none, loopback, read-only DIR or read-write DIR",
            ),
            (
                "version = 1\n[shared.permissions]\npresets = ['none', 'loopback']",
                "p.toml:3: presets: \"none\" stands alone: remove it, or the others",
            ),
            (
                "version = 1\n[shared.permissions]\nwasi = ['sockets']",
                "p.toml:3: wasi: \"sockets\" cannot be granted: there are no raw sockets",
            ),
            (
                "version = 1\n[shared.permissions]\nfilesystem = ['data']",
                "p.toml:3: filesystem: \"data\" does not say how: write \"read-only DIR\" or \"read-write DIR\"",
            ),
            (
                "version = 1\n[shared.permissions]\nfilesystem = ['read-only a as x', 'read-write b as x']",
                "p.toml:2: filesystem: the plugin would know two folders as \"x\", \"/p/a\" and \"/p/b\": give one another name with `as`",
            ),
            (
                "version = 1\n[shared.permissions]\nfilesystem = ['read-write a']\n[plugins.q.permissions]\nfilesystem = ['read-only b as a/c']",
                "p.toml:4: filesystem: the plugin would know two folders as \"a/c\", \"/p/b\" and \"/p/a/c\": give one another name with `as`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), says);
        }
        assert!(
            read(
                "version = 1\n[shared.permissions]\nfilesystem = ['read-only a', 'read-write a/c']"
            )
            .is_ok()
        );
    }

    #[test]
    fn a_policy_cannot_be_written_by_whom_it_is_for() {
        for folder in [".", "./", "..", "/p", "/", "x/..", "../p/../p"] {
            for key in ["filesystem", "presets"] {
                let text = format!(
                    "version = 1\n[shared.permissions]\n{key} = [\"read-write {folder} as w\"]"
                );
                let error = read(&text).unwrap_err().to_string();
                assert!(error.contains("change this very policy"), "{error}");
                assert!(read(&text.replace("write", "only")).is_ok());
            }
        }
        assert!(
            read("version = 1\n[shared.permissions]\nfilesystem = [\"read-write ../other as w\"]")
                .is_ok()
        );
    }

    #[test]
    fn every_limits_key_is_documented() {
        let doc = include_str!("operator.rs");
        let table = doc.split_once("/// The keys of `resources`:").unwrap().1;
        let table = table.split_once("#[derive").unwrap().0;
        for limit in Limit::all() {
            assert!(
                table.contains(&format!("`{}`", limit.key())),
                "{}",
                limit.key()
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = Policy::read("p", &bytes, Path::new("/p"));
        }

        #[test]
        fn anything_like_a_policy_is_survived(text in "(\\[(shared|plugins\\.[ab])(\\.(resources|permissions))?\\]|max_[a-z_]{3,9} = -?[0-9_]{1,25}|network = \\[\"\\PC{0,9}\"\\]|presets = ['(none|loopback|read-only) ?\\PC{0,9}']|warm = (true|1)|[\\[\\]{}=.,'\"a-z#]{0,9}|\n){0,12}") {
            let text = format!("version = 1\n{text}");
            if let Err(error) = read(&text) {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1);
                prop_assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}
