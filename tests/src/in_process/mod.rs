//! Running a guest in this process, where fuel and memory can be counted and every import is in the tests' own hands.

mod direct_model;
mod library;
mod state;

pub use direct_model::{Directly, Sample};

pub use library::{Library, command_line, wit};

use crate::guest::Guest;
use crate::host::Ended;
use state::State;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Config, Engine, Store};

/// Stops a guest that loops; nothing here needs a tenth of it.
const FUEL: u64 = 200_000_000_000;

/// Stops a guest that waits for something that never comes.
const DEADLINE: Duration = Duration::from_secs(120);

/// A run, and what it cost.
#[derive(Debug)]
pub struct InProcess {
    /// How it ended. A trap leaves no exit code and is described on `stderr`.
    pub ended: Ended,
    /// Fuel from the start of instantiation to the end of the run.
    pub fuel: u64,
    /// Pages of 64 KiB that the linear memory had at the start.
    pub start_pages: usize,
    /// Pages of 64 KiB that the linear memory had at the end. Linear memory never shrinks, so it is the peak too.
    pub end_pages: usize,
}

/// Runs the guest to its end, with the real wasi:http.
pub fn run(guest: &Guest) -> InProcess {
    start(guest, None)
}

/// Runs the guest to its end; `directly` answers its requests without any socket.
pub fn run_directly(guest: &Guest, directly: Directly) -> InProcess {
    start(guest, Some(directly))
}

fn start(guest: &Guest, directly: Option<Directly>) -> InProcess {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        match tokio::time::timeout(DEADLINE, drive(guest, directly)).await {
            Ok(run) => run,
            Err(_) => panic!("{:?} was not done after {DEADLINE:?}", guest.arguments),
        }
    })
}

async fn drive(guest: &Guest, directly: Option<Directly>) -> InProcess {
    let component = compiled(&guest.component);
    let mut linker = Linker::new(engine());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("wasi can be linked");
    match directly {
        Some(directly) => direct_model::add_to_linker(&mut linker, directly),
        None if guest.network => wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker),
        None => Ok(()),
    }
    .expect("wasi:http can be linked");
    let mut store = Store::new(engine(), State::new(guest));
    store.limiter(State::memory);
    store.set_fuel(FUEL).expect("fuel is on");
    let result = run_and_ask(&mut store, &linker, &component).await;
    let fuel = FUEL - store.get_fuel().expect("fuel is on");
    let state = store.into_data();
    let (stdout, mut stderr) = (
        state.stdout.contents().to_vec(),
        state.stderr.contents().to_vec(),
    );
    let code = match result {
        Ok(code) => Some(code),
        Err(error) => {
            stderr.extend_from_slice(format!("{error:?}").as_bytes());
            None
        }
    };
    InProcess {
        ended: Ended {
            runner: "the in-process host",
            code,
            tells_failures_apart: true,
            stdout,
            stderr,
        },
        fuel,
        start_pages: state.memory.start_pages,
        end_pages: state.memory.end_pages,
    }
}

/// Calls `wasi:cli/run` and then asks `dewclaw:agent/outcome` how it ended.
async fn run_and_ask(
    store: &mut Store<State>,
    linker: &Linker<State>,
    component: &Component,
) -> wasmtime::Result<i32> {
    let instance = linker.instantiate_async(&mut *store, component).await?;
    let run = export(store, &instance, "wasi:cli/run@0.2.0", "run")?;
    let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, run)?;
    let (result,) = run.call_async(&mut *store, ()).await?;
    let outcome = export(store, &instance, "dewclaw:agent/outcome@0.1.0", "exit-code")?;
    let outcome = instance.get_typed_func::<(), (u8,)>(&mut *store, outcome)?;
    let (code,) = outcome.call_async(&mut *store, ()).await?;
    assert_eq!(
        result.is_ok(),
        code == 0,
        "`run` and the outcome {code} disagree whether it went well"
    );
    Ok(i32::from(code))
}

fn export(
    store: &mut Store<State>,
    instance: &Instance,
    interface: &str,
    function: &str,
) -> wasmtime::Result<wasmtime::component::ComponentExportIndex> {
    let missing = || wasmtime::format_err!("the component does not export {interface}#{function}");
    let interface = instance
        .get_export_index(&mut *store, None, interface)
        .ok_or_else(missing)?;
    instance
        .get_export_index(&mut *store, Some(&interface), function)
        .ok_or_else(missing)
}

/// The engine of every store here: it counts fuel.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = Config::new();
        config.consume_fuel(true);
        Engine::new(&config).expect("an engine can be made")
    })
}

/// The component in machine code, made once for each file.
fn compiled(path: &PathBuf) -> Component {
    static COMPILED: Mutex<Option<HashMap<PathBuf, Component>>> = Mutex::new(None);
    let mut compiled = COMPILED.lock().unwrap_or_else(|poison| poison.into_inner());
    let compiled = compiled.get_or_insert_default();
    if let Some(component) = compiled.get(path) {
        return component.clone();
    }
    let component = Component::from_file(engine(), path)
        .unwrap_or_else(|error| panic!("{} is not a component: {error:?}", path.display()));
    compiled.insert(path.clone(), component.clone());
    component
}
