//! The contract of `FileSystem`. Every function gets an empty one.

use dewclaw_platform::{EntryKind, FileSystem, FsError, FsResult, ListingEntry, Stat};

const FOLDER: FsResult<Stat> = Ok(Stat {
    kind: EntryKind::Folder,
    size: 0,
});

/// All of a file.
#[track_caller]
pub(crate) fn content(files: &mut dyn FileSystem, path: &str) -> Vec<u8> {
    let chunk = files.read(path, 0, 4 << 20).expect("the file can be read");
    assert!(
        chunk.end,
        "the file is larger than any of these tests makes"
    );
    chunk.bytes
}

/// The names in a folder.
#[track_caller]
pub(crate) fn names(files: &mut dyn FileSystem, path: &str) -> Vec<String> {
    let listing = files.list(path, 1_000).expect("the folder can be listed");
    listing
        .entries
        .into_iter()
        .map(|entry| entry.name)
        .collect()
}

#[track_caller]
fn read(files: &mut dyn FileSystem, offset: u64, length: usize) -> (Vec<u8>, bool) {
    let chunk = files
        .read("f", offset, length)
        .expect("the file can be read");
    (chunk.bytes, chunk.end)
}

/// Any part of a file can be read, and `end` says whether it is the last.
pub(crate) fn reads_any_part(files: &mut dyn FileSystem) {
    files.replace("f", b"0123456789").expect("a file");
    assert_eq!(read(files, 0, 4), (b"0123".to_vec(), false));
    assert_eq!(read(files, 4, 4), (b"4567".to_vec(), false));
    assert_eq!(read(files, 8, 4), (b"89".to_vec(), true));
    assert_eq!(read(files, 0, 9), (b"012345678".to_vec(), false));
    // Exactly the rest of it: that this is the end needs no further call.
    assert_eq!(read(files, 0, 10), (b"0123456789".to_vec(), true));
    assert_eq!(read(files, 6, 4), (b"6789".to_vec(), true));
}

/// At and past the end there is nothing, and that is no error.
pub(crate) fn reads_nothing_past_the_end(files: &mut dyn FileSystem) {
    files.replace("f", b"0123456789").expect("a file");
    for offset in [10, 11, 1 << 20, 1 << 40] {
        assert_eq!(read(files, offset, 4), (Vec::new(), true), "{offset}");
    }
    files.replace("f", b"").expect("an empty file");
    assert_eq!(read(files, 0, 4), (Vec::new(), true));
    assert_eq!(read(files, 1, 4), (Vec::new(), true));
}

/// An offset that no file reaches is past the end too.
pub(crate) fn reads_nothing_at_the_largest_offset(files: &mut dyn FileSystem) {
    files.replace("f", b"0123456789").expect("a file");
    for offset in [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(read(files, offset, 4), (Vec::new(), true), "{offset}");
    }
}

/// No bytes asked for: none given, and the end is not claimed where it is not.
pub(crate) fn reads_no_bytes(files: &mut dyn FileSystem) {
    files.replace("f", b"0123456789").expect("a file");
    assert_eq!(read(files, 0, 0), (Vec::new(), false));
    assert_eq!(read(files, 9, 0), (Vec::new(), false));
    assert_eq!(read(files, 10, 0), (Vec::new(), true));
}

/// What can't be read says why.
pub(crate) fn reads_only_files(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    files.replace("f", b"x").expect("a file");
    assert_eq!(files.read("missing", 0, 1).err(), Some(FsError::NotFound));
    assert_eq!(files.read("d/missing", 0, 1).err(), Some(FsError::NotFound));
    assert_eq!(files.read("no/f", 0, 1).err(), Some(FsError::NotFound));
    assert_eq!(files.read("d", 0, 1).err(), Some(FsError::IsFolder));
    assert_eq!(files.read("", 0, 1).err(), Some(FsError::IsFolder));
    assert_eq!(files.read("f/x", 0, 1).err(), Some(FsError::NotFolder));
}

/// A file holds what it was last given, and nothing else appears beside it.
pub(crate) fn replaces(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    for path in ["f", "d/f"] {
        for text in ["first", "", "a longer one than before", "short\n"] {
            files
                .replace(path, text.as_bytes())
                .expect("it takes writes");
            assert_eq!(content(files, path), text.as_bytes());
        }
    }
    assert_eq!(names(files, ""), ["d", "f"]);
    assert_eq!(names(files, "d"), ["f"]);
}

/// A replacement that can't be made changes nothing and leaves nothing behind.
pub(crate) fn replaces_only_files(files: &mut dyn FileSystem) {
    files.create_folders("d/e").expect("folders");
    files.replace("f", b"old").expect("a file");
    assert_eq!(files.replace("no/f", b"x"), Err(FsError::NotFound));
    assert_eq!(files.replace("no/no/f", b"x"), Err(FsError::NotFound));
    assert_eq!(files.replace("d", b"x"), Err(FsError::IsFolder));
    assert_eq!(files.replace("d/e", b"x"), Err(FsError::IsFolder));
    assert_eq!(files.replace("", b"x"), Err(FsError::IsFolder));
    assert_eq!(files.replace("f/x", b"x"), Err(FsError::NotFolder));
    assert_eq!(content(files, "f"), b"old");
    assert_eq!(names(files, ""), ["d", "f"]);
    assert_eq!(names(files, "d"), ["e"]);
}

/// Appending makes the file, adds at its end and answers its length.
pub(crate) fn appends(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    for path in ["f", "d/f"] {
        assert_eq!(files.append(path, b"one\n"), Ok(4));
        assert_eq!(files.append(path, b"two\n"), Ok(8));
        assert_eq!(files.append(path, b""), Ok(8));
        assert_eq!(content(files, path), b"one\ntwo\n");
    }
    files.replace("f", b"new:").expect("it takes writes");
    assert_eq!(files.append("f", b"more"), Ok(8));
    assert_eq!(content(files, "f"), b"new:more");
    assert_eq!(files.append("empty", b""), Ok(0));
    assert_eq!(names(files, ""), ["d", "empty", "f"]);
}

/// What can't be appended to says why.
pub(crate) fn appends_only_to_files(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    files.replace("f", b"old").expect("a file");
    assert_eq!(files.append("no/f", b"x"), Err(FsError::NotFound));
    assert_eq!(files.append("d", b"x"), Err(FsError::IsFolder));
    assert_eq!(files.append("", b"x"), Err(FsError::IsFolder));
    assert_eq!(files.append("f/x", b"x"), Err(FsError::NotFolder));
    assert_eq!(content(files, "f"), b"old");
    assert_eq!(names(files, ""), ["d", "f"]);
    assert_eq!(names(files, "d"), [""; 0]);
}

/// A folder is listed by name in byte order, with kinds and sizes.
pub(crate) fn lists(files: &mut dyn FileSystem) {
    files.create_folders("b/deep").expect("folders");
    files.create_folders("B").expect("a folder");
    files.replace("a", b"12345").expect("a file");
    files.replace("\u{e9}", b"").expect("a file");
    files.replace("b/inner", b"1").expect("a file");
    files.replace(".hidden", b"12").expect("a file");
    let entry = |name: &str, kind, size| ListingEntry {
        name: name.into(),
        kind,
        size,
    };
    let listing = files.list("", 100).expect("the root can be listed");
    assert_eq!(
        listing.entries,
        [
            entry(".hidden", EntryKind::File, 2),
            entry("B", EntryKind::Folder, 0),
            entry("a", EntryKind::File, 5),
            entry("b", EntryKind::Folder, 0),
            entry("\u{e9}", EntryKind::File, 0),
        ]
    );
    assert_eq!(listing.total, 5);
    assert_eq!(names(files, "b"), ["deep", "inner"]);
    assert_eq!(names(files, "b/deep"), [""; 0]);
}

/// A limit keeps the first names; the total counts all.
pub(crate) fn lists_up_to_a_limit(files: &mut dyn FileSystem) {
    // Made in an order that is not theirs.
    for number in (0..60).map(|number| number * 37 % 60) {
        files
            .replace(&format!("n{number:02}"), b"")
            .expect("a file");
    }
    for limit in [0, 1, 7, 59, 60, 61] {
        let listing = files.list("", limit).expect("the root can be listed");
        let names: Vec<String> = listing
            .entries
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        let wanted: Vec<String> = (0..60.min(limit))
            .map(|number| format!("n{number:02}"))
            .collect();
        assert_eq!(names, wanted, "limit {limit}");
        assert_eq!(listing.total, 60, "limit {limit}");
    }
}

/// A folder is listed whole, however many names it has and however long they are.
pub(crate) fn lists_many_long_names(files: &mut dyn FileSystem) {
    let made: Vec<String> = (100..400)
        .map(|number| format!("{number}{}", "x".repeat(number % 200)))
        .chain(["y".repeat(255), "z\u{e9}".repeat(85)])
        .collect();
    for name in &made {
        files.replace(name, b"").expect("a file");
    }
    assert_eq!(names(files, ""), made);
    for name in &made[..200] {
        files.remove(name).expect("a file");
    }
    assert_eq!(names(files, ""), made[200..]);
}

/// What can't be listed says why.
pub(crate) fn lists_only_folders(files: &mut dyn FileSystem) {
    files.replace("f", b"x").expect("a file");
    assert_eq!(files.list("missing", 9).err(), Some(FsError::NotFound));
    assert_eq!(files.list("missing/d", 9).err(), Some(FsError::NotFound));
    assert_eq!(files.list("f", 9).err(), Some(FsError::NotFolder));
    assert_eq!(files.list("f/x", 9).err(), Some(FsError::NotFolder));
}

/// What stands at a path, and how large it is.
pub(crate) fn stats(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    files.replace("d/f", b"12345").expect("a file");
    let file = |size| {
        Ok(Stat {
            kind: EntryKind::File,
            size,
        })
    };
    assert_eq!(files.stat(""), FOLDER);
    assert_eq!(files.stat("d"), FOLDER);
    assert_eq!(files.stat("d/f"), file(5));
    files.append("d/f", b"67").expect("it takes writes");
    assert_eq!(files.stat("d/f"), file(7));
    assert_eq!(files.stat("missing"), Err(FsError::NotFound));
    assert_eq!(files.stat("missing/f"), Err(FsError::NotFound));
    assert_eq!(files.stat("d/f/x"), Err(FsError::NotFolder));
}

/// Folders are made with those above them; existing ones are fine, a file in the way is not.
pub(crate) fn creates_folders(files: &mut dyn FileSystem) {
    files.create_folders("").expect("the root exists");
    files.create_folders("a/b/c").expect("three folders");
    files.create_folders("a/b/c").expect("they exist already");
    files.create_folders("a/b").expect("it exists already");
    files.create_folders("a/b/d").expect("one more");
    assert_eq!(names(files, "a/b"), ["c", "d"]);
    files.replace("a/f", b"x").expect("a file");
    assert_eq!(files.create_folders("a/f"), Err(FsError::NotFolder));
    assert_eq!(files.create_folders("a/f/g"), Err(FsError::NotFolder));
    assert_eq!(files.create_folders("a/f/g/h"), Err(FsError::NotFolder));
    assert_eq!(content(files, "a/f"), b"x");
    assert_eq!(names(files, "a"), ["b", "f"]);
}

/// Files and empty folders are removed, and nothing else.
pub(crate) fn removes(files: &mut dyn FileSystem) {
    files.create_folders("d/e").expect("folders");
    files.replace("d/f", b"x").expect("a file");
    assert_eq!(files.remove("missing"), Err(FsError::NotFound));
    assert_eq!(files.remove("missing/f"), Err(FsError::NotFound));
    assert_eq!(files.remove("d/f/x"), Err(FsError::NotFolder));
    assert_eq!(files.remove("d"), Err(FsError::NotEmpty));
    assert_eq!(files.remove(""), Err(FsError::IsFolder));
    assert_eq!(names(files, "d"), ["e", "f"]);
    files.remove("d/f").expect("a file");
    assert_eq!(files.stat("d/f"), Err(FsError::NotFound));
    files.remove("d/e").expect("an empty folder");
    files.remove("d").expect("it is empty now");
    assert_eq!(names(files, ""), [""; 0]);
    assert_eq!(files.remove(""), Err(FsError::IsFolder));
}

/// A rename moves a file or a folder with all that is in it, and replaces a file.
pub(crate) fn renames(files: &mut dyn FileSystem) {
    files.create_folders("d/e").expect("folders");
    files.replace("f", b"one").expect("a file");
    files.replace("g", b"two").expect("a file");
    files.rename("f", "d/f").expect("into a folder");
    assert_eq!(files.stat("f"), Err(FsError::NotFound));
    assert_eq!(content(files, "d/f"), b"one");
    files.rename("d/f", "g").expect("over a file");
    assert_eq!(content(files, "g"), b"one");
    files.replace("d/e/h", b"deep").expect("a file");
    files.rename("d", "moved").expect("a folder");
    assert_eq!(content(files, "moved/e/h"), b"deep");
    assert_eq!(names(files, ""), ["g", "moved"]);
    files.create_folders("empty").expect("a folder");
    files
        .rename("moved", "empty")
        .expect("over an empty folder");
    assert_eq!(content(files, "empty/e/h"), b"deep");
    assert_eq!(names(files, ""), ["empty", "g"]);
}

/// Renamed onto itself, a file or folder stays as it is.
pub(crate) fn renames_onto_itself(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    files.replace("d/f", b"one").expect("a file");
    files.rename("d/f", "d/f").expect("a file onto itself");
    files.rename("d", "d").expect("a folder onto itself");
    assert_eq!(content(files, "d/f"), b"one");
}

/// A rename that can't be made changes nothing.
pub(crate) fn renames_only_where_it_fits(files: &mut dyn FileSystem) {
    files.create_folders("d/e").expect("folders");
    files.create_folders("other").expect("a folder");
    files.replace("d/e/f", b"deep").expect("a file");
    files.replace("g", b"two").expect("a file");
    // A folder into itself.
    assert_eq!(files.rename("d", "d/d"), Err(FsError::InvalidPath));
    assert_eq!(files.rename("d", "d/e/d"), Err(FsError::InvalidPath));
    assert_eq!(files.rename("missing", "x"), Err(FsError::NotFound));
    assert_eq!(files.rename("missing", "missing"), Err(FsError::NotFound));
    assert_eq!(files.rename("g", "missing/g"), Err(FsError::NotFound));
    assert_eq!(files.rename("g", "d"), Err(FsError::IsFolder));
    assert_eq!(files.rename("other", "g"), Err(FsError::NotFolder));
    assert_eq!(files.rename("other", "d"), Err(FsError::NotEmpty));
    assert_eq!(files.rename("g", "d/e/f/x"), Err(FsError::NotFolder));
    // A file has no inside.
    assert_eq!(files.rename("g", "g/x"), Err(FsError::NotFolder));
    assert!(files.rename("", "x").is_err(), "the root stays");
    assert!(files.rename("other", "").is_err(), "the root stays");
    assert_eq!(names(files, ""), ["d", "g", "other"]);
    assert_eq!(content(files, "d/e/f"), b"deep");
    assert_eq!(content(files, "g"), b"two");
}

/// Paths that are not of the contract are refused by every call, and nothing is touched.
pub(crate) fn refuses_other_paths(files: &mut dyn FileSystem) {
    files.create_folders("d").expect("a folder");
    files.replace("d/f", b"x").expect("a file");
    for path in [
        "/", "/d", "/d/f", "//d", "..", "../d", "d/..", "d/../d/f", "d/../..", "no/../d", ".",
        "./d", "d/.", "d/./f", "d//f", "d/", "d/f/", "\0", "d/\0", "d\0/f", "d/f\0",
    ] {
        let answers = [
            files.read(path, 0, 1).map(|_| ()),
            files.replace(path, b"owned"),
            files.append(path, b"owned").map(|_| ()),
            files.list(path, 9).map(|_| ()),
            files.stat(path).map(|_| ()),
            files.create_folders(path),
            files.create_folders(&[path, "/new"].concat()),
            files.remove(path),
            files.rename(path, "new"),
            files.rename("d/f", path),
        ];
        for (call, answer) in answers.into_iter().enumerate() {
            assert!(
                matches!(answer, Err(FsError::Denied | FsError::InvalidPath)),
                "call {call} of {path:?}: {answer:?}"
            );
        }
    }
    assert_eq!(names(files, ""), ["d"]);
    assert_eq!(names(files, "d"), ["f"]);
    assert_eq!(content(files, "d/f"), b"x");
}

/// Only whole parts are special: names with dots, spaces and backslashes are names.
pub(crate) fn takes_any_other_name(files: &mut dyn FileSystem) {
    for name in [
        "...",
        "..a",
        "a..",
        ".a",
        " ",
        "a b",
        "a\\b",
        "\u{4f60}\u{597d}",
        "-",
        "~",
        "*",
    ] {
        files.replace(name, name.as_bytes()).expect("it is a name");
        assert_eq!(content(files, name), name.as_bytes(), "{name:?}");
        files.remove(name).expect("it is there");
    }
    assert_eq!(names(files, ""), [""; 0]);
}

/// A large file comes back as it was, whole or in pieces.
pub(crate) fn keeps_a_large_file(files: &mut dyn FileSystem) {
    let large: Vec<u8> = (0..1u32 << 20)
        .map(|index| (index ^ (index >> 8)) as u8)
        .collect();
    files.replace("large", &large).expect("it takes writes");
    assert!(content(files, "large") == large, "it came back otherwise");
    let mut pieces = Vec::new();
    loop {
        let chunk = files
            .read("large", pieces.len() as u64, 100_000)
            .expect("a piece");
        pieces.extend_from_slice(&chunk.bytes);
        if chunk.end {
            break;
        }
        assert_eq!(
            chunk.bytes.len(),
            100_000,
            "only the last piece may be shorter"
        );
    }
    assert!(pieces == large, "its pieces are not it");
    assert_eq!(files.append("large", &large), Ok(2 << 20));
    let stat = files.stat("large").expect("it is there");
    assert_eq!(stat.size, 2 << 20);
}

/// One `#[test]` for each of the above, over file systems made by `$fresh` from the test's name.
macro_rules! file_system_contract {
    ($fresh:expr) => {
        file_system_contract! { @each $fresh;
            reads_any_part, reads_nothing_past_the_end, reads_nothing_at_the_largest_offset,
            reads_no_bytes, reads_only_files,
            replaces, replaces_only_files, appends, appends_only_to_files,
            lists, lists_up_to_a_limit, lists_many_long_names, lists_only_folders, stats, creates_folders,
            removes, renames, renames_onto_itself, renames_only_where_it_fits,
            refuses_other_paths, takes_any_other_name, keeps_a_large_file
        }
    };
    (@each $fresh:expr; $($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                crate::file_system::$name(&mut ($fresh)(stringify!($name)));
            }
        )*
    };
}
