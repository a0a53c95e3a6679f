//! Ways out of a granted folder, and kinds of files that are none.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use dewclaw_sandbox::files::{Files, FilesError, Irregular, OpenError};
use proptest::prelude::*;

use crate::place::{Place, Stops, fifo};

#[test]
fn a_path_that_leads_up_or_is_none_is_denied_by_its_form() {
    let place = Place::new();
    let files = place.writable();
    for path in [
        "..",
        "../outside/secret",
        "data/../outside/secret",
        "data/nope/../../outside/secret",
        "nope/../../outside",
        "data/sub/../../outside/secret",
        "data/file\0",
        "data\\..\\..\\outside\\secret",
        "data/\u{1b}[2J",
        &"data/".repeat(300),
    ] {
        for error in [
            place.refused(&files, path),
            place.refused_write(&files, path),
        ] {
            assert!(
                matches!(error, FilesError::Denied { .. }),
                "{path:?}: {error:?}"
            );
            assert!(error.rule().is_some() && error.grant().is_none(), "{error}");
        }
    }
    place.outside_is_unharmed();
}

#[test]
fn an_absolute_path_is_one_of_the_plugins_own_and_denied_with_the_line_that_would_grant_it() {
    let place = Place::new();
    let files = place.writable();
    let error = place.refused(&files, "/etc/passwd");
    assert_eq!(
        error.to_string(),
        "file denied: /etc/passwd: no line of policy.toml grants it; this would grant it: in policy.toml, instead of line 3: \
         filesystem = [\"read-write data\", \"read-only etc\"]"
    );
    assert_eq!(
        error.for_plugin(),
        "file denied: /etc/passwd: no such access is granted to this plugin"
    );
    let secret = place.outside("secret");
    let error = files.read_blocking(secret.to_str().unwrap()).unwrap_err();
    assert!(matches!(error, FilesError::Denied { .. }), "{error:?}");
}

#[test]
fn symlinks_that_leave_are_refused_and_others_followed() {
    let place = Place::new();
    symlink("../outside/secret", place.data("relative")).unwrap();
    symlink("../../outside/secret", place.data("sub/relative")).unwrap();
    symlink(place.outside("secret"), place.data("absolute")).unwrap();
    // Even where it leads back in.
    symlink(place.data("file"), place.data("absolute-in")).unwrap();
    symlink(place.outside(""), place.data("folder")).unwrap();
    symlink("../outside", place.data("relative-folder")).unwrap();
    symlink("sub/../../outside/secret", place.data("winding")).unwrap();
    symlink("relative", place.data("twice")).unwrap();
    symlink("sub/file", place.data("within")).unwrap();
    symlink("sub", place.data("within-folder")).unwrap();
    let files = place.writable();
    for path in [
        "relative",
        "sub/relative",
        "within-folder/relative",
        "absolute",
        "absolute-in",
        "folder/secret",
        "relative-folder/secret",
        "winding",
        "twice",
    ] {
        let error = place.refused(&files, &format!("data/{path}"));
        assert!(
            matches!(error, FilesError::Leaves { .. }),
            "{path}: {error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("symlinks that leave a granted folder are refused")
        );
    }
    for path in [
        "folder/new",
        "relative-folder/secret",
        "relative-folder/new",
    ] {
        let error = place.refused_write(&files, &format!("data/{path}"));
        assert!(
            matches!(error, FilesError::Leaves { .. }),
            "{path}: {error:?}"
        );
    }
    assert_eq!(files.read_blocking("data/within").unwrap(), "inside sub");
    assert_eq!(
        files.read_blocking("data/within-folder/file").unwrap(),
        "inside sub"
    );
    symlink("loop", place.data("loop")).unwrap();
    let error = place.refused(&files, "data/loop");
    assert!(matches!(error, FilesError::System { .. }), "{error:?}");
    place.outside_is_unharmed();
}

#[test]
fn a_symlink_is_replaced_and_never_written_through() {
    let place = Place::new();
    symlink(place.outside("secret"), place.data("link")).unwrap();
    symlink("file", place.data("within")).unwrap();
    let files = place.writable();
    files.write_blocking("data/link", "mine").unwrap();
    files.write_blocking("data/within", "mine").unwrap();
    for name in ["link", "within"] {
        assert!(fs::symlink_metadata(place.data(name)).unwrap().is_file());
        assert_eq!(
            files.read_blocking(&format!("data/{name}")).unwrap(),
            "mine"
        );
    }
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    place.outside_is_unharmed();
}

#[test]
fn a_file_with_a_second_name_is_neither_read_nor_written() {
    let place = Place::new();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    let files = place.writable();
    for error in [
        place.refused(&files, "data/hard"),
        place.refused_write(&files, "data/hard"),
    ] {
        assert!(
            matches!(error, FilesError::HardLink { names: 2, .. }),
            "{error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("files with more than one name are refused")
        );
    }
    place.outside_is_unharmed();
    place.nothing_is_left();
}

#[test]
fn a_symlink_swapped_between_check_and_use_never_tells_or_touches_what_is_outside() {
    let place = Place::new();
    let files = place.writable();
    fs::write(place.data("plain"), "inside").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // The file, then a link out, under one name; the same with a folder.
                symlink("../outside/secret", place.data("link")).unwrap();
                fs::rename(place.data("link"), place.data("swapped")).unwrap();
                fs::write(place.data("copy"), "inside").unwrap();
                fs::rename(place.data("copy"), place.data("swapped")).unwrap();
                symlink("../outside", place.data("folder")).unwrap();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                fs::write(place.data("folder/secret"), "inside").unwrap();
                fs::remove_dir_all(place.data("folder")).unwrap_or_default();
                let _ = fs::remove_dir_all(place.data("folder"));
            }
        });
        let (mut read, mut refused) = (0, 0);
        for round in 0..20_000 {
            for path in ["data/swapped", "data/folder/secret"] {
                match files.read_blocking(path) {
                    Ok(text) => {
                        // Empty as long as the other thread has not written it.
                        assert!(["", "inside"].contains(&&*text), "{text}");
                        read += 1;
                    }
                    Err(FilesError::Leaves { .. }) => refused += 1,
                    Err(FilesError::System { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            // Enough was seen of both.
            if read > 200 && refused > 200 && round > 500 {
                break;
            }
        }
        drop(stops);
        assert!(read > 0 && refused > 0, "{read} {refused}");
    });
    place.outside_is_unharmed();
}

#[test]
fn a_folder_swapped_for_a_link_while_files_are_written_never_gets_them_outside() {
    let place = Place::new();
    let files = place.limited("max_written_mb = 1000");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../outside", place.data("folder")).unwrap();
                std::thread::yield_now();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                std::thread::yield_now();
                while fs::remove_dir_all(place.data("folder")).is_err() {}
            }
        });
        let (mut written, mut refused) = (0, 0);
        for _ in 0..20_000 {
            match files.write_blocking("data/folder/secret", "mine") {
                Ok(()) => written += 1,
                Err(FilesError::Leaves { .. }) => refused += 1,
                Err(FilesError::System { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
            if written > 50 && refused > 50 {
                break;
            }
        }
        drop(stops);
        assert!(written + refused > 0);
    });
    place.outside_is_unharmed();
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let place = Place::new();
    fifo(&place.data("fifo"));
    symlink("fifo", place.data("to-fifo")).unwrap();
    let _socket = UnixListener::bind(place.data("socket")).unwrap();
    let files = place.writable();
    for (path, kind) in [
        ("data/fifo", Irregular::Fifo),
        ("data/to-fifo", Irregular::Fifo),
        ("data/socket", Irregular::Socket),
        ("data/sub", Irregular::Folder),
        ("data", Irregular::Folder),
    ] {
        let error = place.refused(&files, path);
        assert!(
            matches!(error, FilesError::Irregular { kind: found, .. } if found == kind),
            "{path}: {error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("only regular files are read and written")
        );
        if path != "data/to-fifo" {
            let error = place.refused_write(&files, path);
            assert!(
                matches!(error, FilesError::Irregular { kind: found, .. } if found == kind),
                "{path}: {error:?}"
            );
        }
    }
    let devices = place.files("\"read-write /dev as dev\"");
    for path in ["dev/null", "dev/zero"] {
        for error in [
            place.refused(&devices, path),
            place.refused_write(&devices, path),
        ] {
            assert!(
                matches!(
                    error,
                    FilesError::Irregular {
                        kind: Irregular::Device,
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
    place.nothing_is_left();
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_makes_up_is_refused_granted_or_linked() {
    let place = Place::new();
    for folder in ["/proc/self", "/proc", "/sys"] {
        let granted = place.effective(&format!("\"read-only {folder} as p\""), "");
        let error = Files::open(&granted).unwrap_err();
        assert!(matches!(error, OpenError::Kernel { .. }), "{error:?}");
    }
    symlink("/proc/self/environ", place.data("environ")).unwrap();
    symlink("/proc/self", place.data("self")).unwrap();
    let files = place.writable();
    for path in [
        "data/environ",
        "data/self/environ",
        "data/self/root/etc/passwd",
    ] {
        let error = place.refused(&files, path);
        assert!(matches!(error, FilesError::Leaves { .. }), "{error:?}");
    }
    let everything = place.files("\"read-only / as root\"");
    for path in [
        "root/proc/self/environ",
        "root/proc/self/root/proc/self/environ",
        "root/sys/power/state",
    ] {
        let error = everything.read_blocking(path).unwrap_err();
        assert!(
            matches!(
                error,
                FilesError::Irregular {
                    kind: Irregular::Kernel,
                    ..
                } | FilesError::System { .. }
                    | FilesError::Leaves { .. }
            ),
            "{path}: {error:?}"
        );
    }
    let error = everything
        .read_blocking("root/proc/sys/kernel/ostype")
        .unwrap_err();
    assert!(
        matches!(
            error,
            FilesError::Irregular {
                kind: Irregular::Kernel,
                ..
            }
        ),
        "{error:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_of_any_shape_reads_or_changes_what_is_outside(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "data", "sub", "file", "..", ".", "", "out", "up", "abs", "nope", "secret", "outside", "\0", "~", "hard", "%2e%2e",
            ]),
            1..8,
        ),
        absolute: bool,
    ) {
        let place = Place::new();
        symlink("../outside", place.data("out")).unwrap();
        symlink("..", place.data("up")).unwrap();
        symlink(place.outside(""), place.data("abs")).unwrap();
        fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
        let path = format!("{}{}", if absolute { "/" } else { "" }, pieces.join("/"));
        let files = place.writable();
        if let Ok(text) = files.read_blocking(&path) {
            prop_assert!(text.starts_with("inside"), "{path}: {text}");
        }
        let _ = files.write_blocking(&path, "written");
        place.outside_is_unharmed();
        let entries: io::Result<Vec<_>> = fs::read_dir(place.root.path()).unwrap().collect();
        prop_assert_eq!(entries.unwrap().len(), 2);
    }
}
