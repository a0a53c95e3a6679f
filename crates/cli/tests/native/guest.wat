;; A plugin whose tools take one text, the value of the first member of their parameters (what is between the third quote and the
;; fourth), and ask the host for it. The tool's first letter says for what: get, read, write (with the text itself), variable, log;
;; echo gives the parameters back, and any other tool never ends.
(component
  (import "dewclaw:plugin/host@0.1.0" (instance $host
    (export "http-request" (func (param "method" string) (param "url" string)
      (param "headers" (list (tuple string string))) (param "body" (option string)) (result (result string (error string)))))
    (export "read-file" (func (param "path" string) (result (result string (error string)))))
    (export "write-file" (func (param "path" string) (param "content" string) (result (result (error string)))))
    (export "get-env" (func (param "name" string) (result (option string))))
    (export "log" (func (param "level" u8) (param "message" string)))))
  (core module $memory
    (memory (export "memory") 2)
    (global $heap (mut i32) (i32.const 16384))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
      (global.set $heap (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
        (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
          (then (unreachable)))))
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (core func $http (canon lower (func $host "http-request") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $read (canon lower (func $host "read-file") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $write (canon lower (func $host "write-file") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $env (canon lower (func $host "get-env") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $log (canon lower (func $host "log") (memory $m "memory") (realloc (func $m "realloc"))))
  (core module $code
    (import "m" "memory" (memory 0))
    (import "h" "http" (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "read" (func $read (param i32 i32 i32)))
    (import "h" "write" (func $write (param i32 i32 i32 i32 i32)))
    (import "h" "env" (func $env (param i32 i32 i32)))
    (import "h" "log" (func $log (param i32 i32 i32)))
    (global $at (mut i32) (i32.const 0))
    (global $end (mut i32) (i32.const 0))
    (data (i32.const 256) "GET")
    (data (i32.const 1024) "DESCRIPTION")
    ;; Moves behind the next quote.
    (func $quote
      (loop $more
        (if (i32.ge_u (global.get $at) (global.get $end)) (then (unreachable)))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br_if $more (i32.ne (i32.const 34) (i32.load8_u (i32.sub (global.get $at) (i32.const 1)))))))
    (func (export "init") (result i32) (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
    (func (export "describe") (result i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const LENGTH)) (i32.const 16))
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32)
      (local $first i32) (local $text i32) (local $length i32)
      (local.set $first (i32.load8_u (local.get $tool)))
      ;; ok and the parameters
      (i32.store (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $json))
      (i32.store (i32.const 24) (local.get $json_len))
      (if (i32.eq (local.get $first) (i32.const 101)) (then (return (i32.const 16)))) ;; echo
      (if (i32.eq (local.get $first) (i32.const 115)) (then (loop $again (br $again)))) ;; spin
      (global.set $at (local.get $json))
      (global.set $end (i32.add (local.get $json) (local.get $json_len)))
      (call $quote) (call $quote) (call $quote)
      (local.set $text (global.get $at))
      (call $quote)
      (local.set $length (i32.sub (i32.sub (global.get $at) (local.get $text)) (i32.const 1)))
      (if (i32.eq (local.get $first) (i32.const 103)) ;; get
        (then (call $http (i32.const 256) (i32.const 3) (local.get $text) (local.get $length)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 114)) ;; read
        (then (call $read (local.get $text) (local.get $length) (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 119)) ;; write
        (then (call $write (local.get $text) (local.get $length) (local.get $text) (local.get $length) (i32.const 16))
          (if (i32.eqz (i32.load8_u (i32.const 16)))
            (then (i32.store (i32.const 20) (local.get $json)) (i32.store (i32.const 24) (local.get $json_len))))))
      (if (i32.eq (local.get $first) (i32.const 118)) ;; variable: an error without words where there is none
        (then (call $env (local.get $text) (local.get $length) (i32.const 16))
          (i32.store8 (i32.const 16) (i32.eqz (i32.load8_u (i32.const 16))))))
      (if (i32.eq (local.get $first) (i32.const 108)) ;; log
        (then (call $log (i32.const 1) (local.get $text) (local.get $length))))
      (i32.const 16)))
  (core instance $h
    (export "http" (func $http)) (export "read" (func $read)) (export "write" (func $write)) (export "env" (func $env))
    (export "log" (func $log)))
  (core instance $c (instantiate $code (with "m" (instance $m)) (with "h" (instance $h))))
  (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $m "memory")))
  (func $describe (result string) (canon lift (core func $c "describe") (memory $m "memory")))
  (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $m "memory") (realloc (func $m "realloc"))))
  (instance $tools
    (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
  (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))
