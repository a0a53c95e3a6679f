//! The program `wamr-runner`: flags, exit codes, what is granted and what is not.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Builds `tests/guest/program.rs`, once for each target.
fn program(target: &str) -> &'static Path {
    static CORE: OnceLock<PathBuf> = OnceLock::new();
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    let built = if target == "wasm32-wasip1" {
        &CORE
    } else {
        &COMPONENT
    };
    built.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("program-{target}-{}.wasm", std::process::id()));
        let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
        let status = Command::new(rustc)
            .args([
                "--edition=2024",
                "-O",
                "-Cstrip=symbols",
                "--target",
                target,
            ])
            .args(["-Clink-arg=-zstack-size=65536", "-o"])
            .arg(&file)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/guest/program.rs"
            ))
            .status()
            .expect("rustc");
        assert!(status.success(), "the guest for {target} was not built");
        file
    })
}

/// A module of text, in a file.
fn module(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("module.wasm");
    std::fs::write(&file, wat::parse_str(text).expect("wat")).expect("write");
    file
}

fn runner() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wamr-runner"))
}

/// Runs the guest program with these flags and arguments, in a folder.
fn guest_in(folder: &Path, flags: &[&str], arguments: &[&str]) -> Output {
    runner()
        .current_dir(folder)
        .args(flags)
        .arg(program("wasm32-wasip1"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("run")
}

fn guest(flags: &[&str], arguments: &[&str]) -> Output {
    guest_in(Path::new("."), flags, arguments)
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

#[test]
fn the_guest_gets_arguments_variables_and_streams() {
    let output = guest(&["--env=A=1", "--env=B=x=y"], &["echo", "--dir=no", ""]);
    let path = program("wasm32-wasip1").display();
    assert_eq!(
        out(&output),
        format!("{path}\necho\n--dir=no\n\nA=1\nB=x=y\n")
    );
    assert_eq!(output.status.code(), Some(0));

    let mut child = runner()
        .arg(program("wasm32-wasip1"))
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"one\0two").expect("write");
    drop(input);
    let output = child.wait_with_output().expect("end");
    assert_eq!(output.stdout, b"one\0two");
    assert_eq!(output.stderr, b"7 bytes");
}

#[test]
fn the_exit_code_is_the_guests() {
    for code in ["0", "1", "7", "255"] {
        let output = guest(&[], &["exit", code]);
        assert_eq!(
            output.status.code().map(|code| code.to_string()),
            Some(code.into())
        );
        assert_eq!(out(&output), "");
    }
}

#[test]
fn a_trap_is_told_on_standard_output_and_gives_1() {
    let output = guest(&[], &["panic"]);
    assert_eq!(out(&output), "Exception: unreachable\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the guest panics"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_component_is_refused_and_the_same_program_as_a_core_module_is_not() {
    let output = runner()
        .arg(program("wasm32-wasip2"))
        .args(["exit", "7"])
        .output()
        .expect("run");
    assert_eq!(
        out(&output),
        "WASM module load failed: unknown binary version\n"
    );
    assert_eq!(output.status.code(), Some(255));
    assert_eq!(guest(&[], &["exit", "7"]).status.code(), Some(7));
}

#[test]
fn what_cannot_begin_says_why_and_gives_255() {
    let folder = tempfile::tempdir().expect("folder");
    let text = folder.path().join("text.wasm");
    std::fs::write(&text, "(module)").expect("write");
    let cases: [(&[&OsStr], &str); 5] = [
        (
            &["none.wasm".as_ref()],
            "Read file to buffer failed: open file none.wasm failed.",
        ),
        (
            &[text.as_ref()],
            "WASM module load failed: magic header not detected",
        ),
        (
            &["--dir=none".as_ref(), program("wasm32-wasip1").as_ref()],
            "error while pre-opening directory none: 2",
        ),
        (
            &["--map-dir=none".as_ref(), program("wasm32-wasip1").as_ref()],
            "error while pre-opening mapped directory: invalid map",
        ),
        (
            &[
                "--addr-pool=1.2.3.4".as_ref(),
                program("wasm32-wasip1").as_ref(),
            ],
            "Invalid address pool entry: 1.2.3.4, must be in the format of ADDRESS/MASK",
        ),
    ];
    for (arguments, says) in cases {
        let output = runner().args(arguments).output().expect("run");
        assert_eq!(out(&output).trim_end(), says);
        assert_eq!(output.status.code(), Some(255), "{says}");
    }
}

#[test]
fn flags_that_are_not_understood_give_the_help_and_1() {
    for flags in [
        &["--nonsense"][..],
        &["--dir="],
        &["--env=novalue"],
        &["-f", "name"],
        &["-v=9"],
        &["--max-memory-pages=0"],
        &[],
    ] {
        let output = runner().args(flags).output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{flags:?}");
        assert_ne!(out(&output), "", "{flags:?}");
    }
    let help = runner().arg("--help").output().expect("run");
    assert_eq!(help.status.code(), Some(0));
    for flag in [
        "--dir",
        "--map-dir",
        "--env",
        "--addr-pool",
        "--allow-resolve",
        "--stack-size",
        "--heap-size",
        "--function",
        "--max-memory-pages",
        "--stats",
    ] {
        assert!(out(&help).contains(flag), "{flag}");
    }
    let nine: Vec<_> = (0..9).map(|number| format!("--env=N{number}=")).collect();
    let output = runner().args(&nine).output().expect("run");
    assert_eq!(out(&output), "Only allow max env number 8\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_is_seen_by_the_name_typed_or_mapped() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::create_dir(folder.path().join("box")).expect("folder");
    let run = |flags: &[&str], arguments: &[&str]| {
        out(&guest_in(folder.path(), flags, arguments))
            .trim_end()
            .to_owned()
    };
    assert_eq!(run(&["--dir=box"], &["write", "box/a", "text"]), "written");
    assert_eq!(run(&["--map-dir=/::box"], &["read", "/a"]), "text");
    assert_eq!(run(&["--map-dir=/::box"], &["list", "/"]), "a");
    // Not granted at all: std knows of no folder that holds it.
    assert_ne!(run(&[], &["read", "box/a"]), "text");
}

#[test]
fn nothing_outside_a_granted_folder_is_reached() {
    let folder = tempfile::tempdir().expect("folder");
    let inside = folder.path().join("box");
    std::fs::create_dir(&inside).expect("folder");
    std::fs::write(folder.path().join("secret"), "secret").expect("write");
    std::fs::write(inside.join("open"), "open").expect("write");
    for (target, name) in [
        ("../secret", "up"),
        (
            folder.path().join("secret").to_str().expect("text"),
            "absolute",
        ),
        ("..", "parent"),
        ("open", "within"),
    ] {
        std::os::unix::fs::symlink(target, inside.join(name)).expect("link");
    }
    let read = |path: &str| {
        out(&guest_in(
            folder.path(),
            &["--map-dir=/::box"],
            &["read", path],
        ))
        .trim_end()
        .to_owned()
    };
    // The control: a link that stays inside is followed.
    assert_eq!(read("/open"), "open");
    assert_eq!(read("/within"), "open");
    for path in [
        "/../secret",
        "/up",
        "/absolute",
        "/parent/secret",
        "/parent/box/open",
    ] {
        assert_eq!(read(path), "error 76", "{path}");
    }
    let output = guest_in(
        folder.path(),
        &["--map-dir=/::box"],
        &["write", "/up", "changed"],
    );
    assert_eq!(out(&output), "error 76\n");
    let secret = std::fs::read_to_string(folder.path().join("secret"));
    assert_eq!(secret.expect("read"), "secret");
}

#[test]
fn only_addresses_and_names_that_are_granted_are_reached() {
    let server = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = server.local_addr().expect("address").port().to_string();
    let said = |flags: &[&str], arguments: &[&str]| out(&guest(flags, arguments)).to_owned();
    assert_eq!(said(&[], &["connect", &port]), "connect 2\n");
    assert_eq!(
        said(
            &["--addr-pool=10.0.0.0/8,127.0.0.2/32"],
            &["connect", &port]
        ),
        "connect 2\n"
    );
    assert_eq!(
        said(&["--addr-pool=10.0.0.0/8,127.0.0.0/8"], &["connect", &port]),
        "connect 0\n"
    );
    drop(server);
    assert_eq!(
        said(&["--addr-pool=127.0.0.0/8"], &["connect", &port]),
        "connect 14\n"
    );

    assert_eq!(said(&[], &["resolve", "localhost"]), "resolve 2 false\n");
    assert_eq!(
        said(&["--allow-resolve=gateway"], &["resolve", "localhost"]),
        "resolve 2 false\n"
    );
    for name in ["localhost", "*host", "*"] {
        let flag = format!("--allow-resolve={name}");
        assert_eq!(
            said(&[&flag], &["resolve", "localhost"]),
            "resolve 0 true\n"
        );
    }
}

#[test]
fn memory_ends_at_the_cap_and_the_guest_goes_on() {
    let output = guest(&["--max-memory-pages=16", "--stats"], &["fill"]);
    let blocks = out(&output)
        .strip_prefix("full after ")
        .and_then(|rest| rest.strip_suffix(" blocks\n"))
        .and_then(|number| number.parse::<u32>().ok())
        .expect("a number of blocks");
    // 60,000 bytes each, of 1,048,576 less what the program itself has.
    assert!((14..=17).contains(&blocks), "{blocks}");
    assert_eq!(output.status.code(), Some(0));
    let stats = String::from_utf8(output.stderr).expect("text");
    assert!(
        stats.starts_with("{\"memory_pages\":16,\"peak_rss_kib\":"),
        "{stats}"
    );
    let refused = guest(&["--max-memory-pages=1"], &["exit", "7"]);
    assert_eq!(refused.status.code(), Some(255));
    assert!(out(&refused).contains("may have 1"), "{}", out(&refused));
}

#[test]
fn stats_are_the_last_line_of_standard_error_and_say_what_was_used() {
    let output = guest(&["--stats"], &["panic"]);
    let errors = String::from_utf8(output.stderr).expect("text");
    let line = errors.lines().last().expect("a line");
    let peak = line
        .strip_prefix("{\"memory_pages\":2,\"peak_rss_kib\":")
        .and_then(|rest| rest.strip_suffix('}'))
        .expect("stats");
    if cfg!(target_os = "linux") {
        let kib: u64 = peak.parse().expect("a number");
        assert!((500..20_000).contains(&kib), "{kib}");
    }
    assert!(!String::from_utf8_lossy(&guest(&[], &["panic"]).stderr).contains("memory_pages"));
}

#[test]
fn an_export_is_called_and_the_stack_is_as_large_as_asked_for() {
    let folder = tempfile::tempdir().expect("folder");
    let file = module(
        folder.path(),
        r#"(module
            (func $depth (export "depth") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0))
                    (then (i32.const 0))
                    (else (i32.add (i32.const 1) (call $depth (i32.sub (local.get 0) (i32.const 1))))))))"#,
    );
    let call = |flags: &[&str], depth: &str| {
        let output = runner()
            .args(flags)
            .args(["-f", "depth"])
            .args([file.as_os_str(), depth.as_ref()])
            .output()
            .expect("run");
        (out(&output).to_owned(), output.status.code())
    };
    assert_eq!(call(&[], "300"), ("0x12c:i32\n".to_owned(), Some(0)));
    let (text, code) = call(&[], "5000");
    assert!(
        text.starts_with("Exception: wasm operand stack overflow"),
        "{text}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(
        call(&["--stack-size=1048576"], "5000"),
        ("0x1388:i32\n".to_owned(), Some(0))
    );
}

#[test]
fn a_broken_pipe_ends_it_as_it_ends_iwasm() {
    use std::os::unix::process::ExitStatusExt as _;
    let mut child = runner()
        .arg(program("wasm32-wasip1"))
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("run");
    drop(child.stdout.take());
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"to nobody")
        .expect("write");
    let status = child.wait().expect("end");
    assert_eq!(status.signal(), Some(13), "{status}");
}
