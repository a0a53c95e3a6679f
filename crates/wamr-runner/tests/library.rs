//! The library: what firmware does with a guest, in a test.

use wamr_runner::{
    CallError, Grants, Instance, InstantiateError, LoadError, Module, OutOfBounds, PAGE, Value,
};

/// A guest with a counter in memory, a function for each thing that may happen, and WASI.
const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1 100)
    (func (export "_initialize") (i32.store (i32.const 12) (i32.const 77)))
    (func (export "count") (result i32)
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (i32.load (i32.const 8)))
    (func (export "sum") (param i32 i32) (result i32)
        (i32.add (i32.load8_u (local.get 0)) (i32.load8_u (local.get 1))))
    (func (export "swap") (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
    (func (export "nothing"))
    (func (export "wide") (param i64))
    (func (export "wider") (param i32 i64 i64) (result i64 i32 i64)
        (i64.add (local.get 1) (local.get 2)) (local.get 0) (local.get 2))
    (func (export "widened") (result i64) (i64.const -2))
    (func (export "real") (param f32) (result f32) (local.get 0))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "beyond") (result i32) (i32.load (i32.const -4)))
    (func (export "leave") (param i32) (call $exit (local.get 0)))
    (func (export "trap") unreachable))"#;

fn module(text: &str) -> Module {
    Module::load(wat::parse_str(text).expect("wat")).expect("a module")
}

fn guest() -> Instance {
    Instance::new(&module(GUEST), &Grants::default()).expect("an instance")
}

#[test]
fn exports_are_called_with_values_of_type_i32() {
    let mut guest = guest();
    assert_eq!(guest.read(12, 1), Ok(&[77][..]), "_initialize has run");
    assert_eq!(guest.call("swap", &[1, -2]).expect("returns"), [-2, 1]);
    assert_eq!(guest.call("nothing", &[]).expect("returns"), [0; 0]);
    assert!(guest.exports("swap") && !guest.exports("memory") && !guest.exports("a\0b"));
    for (name, arguments) in [
        ("swap", &[1][..]),
        ("wide", &[1]),
        ("widened", &[]),
        ("nothing", &[1]),
    ] {
        let refused = guest.call(name, arguments);
        assert!(
            matches!(refused, Err(CallError::Signature { .. })),
            "{name}"
        );
    }
    assert!(matches!(guest.call("none", &[]), Err(CallError::Missing(name)) if name == "none"));
}

#[test]
fn exports_are_called_with_values_of_type_i64_too() {
    let mut guest = guest();
    let (most, least) = (Value::from(i64::MAX), Value::from(i64::MIN));
    let returned = guest.call_with("wider", &[Value::from(-3), most, least]);
    let wanted = [Value::I64(-1), Value::I32(-3), least];
    assert_eq!(returned.expect("returns"), wanted);
    let returned = guest.call_with("widened", &[]).expect("returns");
    assert_eq!(returned, [Value::I64(-2)]);
    let both = [Value::from(1), Value::from(2)];
    let returned = guest.call_with("swap", &both).expect("returns");
    assert_eq!(returned, [Value::from(2), Value::from(1)]);
    for (name, arguments) in [
        ("wider", &[most, most, least][..]),
        ("wider", &[Value::from(-3), most]),
        ("swap", &[most]),
        ("real", &[Value::from(1)]),
    ] {
        let refused = guest.call_with(name, arguments);
        assert!(
            matches!(refused, Err(CallError::Signature { .. })),
            "{name}"
        );
    }
}

#[test]
fn memory_is_read_and_written_and_its_end_is_an_error() {
    let mut guest = guest();
    guest.write(100, &[40, 2]).expect("inside");
    assert_eq!(guest.call("sum", &[100, 101]).expect("returns"), [42]);
    assert_eq!(guest.read(99, 4), Ok(&[0, 40, 2, 0][..]));
    assert_eq!(guest.read(PAGE as u32, 0), Ok(&[][..]));
    for (at, length) in [
        (PAGE as u32 - 1, 2),
        (PAGE as u32, 1),
        (u32::MAX, 1),
        (0, u32::MAX),
    ] {
        let error = OutOfBounds {
            at,
            length: length as usize,
            size: PAGE,
        };
        assert_eq!(guest.read(at, length), Err(error));
    }
    // Nothing is written of what does not fit.
    assert!(guest.write(PAGE as u32 - 1, &[7, 7]).is_err());
    assert_eq!(guest.read(PAGE as u32 - 1, 1), Ok(&[0][..]));
    assert!(guest.write(u32::MAX, &[7]).is_err());
}

#[test]
fn memory_grows_to_the_cap_and_no_further() {
    let grants = Grants {
        max_memory_pages: Some(3),
        ..Grants::default()
    };
    let mut guest = Instance::new(&module(GUEST), &grants).expect("an instance");
    assert_eq!((guest.pages(), guest.memory().len()), (1, PAGE));
    assert_eq!(guest.call("grow", &[2]).expect("returns"), [1]);
    assert_eq!((guest.pages(), guest.memory().len()), (3, 3 * PAGE));
    assert_eq!(guest.call("grow", &[1]).expect("returns"), [-1]);
    assert_eq!(guest.pages(), 3);
    guest.write(3 * PAGE as u32 - 1, &[9]).expect("the new end");

    // The control: without a cap, the module's own limit.
    let mut free = self::guest();
    assert_eq!(free.call("grow", &[99]).expect("returns"), [1]);
    assert_eq!(free.call("grow", &[1]).expect("returns"), [-1]);

    let large =
        module(r#"(module (memory 4) (func (export "grow") (drop (memory.grow (i32.const 1)))))"#);
    let refused = Instance::new(&large, &grants);
    assert!(matches!(
        refused,
        Err(InstantiateError::MemoryCap { starts: 4, cap: 3 })
    ));
}

#[test]
fn a_trap_is_told_and_harms_no_other_instance() {
    let module = module(GUEST);
    let mut first = Instance::new(&module, &Grants::default()).expect("an instance");
    let mut second = Instance::new(&module, &Grants::default()).expect("an instance");
    drop(module);
    assert_eq!(first.call("count", &[]).expect("returns"), [1]);
    assert_eq!(first.call("count", &[]).expect("returns"), [2]);
    assert_eq!(second.call("count", &[]).expect("returns"), [1]);
    for (name, says) in [
        ("trap", "Exception: unreachable"),
        ("beyond", "Exception: out of bounds memory access"),
    ] {
        assert!(matches!(first.call(name, &[]), Err(CallError::Trap(text)) if text == says));
        assert_eq!(first.exception().as_deref(), Some(says));
    }
    assert_eq!(first.call("count", &[]).expect("returns"), [3]);
    assert_eq!(first.exception(), None);
    assert_eq!(second.exception(), None);
    assert_eq!(second.call("count", &[]).expect("returns"), [2]);
    drop(first);
    assert_eq!(second.call("count", &[]).expect("returns"), [3]);
}

#[test]
fn an_exit_is_no_trap() {
    let mut guest = guest();
    assert!(matches!(guest.call("leave", &[3]), Err(CallError::Exit(3))));
    assert!(matches!(guest.call("leave", &[0]), Err(CallError::Exit(0))));
}

#[test]
fn a_command_runs_with_its_exit_code() {
    let command = module(
        r#"(module
            (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                (drop (call $sizes (i32.const 0) (i32.const 4)))
                (call $exit (i32.load (i32.const 0)))))"#,
    );
    for count in [0, 1, 5] {
        let arguments = vec!["argument".into(); count];
        let grants = Grants {
            arguments,
            ..Grants::default()
        };
        let mut instance = Instance::new(&command, &grants).expect("an instance");
        assert_eq!(instance.run().expect("exits"), count as u32);
    }
    let trap =
        module(r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#);
    let mut instance = Instance::new(&trap, &Grants::default()).expect("an instance");
    assert!(matches!(instance.run(), Err(CallError::Trap(_))));
}

#[test]
fn what_is_no_module_is_refused_with_wamrs_text() {
    for (bytes, says) in [
        (&b""[..], "WASM module load failed: unexpected end"),
        (
            b"\0asm\x0d\0\x01\0",
            "WASM module load failed: unknown binary version",
        ),
        (
            b"no module",
            "WASM module load failed: magic header not detected",
        ),
    ] {
        match Module::load(bytes.to_vec()) {
            Err(LoadError::Refused(text)) => assert_eq!(text, says),
            _ => panic!("{bytes:?} was not refused"),
        }
    }
    let grants = Grants {
        environment: vec!["A=\0".into()],
        ..Grants::default()
    };
    let refused = Instance::new(&module(GUEST), &grants);
    assert!(matches!(refused, Err(InstantiateError::ZeroByte(_))));
}

#[test]
fn threads_have_instances_of_their_own() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut guest = guest();
                    for count in 1..=50 {
                        assert_eq!(guest.call("count", &[]).expect("returns"), [count]);
                    }
                }
            });
        }
    });
}
