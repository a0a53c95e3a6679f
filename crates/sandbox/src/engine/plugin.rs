//! A plugin: loaded and linked once, called any number of times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use wasmtime::component::{InstancePre, ResourceTable, TypedFunc};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::caps::{Caps, ModuleSize};
use super::checkpoints;
use super::checks::{
    Exports, check_imports, check_instances, check_resources, check_size, find_exports,
};
use super::compiler::Compiler;
use super::config::{Engine, Place, STACK_BYTES};
use super::error::{CallError, Limit, LoadError, Numbers, Phase, Stopped, classify};
use super::guard;
use super::host::{DenyAll, Host};
use super::http_hooks::{FIELDS, HttpHooks};
use super::log_rate::LogRate;
use super::meter::Meter;
use super::wasi_bounds::RESOURCES;
use crate::egress::PluginHttp;
use crate::files::PluginFiles;
use crate::files::wasi::{Gate, StoreFiles};

/// How long a call goes on through a tick on its caller's thread. Moving it to the engine's threads costs some 20 to 50 µs.
const SHORT: Duration = Duration::from_micros(100);

/// Bytes of memory above which a call does not begin on its caller's thread. One instruction may fill all memory, and no tick
/// comes in the midst of one: that takes 10 to 20 ms for these bytes where they are new, and half a second for 256 MiB.
const LARGE_MEMORY: usize = 16 << 20;

/// Whether a store serves one call or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// A fresh store for every call: nothing that one call leaves behind is seen by another.
    #[default]
    Fresh,
    /// A store that ended a call well serves the next one, and keeps the plugin's memory. At most so many wait for their next call.
    Warm {
        /// Stores that wait.
        idle: usize,
    },
}

/// How a plugin is loaded and what it gets. The default grants nothing.
#[derive(Clone)]
pub struct PluginOptions {
    /// What a store may use; clamped to the hard maxima.
    pub caps: Caps,
    /// How large the file may be.
    pub module_size: ModuleSize,
    /// Whether stores are used again.
    pub reuse: Reuse,
    /// Who answers the plugin's host functions.
    pub host: Arc<dyn Host>,
    /// The interfaces of WASI that the plugin may import, as `package/interface` without a version: `wasi:clocks/wall-clock`.
    pub wasi: Vec<String>,
    /// What those interfaces give: made for each store. The default has no folder, no variable, no argument, no network.
    pub wasi_context: Arc<dyn Fn() -> WasiCtx + Send + Sync>,
    /// What answers wasi:http, with the deadline of each call put into it. Without one every request is denied.
    pub http: Option<PluginHttp>,
    /// What wasi:filesystem gives, whatever folders the context has. Without them there are none.
    pub files: Option<PluginFiles>,
}

impl Default for PluginOptions {
    fn default() -> Self {
        PluginOptions {
            caps: Caps::default(),
            module_size: ModuleSize::default(),
            reuse: Reuse::default(),
            host: Arc::new(DenyAll),
            wasi: Vec::new(),
            wasi_context: Arc::new(|| WasiCtx::builder().allow_tcp(false).allow_udp(false).build()),
            http: None,
            files: None,
        }
    }
}

impl std::fmt::Debug for PluginOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginOptions")
            .field("caps", &self.caps)
            .field("module_size", &self.module_size)
            .field("reuse", &self.reuse)
            .field("wasi", &self.wasi)
            .finish_non_exhaustive()
    }
}

/// A loaded plugin. Cheap to clone; calls may run at once, each in a store of its own.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("caps", &self.0.caps)
            .finish_non_exhaustive()
    }
}

struct Loaded {
    engine: Engine,
    linked: InstancePre<State>,
    exports: Exports,
    caps: Caps,
    reuse: Reuse,
    host: Arc<dyn Host>,
    log: Arc<LogRate>,
    /// `None`: it imports nothing of WASI.
    wasi_context: Option<Arc<dyn Fn() -> WasiCtx + Send + Sync>>,
    http: Option<PluginHttp>,
    files: Option<PluginFiles>,
    /// It imports something, so its calls may need timers and sockets.
    has_imports: bool,
    idle: Mutex<Vec<Live>>,
}

type Execute = TypedFunc<(String, String), (Result<String, String>,)>;

/// A store, and the instance in it, after `init`.
struct Live {
    store: Store<State>,
    execute: Execute,
}

/// What belongs to one store.
pub(crate) struct State {
    meter: Meter,
    pub(crate) deadline: Instant,
    after: Duration,
    /// Its place among the engine's stores.
    place: Place,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) log: Arc<LogRate>,
    wasi: Option<Wasi>,
}

struct Wasi {
    context: WasiCtx,
    http: WasiHttpCtx,
    requests: HttpHooks,
    files: StoreFiles,
    table: ResourceTable,
}

impl Wasi {
    fn new(context: WasiCtx, http: Option<PluginHttp>, files: Option<PluginFiles>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let mut http_context = WasiHttpCtx::new();
        http_context.set_field_size_limit(FIELDS);
        Wasi {
            context,
            http: http_context,
            requests: HttpHooks(http),
            files: StoreFiles::new(files),
            table,
        }
    }

    /// For what imports nothing of WASI and is linked to none of it.
    fn none() -> Self {
        Wasi::new(
            WasiCtx::builder().allow_tcp(false).allow_udp(false).build(),
            None,
            None,
        )
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Only what imports WASI is linked to it, and gets a context when its store is made.
        let wasi = self.wasi.get_or_insert_with(Wasi::none);
        WasiCtxView {
            ctx: &mut wasi.context,
            table: &mut wasi.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(Wasi::none);
        WasiHttpCtxView {
            ctx: &mut wasi.http,
            table: &mut wasi.table,
            hooks: &mut wasi.requests,
        }
    }
}

impl State {
    /// What answers wasi:filesystem.
    pub(crate) fn files(&mut self) -> Gate<'_> {
        let wasi = self.wasi.get_or_insert_with(Wasi::none);
        Gate {
            context: wasi.context.filesystem(),
            table: &mut wasi.table,
            store: &mut wasi.files,
        }
    }
}

impl Plugin {
    /// Checks, compiles and links a plugin. Compiling takes a while and blocks: some 0.2 s for 300 KB.
    ///
    /// # Errors
    /// The file is too large, no component, not a plugin, or it needs or imports what it does not get.
    pub fn load(
        engine: &Engine,
        bytes: &[u8],
        compiler: &dyn Compiler,
        options: PluginOptions,
    ) -> Result<Self, LoadError> {
        check_size(bytes, options.module_size)?;
        let caps = options.caps.clamped();
        check_instances(bytes, &caps)?;
        let component = compiler.compile(engine, &checkpoints::insert(bytes)?)?;
        check_resources(&component, &caps)?;
        let imports = check_imports(engine, &component, &options.wasi)?;
        let exports = find_exports(&component)?;
        let linked = engine
            .linker(imports.wasi)
            .instantiate_pre(&component)
            .map_err(|error| LoadError::Contract {
                reason: format!("{error:#}"),
            })?;
        Ok(Plugin(Arc::new(Loaded {
            engine: engine.clone(),
            linked,
            exports,
            caps,
            reuse: options.reuse,
            host: options.host,
            log: Arc::new(LogRate::new(caps.log_messages_a_minute)),
            wasi_context: imports.wasi.then_some(options.wasi_context),
            http: options.http,
            files: options.files,
            has_imports: imports.any,
            idle: Mutex::new(Vec::new()),
        })))
    }

    /// What the plugin says that it is: JSON, as it gave it. In a store of its own, without `init`.
    ///
    /// # Errors
    /// A limit or a trap.
    pub async fn describe(&self) -> Result<String, CallError> {
        let plugin = Arc::clone(&self.0);
        let began = Instant::now();
        let guest = Box::pin(async move {
            let (mut store, instance) = plugin.instantiate(began).await?;
            let describe = instance
                .get_typed_func::<(), (String,)>(&mut store, plugin.exports.describe)
                .map_err(|error| plugin.error(&error, Phase::Instantiate, &store))?;
            match describe.call_async(&mut store, ()).await {
                Ok((text,)) => Ok(text),
                Err(error) => Err(plugin.error(&error, Phase::Call, &store)),
            }
        });
        self.run(began, guest).await
    }

    /// Runs a tool with its parameters, a JSON object, and gives its result. Dropping the future ends the guest.
    ///
    /// # Errors
    /// [`CallError::Tool`] where the tool itself says so; else a limit, a trap, or what the plugin gave was refused.
    pub fn call(
        &self,
        tool: impl Into<String>,
        parameters: impl Into<String>,
    ) -> impl Future<Output = Result<String, CallError>> + Send {
        let (tool, parameters) = (tool.into(), parameters.into());
        async move {
            let most = self.0.caps.memory_bytes;
            let bytes = tool.len().saturating_add(parameters.len());
            if bytes > most {
                return Err(CallError::Argument { bytes, most });
            }
            let plugin = Arc::clone(&self.0);
            let began = Instant::now();
            let guest = Box::pin(async move {
                let mut live = match plugin.take_idle(began) {
                    Some(live) => live,
                    // In a box of its own: it is larger than all the rest, which a warm call would move about.
                    None => Box::pin(plugin.start(began)).await?,
                };
                match live
                    .execute
                    .call_async(&mut live.store, (tool, parameters))
                    .await
                {
                    Ok((result,)) => {
                        plugin.put_idle(live);
                        result.map_err(|message| CallError::Tool { message })
                    }
                    Err(error) => Err(plugin.error(&error, Phase::Call, &live.store)),
                }
            });
            self.run(began, guest).await
        }
    }

    /// Stores that wait for their next call: none but in [`Reuse::Warm`].
    #[must_use]
    pub fn idle_stores(&self) -> usize {
        self.0.lock_idle().len()
    }

    async fn run(&self, began: Instant, guest: guard::Guest) -> guard::Outcome {
        let guest = match self.0.caps.memory_bytes > LARGE_MEMORY {
            true => elsewhere(guest),
            false => guest,
        };
        let Loaded {
            engine,
            caps,
            has_imports,
            log,
            host,
            ..
        } = &*self.0;
        let outcome = guard::Run {
            engine,
            deadline: began + caps.deadline,
            after: caps.deadline,
            needs_runtime: *has_imports,
            guest: Some(guest),
            waiting: None,
        }
        .await;
        if *has_imports {
            let dropped = log.take_dropped();
            if dropped > 0 {
                host.log_dropped(dropped);
            }
        }
        outcome
    }
}

/// The same guest, which does nothing at its first poll, so that it moves to the engine's threads before it computes.
fn elsewhere(guest: guard::Guest) -> guard::Guest {
    let mut moved = false;
    Box::pin(async move {
        std::future::poll_fn(|_| match std::mem::replace(&mut moved, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        guest.await
    })
}

impl Loaded {
    /// A store with all limits in force, and an instance in it.
    async fn instantiate(
        &self,
        began: Instant,
    ) -> Result<(Store<State>, wasmtime::component::Instance), CallError> {
        let Some(place) = self.engine.place() else {
            return Err(CallError::Limit(Limit::Concurrency {
                stores: self.engine.stores(),
            }));
        };
        let state = State {
            meter: Meter::new(self.caps),
            deadline: began + self.caps.deadline,
            after: self.caps.deadline,
            place,
            host: Arc::clone(&self.host),
            log: Arc::clone(&self.log),
            wasi: self
                .wasi_context
                .as_ref()
                .map(|make| Wasi::new(make(), self.http.clone(), self.files.clone())),
        };
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(self.caps.exchange_bytes);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        self.begin(&mut store, began);
        match self.linked.instantiate_async(&mut store).await {
            Ok(instance) => Ok((store, instance)),
            Err(error) => Err(self.error(&error, Phase::Instantiate, &store)),
        }
    }

    /// Gives a store what one call may use.
    fn begin(&self, store: &mut Store<State>, began: Instant) {
        // Fuel is on in every engine's settings: this does not fail.
        let _ = store.set_fuel(self.caps.fuel);
        store.set_epoch_deadline(1);
        let state = store.data_mut();
        state.deadline = began + self.caps.deadline;
        state.meter.begin_call();
        if let Some(wasi) = &mut state.wasi {
            wasi.requests.set_deadline(state.deadline);
        }
    }

    /// A store whose `init` has run.
    async fn start(&self, began: Instant) -> Result<Live, CallError> {
        let (mut store, instance) = self.instantiate(began).await?;
        let typed = |error: wasmtime::Error, store: &Store<State>| {
            self.error(&error, Phase::Instantiate, store)
        };
        let init = instance
            .get_typed_func::<(), (Result<(), String>,)>(&mut store, self.exports.init)
            .map_err(|error| typed(error, &store))?;
        match init.call_async(&mut store, ()).await {
            Ok((Ok(()),)) => {}
            Ok((Err(message),)) => return Err(CallError::Init { message }),
            Err(error) => return Err(self.error(&error, Phase::Call, &store)),
        }
        let execute = instance
            .get_typed_func(&mut store, self.exports.execute)
            .map_err(|error| typed(error, &store))?;
        Ok(Live { store, execute })
    }

    fn take_idle(&self, began: Instant) -> Option<Live> {
        if self.reuse == Reuse::Fresh {
            return None;
        }
        let mut live = self.lock_idle().pop()?;
        self.begin(&mut live.store, began);
        Some(live)
    }

    fn put_idle(&self, live: Live) {
        if let Reuse::Warm { idle } = self.reuse {
            let mut waiting = self.lock_idle();
            if waiting.len() < idle {
                waiting.push(live);
            }
        }
    }

    fn lock_idle(&self) -> MutexGuard<'_, Vec<Live>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, error: &wasmtime::Error, phase: Phase, store: &Store<State>) -> CallError {
        let numbers = Numbers {
            fuel: self.caps.fuel,
            stack_bytes: STACK_BYTES,
            exchange_bytes: self.caps.exchange_bytes,
            stores: self.engine.stores(),
            refused: store.data().meter.refused(),
        };
        classify(error, phase, &numbers)
    }
}

impl State {
    pub(crate) fn caps(&self) -> &Caps {
        self.meter.caps()
    }

    /// Called in the guest at each tick: ends it when its time is over, and lets others run if there are any.
    fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Stopped::Limit(Limit::Deadline { after: self.after }).into());
        }
        // A tick comes anywhere in a call: a short one ends on its caller's thread even if it meets one.
        let only_begun = self.after.saturating_sub(self.deadline - now) < SHORT;
        Ok(if only_begun || !guard::must_yield(&self.place.0) {
            UpdateDeadline::Continue(1)
        } else {
            UpdateDeadline::Yield(1)
        })
    }
}
