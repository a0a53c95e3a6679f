//! Compiling processes that do what none should: each stands in for ours, and the answer is an error by its type.

use std::sync::OnceLock;
use std::time::Instant;

use dewclaw_sandbox::engine::{Allocation, EngineOptions};

use super::*;

const PATIENT: Bounds = Bounds {
    memory_bytes: 64 << 20,
    time: Duration::from_secs(60),
    code_bytes: 1 << 20,
};

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::new(EngineOptions {
            stores: 1,
            allocation: Allocation::OnDemand,
            threads: 1,
        })
        .unwrap()
    })
}

/// What comes of a shell that runs this script in place of the compiling process.
fn compile_by(script: &str, bounds: fn(usize) -> Bounds) -> String {
    let compiler = ChildCompiler {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), "sh".into()],
        bounds,
    };
    let module = vec![0; 1 << 20];
    compiler.compile(engine(), &module).unwrap_err().to_string()
}

#[test]
fn bounds_grow_with_the_module() {
    assert_eq!(
        Bounds::of(300_000),
        Bounds {
            memory_bytes: (256 << 20) + 19_200_000,
            time: Duration::from_secs(16),
            code_bytes: (4 << 20) + 4_800_000,
        }
    );
    // No size makes them wrap.
    assert!(Bounds::of(usize::MAX).memory_bytes > 1 << 60);
}

#[test]
fn one_that_takes_too_long_is_killed() {
    let began = Instant::now();
    let short = |_| Bounds {
        time: Duration::from_millis(50),
        ..PATIENT
    };
    // It reads on for as long as there is somebody who could write.
    assert_eq!(
        compile_by("while read -r line; do :; done; exit 0", short),
        "compiling took more time than the limit of 0.1 s"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_aborts_ran_out_of_memory() {
    assert_eq!(
        compile_by("kill -ABRT $$", |_| PATIENT),
        "compiling took more memory than the limit of 64 MiB"
    );
}

#[test]
fn one_that_is_killed_or_gives_up_is_no_compiler() {
    let told = compile_by("kill -KILL $$", |_| PATIENT);
    assert!(
        told.starts_with("the compiler did not run: it ended early, with signal: 9"),
        "{told}"
    );
    assert_eq!(
        compile_by("exit 3", |_| PATIENT),
        "the compiler did not run: it ended early, with exit status: 3"
    );
    assert_eq!(
        compile_by("exit 101", |_| PATIENT),
        "the compiler did not run: it panicked on this plugin, which is a bug of the compiler's"
    );
}

#[test]
fn an_answer_that_is_not_whole_is_none() {
    for script in ["exit 0", "printf dewclaw1", "printf 'dewclaw1%042d' 0"] {
        assert_eq!(
            compile_by(script, |_| PATIENT),
            "the compiler did not run: its answer is not whole",
            "{script}"
        );
    }
}

#[test]
fn one_that_never_stops_answering_is_killed() {
    assert_eq!(
        compile_by("while :; do echo on and on; done", |_| PATIENT),
        "compiling took more room for machine code than the limit of 1 MiB"
    );
}

#[test]
fn one_that_is_not_there_is_said() {
    let compiler = ChildCompiler {
        program: "/nowhere/dewclaw".into(),
        arguments: Vec::new(),
        bounds: Bounds::of,
    };
    let told = compiler.compile(engine(), b"").unwrap_err().to_string();
    assert!(
        told.starts_with("the compiler did not run: No such file"),
        "{told}"
    );
}
