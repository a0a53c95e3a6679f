//! How large a plugin is where the policy allows less, so that `plugin check` can tell all at once what loading it would refuse one by
//! one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use dewclaw_sandbox::limits::Limit;
use dewclaw_sandbox::policy::{Effective, Policy};
use dewclaw_sandbox::sandbox::{PluginFile, PluginFileError};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::PluginsError;

/// Allows as much as is read here at most.
const ANY_SIZE: &str = "version = 1\n[shared.resources]\nmax_module_kb = 1_000_000\nmax_plugin_folder_mb = 1_000_000\n";

/// Files and folders that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// The plugins of a file, and the size of their folder where the policy allows less.
///
/// # Errors
/// They cannot be read, or nobody would want to.
pub(super) fn read_any_size(
    file: &Path,
    policy: &Policy,
) -> Result<(Vec<PluginFile>, Option<u64>), PluginsError> {
    let refused = match PluginFile::read(file, policy) {
        Ok(plugins) => return Ok((plugins, None)),
        Err(refused) => refused,
    };
    let folder = match &refused {
        PluginFileError::TooLarge { .. } => None,
        PluginFileError::FolderTooLarge { path, .. } => {
            Some(folder_bytes(path).map_err(PluginsError::System)?)
        }
        _ => return Err(refused.into()),
    };
    let any =
        Policy::read("", ANY_SIZE.as_bytes(), Path::new("/")).map_err(PluginsError::Policy)?;
    Ok((PluginFile::read(file, &any)?, folder))
}

/// The sizes that are more than a plugin may have, in bytes.
pub(super) fn too_large(
    module: &[u8],
    folder: Option<u64>,
    effective: &Effective,
) -> Vec<(Limit, u64)> {
    let sizes = [
        (Limit::Module, module.len() as u64),
        (Limit::ModuleGzip, gzip_bytes(module)),
        (Limit::PluginFolder, folder.unwrap_or(0)),
    ];
    let limits = effective.limits();
    sizes
        .into_iter()
        .filter(|(limit, bytes)| *bytes > limits.get(*limit))
        .collect()
}

/// Bytes of a module after `gzip -9`.
fn gzip_bytes(module: &[u8]) -> u64 {
    struct Count(u64);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut encoder = GzEncoder::new(Count(0), Compression::best());
    let counted = encoder.write_all(module).and_then(|()| encoder.finish());
    counted.map_or(u64::MAX, |count| count.0)
}

/// Bytes of all files in a folder and below it, links not followed.
fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    let mut seen = 0;
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            seen += 1;
            if seen > MAX_ENTRIES {
                return Err(io::Error::other(
                    "the plugin's folder holds more than 10,000 files: keep a plugin in a folder of its own",
                ));
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() {
                bytes = bytes.saturating_add(entry.metadata()?.len());
            }
        }
    }
    Ok(bytes)
}
