//! What the component's instance holds of this machine: its folders, variables, streams and its way to the network.

use wasmtime_wasi::{FsPerms, ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::console::Console;
use crate::egress::WasiHttp;
use crate::folders::Folders;
use crate::keys::Keys;

/// The store's data.
pub(crate) struct Host {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: WasiHttp,
    /// None of them ever reaches the component.
    pub(crate) keys: Keys,
}

/// Everything that one run is granted.
pub(crate) struct Grants {
    /// The component's arguments, program name included.
    pub(crate) arguments: Vec<String>,
    /// Its variables.
    pub(crate) variables: Vec<(String, String)>,
    /// Its folders, if the command needs any.
    pub(crate) folders: Option<Folders>,
    /// Where its output goes.
    pub(crate) console: Console,
    /// Its network.
    pub(crate) egress: WasiHttp,
    /// What is kept from it.
    pub(crate) keys: Keys,
}

impl Host {
    /// A host that grants these things and nothing else.
    ///
    /// # Errors
    /// A folder went away since it was found.
    pub(crate) fn new(grants: Grants) -> wasmtime::Result<Host> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.args(&grants.arguments)
            .envs(&grants.variables)
            .inherit_stdin()
            .stdout(grants.console)
            .inherit_stderr()
            // The instance has a thread to itself; handing each file operation to another costs more than it saves.
            .allow_blocking_current_thread(true);
        if let Some(folders) = grants.folders {
            wasi.preopened_dir(folders.workspace, "/", FsPerms::ReadWrite)?
                .preopened_dir(folders.state, "/state", FsPerms::ReadWrite)?;
        }
        Ok(Host {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            egress: grants.egress,
            keys: grants.keys,
        })
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.egress,
        }
    }
}
