;; A plugin that does with WASI what the first letter of its tool says; its parameters are a path, where it needs one.
;; It answers a number: what it counted, or 0, or an error code of WASI as -1 - code; `count * 1000 + code` where it goes on until an
;; error. The strings that it reads it answers as they are.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance $polls
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $polls "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $e))
    (type $se0 (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $se (eq $se0)))
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (export "[method]input-stream.blocking-read" (func (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $se)))))
    (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))
    (export "[method]output-stream.write" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))
    (export "[method]output-stream.write-zeroes" (func (param "self" (borrow $out)) (param "len" u64) (result (result (error $se)))))
    (export "[method]output-stream.blocking-splice" (func (param "self" (borrow $out)) (param "src" (borrow $in)) (param "len" u64) (result (result u64 (error $se)))))))
  (alias export $streams "input-stream" (type $input))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:random/insecure@0.2.0" (instance $insecure
    (export "get-insecure-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input (type $in)) (export "get-stdin" (func (result (own $in))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output (type $out)) (export "get-stdout" (func (result (own $out))))))
  (import "wasi:filesystem/types@0.2.0" (instance $fs
    (alias outer 1 $error (type $e))
    (alias outer 1 $input (type $in))
    (alias outer 1 $output (type $out))
    (export "descriptor" (type $d (sub resource)))
    (export "directory-entry-stream" (type $ds (sub resource)))
    (type $ec0 (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist" "file-too-large"
      "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop" "too-many-links" "message-size"
      "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory" "insufficient-space" "not-directory" "not-empty"
      "not-recoverable" "unsupported" "no-tty" "no-such-device" "overflow" "not-permitted" "pipe" "read-only" "invalid-seek"
      "text-file-busy" "cross-device"))
    (export "error-code" (type $ec (eq $ec0)))
    (type $dt0 (enum "unknown" "block-device" "character-device" "directory" "fifo" "symbolic-link" "regular-file" "socket"))
    (export "descriptor-type" (type $dt (eq $dt0)))
    (type $pf0 (flags "symlink-follow")) (export "path-flags" (type $pf (eq $pf0)))
    (type $of0 (flags "create" "directory" "exclusive" "truncate")) (export "open-flags" (type $of (eq $of0)))
    (type $df0 (flags "read" "write" "file-integrity-sync" "data-integrity-sync" "requested-write-sync" "mutate-directory"))
    (export "descriptor-flags" (type $df (eq $df0)))
    (type $time0 (record (field "seconds" u64) (field "nanoseconds" u32))) (export "datetime" (type $time (eq $time0)))
    (type $nt0 (variant (case "no-change") (case "now") (case "timestamp" $time))) (export "new-timestamp" (type $nt (eq $nt0)))
    (type $st0 (record (field "type" $dt) (field "link-count" u64) (field "size" u64)
      (field "data-access-timestamp" (option $time)) (field "data-modification-timestamp" (option $time))
      (field "status-change-timestamp" (option $time))))
    (export "descriptor-stat" (type $st (eq $st0)))
    (type $mh0 (record (field "lower" u64) (field "upper" u64))) (export "metadata-hash-value" (type $mh (eq $mh0)))
    (type $de0 (record (field "type" $dt) (field "name" string))) (export "directory-entry" (type $de (eq $de0)))
    (export "[method]descriptor.read-via-stream" (func (param "self" (borrow $d)) (param "offset" u64) (result (result (own $in) (error $ec)))))
    (export "[method]descriptor.write-via-stream" (func (param "self" (borrow $d)) (param "offset" u64) (result (result (own $out) (error $ec)))))
    (export "[method]descriptor.append-via-stream" (func (param "self" (borrow $d)) (result (result (own $out) (error $ec)))))
    (export "[method]descriptor.set-size" (func (param "self" (borrow $d)) (param "size" u64) (result (result (error $ec)))))
    (export "[method]descriptor.read" (func (param "self" (borrow $d)) (param "length" u64) (param "offset" u64) (result (result (tuple (list u8) bool) (error $ec)))))
    (export "[method]descriptor.write" (func (param "self" (borrow $d)) (param "buffer" (list u8)) (param "offset" u64) (result (result u64 (error $ec)))))
    (export "[method]descriptor.read-directory" (func (param "self" (borrow $d)) (result (result (own $ds) (error $ec)))))
    (export "[method]directory-entry-stream.read-directory-entry" (func (param "self" (borrow $ds)) (result (result (option $de) (error $ec)))))
    (export "[method]descriptor.create-directory-at" (func (param "self" (borrow $d)) (param "path" string) (result (result (error $ec)))))
    (export "[method]descriptor.unlink-file-at" (func (param "self" (borrow $d)) (param "path" string) (result (result (error $ec)))))
    (export "[method]descriptor.remove-directory-at" (func (param "self" (borrow $d)) (param "path" string) (result (result (error $ec)))))
    (export "[method]descriptor.readlink-at" (func (param "self" (borrow $d)) (param "path" string) (result (result string (error $ec)))))
    (export "[method]descriptor.stat-at" (func (param "self" (borrow $d)) (param "path-flags" $pf) (param "path" string) (result (result $st (error $ec)))))
    (export "[method]descriptor.metadata-hash-at" (func (param "self" (borrow $d)) (param "path-flags" $pf) (param "path" string) (result (result $mh (error $ec)))))
    (export "[method]descriptor.set-times-at" (func (param "self" (borrow $d)) (param "path-flags" $pf) (param "path" string)
      (param "data-access-timestamp" $nt) (param "data-modification-timestamp" $nt) (result (result (error $ec)))))
    (export "[method]descriptor.link-at" (func (param "self" (borrow $d)) (param "old-path-flags" $pf) (param "old-path" string)
      (param "new-descriptor" (borrow $d)) (param "new-path" string) (result (result (error $ec)))))
    (export "[method]descriptor.rename-at" (func (param "self" (borrow $d)) (param "old-path" string)
      (param "new-descriptor" (borrow $d)) (param "new-path" string) (result (result (error $ec)))))
    (export "[method]descriptor.symlink-at" (func (param "self" (borrow $d)) (param "old-path" string) (param "new-path" string) (result (result (error $ec)))))
    (export "[method]descriptor.open-at" (func (param "self" (borrow $d)) (param "path-flags" $pf) (param "path" string)
      (param "open-flags" $of) (param "flags" $df) (result (result (own $d) (error $ec)))))
    (export "filesystem-error-code" (func (param "err" (borrow $e)) (result (option $ec))))))
  (alias export $fs "descriptor" (type $descriptor))
  (alias export $fs "directory-entry-stream" (type $listing))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $d))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))

  (core module $memory
    (memory (export "memory") 4)
    (global $heap (mut i32) (i32.const 16384))
    ;; What is asked for is forgotten at the next call of a function with a result: nothing is kept beyond that.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
      (global.set $heap (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
        (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
          (then (unreachable)))))
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (core func $block (canon lower (func $polls "[method]pollable.block")))
  (core func $poll (canon lower (func $polls "poll") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $stream_read (canon lower (func $streams "[method]input-stream.blocking-read") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $stream_write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m "memory")))
  (core func $stream_write_now (canon lower (func $streams "[method]output-stream.write") (memory $m "memory")))
  (core func $stream_zeroes (canon lower (func $streams "[method]output-stream.write-zeroes") (memory $m "memory")))
  (core func $splice (canon lower (func $streams "[method]output-stream.blocking-splice") (memory $m "memory")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $random (canon lower (func $random "get-random-bytes") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $insecure (canon lower (func $insecure "get-insecure-random-bytes") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $exit (canon lower (func $exit "exit")))
  (core func $stdin (canon lower (func $stdin "get-stdin")))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $read_via (canon lower (func $fs "[method]descriptor.read-via-stream") (memory $m "memory")))
  (core func $write_via (canon lower (func $fs "[method]descriptor.write-via-stream") (memory $m "memory")))
  (core func $append_via (canon lower (func $fs "[method]descriptor.append-via-stream") (memory $m "memory")))
  (core func $set_size (canon lower (func $fs "[method]descriptor.set-size") (memory $m "memory")))
  (core func $read (canon lower (func $fs "[method]descriptor.read") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $write (canon lower (func $fs "[method]descriptor.write") (memory $m "memory")))
  (core func $read_directory (canon lower (func $fs "[method]descriptor.read-directory") (memory $m "memory")))
  (core func $entry (canon lower (func $fs "[method]directory-entry-stream.read-directory-entry") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $mkdir (canon lower (func $fs "[method]descriptor.create-directory-at") (memory $m "memory")))
  (core func $unlink (canon lower (func $fs "[method]descriptor.unlink-file-at") (memory $m "memory")))
  (core func $rmdir (canon lower (func $fs "[method]descriptor.remove-directory-at") (memory $m "memory")))
  (core func $readlink (canon lower (func $fs "[method]descriptor.readlink-at") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $stat (canon lower (func $fs "[method]descriptor.stat-at") (memory $m "memory")))
  (core func $hash (canon lower (func $fs "[method]descriptor.metadata-hash-at") (memory $m "memory")))
  (core func $set_times (canon lower (func $fs "[method]descriptor.set-times-at") (memory $m "memory")))
  (core func $link (canon lower (func $fs "[method]descriptor.link-at") (memory $m "memory")))
  (core func $rename (canon lower (func $fs "[method]descriptor.rename-at") (memory $m "memory")))
  (core func $symlink (canon lower (func $fs "[method]descriptor.symlink-at") (memory $m "memory")))
  (core func $open (canon lower (func $fs "[method]descriptor.open-at") (memory $m "memory")))
  (core func $error_code (canon lower (func $fs "filesystem-error-code") (memory $m "memory")))
  (core func $preopens (canon lower (func $preopens "get-directories") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $drop_descriptor (canon resource.drop $descriptor))
  (core func $drop_input (canon resource.drop $input))

  (core module $code
    (import "m" "memory" (memory 0))
    (import "h" "block" (func $block (param i32)))
    (import "h" "poll" (func $poll (param i32 i32 i32)))
    (import "h" "stream-read" (func $stream_read (param i32 i64 i32)))
    (import "h" "stream-write" (func $stream_write (param i32 i32 i32 i32)))
    (import "h" "stream-write-now" (func $stream_write_now (param i32 i32 i32 i32)))
    (import "h" "stream-zeroes" (func $stream_zeroes (param i32 i64 i32)))
    (import "h" "splice" (func $splice (param i32 i32 i64 i32)))
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "random" (func $random (param i64 i32)))
    (import "h" "insecure" (func $insecure (param i64 i32)))
    (import "h" "exit" (func $exit (param i32)))
    (import "h" "stdin" (func $stdin (result i32)))
    (import "h" "stdout" (func $stdout (result i32)))
    (import "h" "read-via" (func $read_via (param i32 i64 i32)))
    (import "h" "write-via" (func $write_via (param i32 i64 i32)))
    (import "h" "append-via" (func $append_via (param i32 i32)))
    (import "h" "set-size" (func $set_size (param i32 i64 i32)))
    (import "h" "read" (func $read (param i32 i64 i64 i32)))
    (import "h" "write" (func $write (param i32 i32 i32 i64 i32)))
    (import "h" "read-directory" (func $read_directory (param i32 i32)))
    (import "h" "entry" (func $entry (param i32 i32)))
    (import "h" "mkdir" (func $mkdir (param i32 i32 i32 i32)))
    (import "h" "unlink" (func $unlink (param i32 i32 i32 i32)))
    (import "h" "rmdir" (func $rmdir (param i32 i32 i32 i32)))
    (import "h" "readlink" (func $readlink (param i32 i32 i32 i32)))
    (import "h" "stat" (func $stat (param i32 i32 i32 i32 i32)))
    (import "h" "hash" (func $hash (param i32 i32 i32 i32 i32)))
    (import "h" "set-times" (func $set_times (param i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i32)))
    (import "h" "link" (func $link (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "rename" (func $rename (param i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "symlink" (func $symlink (param i32 i32 i32 i32 i32 i32)))
    (import "h" "open" (func $open (param i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "error-code" (func $error_code (param i32 i32)))
    (import "h" "preopens" (func $preopens (param i32)))
    (import "h" "drop-descriptor" (func $drop_descriptor (param i32)))
    (import "h" "drop-input" (func $drop_input (param i32)))
    (data (i32.const 1024) "{\22name\22:\22guest\22,\22tools\22:[]}")
    (data (i32.const 1100) "made")
    (global $root (mut i32) (i32.const -1))

    (func (export "init") (result i32) (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
    (func (export "describe") (result i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 27)) (i32.const 16))

    ;; Where functions put their results: 256. A result without payload has its code at 1, others at 4 or 8.
    (func $result (param $payload i32) (result i32)
      (if (i32.eqz (i32.load8_u (i32.const 256))) (then (return (i32.const 0))))
      (i32.sub (i32.const -1) (i32.load8_u (i32.add (i32.const 256) (local.get $payload)))))
    ;; The handle that was given, or the code.
    (func $handle (result i32)
      (if (i32.eqz (i32.load8_u (i32.const 256))) (then (return (i32.load (i32.const 260)))))
      (call $result (i32.const 4)))
    (func $open_root (param $path i32) (param $len i32) (param $follow i32) (param $oflags i32) (param $flags i32) (result i32)
      (call $open (global.get $root) (local.get $follow) (local.get $path) (local.get $len) (local.get $oflags) (local.get $flags) (i32.const 256))
      (call $handle))
    ;; The code of a stream's error, whose disc is at $at: 998 if it has none, 999 if the stream is closed.
    (func $stream_error (param $at i32) (result i32)
      (if (i32.load8_u (local.get $at)) (then (return (i32.const 999))))
      (call $error_code (i32.load (i32.add (local.get $at) (i32.const 4))) (i32.const 512))
      (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (i32.const 998))))
      (i32.load8_u (i32.const 513)))
    (func $counted (param $count i32) (param $code i32) (result i32)
      (call $number (i32.add (i32.mul (local.get $count) (i32.const 1000)) (local.get $code))))
    (func $text (param $at i32) (param $len i32) (result i32)
      (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (local.get $at)) (i32.store (i32.const 24) (local.get $len))
      (i32.const 16))
    (func $number (param $number i32) (result i32)
      (local $at i32) (local $rest i32)
      (local.set $at (i32.const 160))
      (local.set $rest (select (i32.sub (i32.const 0) (local.get $number)) (local.get $number) (i32.lt_s (local.get $number) (i32.const 0))))
      (loop $more
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
        (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
        (br_if $more (local.get $rest)))
      (if (i32.lt_s (local.get $number) (i32.const 0)) (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
      (call $text (local.get $at) (i32.sub (i32.const 160) (local.get $at))))

    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $path i32) (param $len i32) (result i32)
      (local $op i32) (local $handle i32) (local $other i32) (local $count i32) (local $offset i64)
      (local.set $op (i32.load8_u (local.get $tool)))
      ;; The first folder that is granted; op `p` asks for them itself.
      (if (i32.and (i32.eq (global.get $root) (i32.const -1)) (i32.ne (local.get $op) (i32.const 112))) (then
        (call $preopens (i32.const 256))
        (if (i32.load (i32.const 260)) (then (global.set $root (i32.load (i32.load (i32.const 256))))))))

      ;; o open for reading, following · n not following · d as a folder
      (if (i32.eq (local.get $op) (i32.const 111)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      (if (i32.eq (local.get $op) (i32.const 110)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 0) (i32.const 0) (i32.const 1)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      (if (i32.eq (local.get $op) (i32.const 100)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 2) (i32.const 1)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      ;; c create and open for writing · C only a new one · t cut to nothing
      (if (i32.eq (local.get $op) (i32.const 99)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      (if (i32.eq (local.get $op) (i32.const 67)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 5) (i32.const 2)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      (if (i32.eq (local.get $op) (i32.const 116)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 8) (i32.const 2)))
        (return (call $number (select (i32.const 0) (local.get $handle) (i32.ge_s (local.get $handle) (i32.const 0)))))))
      ;; R the text of a file
      (if (i32.eq (local.get $op) (i32.const 82)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (call $read (local.get $handle) (i64.const -1) (i64.const 0) (i32.const 256))
        (if (i32.load8_u (i32.const 256)) (then (return (call $number (call $result (i32.const 4))))))
        (return (call $text (i32.load (i32.const 260)) (i32.load (i32.const 264))))))
      ;; L how many entries a folder has
      (if (i32.eq (local.get $op) (i32.const 76)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 2) (i32.const 1)))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (call $read_directory (local.get $handle) (i32.const 256))
        (local.set $handle (call $handle))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (loop $next
          (call $entry (local.get $handle) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then (return (call $number (call $result (i32.const 4))))))
          (if (i32.load8_u (i32.const 260)) (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br $next))))
        (return (call $number (local.get $count)))))
      ;; m make a folder · u remove a file · x remove a folder
      (if (i32.eq (local.get $op) (i32.const 109)) (then
        (call $mkdir (global.get $root) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 117)) (then
        (call $unlink (global.get $root) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 120)) (then
        (call $rmdir (global.get $root) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      ;; r rename to `made` · V rename `made` to it · h hard link as `made` · s symlink `made` with this in it
      (if (i32.eq (local.get $op) (i32.const 114)) (then
        (call $rename (global.get $root) (local.get $path) (local.get $len) (global.get $root) (i32.const 1100) (i32.const 4) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 86)) (then
        (call $rename (global.get $root) (i32.const 1100) (i32.const 4) (global.get $root) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 104)) (then
        (call $link (global.get $root) (i32.const 0) (local.get $path) (local.get $len) (global.get $root) (i32.const 1100) (i32.const 4) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 115)) (then
        (call $symlink (global.get $root) (local.get $path) (local.get $len) (i32.const 1100) (i32.const 4) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      ;; k what is in a symlink · a stat · H metadata hash · T set both times to now
      (if (i32.eq (local.get $op) (i32.const 107)) (then
        (call $readlink (global.get $root) (local.get $path) (local.get $len) (i32.const 256))
        (if (i32.load8_u (i32.const 256)) (then (return (call $number (call $result (i32.const 4))))))
        (return (call $text (i32.load (i32.const 260)) (i32.load (i32.const 264))))))
      (if (i32.eq (local.get $op) (i32.const 97)) (then
        (call $stat (global.get $root) (i32.const 1) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 8))))))
      (if (i32.eq (local.get $op) (i32.const 72)) (then
        (call $hash (global.get $root) (i32.const 1) (local.get $path) (local.get $len) (i32.const 256))
        (return (call $number (call $result (i32.const 8))))))
      (if (i32.eq (local.get $op) (i32.const 84)) (then
        (call $set_times (global.get $root) (i32.const 1) (local.get $path) (local.get $len)
          (i32.const 2) (i64.const 1000) (i32.const 0) (i32.const 2) (i64.const 1000) (i32.const 0) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      ;; w write 4,096 bytes again and again through a stream · A by appending · W by `write`
      (if (i32.or (i32.eq (local.get $op) (i32.const 119)) (i32.eq (local.get $op) (i32.const 65))) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (if (i32.eq (local.get $op) (i32.const 119))
          (then (call $write_via (local.get $handle) (i64.const 0) (i32.const 256)))
          (else (call $append_via (local.get $handle) (i32.const 256))))
        (local.set $handle (call $handle))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (loop $next
          (call $stream_write (local.get $handle) (i32.const 4096) (i32.const 4096) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then
            (return (call $counted (local.get $count) (call $stream_error (i32.const 260))))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      (if (i32.eq (local.get $op) (i32.const 87)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
        (loop $next
          (call $write (local.get $handle) (i32.const 4096) (i32.const 4096) (local.get $offset) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then
            (return (call $counted (local.get $count) (i32.load8_u (i32.const 264))))))
          (local.set $offset (i64.add (local.get $offset) (i64.const 4096)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      ;; S make a file of a terabyte · g write behind its first terabyte · G the same through a stream
      (if (i32.eq (local.get $op) (i32.const 83)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (call $set_size (local.get $handle) (i64.const 1099511627776) (i32.const 256))
        (return (call $number (call $result (i32.const 1))))))
      (if (i32.eq (local.get $op) (i32.const 103)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (call $write (local.get $handle) (i32.const 4096) (i32.const 1) (i64.const 1099511627776) (i32.const 256))
        (return (call $number (call $result (i32.const 8))))))
      (if (i32.eq (local.get $op) (i32.const 71)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (call $write_via (local.get $handle) (i64.const 1099511627776) (i32.const 256))
        (local.set $handle (call $handle))
        (call $stream_write (local.get $handle) (i32.const 4096) (i32.const 1) (i32.const 256))
        (return (call $counted (i32.const 0) (call $stream_error (i32.const 260))))))
      ;; K write 128 KiB at once through a stream, without asking how much it takes
      (if (i32.eq (local.get $op) (i32.const 75)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 1) (i32.const 2)))
        (call $write_via (local.get $handle) (i64.const 0) (i32.const 256))
        (call $stream_write_now (call $handle) (i32.const 4096) (i32.const 131072) (i32.const 256))
        (return (call $number (i32.const 0)))))
      ;; j copy a file into `made` through streams, again and again, until an error
      (if (i32.eq (local.get $op) (i32.const 106)) (then
        (local.set $other (call $open_root (i32.const 1100) (i32.const 4) (i32.const 1) (i32.const 1) (i32.const 2)))
        (call $append_via (local.get $other) (i32.const 256))
        (local.set $other (call $handle))
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
        (loop $next
          (call $read_via (local.get $handle) (i64.const 0) (i32.const 256))
          (local.set $op (call $handle))
          (if (i32.lt_s (local.get $op) (i32.const 0)) (then (return (call $number (local.get $op)))))
          (call $splice (local.get $other) (local.get $op) (i64.const -1) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then
            (return (call $counted (local.get $count) (call $stream_error (i32.const 264))))))
          (call $drop_input (local.get $op))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      ;; z open until an error · Z open, keep only a stream of it, until an error · D open and drop 5,000 times
      (if (i32.eq (local.get $op) (i32.const 122)) (then
        (loop $next
          (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
          (if (i32.lt_s (local.get $handle) (i32.const 0)) (then
            (return (call $counted (local.get $count) (i32.sub (i32.const -1) (local.get $handle))))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      ;; O open until an error, and then wait for ever
      (if (i32.eq (local.get $op) (i32.const 79)) (then
        (loop $next
          (br_if $next (i32.ge_s
            (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)) (i32.const 0))))
        (call $block (call $subscribe (i64.const -1)))))
      (if (i32.eq (local.get $op) (i32.const 90)) (then
        (loop $next
          (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
          (if (i32.lt_s (local.get $handle) (i32.const 0)) (then
            (return (call $counted (local.get $count) (i32.sub (i32.const -1) (local.get $handle))))))
          (call $read_via (local.get $handle) (i64.const 0) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then (return (call $number (call $result (i32.const 4))))))
          (call $drop_descriptor (local.get $handle))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      (if (i32.eq (local.get $op) (i32.const 68)) (then
        (loop $next
          (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
          (if (i32.lt_s (local.get $handle) (i32.const 0)) (then (return (call $number (local.get $handle)))))
          (call $drop_descriptor (local.get $handle))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $count) (i32.const 5000))))
        (return (call $number (local.get $count)))))
      ;; X streams of one file until an error · Y listings of the root until an error
      (if (i32.eq (local.get $op) (i32.const 88)) (then
        (local.set $handle (call $open_root (local.get $path) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 1)))
        (loop $next
          (call $read_via (local.get $handle) (i64.const 0) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then (return (call $counted (local.get $count) (i32.load8_u (i32.const 260))))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      (if (i32.eq (local.get $op) (i32.const 89)) (then
        (loop $next
          (call $read_directory (global.get $root) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then (return (call $counted (local.get $count) (i32.load8_u (i32.const 260))))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))
      ;; p the granted folders, again and again
      (if (i32.eq (local.get $op) (i32.const 112)) (then
        (loop $next
          (call $preopens (i32.const 256))
          (if (i32.eqz (i32.load (i32.const 260))) (then (return (call $number (i32.const 0)))))
          (br $next))))
      ;; b wait for ever · q wait for ever for 450 things (each is two resources) · B things to wait for, without end · P one of them, 90,000 times
      (if (i32.eq (local.get $op) (i32.const 98)) (then
        (call $block (call $subscribe (i64.const -1)))))
      (if (i32.eq (local.get $op) (i32.const 113)) (then
        (loop $next
          (i32.store (i32.add (i32.const 8192) (i32.shl (local.get $count) (i32.const 2))) (call $subscribe (i64.const -2)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $count) (i32.const 450))))
        (call $poll (i32.const 8192) (local.get $count) (i32.const 256))))
      (if (i32.eq (local.get $op) (i32.const 66)) (then
        (loop $next (drop (call $subscribe (i64.const 0))) (br $next))))
      (if (i32.eq (local.get $op) (i32.const 80)) (then
        (if (i32.eq (i32.const -1) (memory.grow (i32.const 128))) (then (unreachable)))
        (local.set $handle (call $subscribe (i64.const 0)))
        (loop $next
          (i32.store (i32.add (i32.const 262144) (i32.shl (local.get $count) (i32.const 2))) (local.get $handle))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $count) (i32.const 90000))))
        (call $poll (i32.const 262144) (local.get $count) (i32.const 256))))
      ;; e end with success · E with failure
      (if (i32.eq (local.get $op) (i32.const 101)) (then (call $exit (i32.const 0))))
      (if (i32.eq (local.get $op) (i32.const 69)) (then (call $exit (i32.const 1))))
      ;; f a terabyte of random bytes · i of insecure ones · F 65,536
      (if (i32.eq (local.get $op) (i32.const 102)) (then (call $random (i64.const 1099511627776) (i32.const 256))))
      (if (i32.eq (local.get $op) (i32.const 105)) (then (call $insecure (i64.const 1099511627776) (i32.const 256))))
      (if (i32.eq (local.get $op) (i32.const 70)) (then
        (call $random (i64.const 65536) (i32.const 256))
        (return (call $number (i32.load (i32.const 260))))))
      ;; y 40 MB to standard output · v a terabyte of zeroes to it · Q read standard input
      (if (i32.eq (local.get $op) (i32.const 121)) (then
        (local.set $handle (call $stdout))
        (loop $next
          (call $stream_write (local.get $handle) (i32.const 4096) (i32.const 4096) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then (return (call $number (i32.const -1)))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $count) (i32.const 10000))))
        (return (call $number (local.get $count)))))
      (if (i32.eq (local.get $op) (i32.const 118)) (then
        (call $stream_zeroes (call $stdout) (i64.const 1099511627776) (i32.const 256))))
      (if (i32.eq (local.get $op) (i32.const 81)) (then
        (call $stream_read (call $stdin) (i64.const -1) (i32.const 256))
        (return (call $counted (i32.const 0) (call $stream_error (i32.const 260))))))
      (unreachable)))
  (core instance $h
    (export "block" (func $block)) (export "poll" (func $poll)) (export "stream-read" (func $stream_read))
    (export "stream-write" (func $stream_write)) (export "stream-write-now" (func $stream_write_now)) (export "stream-zeroes" (func $stream_zeroes)) (export "splice" (func $splice))
    (export "subscribe" (func $subscribe)) (export "random" (func $random)) (export "insecure" (func $insecure))
    (export "exit" (func $exit)) (export "stdin" (func $stdin)) (export "stdout" (func $stdout))
    (export "read-via" (func $read_via)) (export "write-via" (func $write_via)) (export "append-via" (func $append_via))
    (export "set-size" (func $set_size)) (export "read" (func $read)) (export "write" (func $write))
    (export "read-directory" (func $read_directory)) (export "entry" (func $entry)) (export "mkdir" (func $mkdir))
    (export "unlink" (func $unlink)) (export "rmdir" (func $rmdir)) (export "readlink" (func $readlink)) (export "stat" (func $stat))
    (export "hash" (func $hash)) (export "set-times" (func $set_times)) (export "link" (func $link)) (export "rename" (func $rename))
    (export "symlink" (func $symlink)) (export "open" (func $open)) (export "error-code" (func $error_code))
    (export "preopens" (func $preopens)) (export "drop-descriptor" (func $drop_descriptor)) (export "drop-input" (func $drop_input)))
  (core instance $c (instantiate $code (with "m" (instance $m)) (with "h" (instance $h))))
  (func $init_ (result (result (error string))) (canon lift (core func $c "init") (memory $m "memory")))
  (func $describe_ (result string) (canon lift (core func $c "describe") (memory $m "memory")))
  (func $execute_ (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $m "memory") (realloc (func $m "realloc"))))
  (instance $tools
    (export "init" (func $init_)) (export "describe" (func $describe_)) (export "execute-tool" (func $execute_)))
  (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))
