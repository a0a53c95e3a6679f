//! What a plugin's file must be before it is linked: small enough, no larger in anything than a store, with the imports that it is
//! granted and the exports of the contract.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use wasmtime::component::{Component, ComponentExportIndex};

use super::caps::{Caps, ModuleSize};
use super::config::Engine;
use super::core_instances;
use super::error::{Limit, LoadError};
use super::imports::{HOST, OLD_HOST};

/// The export of the contract.
const TOOLS: &str = "dewclaw:plugin/tools@0.1.0";
/// The export of the older world.
const OLD_TOOLS: &str = "plugin";

/// The functions of the contract.
pub(super) struct Exports {
    pub(super) init: ComponentExportIndex,
    pub(super) describe: ComponentExportIndex,
    pub(super) execute: ComponentExportIndex,
}

pub(super) fn check_size(bytes: &[u8], size: ModuleSize) -> Result<(), LoadError> {
    if bytes.len() > size.raw_bytes {
        return Err(LoadError::TooLarge {
            bytes: bytes.len(),
            most: size.raw_bytes,
        });
    }
    // What is small enough as it is need not be compressed to know it (gzip adds 18 bytes and 5 for each 64 KiB at worst).
    if bytes.len() + bytes.len() / 1000 + 64 <= size.gzip_bytes {
        return Ok(());
    }
    let mut encoder = GzEncoder::new(Counter(size.gzip_bytes), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish().map(drop))
        .map_err(|_| LoadError::TooLargeGzipped {
            most: size.gzip_bytes,
        })
}

/// Takes so many bytes, keeps none, and fails at the next.
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn check_instances(bytes: &[u8], caps: &Caps) -> Result<(), LoadError> {
    match core_instances::count(bytes) {
        Some(count) if count > caps.instances => Err(LoadError::Limit(Limit::Instances {
            count,
            most: caps.instances,
        })),
        _ => Ok(()),
    }
}

/// What can be known to be over a limit before anything runs.
pub(super) fn check_resources(component: &Component, caps: &Caps) -> Result<(), LoadError> {
    let Some(needs) = component.resources_required() else {
        return Ok(());
    };
    let (memories, tables) = (needs.num_memories as usize, needs.num_tables as usize);
    let limit = if memories > caps.memories {
        Limit::Memories {
            count: memories,
            most: caps.memories,
        }
    } else if tables > caps.tables {
        Limit::Tables {
            count: tables,
            most: caps.tables,
        }
    } else {
        return Ok(());
    };
    Err(LoadError::Limit(limit))
}

/// What a plugin imports.
pub(super) struct Imports {
    /// Anything.
    pub(super) any: bool,
    /// Something of WASI.
    pub(super) wasi: bool,
}

pub(super) fn check_imports(
    engine: &Engine,
    component: &Component,
    granted: &[String],
) -> Result<Imports, LoadError> {
    let mut found = Imports {
        any: false,
        wasi: false,
    };
    for (name, _) in component.component_type().imports(engine.wasmtime()) {
        found.any = true;
        if name == HOST || name == OLD_HOST {
            continue;
        }
        let unversioned = name.split_once('@').map_or(name, |(name, _)| name);
        if !unversioned.starts_with("wasi:")
            || !granted.iter().any(|granted| granted == unversioned)
        {
            return Err(LoadError::ImportRefused {
                name: name.to_owned(),
            });
        }
        found.wasi = true;
    }
    Ok(found)
}

pub(super) fn find_exports(component: &Component) -> Result<Exports, LoadError> {
    let missing = |name: &str| LoadError::ExportMissing {
        name: name.to_owned(),
    };
    let tools = component
        .get_export_index(None, TOOLS)
        .or_else(|| component.get_export_index(None, OLD_TOOLS))
        .ok_or_else(|| missing(TOOLS))?;
    let function = |name: &str| {
        component
            .get_export_index(Some(&tools), name)
            .ok_or_else(|| missing(name))
    };
    Ok(Exports {
        init: function("init")?,
        describe: function("describe")?,
        execute: function("execute-tool")?,
    })
}
