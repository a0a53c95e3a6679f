//! Symbolic links and excluded folders, which only the file system of WASI has.
//!
//! A model or a cloned repository may leave any link in the workspace: none leads out of it or into an excluded folder.

use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{EntryKind, FileSystem, FsError, FsResult};

use crate::file_system::{content, names};
use crate::wasi::{make_link, say, scratch};

/// Makes a link in a test's folder, by the host's own call.
fn link(test: &str, at: &str, target: &str) {
    let path = [test, "/", at].concat();
    assert!(make_link(target, &path), "the host makes links");
}

/// Every call on `path` that would reach what stands there.
fn reach(files: &mut dyn FileSystem, path: &str) -> [FsResult<()>; 6] {
    [
        files.read(path, 0, 9).map(|_| ()),
        files.list(path, 9).map(|_| ()),
        files.stat(path).map(|_| ()),
        files.replace(path, b"owned"),
        files.append(path, b"owned").map(|_| ()),
        files.create_folders(path),
    ]
}

/// Asserts that nothing at or below `path` can be reached or taken away.
#[track_caller]
fn assert_denied(files: &mut dyn FileSystem, path: &str) {
    let inside = [path, "/f"].concat();
    for path in [path, &inside] {
        for (call, answer) in reach(files, path).into_iter().enumerate() {
            assert_eq!(answer, Err(FsError::Denied), "call {call} of {path}");
        }
    }
    assert_eq!(files.remove(&inside), Err(FsError::Denied));
    assert_eq!(files.rename(&inside, "taken"), Err(FsError::Denied));
    assert_eq!(files.rename("mine", &inside), Err(FsError::Denied));
}

#[test]
fn a_link_inside_is_followed() {
    let test = "a_link_inside";
    let mut files = scratch(test);
    files.create_folders("d/e").expect("folders");
    files.replace("d/f", b"text").expect("a file");
    for (at, target) in [
        ("file", "d/f"),
        ("folder", "d"),
        ("d/e/up", "../f"),
        ("d/e/root", "../.."),
        ("d/e/over", "../../d/./e//../f"),
        ("chain", "folder/e/up"),
        ("here", "."),
    ] {
        link(test, at, target);
    }
    for path in [
        "file",
        "folder/f",
        "d/e/up",
        "d/e/over",
        "chain",
        "d/e/root/d/f",
        "here/d/f",
    ] {
        assert_eq!(content(&mut files, path), b"text", "{path}");
        let stat = files.stat(path).expect("it is there");
        assert_eq!((stat.kind, stat.size), (EntryKind::File, 4), "{path}");
    }
    assert_eq!(names(&mut files, "folder"), ["e", "f"]);
    assert_eq!(names(&mut files, "d/e/root"), names(&mut files, ""));
    files
        .create_folders("folder/new/deep")
        .expect("through a link");
    files
        .create_folders("folder")
        .expect("it leads to a folder");
    assert_eq!(names(&mut files, "d"), ["e", "f", "new"]);
    // Listed as what it is.
    let listing = files.list("", 9).expect("the root can be listed");
    let kind = |name: &str| {
        listing
            .entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.kind)
    };
    assert_eq!(kind("file"), Some(EntryKind::Link));
    assert_eq!(kind("folder"), Some(EntryKind::Link));
    assert_eq!(kind("d"), Some(EntryKind::Folder));
}

#[test]
fn a_write_through_a_link_changes_its_target() {
    let test = "a_write_through_a_link";
    let mut files = scratch(test);
    files.create_folders("d").expect("a folder");
    files.replace("d/f", b"old").expect("a file");
    link(test, "l", "d/f");
    files.replace("l", b"new").expect("through the link");
    assert_eq!(content(&mut files, "d/f"), b"new");
    assert_eq!(files.append("l", b"er"), Ok(5));
    assert_eq!(content(&mut files, "d/f"), b"newer");
    let kinds: Vec<EntryKind> = files
        .list("", 9)
        .expect("a root")
        .entries
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        [EntryKind::Folder, EntryKind::Link],
        "the link is one still"
    );
    assert_eq!(names(&mut files, "d"), ["f"], "no temporary file is left");
    // A link to nothing yet: the write makes what it names.
    link(test, "to-come", "d/g");
    assert_eq!(files.read("to-come", 0, 1).err(), Some(FsError::NotFound));
    files.replace("to-come", b"made").expect("through the link");
    assert_eq!(content(&mut files, "d/g"), b"made");
    link(test, "nowhere", "missing/g");
    assert_eq!(files.replace("nowhere", b"x"), Err(FsError::NotFound));
}

#[test]
fn a_link_itself_is_what_is_removed_and_renamed() {
    let test = "a_link_itself";
    let mut files = scratch(test);
    files.create_folders("d").expect("a folder");
    files.replace("d/f", b"text").expect("a file");
    link(test, "file", "d/f");
    link(test, "folder", "d");
    link(test, "out", "../../..");
    files.rename("file", "moved").expect("a link");
    assert_eq!(content(&mut files, "moved"), b"text");
    for path in ["moved", "folder", "out"] {
        files.remove(path).expect("a link");
    }
    assert_eq!(names(&mut files, ""), ["d"]);
    assert_eq!(content(&mut files, "d/f"), b"text");
}

#[test]
fn a_link_out_is_refused() {
    let test = "a_link_out";
    let mut files = scratch(test);
    let mut outside = scratch("a_link_out_leads_here");
    outside.replace("f", b"secret").expect("a file");
    files.replace("mine", b"x").expect("a file");
    files.create_folders("d").expect("a folder");
    for (at, target) in [
        ("parent", ".."),
        ("sibling", "../a_link_out_leads_here"),
        ("d/deep", "../../a_link_out_leads_here"),
        // It leaves the root and comes back: still out.
        ("around", "../a_link_out/d"),
        ("through", "d/../../a_link_out_leads_here"),
        ("chain", "sibling"),
    ] {
        link(test, at, target);
        assert_denied(&mut files, at);
    }
    for (at, target) in [
        ("file", "../a_link_out_leads_here/f"),
        ("new", "../a_link_out_leads_here/new"),
    ] {
        link(test, at, target);
        for answer in reach(&mut files, at) {
            assert_eq!(answer, Err(FsError::Denied), "{at}");
        }
    }
    assert_eq!(names(&mut outside, ""), ["f"]);
    assert_eq!(content(&mut outside, "f"), b"secret");
}

#[test]
fn an_absolute_link_is_refused() {
    let test = "an_absolute_link";
    let mut files = scratch(test);
    let path = [test, "/absolute"].concat();
    if make_link("/", &path) {
        assert_denied(&mut files, "absolute");
    } else {
        // wasmtime makes none: that they are refused where they are is held from outside.
        say(
            "an absolute link can't be made from inside: tests/e2e/trust.rs holds that it is refused",
        );
    }
}

#[test]
fn a_loop_of_links_ends() {
    let test = "a_loop_of_links";
    let mut files = scratch(test);
    link(test, "self", "self");
    link(test, "one", "two");
    link(test, "two", "one");
    link(test, "grows", "grows/x");
    for path in ["self", "one", "self/f", "one/f", "grows"] {
        for answer in reach(&mut files, path) {
            assert_eq!(answer, Err(FsError::InvalidPath), "{path}");
        }
    }
    // As long a chain as Linux follows is no loop; one more is.
    files.replace("n0", b"end").expect("a file");
    for number in 1..=41 {
        link(test, &format!("n{number}"), &format!("n{}", number - 1));
    }
    assert_eq!(content(&mut files, "n40"), b"end");
    assert_eq!(files.read("n41", 0, 1).err(), Some(FsError::InvalidPath));
}

#[test]
fn an_excluded_name_is_off_limits_in_any_case() {
    let test = "an_excluded_name";
    let mut files = scratch(test);
    files.create_folders(".state").expect("a folder");
    files.replace(".state/f", b"secret").expect("a file");
    files.replace("mine", b"x").expect("a file");
    files.create_folders("d").expect("a folder");
    for (at, target) in [
        ("alias", ".state"),
        ("d/alias", "../.state"),
        ("cased", ".STATE"),
        ("chain", "alias"),
    ] {
        link(test, at, target);
    }
    files.exclude_name(".state");
    for path in [
        ".state", ".STATE", ".State", "alias", "d/alias", "cased", "chain",
    ] {
        assert_denied(&mut files, path);
    }
    for path in [".state", ".STATE"] {
        assert_eq!(files.remove(path), Err(FsError::Denied));
        assert_eq!(files.rename(path, "taken"), Err(FsError::Denied));
        assert_eq!(files.rename("d", path), Err(FsError::Denied));
    }
    // Only there, and only that name.
    files.create_folders("d/.state").expect("it is another one");
    files
        .replace("d/.state/f", b"fine")
        .expect("it is another one");
    files
        .replace(".state2", b"fine")
        .expect("it is another one");
    assert_eq!(content(&mut scratch(test), ".state/f"), b"secret");
}

#[test]
fn an_excluded_name_is_off_limits_before_it_exists() {
    let test = "an_excluded_name_to_come";
    let mut files = scratch(test);
    files.replace("mine", b"x").expect("a file");
    link(test, "alias", ".state");
    files.exclude_name(".state");
    for path in [".state", ".sTATE", "alias"] {
        assert_denied(&mut files, path);
    }
    assert_eq!(names(&mut scratch(test), ""), ["alias", "mine"]);
}

#[test]
fn an_excluded_folder_is_off_limits_by_any_path() {
    let test = "an_excluded_folder";
    let mut files = scratch(test);
    files.create_folders("d/state/inner").expect("folders");
    files.replace("d/state/f", b"secret").expect("a file");
    files.replace("mine", b"x").expect("a file");
    let state = files
        .folder("d", false)
        .and_then(|d| d.folder("state", false));
    files.exclude(&state.expect("it was just made"));
    for (at, target) in [
        ("alias", "d/state"),
        ("d/beside", "state"),
        ("chain", "alias"),
        ("d/round", "../alias/../state"),
    ] {
        link(test, at, target);
    }
    for path in [
        "d/state",
        "d/state/inner",
        "alias",
        "alias/inner",
        "d/beside",
        "chain",
        "d/round",
    ] {
        assert_denied(&mut files, path);
    }
    assert_eq!(files.remove("d/state"), Err(FsError::Denied));
    assert_eq!(files.rename("d/state", "taken"), Err(FsError::Denied));
    // Its identity counts, not its name: under another one it stays off limits.
    files
        .rename("d", "moved")
        .expect("the folder around it is none of it");
    for path in ["moved/state", "moved/state/inner"] {
        assert_denied(&mut files, path);
    }
    files
        .create_folders("d/state")
        .expect("the name is free now");
    files
        .replace("d/state/f", b"mine")
        .expect("it is another folder");
    assert_eq!(content(&mut scratch(test), "moved/state/f"), b"secret");
}

#[test]
fn an_excluded_folder_is_not_replaced_by_another() {
    let test = "an_excluded_folder_kept";
    let mut files = scratch(test);
    files.create_folders("state").expect("a folder");
    files.create_folders("d").expect("a folder");
    let state: WasiFileSystem = files.folder("state", false).expect("it was just made");
    files.exclude(&state);
    assert_eq!(files.rename("d", "state"), Err(FsError::Denied));
    assert_eq!(names(&mut files, ""), ["d", "state"]);
}
