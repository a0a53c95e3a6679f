;; A plugin that asks its host for whatever its parameters say, and gives the host's answer back. Fields are parted by line feeds:
;;   get URL | post URL BODY | header URL NAME VALUE | read PATH | write PATH CONTENT | env NAME | log MESSAGE
;; `env` gives an error without text where the host gives none; any other tool logs its parameters for ever.
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
    (global $heap (mut i32) (i32.const 4096))
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
    ;; What is left of the parameters, and the field that was taken last.
    (global $at (mut i32) (i32.const 0))
    (global $left (mut i32) (i32.const 0))
    (global $field (mut i32) (i32.const 0))
    (global $length (mut i32) (i32.const 0))
    (data (i32.const 1024) "{\22name\22:\22asker\22,\22version\22:\221\22,\22tools\22:[{\22name\22:\22get\22},{\22name\22:\22post\22},{\22name\22:\22header\22},{\22name\22:\22read\22},{\22name\22:\22write\22},{\22name\22:\22env\22},{\22name\22:\22log\22}]}")
    (data (i32.const 2048) "GET")
    (data (i32.const 2056) "POST")
    ;; The next field: up to a line feed, or all the rest.
    (func $next
      (global.set $field (global.get $at))
      (global.set $length (i32.const 0))
      (block $done
        (loop $more
          (br_if $done (i32.eqz (global.get $left)))
          (global.set $left (i32.sub (global.get $left) (i32.const 1)))
          (global.set $at (i32.add (global.get $at) (i32.const 1)))
          (br_if $done (i32.eq (i32.const 10) (i32.load8_u (i32.sub (global.get $at) (i32.const 1)))))
          (global.set $length (i32.add (global.get $length) (i32.const 1)))
          (br $more))))
    (func (export "init") (result i32) (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
    (func (export "describe") (result i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 152)) (i32.const 16))
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32)
      (local $first i32)
      (global.set $at (local.get $json))
      (global.set $left (local.get $json_len))
      ;; ok and an empty text, unless the host says otherwise
      (i32.store (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (i32.const 0))
      (i32.store (i32.const 24) (i32.const 0))
      (local.set $first (i32.load8_u (local.get $tool)))
      (if (i32.eq (local.get $first) (i32.const 103)) ;; get
        (then
          (call $next)
          (call $http (i32.const 2048) (i32.const 3) (global.get $field) (global.get $length)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 112)) ;; post
        (then
          (call $next)
          (call $http (i32.const 2056) (i32.const 4) (global.get $field) (global.get $length)
            (i32.const 0) (i32.const 0) (i32.const 1) (global.get $at) (global.get $left) (i32.const 16))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 104)) ;; header
        (then
          (call $next)
          (i32.store (i32.const 64) (global.get $field))
          (i32.store (i32.const 68) (global.get $length))
          (call $next)
          (i32.store (i32.const 48) (global.get $field))
          (i32.store (i32.const 52) (global.get $length))
          (i32.store (i32.const 56) (global.get $at))
          (i32.store (i32.const 60) (global.get $left))
          (call $http (i32.const 2048) (i32.const 3) (i32.load (i32.const 64)) (i32.load (i32.const 68))
            (i32.const 48) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 114)) ;; read
        (then
          (call $read (global.get $at) (global.get $left) (i32.const 16))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 119)) ;; write
        (then
          (call $next)
          (call $write (global.get $field) (global.get $length) (global.get $at) (global.get $left) (i32.const 16))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 101)) ;; env
        (then
          (call $env (global.get $at) (global.get $left) (i32.const 16))
          (i32.store8 (i32.const 16) (i32.eqz (i32.load8_u (i32.const 16))))
          (return (i32.const 16))))
      (if (i32.eq (local.get $first) (i32.const 108)) ;; log
        (then
          (call $log (i32.const 2) (global.get $at) (global.get $left))
          (return (i32.const 16))))
      (loop $again
        (call $log (i32.const 1) (global.get $at) (global.get $left))
        (br $again))
      (unreachable)))
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
