//! The same components on wasmtime alone, with its own fuel, epochs and limiter in force: what the sandbox is compared with.

use std::sync::Mutex;

use dewclaw_sandbox::engine::{CompileError, Compiler, Engine, TrustedInputOnly};
use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Linker, ResourceTable, TypedFunc,
};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Which protections a store has: those that its engine's code was compiled for.
#[derive(Clone, Copy)]
pub(crate) struct Protections {
    pub(crate) fuel: bool,
    pub(crate) epochs: bool,
    pub(crate) limiter: bool,
}

pub(crate) const ALL: Protections = Protections {
    fuel: true,
    epochs: true,
    limiter: true,
};

/// What belongs to a store, as in any host.
pub(crate) struct Data {
    limits: StoreLimits,
    wasi: Option<(WasiCtx, ResourceTable)>,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = self.wasi.as_mut().expect("it is linked to WASI");
        WasiCtxView { ctx, table }
    }
}

pub(crate) struct Bare {
    engine: wasmtime::Engine,
    protections: Protections,
    wasi: bool,
    linked: InstancePre<Data>,
    init: ComponentExportIndex,
    execute: ComponentExportIndex,
}

type Init = TypedFunc<(), (Result<(), String>,)>;
pub(crate) type Execute = TypedFunc<(String, String), (Result<String, String>,)>;

impl Bare {
    pub(crate) fn new(component: &Component, wasi: bool, protections: Protections) -> Self {
        let engine = component.engine();
        let tools = component
            .get_export_index(None, "dewclaw:plugin/tools@0.1.0")
            .expect("tools");
        let mut linker = Linker::new(engine);
        if wasi {
            wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        }
        let function = |name| {
            component
                .get_export_index(Some(&tools), name)
                .expect("the contract's function")
        };
        Bare {
            init: function("init"),
            execute: function("execute-tool"),
            linked: linker.instantiate_pre(component).expect("it links"),
            engine: engine.clone(),
            protections,
            wasi,
        }
    }

    /// A fresh store, and an instance in it that has begun.
    pub(crate) async fn start(&self) -> (Store<Data>, Execute) {
        let limits = StoreLimitsBuilder::new()
            .memory_size(16 << 20)
            .table_elements(10_000)
            .instances(10)
            .tables(10)
            .memories(2);
        let wasi = self.wasi.then(|| {
            let context = WasiCtx::builder().allow_tcp(false).allow_udp(false).build();
            (context, ResourceTable::new())
        });
        let limits = limits.build();
        let mut store = Store::new(&self.engine, Data { limits, wasi });
        if self.protections.limiter {
            store.limiter(|data| &mut data.limits);
        }
        if self.protections.epochs {
            store.epoch_deadline_async_yield_and_update(1);
        }
        self.protect(&mut store);
        let instance = self
            .linked
            .instantiate_async(&mut store)
            .await
            .expect("an instance");
        let init: Init = instance
            .get_typed_func(&mut store, self.init)
            .expect("init");
        let (begun,) = init.call_async(&mut store, ()).await.expect("init runs");
        begun.expect("init is well");
        let execute = instance
            .get_typed_func(&mut store, self.execute)
            .expect("execute-tool");
        (store, execute)
    }

    fn protect(&self, store: &mut Store<Data>) {
        if self.protections.fuel {
            store.set_fuel(10_000_000_000).expect("fuel is on");
        }
        if self.protections.epochs {
            store.set_epoch_deadline(1);
        }
    }

    pub(crate) async fn call(
        &self,
        store: &mut Store<Data>,
        execute: &Execute,
        tool: &str,
        text: String,
    ) -> String {
        self.protect(store);
        let (result,) = execute
            .call_async(store, (tool.to_owned(), text))
            .await
            .expect("it runs");
        result.expect("it is well")
    }

    pub(crate) async fn call_fresh(&self, tool: &str, text: &str) -> String {
        let (mut store, execute) = self.start().await;
        self.call(&mut store, &execute, tool, text.to_owned()).await
    }
}

/// Compiles for the sandbox and keeps what it compiled, so that both sides run the same code from the same places.
#[derive(Default)]
pub(crate) struct Keeping(Mutex<Vec<Component>>);

impl Compiler for Keeping {
    fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
        let component = TrustedInputOnly.compile(engine, bytes)?;
        self.0.lock().expect("no panic").push(component.clone());
        Ok(component)
    }
}

impl Keeping {
    /// What was compiled last.
    pub(crate) fn last(&self) -> Component {
        self.0
            .lock()
            .expect("no panic")
            .last()
            .expect("one")
            .clone()
    }
}

/// Gives what was compiled before.
pub(crate) struct Again(pub(crate) Component);

impl Compiler for Again {
    fn compile(&self, _: &Engine, _: &[u8]) -> Result<Component, CompileError> {
        Ok(self.0.clone())
    }
}
