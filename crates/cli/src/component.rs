//! The embedded component: its bytes, the engine that compiles it, and one run of it.

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, Config, Engine, OptLevel, Store};

use crate::host::Host;

/// The component that build.rs put here.
const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));

mod bindings {
    #![allow(unreachable_pub, reason = "generated")]

    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package dewclaw:native@0.1.0;

            world guest {
                export wasi:cli/run@0.2.0;
                export dewclaw:agent/outcome@0.1.0;
            }
        ",
        world: "dewclaw:native/guest",
        exports: { default: async },
    });
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

/// Runs the component's `wasi:cli/run` to its end and asks for its exit code.
///
/// # Errors
/// The embedded file is not a component that this host can run, or it trapped.
pub(crate) async fn run(host: Host) -> wasmtime::Result<u8> {
    let engine = engine()?;
    let component = Component::new(&engine, BYTES)?;
    let linker = linker(&engine)?;
    let mut store = Store::new(&engine, host);
    let guest = bindings::Guest::instantiate_async(&mut store, &component, &linker).await?;
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
    Ok(linker)
}
