//! What the component is granted: one folder, HTTP, one key. Nothing else of this machine is within its reach.

use wasmtime::component::{Linker, ResourceTable};
use wasmtime::error::Context;
use wasmtime::{Engine, Result};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The variable that the component takes the key from. No session, saved or not, ever holds it.
const KEY: &str = "OPENAI_API_KEY";

/// The store's data.
pub(crate) struct Grants {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl Grants {
    /// The folder becomes the workspace that the tools see.
    pub(crate) fn of(folder: &str) -> Result<Grants> {
        let mut wasi = WasiCtx::builder();
        wasi.preopened_dir(folder, "/", FsPerms::ReadWrite)
            .with_context(|| format!("--dir {folder} is no folder that can be opened"))?;
        if let Ok(key) = std::env::var(KEY) {
            wasi.env(KEY, key);
        }
        Ok(Grants {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
        })
    }
}

/// The interfaces of WASI that `dewclaw.wasm` imports.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Grants>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}

impl WasiView for Grants {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Grants {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: Default::default(),
        }
    }
}
