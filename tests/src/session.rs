//! A host of `dewclaw-core.wasm`: instances of it, and sessions whose calls must not trap; and sessions of the same agent on
//! other runtimes.

mod conversation;
mod embedder;
mod files;
mod json;
mod native;
mod runtime;
mod wamr;

pub use bindings::exports::dewclaw::agent::session as wit;
pub use conversation::{Conversation, End, Held};
pub use embedder::{Embedder, HostTools, KEY};
pub use native::Native;
pub use runtime::{AnySession, Opened, Runtime, Told};
pub use wamr::Wamr;

use crate::{artifact, in_process};
use bindings::Core;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, OptLevel, ResourceLimiter, Store};

mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]

    wasmtime::component::bindgen!({ path: "../wit", world: "core" });
}

/// An instance of the component, with nothing imported.
#[derive(Clone)]
pub struct Instance(Rc<RefCell<Running>>);

struct Running {
    store: Store<Memory>,
    core: Core,
}

/// Counts the linear memory, and ends it.
struct Memory {
    bytes: usize,
    most: usize,
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes + desired - current;
        let granted = bytes <= self.most;
        if granted {
            self.bytes = bytes;
        }
        Ok(granted)
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

impl Instance {
    /// A fresh instance.
    pub fn start() -> Self {
        static COMPILED: OnceLock<Component> = OnceLock::new();
        Self::of(COMPILED.get_or_init(|| compile(in_process::engine())))
    }

    /// A fresh instance on an engine that compiles otherwise, counts nothing and checks every access to memory itself: as in
    /// another process, on another machine.
    pub fn elsewhere() -> Self {
        static COMPILED: OnceLock<Component> = OnceLock::new();
        Self::of(COMPILED.get_or_init(|| {
            let mut config = Config::new();
            config
                .cranelift_opt_level(OptLevel::None)
                .signals_based_traps(false)
                .memory_reservation(0)
                .memory_guard_size(0);
            compile(&Engine::new(&config).expect("an engine can be made"))
        }))
    }

    /// A fresh instance of the component as [`compile`] gives it.
    pub fn of(component: &Component) -> Self {
        Self::with_memory(component, usize::MAX)
    }

    /// The same, with so many bytes of linear memory at most.
    pub fn with_memory(component: &Component, most: usize) -> Self {
        let engine = component.engine();
        let mut store = Store::new(engine, Memory { bytes: 0, most });
        store.limiter(|memory| memory);
        // Fails where no fuel is counted.
        let _ = store.set_fuel(u64::MAX);
        let core = Core::instantiate(&mut store, component, &Linker::new(engine))
            .expect("the component wants nothing of its host");
        Self(Rc::new(RefCell::new(Running { store, core })))
    }

    /// The fuel that the instance has used so far. Panics where none is counted.
    pub fn fuel(&self) -> u64 {
        let running = self.0.borrow();
        u64::MAX - running.store.get_fuel().expect("fuel is counted")
    }

    /// Bytes of its linear memory, which never shrinks.
    pub fn memory_bytes(&self) -> usize {
        self.0.borrow().store.data().bytes
    }

    /// Opens a session.
    pub fn open(
        &self,
        config: &wit::Config,
        tools: &[wit::HostTool],
    ) -> Result<Session, wit::Error> {
        let opened = self.call(|session, store| session.call_open(store, config, tools, 7));
        opened.map(|handle| self.session(handle))
    }

    /// Opens a session that goes on from saved bytes.
    pub fn restore(
        &self,
        config: &wit::Config,
        tools: &[wit::HostTool],
        saved: &[u8],
    ) -> Result<Session, wit::Error> {
        let opened = self.call(|session, store| session.call_restore(store, config, tools, saved));
        opened.map(|handle| self.session(handle))
    }

    fn session(&self, handle: ResourceAny) -> Session {
        Session {
            instance: self.clone(),
            handle,
        }
    }

    /// Calls into the component. No call may trap.
    fn call<T>(
        &self,
        call: impl FnOnce(&wit::GuestSession<'_>, &mut Store<Memory>) -> wasmtime::Result<T>,
    ) -> T {
        self.attempt(call)
            .unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"))
    }

    /// Calls into the component, which may trap.
    fn attempt<T>(
        &self,
        call: impl FnOnce(&wit::GuestSession<'_>, &mut Store<Memory>) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let mut running = self.0.borrow_mut();
        let Running { store, core } = &mut *running;
        call(&core.dewclaw_agent_session().session(), store)
    }
}

/// The component in an engine's machine code.
pub fn compile(engine: &Engine) -> Component {
    let path = artifact::dewclaw_core();
    Component::from_file(engine, &path)
        .unwrap_or_else(|error| panic!("{} is not a component: {error:?}", path.display()))
}

/// A session of an instance. Dropping it drops the resource.
pub struct Session {
    instance: Instance,
    handle: ResourceAny,
}

/// The functions of the interface; `wit/session.wit` says what each does.
impl Session {
    /// `save`.
    pub fn save(&self) -> Vec<u8> {
        self.instance
            .call(|session, store| session.call_save(store, self.handle))
    }

    /// `prompt`.
    pub fn prompt(&self, now: wit::Moment, text: &str) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_prompt(store, self.handle, now, text))
    }

    /// `compact`.
    pub fn compact(&self, now: wit::Moment) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_compact(store, self.handle, now))
    }

    /// `next`.
    pub fn next(&self, now: wit::Moment) -> wit::Effect {
        self.instance
            .call(|session, store| session.call_next(store, self.handle, now))
    }

    /// `body-piece`, all of them.
    pub fn body(&self) -> Vec<u8> {
        (0..)
            .map_while(|index| {
                self.instance
                    .call(|session, store| session.call_body_piece(store, self.handle, index))
            })
            .flatten()
            .collect()
    }

    /// `reply-start`.
    pub fn reply_start(
        &self,
        now: wit::Moment,
        id: u32,
        status: u16,
        headers: &[(String, String)],
    ) -> Result<(), wit::Error> {
        self.instance.call(|session, store| {
            session.call_reply_start(store, self.handle, now, id, status, headers)
        })
    }

    /// `reply-chunk`.
    pub fn reply_chunk(&self, now: wit::Moment, id: u32, bytes: &[u8]) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_reply_chunk(store, self.handle, now, id, bytes))
    }

    /// `reply-end`.
    pub fn reply_end(&self, now: wit::Moment, id: u32) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_reply_end(store, self.handle, now, id))
    }

    /// `reply-failed`.
    pub fn reply_failed(
        &self,
        now: wit::Moment,
        id: u32,
        class: wit::HttpError,
    ) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_reply_failed(store, self.handle, now, id, class))
    }

    /// `operation-done`.
    pub fn operation_done(
        &self,
        now: wit::Moment,
        id: u32,
        answer: &wit::Answer,
    ) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_operation_done(store, self.handle, now, id, answer))
    }

    /// `tool-done`.
    pub fn tool_done(
        &self,
        now: wit::Moment,
        call: &str,
        result: Result<&str, &str>,
    ) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_tool_done(store, self.handle, now, call, result))
    }

    /// `tool-done`, where it may trap.
    pub fn try_tool_done(
        &self,
        now: wit::Moment,
        call: &str,
        result: &str,
    ) -> wasmtime::Result<Result<(), wit::Error>> {
        self.instance.attempt(|session, store| {
            session.call_tool_done(store, self.handle, now, call, Ok(result))
        })
    }

    /// `approve`.
    pub fn approve(
        &self,
        now: wit::Moment,
        call: &str,
        verdict: wit::Verdict,
    ) -> Result<(), wit::Error> {
        self.instance
            .call(|session, store| session.call_approve(store, self.handle, now, call, verdict))
    }

    /// `cancel`.
    pub fn cancel(&self, now: wit::Moment) {
        self.instance
            .call(|session, store| session.call_cancel(store, self.handle, now));
    }

    /// `advance`.
    pub fn advance(&self, max_ms: u32) -> Result<Vec<wit::Event>, wit::Error> {
        self.instance
            .call(|session, store| session.call_advance(store, self.handle, max_ms))
    }

    /// `usage`.
    pub fn usage(&self) -> wit::Usage {
        self.instance
            .call(|session, store| session.call_usage(store, self.handle))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut running = self.instance.0.borrow_mut();
        self.handle
            .resource_drop(&mut running.store)
            .expect("a session can be dropped");
    }
}
