//! The embedded component: its bytes, the engine that compiles it, and one run of it.

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, Config, Engine, OptLevel, Store};

use crate::host::Host;
use crate::key_files;

/// The component that build.rs put here.
const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));

/// What the component exports, by its WIT.
pub(crate) mod bindings {
    #![allow(unreachable_pub, reason = "generated")]

    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package dewclaw:native@0.1.0;

            world guest {
                export wasi:cli/run@0.2.0;
                export dewclaw:agent/outcome@0.1.0;
                export dewclaw:agent/session@0.1.0;
                export dewclaw:agent/command-line@0.1.0;
            }
        ",
        world: "dewclaw:native/guest",
        exports: { default: async },
    });
}

/// An instance, and the store that it is in.
pub(crate) struct Instance {
    pub(crate) guest: bindings::Guest,
    pub(crate) store: Store<Host>,
}

/// What `dewclaw --version` says of this build, in one line.
pub(crate) fn describe() -> String {
    format!(
        "dewclaw {}, native, on wasmtime {}; component of {} bytes{}",
        env!("CARGO_PKG_VERSION"),
        env!("DEWCLAW_WASMTIME_VERSION"),
        BYTES.len(),
        env!("DEWCLAW_COMPONENT_ORIGIN"),
    )
}

/// An instance of the component with what `host` grants.
///
/// # Errors
/// The embedded file is not a component that this host can run.
pub(crate) async fn instantiate(host: Host) -> wasmtime::Result<Instance> {
    let engine = engine()?;
    let component = Component::new(&engine, BYTES)?;
    let linker = linker(&engine)?;
    let mut store = Store::new(&engine, host);
    let guest = bindings::Guest::instantiate_async(&mut store, &component, &linker).await?;
    Ok(Instance { guest, store })
}

/// Runs the component's `wasi:cli/run` to its end and asks for its exit code.
///
/// # Errors
/// The embedded file is not a component that this host can run, or it trapped.
pub(crate) async fn run(host: Host) -> wasmtime::Result<u8> {
    let Instance { guest, mut store } = instantiate(host).await?;
    let done = guest.wasi_cli_run().call_run(&mut store).await?;
    let code = guest
        .dewclaw_agent_outcome()
        .call_exit_code(&mut store)
        .await?;
    // Whatever the code says, a run that failed is not a success.
    Ok(if done.is_err() { code.max(1) } else { code })
}

fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::Speed);
    config.parallel_compilation(true);
    // Without a place for it (no home folder, a read-only disk) every start compiles, which takes longer and is
    // otherwise the same.
    config.cache(Cache::from_file(None).ok());
    Engine::new(&config)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    key_files::hide(&mut linker)?;
    Ok(linker)
}
