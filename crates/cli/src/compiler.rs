//! Compiles plugins in a process of its own, whose memory and time are bounded: this command again, by a hidden subcommand.
//!
//! What compiling takes does not follow from a module's size: 73 KB of nested loops that all change the same 8,000 variables ask for
//! gigabytes and minutes. So there is a process that may have [`Bounds::of`] the module's size, and is gone when it wants more. It
//! runs no code of the plugin's, holds no key and no variable of this process's environment, and ends when this process does.

mod answer;
pub(crate) mod child;
mod loading;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use dewclaw_sandbox::engine::{CompileError, Compiler, Engine};
use wasmtime::component::Component;

use self::answer::{Answer, HEAD_BYTES};

/// The first argument that makes this command the compiling process. No command of the component begins so.
pub(crate) const SUBCOMMAND: &str = "__compile-plugin";

/// More threads compile little faster, and each works on a function of its own, which takes memory.
const THREADS: &str = "4";

/// What compiling one module may take. It grows with the module, and how large that may be is the operator's policy to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    /// Bytes of memory that can be written to, on Linux.
    memory_bytes: u64,
    /// By the wall clock.
    time: Duration,
    /// Bytes of machine code.
    code_bytes: u64,
}

impl Bounds {
    /// 256 MiB of memory and 64 bytes for each byte of the module; 10 s and 20 s for each 1,000,000 bytes; 4 MiB of code and 16 for
    /// each byte.
    ///
    /// On two cores: a component of 269 KB takes 50 MiB, 0.5 s and 1.2 MB of code, one of 10.5 MB (a JavaScript engine) 450 MiB, 17 s
    /// and 36 MB.
    fn of(module_bytes: usize) -> Bounds {
        let bytes = module_bytes as u64;
        Bounds {
            memory_bytes: bytes.saturating_mul(64).saturating_add(256 << 20),
            time: Duration::from_secs(10) + Duration::from_micros(bytes.saturating_mul(20)),
            code_bytes: bytes.saturating_mul(16).saturating_add(4 << 20),
        }
    }

    fn out_of_memory(self) -> CompileError {
        CompileError::Limit {
            resource: "memory",
            most: format!("{} MiB", self.memory_bytes >> 20),
        }
    }

    fn out_of_time(self) -> CompileError {
        CompileError::Limit {
            resource: "time",
            most: format!("{:.1} s", self.time.as_secs_f64()),
        }
    }

    fn out_of_code(self) -> CompileError {
        CompileError::Limit {
            resource: "room for machine code",
            most: format!("{} MiB", self.code_bytes >> 20),
        }
    }
}

/// A [`Compiler`] for strangers' bytes.
#[derive(Debug)]
pub(crate) struct ChildCompiler {
    program: OsString,
    arguments: Vec<OsString>,
    bounds: fn(usize) -> Bounds,
}

impl ChildCompiler {
    /// One that runs this very executable.
    ///
    /// # Errors
    /// The system does not say which that is.
    pub(crate) fn of_this_command() -> io::Result<ChildCompiler> {
        Ok(ChildCompiler {
            // It is the file that this process runs, whatever lies at its path by now.
            program: if cfg!(target_os = "linux") {
                "/proc/self/exe".into()
            } else {
                std::env::current_exe()?.into()
            },
            arguments: vec![SUBCOMMAND.into()],
            bounds: Bounds::of,
        })
    }

    /// How long it works on a module of so many bytes at most.
    pub(crate) fn most_time(&self, module_bytes: usize) -> Duration {
        (self.bounds)(module_bytes).time
    }

    /// Has a process answer, and sees it gone.
    fn ask(&self, module: &[u8], bounds: Bounds) -> Result<Answer, CompileError> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(bounds.memory_bytes.to_string())
            .env_clear()
            .env("RAYON_NUM_THREADS", THREADS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(unavailable)?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let heard = match streams {
            Some((input, output)) => converse(&mut child, input, output, module, bounds),
            None => Err(unavailable("its streams are not open")),
        };
        if heard.is_err() {
            // It has nothing more to say; one that is gone already is no failure.
            let _ = child.kill();
        }
        let status = child.wait().map_err(unavailable)?;
        let answer = heard?;
        if !status.success() {
            return Err(ended(status, bounds));
        }
        Answer::read(answer).map_err(unavailable)
    }
}

impl Compiler for ChildCompiler {
    fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
        match self.ask(bytes, (self.bounds)(bytes.len()))? {
            Answer::Code(code) => {
                loading::component(engine, &code).map_err(|error| unavailable(format!("{error:#}")))
            }
            Answer::Invalid(reason) => Err(CompileError::Invalid { reason }),
            Answer::NoEngine(reason) => Err(unavailable(reason)),
        }
    }
}

/// Gives the module and takes all that is answered, within the bounds.
fn converse(
    child: &mut Child,
    mut input: ChildStdin,
    output: ChildStdout,
    module: &[u8],
    bounds: Bounds,
) -> Result<Vec<u8>, CompileError> {
    let most = HEAD_BYTES as u64 + bounds.code_bytes;
    thread::scope(|scope| {
        // It stays open until the answer is there: its end tells the process that this one is gone. A process that does not read
        // to the end has a reason, and the answer, or its ending, tells it.
        let writer = scope.spawn(move || {
            let _ = input
                .write_all(&(module.len() as u64).to_le_bytes())
                .and_then(|()| input.write_all(module))
                .and_then(|()| input.flush());
            input
        });
        let (report, answered) = channel();
        scope.spawn(move || {
            let mut answer = Vec::new();
            let read = output.take(most + 1).read_to_end(&mut answer);
            let _ = report.send(read.map(|_| answer));
        });
        let heard = match answered.recv_timeout(bounds.time) {
            Ok(Ok(answer)) if answer.len() as u64 > most => Err(bounds.out_of_code()),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(unavailable(error)),
            Err(RecvTimeoutError::Timeout) => Err(bounds.out_of_time()),
            Err(RecvTimeoutError::Disconnected) => Err(unavailable("its answer was not read")),
        };
        if heard.is_err() {
            // So that the threads find their pipes closed.
            let _ = child.kill();
        }
        drop(writer);
        heard
    })
}

/// Why a process ended without an answer. An allocation that fails aborts it, as does a stack that is used up, which is memory too;
/// the compiler's panics end it with a code.
fn ended(status: ExitStatus, bounds: Bounds) -> CompileError {
    const PANICKED: i32 = 101;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::Signal;
        use std::os::unix::process::ExitStatusExt;
        if status.signal() == Some(Signal::ABORT.as_raw()) {
            return bounds.out_of_memory();
        }
    }
    match status.code() {
        Some(PANICKED) => {
            unavailable("it panicked on this plugin, which is a bug of the compiler's")
        }
        _ => unavailable(format!("it ended early, with {status}")),
    }
}

fn unavailable(reason: impl ToString) -> CompileError {
    CompileError::Unavailable {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
