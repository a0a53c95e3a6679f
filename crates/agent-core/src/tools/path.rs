//! Paths as models write them, made into paths of the workspace, or refused.
//!
//! What can be told from the text alone is decided here, before anything is touched. Links are the file system's
//! business: its root keeps them inside, and the state folder is off limits there too.

use alloc::string::String;

use dewclaw_platform::{has, split};

use super::error::ToolError;
use crate::url::cut;

/// The folder of the workspace that holds state where no `/state` is granted. No tool reaches into it.
pub const STATE_FOLDER: &str = ".dewclaw";

/// The path relative to the workspace, without `.`, `..` and empty parts; empty for the workspace itself.
pub(crate) fn workspace_path(text: &str) -> Result<String, ToolError> {
    if has(text.as_bytes(), 0) {
        return Err(ToolError::denied("", "a path can't hold a NUL"));
    }
    if text.starts_with('/') || is_drive(text) {
        return Err(ToolError::denied(
            text,
            "is an absolute path: give one relative to the workspace, such as notes/today.md",
        ));
    }
    if has(text.as_bytes(), b'\\') {
        return Err(ToolError::denied(
            text,
            "has a backslash: separate folders by /",
        ));
    }
    let mut path = String::new();
    for part in split(text, b'/') {
        match part {
            "" | "." => {}
            ".." => {
                if path.is_empty() {
                    return Err(ToolError::denied(text, "leaves the workspace"));
                }
                let end = path.bytes().rposition(|byte| byte == b'/');
                path.truncate(end.unwrap_or_default());
            }
            _ => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    let (first, _) = cut(path.as_bytes(), b'/');
    if is_state_folder(first) {
        return Err(ToolError::denied(
            text,
            "is the agent's own state, which tools can't reach",
        ));
    }
    Ok(path)
}

/// Whether some file system takes this name for the state folder's: case, and what Windows drops at a name's end.
pub(crate) fn is_state_folder(name: &[u8]) -> bool {
    let (mut name, _) = cut(name, b':');
    while let [rest @ .., b'.' | b' '] = name {
        name = rest;
    }
    name.eq_ignore_ascii_case(STATE_FOLDER.as_bytes())
}

fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_made_relative_and_normal() {
        for (text, path) in [
            ("", ""),
            (".", ""),
            ("./", ""),
            ("a", "a"),
            ("./a//b/./c/", "a/b/c"),
            ("a/../b", "b"),
            ("nope/../x", "x"),
            ("...", "..."),
            ("..a/b..", "..a/b.."),
            ("sub/.dewclaw", "sub/.dewclaw"),
            (".dewclaw2", ".dewclaw2"),
        ] {
            assert_eq!(workspace_path(text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn what_leaves_the_workspace_or_enters_state_is_refused() {
        for text in [
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "nope/../../x",
            "./..",
            "a/b/../../../c",
            "a\0b",
            "\0",
            "C:/x",
            "c:\\x",
            "..\\x",
            "a\\..\\..\\x",
            ".dewclaw",
            ".dewclaw/dewclaw.json",
            "./.dewclaw/x",
            "a/../.dewclaw",
            ".DEWCLAW/x",
            ".Dewclaw",
            ".dewclaw./x",
            ".dewclaw /x",
            ".dewclaw::$INDEX_ALLOCATION/x",
        ] {
            assert!(workspace_path(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_out_is_normal(text in "[a./ \\\\\0]{0,20}|(\\.\\.|a|\\.dewclaw|/|\\.){0,12}") {
            if let Ok(path) = workspace_path(&text) {
                prop_assert!(path.is_empty() || path.split('/').all(|part| !matches!(part, "" | "." | "..")));
                prop_assert!(!is_state_folder(cut(path.as_bytes(), b'/').0));
                prop_assert!(!path.contains('\0'));
            }
        }
    }
}
