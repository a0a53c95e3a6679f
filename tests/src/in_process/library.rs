//! A component as a library that reaches the world itself, through WASI: sessions of one instance in this process.

use super::{FUEL, State, compiled, engine};
use crate::guest::Guest;
use std::time::Instant;
use tokio::runtime::Runtime;
use wasmtime::Store;
use wasmtime::component::{Linker, ResourceAny};

pub use bindings::exports::dewclaw::agent::command_line;
pub use bindings::exports::dewclaw::agent::session as wit;

mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]

    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package dewclaw:tests@0.1.0;

            world exported {
                export dewclaw:agent/session@0.1.0;
                export dewclaw:agent/command-line@0.1.0;
            }
        ",
        world: "dewclaw:tests/exported",
        exports: { default: async },
    });
}

/// The wall time at which every library begins, in milliseconds.
const WALL_MS: u64 = 1_795_000_000_000;

/// An instance with what a guest is granted, and at most one session. No call may trap.
pub struct Library {
    runtime: Runtime,
    store: Store<State>,
    exported: bindings::Exported,
    session: Option<ResourceAny>,
    began: Instant,
}

/// Calls a method of the open session: its name, and its arguments.
macro_rules! call {
    ($self:ident, $method:ident $(, $argument:expr)*) => {{
        let handle = $self.session.expect("a session is open");
        let session = $self.exported.dewclaw_agent_session().session();
        $self
            .runtime
            .block_on(session.$method(&mut $self.store, handle $(, $argument)*))
            .unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"))
    }};
}

impl Library {
    /// An instance of the guest's component, with its grants.
    pub fn start(guest: &Guest) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let mut linker = Linker::new(engine());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("wasi can be linked");
        if guest.network {
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)
                .expect("wasi:http can be linked");
        }
        let mut store = Store::new(engine(), State::new(guest));
        store.set_fuel(FUEL).expect("fuel is on");
        let component = compiled(&guest.component);
        let exported = runtime
            .block_on(bindings::Exported::instantiate_async(
                &mut store, &component, &linker,
            ))
            .expect("the component runs here");
        Self {
            runtime,
            store,
            exported,
            session: None,
            began: Instant::now(),
        }
    }

    /// This moment.
    pub fn now(&self) -> wit::Moment {
        let passed = self.began.elapsed().as_millis();
        let passed = u64::try_from(passed).expect("a test is no age of the world");
        wit::Moment {
            monotonic_ms: passed,
            wall_ms: WALL_MS + passed,
        }
    }

    /// `open`.
    pub fn open(
        &mut self,
        config: &wit::Config,
        tools: &[wit::HostTool],
    ) -> Result<(), wit::Error> {
        let session = self.exported.dewclaw_agent_session().session();
        let opened = session.call_open(&mut self.store, config, tools, 7);
        let opened = self.runtime.block_on(opened);
        let opened = opened.unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"));
        self.session = Some(opened?);
        Ok(())
    }

    /// `command-line`'s `ask`.
    pub fn ask(
        &mut self,
        model: wit::Performer,
        saved: Option<&[u8]>,
    ) -> Result<command_line::Asked, command_line::Stop> {
        let now = self.now();
        let asked = self.exported.dewclaw_agent_command_line().call_ask(
            &mut self.store,
            now,
            model,
            model,
            &[],
            saved,
            7,
        );
        let asked = self.runtime.block_on(asked);
        let asked = asked.unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"))?;
        self.session = Some(asked.session);
        Ok(asked)
    }

    /// `prompt`.
    pub fn prompt(&mut self, text: &str) -> Result<(), wit::Error> {
        let now = self.now();
        call!(self, call_prompt, now, text)
    }

    /// `next`.
    pub fn next_effect(&mut self) -> wit::Effect {
        let now = self.now();
        call!(self, call_next, now)
    }

    /// `advance`.
    pub fn advance(&mut self, max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        call!(self, call_advance, max_ms)
    }

    /// `cancel`.
    pub fn cancel(&mut self) {
        let now = self.now();
        call!(self, call_cancel, now);
    }

    /// `save`.
    pub fn save(&mut self) -> Vec<u8> {
        call!(self, call_save)
    }

    /// `usage`.
    pub fn usage(&mut self) -> wit::Usage {
        call!(self, call_usage)
    }

    /// `tool-done`.
    pub fn tool_done(&mut self, call: &str, result: Result<&str, &str>) -> Result<(), wit::Error> {
        let now = self.now();
        call!(self, call_tool_done, now, call, result)
    }

    /// `approve`.
    pub fn approve(&mut self, call: &str, verdict: wit::Verdict) -> Result<(), wit::Error> {
        let now = self.now();
        call!(self, call_approve, now, call, verdict)
    }

    /// `reply-start`, one `reply-chunk` and `reply-end`: the whole of a reply.
    pub fn reply(&mut self, id: u32, status: u16, kind: &str, body: &[u8]) {
        let now = self.now();
        let headers = [("content-type".to_owned(), kind.to_owned())];
        let told: Result<(), wit::Error> = call!(self, call_reply_start, now, id, status, &headers);
        told.expect("it was asked for");
        let told: Result<(), wit::Error> = call!(self, call_reply_chunk, now, id, body);
        told.expect("it has begun");
        let told: Result<(), wit::Error> = call!(self, call_reply_end, now, id);
        told.expect("it has begun");
    }

    /// The whole of the request's body.
    pub fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        for index in 0.. {
            let piece: Option<Vec<u8>> = call!(self, call_body_piece, index);
            match piece {
                Some(piece) => body.extend(piece),
                None => break,
            }
        }
        body
    }

    /// Lets the component go on until there is something for the host to do other than to show.
    pub fn go_on(&mut self, shown: &mut Vec<wit::Event>) -> wit::Effect {
        loop {
            match self.next_effect() {
                wit::Effect::Show(event) => shown.push(event),
                wit::Effect::Pending => {
                    shown.extend(self.advance(1_000).expect("the component performs"));
                }
                effect => return effect,
            }
        }
    }
}
