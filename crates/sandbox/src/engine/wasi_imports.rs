//! WASI as it is linked: interface by interface, so that what is not named here is not there. Raw sockets are not.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi_io::bindings::wasi::io;

use super::plugin::State;
use super::wasi_bounds::{HasRandom, HasWaits, Random, Waits};
use super::wasi_environment::{HasVariables, Variables};
use crate::files::wasi::HasGate;

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links everything of WASI that any policy grants.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    let l = linker;
    io::error::add_to_linker::<State, HasTable>(l, |state| state.ctx().table)?;
    io::streams::add_to_linker::<State, HasTable>(l, |state| state.ctx().table)?;
    io::poll::add_to_linker::<State, HasWaits>(l, |state| Waits(state.ctx().table))?;

    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;

    random::random::add_to_linker::<State, HasRandom>(l, |state| Random(state.ctx().ctx.random()))?;
    random::insecure::add_to_linker::<State, HasRandom>(l, |state| {
        Random(state.ctx().ctx.random())
    })?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;

    filesystem::types::add_to_linker::<State, HasGate>(l, State::files)?;
    filesystem::preopens::add_to_linker::<State, HasGate>(l, State::files)?;

    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, HasVariables>(l, |state| {
        Variables(Arc::clone(&state.host))
    })?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;

    wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)
}
