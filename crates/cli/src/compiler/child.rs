//! The compiling process: reads a plugin's bytes from standard input, bounds itself, and writes machine code. It runs no code of the
//! plugin's.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use dewclaw_sandbox::engine::{Allocation, CompileError, Engine, EngineError, EngineOptions};

use super::answer::Answer;

/// Whoever started this process is gone, or does not speak as [`super::ChildCompiler`] does.
const NOBODY: u8 = 1;

/// Compiles what standard input has: its length, eight bytes with the least first, then the bytes. Input stays open behind them: its
/// end is the end of whoever started this, and of this.
pub(crate) fn compile(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let memory = arguments
        .next()
        .and_then(|memory| memory.to_str()?.parse().ok());
    let (Some(memory), None) = (memory, arguments.next()) else {
        return ExitCode::from(NOBODY);
    };
    if limit_memory(memory).is_err() {
        return ExitCode::from(NOBODY);
    }
    let Ok(module) = read_module(&mut io::stdin().lock()) else {
        return ExitCode::from(NOBODY);
    };
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(i32::from(NOBODY));
    });
    let answer = answer(&module);
    let (head, body) = answer.parts();
    let mut out = io::stdout().lock();
    let written = out
        .write_all(&head)
        .and_then(|()| out.write_all(body))
        .and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(NOBODY),
    }
}

fn read_module(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut module = Vec::new();
    input.take(length).read_to_end(&mut module)?;
    match module.len() as u64 == length {
        true => Ok(module),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn answer(module: &[u8]) -> Answer {
    // The pool is address space for stores: it makes no difference to the code.
    let engine = Engine::new(EngineOptions {
        stores: 1,
        allocation: Allocation::OnDemand,
        threads: 1,
    });
    match engine.map(|engine| engine.precompile(module)) {
        Ok(Ok(code)) => Answer::Code(code),
        Ok(Err(CompileError::Invalid { reason })) => Answer::Invalid(reason),
        Ok(Err(error)) => Answer::NoEngine(error.to_string()),
        Err(EngineError::Unsupported { reason }) => Answer::NoEngine(reason),
        Err(error) => Answer::NoEngine(error.to_string()),
    }
}

/// From here on this process has so many bytes of memory that it can write to; an allocation beyond them ends it. No core is dumped.
///
/// Linux (since 4.7) counts what is private and writable, so that neither address space that is only reserved nor the number of threads makes
/// a difference. Elsewhere nothing counts so: there only time is bounded.
#[cfg(target_os = "linux")]
fn limit_memory(bytes: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    for (resource, most) in [(Resource::Data, bytes), (Resource::Core, 0)] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: u64) -> io::Result<()> {
    Ok(())
}
