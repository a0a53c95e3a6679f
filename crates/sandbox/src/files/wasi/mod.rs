//! `wasi:filesystem` as a plugin gets it: wasmtime's own stands behind it, and in front of that what [`files`](crate::files) promises.

mod asked;
mod charge;
mod descriptor;
mod listing;
mod opening;
mod streams;
mod times;

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{FsError, FsResult};

use super::counts::Lease;
use super::observer::PluginFiles;
use crate::engine::{HostFault, Stopped};
use crate::policy::Access;

/// The files of one store: what its plugin has, and what the store has open of it.
pub(crate) struct StoreFiles {
    plugin: Option<PluginFiles>,
    /// By the number of the descriptor in the store's table.
    held: HashMap<u32, Held>,
}

/// What is known of a descriptor beside what wasmtime keeps of it.
#[derive(Clone)]
struct Held {
    /// As the plugin knows it.
    name: Arc<str>,
    access: Access,
    rule: Arc<str>,
    /// `None` for a granted folder, which is open anyway.
    lease: Option<Arc<Lease>>,
}

impl StoreFiles {
    pub(crate) fn new(plugin: Option<PluginFiles>) -> StoreFiles {
        StoreFiles {
            plugin,
            held: HashMap::new(),
        }
    }
}

/// What answers the guest, for one call of it.
pub(crate) struct Gate<'a> {
    pub(crate) context: &'a mut WasiFilesystemCtx,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) store: &'a mut StoreFiles,
}

/// Says to a linker that a [`Gate`] answers.
pub(crate) struct HasGate;

impl HasData for HasGate {
    type Data<'a> = Gate<'a>;
}

impl Gate<'_> {
    /// Wasmtime's own.
    fn stock(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView {
            ctx: self.context,
            table: self.table,
        }
    }

    fn plugin(&self) -> FsResult<&PluginFiles> {
        // Without files there is no descriptor to ask anything of.
        self.store
            .plugin
            .as_ref()
            .ok_or_else(|| ErrorCode::BadDescriptor.into())
    }

    fn held(&self, descriptor: &Resource<Descriptor>) -> FsResult<Held> {
        let held = self.store.held.get(&descriptor.rep());
        held.cloned().ok_or_else(|| ErrorCode::BadDescriptor.into())
    }

    /// Puts a descriptor into the store's table.
    fn hold(&mut self, descriptor: Descriptor, held: Held) -> FsResult<Resource<Descriptor>> {
        let resource = self.table.push(descriptor)?;
        self.store.held.insert(resource.rep(), held);
        Ok(resource)
    }
}

impl preopens::Host for Gate<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let Some(plugin) = self.store.plugin.clone() else {
            return Ok(Vec::new());
        };
        let mut given = Vec::new();
        for folder in plugin.files.folders() {
            let held = Held {
                name: folder.name.as_str().into(),
                access: folder.access,
                rule: Arc::clone(&folder.rule),
                lease: None,
            };
            let resource = self
                .table
                .push(Descriptor::Dir(folder.descriptor.clone()))?;
            self.store.held.insert(resource.rep(), held);
            given.push((resource, folder.name.clone()));
        }
        Ok(given)
    }
}

fn fault(fault: HostFault) -> FsError {
    FsError::trap(Stopped::Host(fault))
}
