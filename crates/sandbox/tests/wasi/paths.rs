//! Paths of wasi:filesystem: what is inside is reached and heard of, nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dewclaw_sandbox::engine::{
    CallError, Caps, HostFault, Plugin, PluginOptions, TrustedInputOnly,
};
use proptest::prelude::*;

use crate::place::{GRANTED, Place, SECRET, Setting, Stops, bytes, code, engine, fifo, run};

#[test]
fn a_plugins_own_files_work_and_each_path_is_heard_of() {
    let place = Place::new();
    assert_eq!(place.call("R", "file"), "inside");
    assert_eq!(place.call("C", "new"), "0");
    assert_eq!(place.call("C", "new"), code::EXIST);
    assert_eq!(place.call("c", "new"), "0");
    assert_eq!(place.call("t", "file"), "0");
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "");
    assert_eq!(place.call("m", "folder"), "0");
    assert_eq!(place.call("d", "folder"), "0");
    assert_eq!(place.call("d", "new"), code::NOT_DIRECTORY);
    assert_eq!(place.call("L", "."), "4");
    assert_eq!(place.call("r", "new"), "0");
    assert_eq!(place.call("u", "made"), "0");
    assert_eq!(place.call("x", "folder"), "0");
    assert_eq!(place.call("s", "sub/../file"), code::NOT_PERMITTED);
    assert_eq!(place.call("s", "sub/none"), "0");
    assert_eq!(place.call("k", "made"), "sub/none");
    assert_eq!(place.call("a", "file"), "0");
    assert_eq!(place.call("H", "file"), "0");
    assert_eq!(place.call("T", "file"), "0");
    let modified = fs::metadata(place.data("file"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(modified, std::time::UNIX_EPOCH + Duration::from_secs(1000));
    assert_eq!(place.call("o", "none"), code::NO_ENTRY);
    assert_eq!(place.call("o", ""), code::NO_ENTRY);
    let expected = [
        "open-at data/file by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → exist",
        "open-at data/new by policy.toml:3 → done",
        "open-at data/file by policy.toml:3 → done",
        "create-directory-at data/folder by policy.toml:3 → done",
        "open-at data/folder by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → not-directory",
        "open-at data/. by policy.toml:3 → done",
        "read-directory data/. by policy.toml:3 → done",
        "rename-at data/new data/made by policy.toml:3 → done",
        "unlink-file-at data/made by policy.toml:3 → done",
        "remove-directory-at data/folder by policy.toml:3 → done",
        "symlink-at data/made sub/../file by policy.toml:3 → denied: symlinks that leave a granted folder are refused",
        "symlink-at data/made sub/none by policy.toml:3 → done",
        "readlink-at data/made by policy.toml:3 → done",
        "stat-at data/file by policy.toml:3 → done",
        "metadata-hash-at data/file by policy.toml:3 → done",
        "set-times-at data/file by policy.toml:3 → done",
        "open-at data/none by policy.toml:3 → no-entry",
        "open-at data by policy.toml:3 → no-entry",
    ];
    assert_eq!(place.heard(), expected);
}

#[test]
fn nothing_is_changed_in_a_folder_granted_for_reading() {
    let place = Place::with(Setting {
        permissions: "\"read-only data\"",
        ..Setting::default()
    });
    symlink("file", place.data("made")).unwrap();
    assert_eq!(place.call("R", "file"), "inside");
    place.heard();
    for op in [
        "c", "C", "t", "m", "u", "x", "r", "V", "h", "s", "T", "w", "W", "A",
    ] {
        assert_eq!(place.call(op, "file"), code::NOT_PERMITTED, "{op}");
        let heard = place.heard();
        assert!(
            heard.len() == 1
                && heard[0].contains("denied: policy.toml:3 filesystem \"read-only data\""),
            "{heard:?}"
        );
    }
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    assert_eq!(fs::read_dir(place.data("")).unwrap().count(), 3);
}

#[test]
fn no_path_leads_out_by_any_function() {
    let place = Place::new();
    symlink("../outside/secret", place.data("relative")).unwrap();
    symlink(place.outside("secret"), place.data("absolute")).unwrap();
    symlink(place.outside(""), place.data("folder")).unwrap();
    symlink("../outside", place.data("relative-folder")).unwrap();
    symlink("/proc/self", place.data("self")).unwrap();
    fs::write(place.data("made"), "made").unwrap();
    let absolute = place.outside("secret");
    let leading_out = [
        "../outside/secret",
        "nope/../../outside/secret",
        "sub/../../outside/secret",
        absolute.to_str().unwrap(),
        "/etc/passwd",
        "folder/secret",
        "relative-folder/secret",
    ];
    for path in leading_out
        .into_iter()
        .chain(["relative", "absolute", "self/environ"])
    {
        for op in ["o", "R", "c", "t", "a", "H", "T"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED, code::NO_ENTRY].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
    for path in leading_out {
        for op in ["C", "d", "m", "u", "x", "r", "V", "h", "k"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED, code::NO_ENTRY].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
    // Not following, a symlink is not opened; and where an absolute one leads is not told.
    assert_eq!(place.call("n", "relative"), code::LOOP);
    assert_eq!(place.call("k", "absolute"), code::NOT_PERMITTED);
    for target in [
        absolute.to_str().unwrap(),
        "../outside/secret",
        "sub/../../outside",
        "/",
    ] {
        assert_eq!(place.call("s", target), code::NOT_PERMITTED);
    }
    let heard = place.heard();
    assert!(heard.len() > 100 && heard.iter().all(|line| !line.contains(SECRET)));
    assert!(
        heard
            .iter()
            .any(|line| line.ends_with("denied: symlinks that leave a granted folder are refused"))
    );
    place.outside_is_unharmed();
    assert_eq!(fs::read_to_string(place.data("made")).unwrap(), "made");
}

/// Attack: symlink swapped between check and use, by wasi:filesystem
/// Answer: what is inside, or `not-permitted`, whichever was there
/// Bound: it is the opened file that is judged
#[test]
fn a_symlink_swapped_while_it_is_opened_never_tells_or_touches_what_is_outside() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1000",
        ..Setting::default()
    });
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../outside/secret", place.data("link")).unwrap();
                fs::rename(place.data("link"), place.data("swapped")).unwrap();
                fs::write(place.data("copy"), "inside").unwrap();
                fs::rename(place.data("copy"), place.data("swapped")).unwrap();
                symlink("../outside", place.data("folder")).unwrap();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                while fs::remove_dir_all(place.data("folder")).is_err() {}
            }
        });
        let (mut read, mut refused) = (0, 0);
        for _ in 0..5_000 {
            match &*place.call("R", "swapped") {
                "inside" => read += 1,
                code::NOT_PERMITTED => refused += 1,
                other => assert!(["", code::NO_ENTRY].contains(&other), "{other}"),
            }
            for op in ["t", "T"] {
                place.call(op, "swapped");
            }
            for op in ["c", "m", "u", "x", "T"] {
                place.call(op, "folder/secret");
            }
            if read > 100 && refused > 100 {
                break;
            }
        }
        drop(stops);
        assert!(read > 0 && refused > 0, "{read} {refused}");
    });
    place.outside_is_unharmed();
}

#[test]
fn no_path_of_any_shape_in_any_order_of_calls_tells_or_touches_what_is_outside() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1000",
        ..Setting::default()
    });
    let names = [
        "..", ".", "", "sub", "file", "made", "out", "up", "abs", "hard", "secret", "outside",
        "nope", "data",
    ];
    let path = prop::collection::vec(prop::sample::select(names.to_vec()), 1..6);
    let op = prop::sample::select("oncCtRLdmuxrVhskaHT".chars().collect::<Vec<_>>());
    let config = ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(op in op, path in path, absolute: bool)| {
        // Whatever of it earlier calls moved or removed.
        let _ = symlink("../outside", place.data("out"));
        let _ = symlink("..", place.data("up"));
        let _ = symlink(place.outside(""), place.data("abs"));
        let _ = fs::hard_link(place.outside("secret"), place.data("hard"));
        let path = format!("{}{}", if absolute { "/" } else { "" }, path.join("/"));
        let answer = place.call(&op.to_string(), &path);
        prop_assert!(!answer.contains(SECRET), "{op} {path}: {answer}");
        place.outside_is_unharmed();
        prop_assert_eq!(fs::read_dir(place.root.path()).unwrap().count(), 2);
    });
}

#[test]
fn names_that_are_no_names_are_refused_before_anything_is_done() {
    let place = Place::new();
    for path in ["a\u{1b}[2J", "a\\b", "a\n", "a\0b"] {
        for op in ["o", "c", "m", "s", "r", "a"] {
            assert_eq!(place.call(op, path), code::ILLEGAL, "{op} {path:?}");
        }
    }
    assert_eq!(place.call("c", &"a/".repeat(3000)), code::NAME_TOO_LONG);
    assert_eq!(fs::read_dir(place.data("")).unwrap().count(), 2);
}

#[test]
fn a_second_name_of_a_file_is_neither_opened_nor_cut_nor_made() {
    let place = Place::new();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    for op in ["o", "R", "c", "t", "T", "w", "W"] {
        assert_eq!(place.call(op, "hard"), code::NOT_PERMITTED, "{op}");
    }
    assert!(
        place
            .heard()
            .iter()
            .all(|line| line.ends_with("denied: files with more than one name are refused"))
    );
    assert_eq!(place.call("h", "file"), code::NOT_PERMITTED);
    assert!(!place.data("made").exists());
    place.outside_is_unharmed();
}

#[test]
fn what_is_no_regular_file_is_refused_and_holds_no_thread() {
    let place = Place::with(Setting {
        caps: Caps {
            deadline: Duration::from_secs(5),
            ..Caps::default()
        },
        ..Setting::default()
    });
    fifo(place.data("fifo"));
    let _socket = UnixListener::bind(place.data("socket")).unwrap();
    // More than tokio has threads for blocking work: none is held.
    for _ in 0..300 {
        for path in ["fifo", "socket"] {
            assert_eq!(place.call("o", path), code::NOT_PERMITTED);
            assert_eq!(place.call("c", path), code::NOT_PERMITTED);
        }
    }
    assert!(
        place
            .heard()
            .iter()
            .all(|line| line.ends_with("denied: only regular files are read and written"))
    );
    let devices = Place::with(Setting {
        permissions: "\"read-write /dev as dev\"",
        ..Setting::default()
    });
    for path in ["zero", "null", "full"] {
        assert_eq!(devices.call("R", path), code::NOT_PERMITTED);
        assert_eq!(devices.call("w", path), code::NOT_PERMITTED);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_makes_up_is_refused() {
    let place = Place::with(Setting {
        permissions: "\"read-only / as root\"",
        ..Setting::default()
    });
    for path in [
        "proc/self/environ",
        "proc/self/mem",
        "proc/sys/kernel/ostype",
        "proc",
        "sys",
    ] {
        for op in ["o", "d"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
}

#[test]
fn an_audit_that_fails_ends_the_call() {
    for fails in ["open-at", "the end"] {
        let place = Place::with(Setting {
            fails: Some(fails),
            ..Setting::default()
        });
        let error = place.try_call("c", "new").unwrap_err();
        assert!(
            matches!(error, CallError::Host(HostFault { ref message }) if message.contains("audit")),
            "{error:?}"
        );
        // What was not heard of was not done.
        assert_eq!(place.data("new").exists(), fails == "the end");
    }
}

#[test]
fn without_files_there_are_no_folders() {
    let options = PluginOptions {
        wasi: GRANTED.map(str::to_owned).to_vec(),
        // Not even those of the context.
        wasi_context: Arc::new(|| {
            let mut builder = wasmtime_wasi::WasiCtx::builder();
            builder
                .preopened_dir("/", "/", wasmtime_wasi::FsPerms::ReadWrite)
                .unwrap();
            builder.build()
        }),
        ..PluginOptions::default()
    };
    let plugin = Plugin::load(engine(), bytes(), &TrustedInputOnly, options).unwrap();
    assert_eq!(run(plugin.call("p", "")).unwrap(), "0");
}
