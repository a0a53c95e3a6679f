//! Parts of guests that are written as text: bodies of the functions of a core module.

/// Of `execute-tool`, with its parameters `$json` and `$json_len`. Gives back where the answer lies: `ok` and the parameters.
pub(crate) const ECHO: &str = "(i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $json))
    (i32.store (i32.const 24) (local.get $json_len))
    (i32.const 16)";

/// Of an allocator that only goes on, and grows memory: `$size` bytes from the global `$heap` on.
pub(crate) const BUMP: &str = r#"
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
        (then (unreachable)))))
    (local.get $at)"#;

/// Of any function: it never ends.
pub(crate) const SPIN: &str = "(loop $again (br $again)) (unreachable)";
