;; A plugin that answers with what wasi:cli/environment gives it: `first` is the first variable, its name and its value; any other tool
;; is how many there are, at most 9.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
  (core module $memory
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      ;; Texts lie one behind the other: a name, then its value.
      (local.set $at (i32.and (i32.sub (i32.add (global.get $heap) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $heap (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (core func $get (canon lower (func $environment "get-environment") (memory $m "memory") (realloc (func $m "realloc"))))
  (core module $code
    (import "m" "memory" (memory 0))
    (import "w" "get" (func $get (param i32)))
    (data (i32.const 1024) "{\22name\22:\22environment\22,\22tools\22:[]}")
    (func (export "init") (result i32) (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
    (func (export "describe") (result i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 33)) (i32.const 16))
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32)
      (local $list i32)
      (call $get (i32.const 48))
      (local.set $list (i32.load (i32.const 48)))
      (i32.store (i32.const 16) (i32.const 0))
      (if (i32.eq (i32.load8_u (local.get $tool)) (i32.const 102)) ;; first
        (then
          (i32.store (i32.const 20) (i32.load (local.get $list)))
          (i32.store (i32.const 24) (i32.add (i32.load offset=4 (local.get $list)) (i32.load offset=12 (local.get $list))))
          (return (i32.const 16))))
      (i32.store8 (i32.const 64) (i32.add (i32.const 48) (i32.load (i32.const 52))))
      (i32.store (i32.const 20) (i32.const 64))
      (i32.store (i32.const 24) (i32.const 1))
      (i32.const 16)))
  (core instance $w (export "get" (func $get)))
  (core instance $c (instantiate $code (with "m" (instance $m)) (with "w" (instance $w))))
  (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $m "memory")))
  (func $describe (result string) (canon lift (core func $c "describe") (memory $m "memory")))
  (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $m "memory") (realloc (func $m "realloc"))))
  (instance $tools
    (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
  (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))
