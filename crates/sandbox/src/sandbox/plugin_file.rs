//! A plugin as it lies on disk: a component, and the manifest beside it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use crate::files::without_waiting;
use crate::limits::Limit;
use crate::policy::{
    Effective, MAX_FILE_BYTES, Manifest, PluginManifest, Policy, Problem, ReadError,
};

/// Files and folders of a plugin's folder that are looked at to know its size.
const MAX_ENTRIES: usize = 10_000;

/// What a plugin asks for, and its component's bytes.
#[derive(Clone, Debug)]
pub struct PluginFile {
    /// What its manifest asks; [`PluginManifest::absent`] where there is none.
    pub manifest: PluginManifest,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Why a plugin was not read.
#[derive(Debug, thiserror::Error)]
pub enum PluginFileError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest is none.
    #[error(transparent)]
    Manifest(#[from] ReadError),
    /// The manifest names no plugin.
    #[error("{}: no plugin stands in it: write [plugins.NAME]", path.display())]
    NoPlugin {
        /// The manifest.
        path: PathBuf,
    },
    /// A component without a manifest, whose file's name cannot be a plugin's.
    #[error("{}: {problem}; rename the file, or put a manifest beside it", path.display())]
    Name {
        /// The component.
        path: PathBuf,
        /// Why it is no name.
        problem: Problem,
    },
    /// The component is larger than the policy allows. Its bytes are not read.
    #[error(
        "{}: larger than {}, the most that is allowed; {} in [plugins.{plugin}.resources] of the policy raises it",
        path.display(), Limit::Module.show(*most), Limit::Module.key()
    )]
    TooLarge {
        /// The component.
        path: PathBuf,
        /// The plugin.
        plugin: String,
        /// Bytes that it may have.
        most: u64,
    },
    /// The folder of the plugin is larger than the policy allows.
    #[error(
        "{}: the plugin's folder holds more than {}, or more than {MAX_ENTRIES} files; keep a plugin in a folder of its own, or raise {} in [plugins.{plugin}.resources] of the policy",
        path.display(), Limit::PluginFolder.show(*most), Limit::PluginFolder.key()
    )]
    FolderTooLarge {
        /// The folder.
        path: PathBuf,
        /// The plugin.
        plugin: String,
        /// Bytes that it may hold.
        most: u64,
    },
}

impl PluginFile {
    /// Reads the plugins of a file: a manifest (`.toml`), whose `module` keys name the components in its folder (`NAME.wasm` without
    /// one), or a component, which has the manifest of its own name beside it (`weather.toml` of `weather.wasm`) or none. A
    /// component's size and its folder's are held to what the policy allows before they are read.
    ///
    /// # Errors
    /// Something cannot be read, is larger than allowed, or leads out of the folder.
    pub fn read(path: &Path, policy: &Policy) -> Result<Vec<PluginFile>, PluginFileError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let failed = |source| PluginFileError::Read {
            path: path.to_owned(),
            source,
        };
        let dir = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
        let name = path
            .file_name()
            .ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
        let place = Place { dir, folder };
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let manifest = place.manifest(Path::new(name))?;
            return match manifest.plugins() {
                [] => Err(PluginFileError::NoPlugin {
                    path: path.to_owned(),
                }),
                plugins => plugins
                    .iter()
                    .map(|plugin| place.plugin(plugin, policy))
                    .collect(),
            };
        }
        let stem = path.file_stem().unwrap_or(name).to_string_lossy();
        let beside = Path::new(name).with_extension("toml");
        if place.dir.try_exists(&beside).map_err(failed)? {
            let manifest = place.manifest(&beside)?;
            let own = manifest.plugins().iter().find(|plugin| {
                let module = plugin.module();
                module.map_or(plugin.name() == stem, |module| Path::new(module) == name)
            });
            if let Some(plugin) = own {
                return Ok(vec![place.plugin(plugin, policy)?]);
            }
        }
        let manifest = PluginManifest::absent(&stem).map_err(|problem| PluginFileError::Name {
            path: path.to_owned(),
            problem,
        })?;
        let bytes = place.module(Path::new(name), &manifest, policy)?;
        Ok(vec![PluginFile { manifest, bytes }])
    }
}

/// The folder that a plugin is in.
struct Place<'a> {
    dir: Dir,
    folder: &'a Path,
}

impl Place<'_> {
    fn failed(&self, name: &Path, source: io::Error) -> PluginFileError {
        PluginFileError::Read {
            path: self.folder.join(name),
            source,
        }
    }

    fn manifest(&self, name: &Path) -> Result<Manifest, PluginFileError> {
        let failed = |source| self.failed(name, source);
        let mut bytes = Vec::new();
        let file = self.open(name).map_err(failed)?;
        // One more than is read: the reader says what is too much.
        let most = MAX_FILE_BYTES as u64 + 1;
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        let shown = self.folder.join(name);
        Ok(Manifest::read(&shown.to_string_lossy(), &bytes)?)
    }

    fn plugin(
        &self,
        plugin: &PluginManifest,
        policy: &Policy,
    ) -> Result<PluginFile, PluginFileError> {
        let most = Effective::decide(policy, plugin)
            .limits()
            .plugin_folder_bytes();
        let size =
            folder_size(&self.dir, most).map_err(|source| self.failed(Path::new(""), source))?;
        if size.is_none() {
            return Err(PluginFileError::FolderTooLarge {
                path: self.folder.to_owned(),
                plugin: plugin.name().to_owned(),
                most,
            });
        }
        let module = plugin
            .module()
            .map_or_else(|| format!("{}.wasm", plugin.name()), str::to_owned);
        Ok(PluginFile {
            bytes: self.module(Path::new(&module), plugin, policy)?,
            manifest: plugin.clone(),
        })
    }

    fn module(
        &self,
        name: &Path,
        plugin: &PluginManifest,
        policy: &Policy,
    ) -> Result<Vec<u8>, PluginFileError> {
        let failed = |source| self.failed(name, source);
        let most = Effective::decide(policy, plugin).limits().module_bytes();
        let mut bytes = Vec::new();
        let file = self.open(name).map_err(failed)?;
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > most {
            return Err(PluginFileError::TooLarge {
                path: self.folder.join(name),
                plugin: plugin.name().to_owned(),
                most,
            });
        }
        Ok(bytes)
    }

    /// A regular file in the folder. It is opened so that opening cannot wait, and links lead nowhere else.
    fn open(&self, name: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        without_waiting(&mut options);
        let file = self.dir.open_with(name, &options)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(file.into_std())
    }
}

/// The bytes of all files in a folder and below it, links not followed; `None` where there are more than `most`.
fn folder_size(dir: &Dir, most: u64) -> io::Result<Option<u64>> {
    let mut size = 0_u64;
    let mut seen = 0_usize;
    let mut left = vec![dir.try_clone()?];
    while let Some(dir) = left.pop() {
        for entry in dir.entries()? {
            let entry = entry?;
            seen += 1;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                left.push(entry.open_dir()?);
            } else if kind.is_file() {
                size = size.saturating_add(entry.metadata()?.len());
            }
            if size > most || seen > MAX_ENTRIES {
                return Ok(None);
            }
        }
    }
    Ok(Some(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(resources: &str) -> Policy {
        let text = format!("version = 1\n[shared.resources]\n{resources}");
        Policy::read("p.toml", text.as_bytes(), Path::new("/")).unwrap()
    }

    fn names(read: &[PluginFile]) -> Vec<(&str, usize)> {
        read.iter()
            .map(|plugin| (plugin.manifest.name(), plugin.bytes.len()))
            .collect()
    }

    #[test]
    fn a_plugin_is_found_by_its_manifest_and_by_its_component() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let read = |name: &str| PluginFile::read(&at(name), &policy("")).unwrap();
        std::fs::write(at("alone.wasm"), "12345").unwrap();
        assert_eq!(names(&read("alone.wasm")), [("alone", 5)]);
        std::fs::write(
            at("weather.toml"),
            "[plugins.forecast]\nmodule = \"weather.wasm\"\n[plugins.other]\n",
        )
        .unwrap();
        std::fs::write(at("weather.wasm"), "123").unwrap();
        std::fs::write(at("other.wasm"), "1").unwrap();
        assert_eq!(
            names(&read("weather.toml")),
            [("forecast", 3), ("other", 1)]
        );
        assert_eq!(names(&read("weather.wasm")), [("forecast", 3)]);
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |name: &str, resources: &str| {
            let read = PluginFile::read(&at(name), &policy(resources));
            read.unwrap_err().to_string()
        };
        std::fs::write(at("a.toml"), "[plugins.a]").unwrap();
        std::fs::write(at("a.wasm"), vec![0; 2_000]).unwrap();
        assert!(
            refused("a.wasm", "max_module_kb = 1").ends_with(
                "a.wasm: larger than 1 KB, the most that is allowed; max_module_kb in [plugins.a.resources] of the policy raises it"
            ),
            "{}",
            refused("a.wasm", "max_module_kb = 1")
        );
        std::fs::create_dir(at("data")).unwrap();
        let large = File::create(at("data/large")).unwrap();
        large.set_len(11_000_000).unwrap();
        assert!(refused("a.toml", "").contains("holds more than 10 MB"));
        assert!(PluginFile::read(&at("a.toml"), &policy("max_plugin_folder_mb = 12")).is_ok());
    }

    #[test]
    fn what_cannot_be_a_plugin_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |name: &str| {
            let read = PluginFile::read(&at(name), &policy(""));
            read.unwrap_err().to_string()
        };
        assert!(
            refused("none.wasm").contains("none.wasm: "),
            "{}",
            refused("none.wasm")
        );
        std::fs::write(at("a b.wasm"), "").unwrap();
        assert!(refused("a b.wasm").ends_with("rename the file, or put a manifest beside it"));
        std::fs::write(at("empty.toml"), "").unwrap();
        assert!(refused("empty.toml").ends_with("write [plugins.NAME]"));
        assert!(!refused("").is_empty());
        #[cfg(unix)]
        {
            std::fs::write(at("link.toml"), "[plugins.link]").unwrap();
            std::os::unix::fs::symlink("/etc/passwd", at("link.wasm")).unwrap();
            assert!(
                refused("link.toml").contains("link.wasm: "),
                "{}",
                refused("link.toml")
            );
        }
    }
}
