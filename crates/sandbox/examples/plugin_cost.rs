//! What a plugin is and what a call of it takes, as numbers for its policy:
//! `cargo run --release -p dewclaw-sandbox --example plugin_cost -- FILE TOOL JSON [DIR]`. `read-file` is answered from DIR.
//!
//! A limit's number is the least with which the call still works, found by halving.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    CallContext, CallError, Caps, CompileError, Compiler, Engine, EngineOptions, Host, HostAnswer,
    HttpRequest, LoadError, LogLevel, ModuleSize, Plugin, PluginOptions, Reuse, TrustedInputOnly,
};
use wasmtime::component::Component;

type Failure = Box<dyn std::error::Error>;

/// Files of one folder, and nothing else: the operator's own plugin is measured.
struct Files(PathBuf);

impl Host for Files {
    fn http_request<'a>(
        &'a self,
        _: CallContext,
        _: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async { Ok(Err("there is no network here".to_owned())) })
    }

    fn read_file<'a>(
        &'a self,
        _: CallContext,
        path: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        let read = std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string());
        Box::pin(async { Ok(read) })
    }

    fn write_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
        _: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        Box::pin(async { Ok(Err("nothing is written here".to_owned())) })
    }

    fn get_env<'a>(&'a self, _: CallContext, _: String) -> HostAnswer<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    fn log<'a>(&'a self, _: CallContext, _: LogLevel, _: String, _: bool) -> HostAnswer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Compiles once for all loads.
struct Compiled(Component);

impl Compiler for Compiled {
    fn compile(&self, _: &Engine, _: &[u8]) -> Result<Component, CompileError> {
        Ok(self.0.clone())
    }
}

struct Measured {
    engine: Engine,
    bytes: Vec<u8>,
    compiled: Compiled,
    files: Arc<Files>,
    tool: String,
    json: String,
    runtime: tokio::runtime::Runtime,
}

impl Measured {
    fn load(&self, caps: Caps, reuse: Reuse) -> Result<Plugin, LoadError> {
        let options = PluginOptions {
            caps,
            module_size: ModuleSize {
                raw_bytes: usize::MAX,
                gzip_bytes: usize::MAX,
            },
            reuse,
            host: self.files.clone(),
            ..PluginOptions::default()
        };
        Plugin::load(&self.engine, &self.bytes, &self.compiled, options)
    }

    fn call(&self, plugin: &Plugin) -> Result<String, CallError> {
        self.runtime.block_on(plugin.call(&self.tool, &self.json))
    }

    fn works(&self, caps: Caps) -> bool {
        let ended = self
            .load(caps, Reuse::Fresh)
            .map(|plugin| self.call(&plugin));
        matches!(ended, Ok(Ok(_) | Err(CallError::Tool { .. })))
    }

    /// The least value, in steps, that still works.
    fn least(&self, most: u64, step: u64, with: impl Fn(Caps, u64) -> Caps) -> Option<u64> {
        if !self.works(with(most_caps(), most)) {
            return None;
        }
        let (mut fails, mut works) = (0, most / step);
        while works - fails > 1 {
            let middle = fails + (works - fails) / 2;
            if self.works(with(most_caps(), middle * step)) {
                works = middle;
            } else {
                fails = middle;
            }
        }
        Some(works * step)
    }

    fn median(&self, plugin: &Plugin) -> Result<Duration, CallError> {
        let mut took = Vec::new();
        for _ in 0..51 {
            let began = Instant::now();
            match self.call(plugin) {
                Ok(_) | Err(CallError::Tool { .. }) => took.push(began.elapsed()),
                Err(error) => return Err(error),
            }
        }
        took.sort();
        Ok(took[took.len() / 2])
    }
}

/// What any policy can grant at most.
fn most_caps() -> Caps {
    Caps {
        fuel: u64::MAX,
        memory_bytes: usize::MAX,
        table_elements: usize::MAX,
        deadline: Duration::MAX,
        ..Caps::default()
    }
    .clamped()
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, tool, json, rest @ ..] = arguments.as_slice() else {
        return Err("give FILE TOOL JSON [DIR]".into());
    };
    let bytes = std::fs::read(file)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bytes)?;
    println!("{} bytes, {} after gzip", bytes.len(), gzip.finish()?.len());
    let engine = Engine::new(EngineOptions::default())?;
    let began = Instant::now();
    let compiled = Compiled(TrustedInputOnly.compile(&engine, &bytes)?);
    println!("compiled in {:?}", began.elapsed());
    let measured = Measured {
        engine,
        bytes,
        compiled,
        files: Arc::new(Files(
            rest.first().map_or_else(|| ".".into(), PathBuf::from),
        )),
        tool: tool.clone(),
        json: json.clone(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
    };
    let plugin = measured.load(most_caps(), Reuse::Fresh)?;
    let began = Instant::now();
    println!("{tool}: {:?}", measured.call(&plugin));
    println!("the first call: {:?}", began.elapsed());
    println!("a call in a fresh store: {:?}", measured.median(&plugin)?);
    let warm = measured.load(most_caps(), Reuse::Warm { idle: 1 })?;
    println!("a call in a warm store: {:?}", measured.median(&warm)?);
    let most = most_caps();
    let fuel = measured.least(most.fuel, 10_000, |caps, fuel| Caps { fuel, ..caps });
    println!("fuel: {fuel:?}");
    let memory = measured.least(most.memory_bytes as u64, 1 << 16, |caps, bytes| Caps {
        memory_bytes: bytes as usize,
        ..caps
    });
    println!("bytes of memory: {memory:?}");
    let table = measured.least(most.table_elements as u64, 1, |caps, elements| Caps {
        table_elements: elements as usize,
        ..caps
    });
    println!("table elements: {table:?}");
    Ok(())
}
