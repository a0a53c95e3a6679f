//! Paths as models write them, made into paths of the workspace, or refused.
//!
//! What can be told from the text alone is decided here, before anything is touched. Links are the file system's
//! business: its root keeps them inside, and the state folder is off limits there too.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::ToolError;

/// The folder of the workspace that holds state where no `/state` is granted. No tool reaches into it.
pub const STATE_FOLDER: &str = ".dewclaw";

/// The path relative to the workspace, without `.`, `..` and empty parts; empty for the workspace itself.
pub(crate) fn workspace_path(text: &str) -> Result<String, ToolError> {
    if text.contains('\0') {
        return Err(ToolError::denied("", "a path can't hold a NUL"));
    }
    if text.starts_with('/') || is_drive(text) {
        return Err(ToolError::denied(
            text,
            "is an absolute path: give one relative to the workspace, such as notes/today.md",
        ));
    }
    if text.contains('\\') {
        return Err(ToolError::denied(
            text,
            "has a backslash: separate folders by /",
        ));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(ToolError::denied(text, "leaves the workspace"));
                }
            }
            _ => parts.push(part),
        }
    }
    if parts.first().is_some_and(|first| is_state_folder(first)) {
        return Err(ToolError::denied(
            text,
            "is the agent's own state, which tools can't reach",
        ));
    }
    Ok(parts.join("/"))
}

/// Whether some file system takes this name for the state folder's: case, and what Windows drops at a name's end.
pub(crate) fn is_state_folder(name: &str) -> bool {
    name.split(':')
        .next()
        .unwrap_or_default()
        .trim_end_matches(['.', ' '])
        .eq_ignore_ascii_case(STATE_FOLDER)
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
                prop_assert!(!path.split('/').next().is_some_and(is_state_folder));
                prop_assert!(!path.contains('\0'));
            }
        }
    }
}
