//! A plugin's manifest: what it asks for. Asking gives nothing by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limits::{Limit, RaisedBy};

use super::environment;
use super::error::{Problem, ReadError};
use super::folder::{FolderAsk, GuestPath};
use super::grant_line::Layout;
use super::network::HostRule;
use super::read::{At, Section, Source, is_plugin_name};

/// A manifest, as it comes with a plugin:
///
/// ```toml
/// [plugins.weather]
/// module = "weather.wasm"
///
/// [plugins.weather.resources]
/// max_fuel = 2_000_000_000
/// max_memory_mb = 32
/// max_table_elements = 20_000
/// max_execution_seconds = 60
/// max_connections = 10
/// max_open_files = 20
///
/// [plugins.weather.permissions]
/// network = ["https://api.example.com", "*.tiles.example.com", "http://192.168.1.20:8080"]
/// filesystem = ["read-only maps", "read-write cache"]
/// env_vars = ["WEATHER_UNITS"]
/// ```
///
/// Every key may be missing, and then nothing is asked by it. Any other key is an error.
///
/// | key | asks for | without it |
/// |---|---|---|
/// | `plugins.NAME` | NAME is the plugin's: 1 to 64 of a-z, A-Z, 0-9, `-` and `_` | |
/// | `module` | nothing: it names the component's file, beside the manifest | |
/// | `resources.max_fuel` | fuel of a store, in wasmtime's units | 1,000,000,000 |
/// | `resources.max_memory_mb` | MiB of memory, over all memories of a store | 16 |
/// | `resources.max_table_elements` | elements over all tables of a store | 10,000 |
/// | `resources.max_execution_seconds` | seconds from instantiation to the last host call | 30 |
/// | `resources.max_connections` | connections open at once | 5 |
/// | `resources.max_open_files` | files open at once | 10 |
/// | `permissions.network` | hosts: see [`HostRule`] | none |
/// | `permissions.filesystem` | folders by the plugin's own names for them: `read-only NAME` or `read-write NAME`; `NAME` alone is read-only, and `.` is the root of all that it sees | none |
/// | `permissions.env_vars` | variables of the environment, each by its full name | none |
///
/// The WASI interfaces that a component imports are asked for by importing them: see [`PluginManifest::importing`].
#[derive(Clone, Debug)]
pub struct Manifest {
    plugins: Vec<PluginManifest>,
}

impl Manifest {
    /// Reads a manifest. `file` is the name by which messages call it.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Manifest, ReadError> {
        let source = Source::new(file, bytes)?;
        let document = source.parse()?;
        let file: Arc<str> = file.into();
        let layout = Arc::new(Layout::new(&file, &source, document.get_ref()));
        let root = Section::root(&source, document.get_ref());
        root.only(&["plugins"])?;
        let mut plugins = Vec::new();
        if let Some(section) = root.section("plugins")? {
            for (name, at, plugin) in section.sections()? {
                if !is_plugin_name(name) {
                    return Err(
                        source.refuse(at, Problem::PluginName(name.chars().take(100).collect()))
                    );
                }
                plugins.push(PluginManifest::read(&file, &layout, name, &plugin)?);
            }
        }
        Ok(Manifest { plugins })
    }

    /// The plugins that it is for, by name.
    pub fn plugins(&self) -> &[PluginManifest] {
        &self.plugins
    }

    /// What it says of one plugin.
    pub fn plugin(&self, name: &str) -> Option<&PluginManifest> {
        self.plugins.iter().find(|plugin| plugin.name() == name)
    }
}

/// What one plugin asks for.
#[derive(Clone, Debug)]
pub struct PluginManifest {
    name: Arc<str>,
    pub(super) file: Arc<str>,
    pub(super) layout: Option<Arc<Layout>>,
    module: Option<String>,
    pub(super) limits: BTreeMap<Limit, u64>,
    pub(super) network: Vec<HostRule>,
    pub(super) folders: Vec<FolderAsk>,
    pub(super) env_vars: Vec<String>,
    pub(super) imports: Vec<String>,
}

impl PluginManifest {
    /// For a plugin that comes without a manifest: it asks for whatever the policy grants to it.
    ///
    /// # Errors
    ///
    /// The name cannot be a plugin's.
    pub fn absent(name: &str) -> Result<PluginManifest, Problem> {
        if !is_plugin_name(name) {
            return Err(Problem::PluginName(name.chars().take(100).collect()));
        }
        Ok(PluginManifest::empty(&"(no manifest)".into(), None, name))
    }

    fn empty(file: &Arc<str>, layout: Option<&Arc<Layout>>, name: &str) -> PluginManifest {
        PluginManifest {
            name: name.into(),
            file: file.clone(),
            layout: layout.cloned(),
            module: None,
            limits: BTreeMap::new(),
            network: Vec::new(),
            folders: Vec::new(),
            env_vars: Vec::new(),
            imports: Vec::new(),
        }
    }

    fn read(
        file: &Arc<str>,
        layout: &Arc<Layout>,
        name: &str,
        section: &Section<'_>,
    ) -> Result<PluginManifest, ReadError> {
        let mut plugin = PluginManifest::empty(file, Some(layout), name);
        section.only(&["module", "resources", "permissions"])?;
        if let Some(At { value: module, .. }) = section.text("module")? {
            plugin.module = Some(read_module(section, module)?);
        }
        if let Some(resources) = section.section("resources")? {
            refuse_keys(
                &resources,
                Limit::all()
                    .filter(|limit| limit.raised_by() != RaisedBy::Manifest)
                    .map(Limit::key),
            )?;
            let askable: Vec<Limit> = Limit::all()
                .filter(|limit| limit.raised_by() == RaisedBy::Manifest)
                .collect();
            resources.only(&askable.iter().map(|limit| limit.key()).collect::<Vec<_>>())?;
            for limit in askable {
                if let Some(number) = resources.number(limit.key())? {
                    plugin.limits.insert(limit, limit.of_number(number.value));
                }
            }
        }
        if let Some(permissions) = section.section("permissions")? {
            refuse_keys(&permissions, ["presets", "wasi"].into_iter())?;
            permissions.only(&["network", "filesystem", "env_vars"])?;
            plugin.network = values(permissions.list("network", HostRule::read)?);
            plugin.folders = values(permissions.list("filesystem", FolderAsk::read)?);
            plugin.env_vars = values(permissions.list("env_vars", environment::read)?);
        }
        Ok(plugin)
    }

    /// The same with the names of the component's imports, such as `wasi:clocks/wall-clock@0.2.0`: those of WASI are asked for
    /// by that.
    #[must_use]
    pub fn importing<'a>(mut self, imports: impl IntoIterator<Item = &'a str>) -> PluginManifest {
        self.imports = imports
            .into_iter()
            .filter(|import| import.starts_with("wasi:"))
            .map(str::to_owned)
            .collect();
        self
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The component's file, a path from the manifest's folder that does not lead out of it by its names.
    pub fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// Whether there is none, and the policy alone decides.
    pub(super) fn is_absent(&self) -> bool {
        self.layout.is_none()
    }
}

fn read_module(section: &Section<'_>, module: &str) -> Result<String, ReadError> {
    let reason = match GuestPath::read(module) {
        Ok(_) if module.starts_with('/') => {
            "is not beside the manifest: write a relative path".to_owned()
        }
        Ok(path) if path.to_string() != "." => return Ok(path.to_string()),
        Ok(_) => "names no file".to_owned(),
        Err(reason) => reason,
    };
    let at = section
        .table
        .get("module")
        .map_or(section.begin, |value| value.span().start);
    Err(section.source.refuse(
        at,
        Problem::Entry {
            key: "module",
            entry: module.chars().take(100).collect(),
            reason,
        },
    ))
}

/// Keys that a policy has and a manifest does not.
fn refuse_keys(
    section: &Section<'_>,
    keys: impl Iterator<Item = &'static str>,
) -> Result<(), ReadError> {
    for key in keys {
        if let Some((at, _)) = section.table.get_key_value(key) {
            return Err(section
                .source
                .refuse(at.span().start, Problem::OperatorOnly { key }));
        }
    }
    Ok(())
}

fn values<T>(entries: Vec<At<T>>) -> Vec<T> {
    entries.into_iter().map(|entry| entry.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        Manifest::read("m.toml", text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            [plugins.weather]
            module = "weather.wasm"
            [plugins.weather.resources]
            max_fuel = 2_000_000_000
            max_memory_mb = 32
            max_table_elements = 0x10
            max_execution_seconds = 60
            max_connections = 10
            max_open_files = 20
            [plugins.weather.permissions]
            network = ["api.example.com"]
            filesystem = ["maps", "read-write cache"]
            env_vars = ["UNITS"]
            [plugins.other]
        "#;
        let manifest = Manifest::read("m.toml", text.as_bytes()).unwrap();
        let names: Vec<&str> = manifest
            .plugins()
            .iter()
            .map(PluginManifest::name)
            .collect();
        assert_eq!(names, ["other", "weather"]);
        let weather = manifest.plugin("weather").unwrap();
        assert_eq!(weather.module(), Some("weather.wasm"));
        assert_eq!(weather.limits.len(), 6);
        assert_eq!(weather.limits[&Limit::Memory], 32 << 20);
        assert_eq!(weather.limits[&Limit::TableElements], 16);
        assert_eq!(
            (
                weather.network.len(),
                weather.folders.len(),
                weather.env_vars.len()
            ),
            (1, 2, 1)
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_the_remedy() {
        for (text, says) in [
            (
                "[plugins.a.permissions]\nnetwrok = []",
                "m.toml:2: unknown key \"netwrok\" in [plugins.a.permissions]: did you mean \"network\"?",
            ),
            (
                "[plugin.a]",
                "m.toml:1: unknown key \"plugin\": did you mean \"plugins\"?",
            ),
            (
                "[plugins.a.resources]\n\nmax_memory = 1",
                "m.toml:3: unknown key \"max_memory\" in [plugins.a.resources]: did you mean \"max_memory_mb\"?",
            ),
            (
                "[plugins.a]\ncolour = 1",
                "m.toml:2: unknown key \"colour\" in [plugins.a]",
            ),
            (
                "[plugins.\"a.b\"]",
                "m.toml:1: \"a.b\" is not a plugin's name: 1 to 64 of the characters a-z, A-Z, 0-9, - and _",
            ),
            (
                "[plugins.a.permissions]\nnetwork = \"x\"",
                "m.toml:2: network must be a list of texts, such as [\"one\", \"two\"], not a text",
            ),
            (
                "[plugins.a.resources]\nmax_fuel = -1",
                "m.toml:2: max_fuel must be a whole number, such as 10, not a negative number",
            ),
            (
                "[plugins.a.resources]\nmax_fuel = 1e9",
                "m.toml:2: max_fuel must be a whole number, such as 10, not a number with a fraction",
            ),
            (
                "[plugins.a.permissions]\nwasi = []",
                "m.toml:2: wasi is said by the operator's policy alone; a manifest cannot ask for it",
            ),
            (
                "[plugins.a.resources]\nmax_module_kb = 9",
                "m.toml:2: max_module_kb is said by the operator's policy alone; a manifest cannot ask for it",
            ),
            (
                "[plugins.a.permissions]\nnetwork = [\n'a.b',\n'*']",
                "m.toml:4: network: \"*\" names no host: write each, or *.example.com for all below one",
            ),
            (
                "[plugins.a]\nmodule = '../x'",
                "m.toml:2: module: \"../x\" leads up with `..`: write where it leads",
            ),
            (
                "[[plugins]]",
                "m.toml:1: plugins must be a table, not a list",
            ),
        ] {
            assert_eq!(refusal(text), says);
        }
        assert!(
            refusal("[plugins.a]\n[plugins.a]").starts_with("m.toml:2: not TOML: duplicate key")
        );
        assert!(
            Manifest::read("m", b"a\n\xff")
                .unwrap_err()
                .to_string()
                .starts_with("m:2: not UTF-8")
        );
        assert!(refusal(&" ".repeat(70_000)).contains("larger than 65536 bytes"));
        let many = format!(
            "[plugins.a.permissions]\nenv_vars = [{}]",
            "'A',".repeat(300)
        );
        assert!(refusal(&many).contains("more than 256 entries"));
        // Deeper than anybody writes.
        assert!(refusal(&format!("a = {}", "[".repeat(60_000))).contains("not TOML"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = Manifest::read("m", &bytes);
        }

        #[test]
        fn anything_like_a_manifest_is_survived(text in "(\\[plugins\\.[ab](\\.(resources|permissions))?\\]|max_fuel ?= ?-?[0-9_]{1,25}|network = \\[\"\\PC{0,9}\"\\]|filesystem = ['\\PC{0,9}']|[\\[\\]{}=.,'\"a-z#]{0,9}|\n){0,12}") {
            if let Err(error) = Manifest::read("m", text.as_bytes()) {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1);
                prop_assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}
