//! What a store of the in-process host holds: the guest's grants, its output, and the count of its memory.

use crate::guest::Guest;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// More than any test prints.
const OUTPUT: usize = 256 << 20;

/// The bytes of a WebAssembly page.
const PAGE: usize = 65_536;

pub(super) struct State {
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(super) memory: MemoryCount,
    pub(super) stdout: MemoryOutputPipe,
    pub(super) stderr: MemoryOutputPipe,
}

impl State {
    pub(super) fn new(guest: &Guest) -> Self {
        let (stdout, stderr) = (MemoryOutputPipe::new(OUTPUT), MemoryOutputPipe::new(OUTPUT));
        let mut wasi = WasiCtx::builder();
        wasi.stdin(MemoryInputPipe::new(guest.stdin.clone()))
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .envs(&guest.environment)
            .allow_blocking_current_thread(true)
            .arg("dewclaw.wasm")
            .args(&guest.arguments);
        for folder in &guest.folders {
            let permissions = if folder.read_only {
                FsPerms::ReadOnly
            } else {
                FsPerms::ReadWrite
            };
            wasi.preopened_dir(&folder.host, &folder.guest, permissions)
                .unwrap_or_else(|error| panic!("{}: {error:?}", folder.host.display()));
        }
        Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            memory: MemoryCount::default(),
            stdout,
            stderr,
        }
    }

    pub(super) fn memory(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: Default::default(),
        }
    }
}

/// Counts the pages of all linear memories of a store.
#[derive(Default)]
pub(super) struct MemoryCount {
    pub(super) start_pages: usize,
    pub(super) end_pages: usize,
}

impl ResourceLimiter for MemoryCount {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if current == 0 {
            self.start_pages += desired / PAGE;
        }
        self.end_pages += (desired - current) / PAGE;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
