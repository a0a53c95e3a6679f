//! One thing that the guest asks of a path: heard by the observer, and denied where its form or the folder's access denies it.

use std::path::{Component, Path};

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use super::{Gate, Held, fault};
use crate::files::counts::{Lease, NAME_BYTES};
use crate::files::error::{HARD_LINKS, IRREGULAR, LEAVES};
use crate::files::folder::Refused;
use crate::files::observer::{ObservedPath, PathCall};
use crate::limits::Limit;
use crate::policy::Access;

/// Bytes of a path at most: those of Linux.
const PATH_BYTES: usize = 4096;

/// A call that the observer has heard of and that is permitted so far.
pub(super) struct Asked {
    observed: Box<dyn ObservedPath>,
    pub(super) held: Held,
    /// The whole path, as the plugin sees it.
    pub(super) path: String,
}

impl Gate<'_> {
    /// Begins `function` of `path` in a descriptor. `access` is what it needs the folder to be granted for.
    pub(super) fn ask(
        &self,
        function: &'static str,
        descriptor: &Resource<Descriptor>,
        path: &str,
        access: Access,
    ) -> FsResult<Asked> {
        self.ask_with(function, descriptor, path, None, access)
    }

    /// The same with the other path of the call. As the other descriptor's where that is given.
    pub(super) fn ask_with(
        &self,
        function: &'static str,
        descriptor: &Resource<Descriptor>,
        path: &str,
        other: Option<(Option<&Resource<Descriptor>>, &str)>,
        access: Access,
    ) -> FsResult<Asked> {
        let held = self.held(descriptor)?;
        let whole = behind(&held.name, path);
        let other_held = match other {
            Some((Some(descriptor), _)) => Some(self.held(descriptor)?),
            _ => None,
        };
        let other = other.map(|(_, path)| match &other_held {
            Some(held) => behind(&held.name, path),
            None => first(path).to_owned(),
        });
        let call = PathCall {
            function,
            path: &whole,
            other: other.as_deref(),
        };
        let observed = self.plugin()?.observer.begin(call).map_err(fault)?;
        let mut asked = Asked {
            observed,
            path: whole,
            held,
        };
        if let Some((code, error)) =
            ill_formed(path).or_else(|| other.as_deref().and_then(ill_formed))
        {
            return Err(asked
                .deny("a path is names with / between them", error, code)?
                .into());
        }
        let lacking = [Some(&asked.held), other_held.as_ref()]
            .into_iter()
            .flatten()
            .find(|held| held.access < access)
            .map(|held| held.rule.clone());
        if let Some(rule) = lacking {
            let error = "the folder is granted read-only";
            return Err(asked.deny(&rule, error, ErrorCode::NotPermitted)?.into());
        }
        let rule = asked.held.rule.clone();
        asked.observed.permit(&rule);
        Ok(asked)
    }

    /// Tells the observer of a limit that something without a path of its own ran into, and gives the guest's error.
    pub(super) fn over(
        &self,
        function: &'static str,
        held: &Held,
        limit: Limit,
    ) -> FsResult<ErrorCode> {
        let plugin = self.plugin()?;
        let call = PathCall {
            function,
            path: &held.name,
            other: None,
        };
        let observed = plugin.observer.begin(call).map_err(fault)?;
        plugin.deny_limit(observed, limit).map_err(fault)?;
        Ok(code_of_limit(limit))
    }

    /// A file more that may be open.
    pub(super) fn lease(&self, asked: Asked) -> FsResult<(Asked, Lease)> {
        match self.plugin()?.files.open_files().lease() {
            Some(lease) => Ok((asked, lease)),
            None => Err(self.deny_limit(asked, Limit::OpenFiles)?.into()),
        }
    }

    /// A name more that may be made in a folder.
    pub(super) fn charge_name(&self, asked: Asked) -> FsResult<Asked> {
        match self.plugin()?.files.written().charge(NAME_BYTES) {
            true => Ok(asked),
            false => Err(self.deny_limit(asked, Limit::Written)?.into()),
        }
    }

    pub(super) fn deny_limit(&self, asked: Asked, limit: Limit) -> FsResult<ErrorCode> {
        self.plugin()?
            .deny_limit(asked.observed, limit)
            .map_err(fault)?;
        Ok(code_of_limit(limit))
    }

    /// Nothing was made after all.
    pub(super) fn refund_name(&self) {
        if let Some(plugin) = &self.store.plugin {
            plugin.files.written().refund(NAME_BYTES);
        }
    }
}

impl Asked {
    /// Ends it as a denial; gives the guest's error, which is no more than its code.
    pub(super) fn deny(self, rule: &str, error: &str, code: ErrorCode) -> FsResult<ErrorCode> {
        self.observed.denied(rule, error).map_err(fault)?;
        Ok(code)
    }

    /// Ends it with what came of it.
    pub(super) fn end<T>(self, result: FsResult<T>) -> FsResult<T> {
        match &result {
            Ok(_) => self.observed.succeeded().map_err(fault)?,
            Err(error) => match error.downcast_ref() {
                // What leads out, mostly: wasmtime's own containment gives this code.
                Some(ErrorCode::NotPermitted) => {
                    self.observed
                        .denied(LEAVES, ErrorCode::NotPermitted.name())
                        .map_err(fault)?;
                }
                Some(code) => self.observed.failed(code.name()).map_err(fault)?,
                None => self.observed.failed("the call was ended").map_err(fault)?,
            },
        }
        result
    }

    /// Ends it as refused by what was found.
    pub(super) fn refuse(self, refused: Refused) -> FsResult<ErrorCode> {
        let (rule, error) = match refused {
            Refused::System(error) => {
                let code = ErrorCode::from(error);
                self.observed.failed(code.name()).map_err(fault)?;
                return Ok(code);
            }
            Refused::Leaves => (
                LEAVES,
                "a symlink leads out of the granted folder".to_owned(),
            ),
            Refused::Irregular(kind) => (IRREGULAR, kind.to_string()),
            Refused::HardLink { names } => (HARD_LINKS, format!("the file has {names} names")),
        };
        self.deny(rule, &error, ErrorCode::NotPermitted)
    }
}

fn code_of_limit(limit: Limit) -> ErrorCode {
    match limit {
        Limit::Written => ErrorCode::Quota,
        // WASI has none for too many open files.
        _ => ErrorCode::InsufficientMemory,
    }
}

/// What is wrong with a path, whatever it names.
fn ill_formed(path: &str) -> Option<(ErrorCode, &'static str)> {
    if path.len() > PATH_BYTES {
        return Some((
            ErrorCode::NameTooLong,
            "the path is longer than 4,096 bytes",
        ));
    }
    path.contains(|letter: char| letter == '\\' || letter.is_control())
        .then_some((
            ErrorCode::IllegalByteSequence,
            "the path has a control character or a backslash in it",
        ))
}

/// Whether a symlink with this in it stays below the folder that it is in, wherever it is moved.
pub(super) fn stays_below(target: &str) -> bool {
    let mut components = Path::new(target).components();
    !target.is_empty()
        && components.all(|component| matches!(component, Component::Normal(_) | Component::CurDir))
}

/// A path from the name of a folder on.
fn behind(name: &str, path: &str) -> String {
    match (name, first(path)) {
        (".", path) => path.to_owned(),
        (name, "") => name.to_owned(),
        (name, path) => format!("{name}/{path}"),
    }
}

/// As much of a path as anybody reads.
fn first(path: &str) -> &str {
    &path[..path.floor_char_boundary(PATH_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symlink_stays_below_if_it_names_nothing_above() {
        for target in ["a", "a/b", "./a", "a/./b", "..."] {
            assert!(stays_below(target), "{target}");
        }
        for target in ["", "..", "a/..", "a/../b", "/", "/a", "../a", "a/../../b"] {
            assert!(!stays_below(target), "{target}");
        }
    }
}
