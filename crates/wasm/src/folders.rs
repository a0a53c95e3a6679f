//! The granted folders: which is the workspace, which is state, and what each may not reach.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::tools::STATE_FOLDER;
use dewclaw_platform::wasi::{Preopen, WasiFileSystem, preopens};
use dewclaw_platform::{FileSystem, FsError, FsResult};

/// The name that state is granted under.
pub(crate) const STATE_PREOPEN: &str = "/state";

/// Bytes of a file that is read whole.
const MAX_FILE_BYTES: usize = if cfg!(feature = "limits") {
    // All linear memory of a board is a megabyte.
    64 * 1024
} else {
    1024 * 1024
};

/// The folders of this run.
pub(crate) struct Folders {
    /// What tools see.
    pub(crate) workspace: WasiFileSystem,
    /// The name that the workspace was granted under.
    pub(crate) workspace_name: Option<String>,
    /// What tools never see. Without a grant of its own it is [`STATE_FOLDER`] of the workspace, which may be missing.
    pub(crate) state: WasiFileSystem,
    /// State has a grant of its own, which only the operator fills; else it may have come with a cloned repository.
    pub(crate) state_is_trusted: bool,
    /// Granted folders that are neither.
    pub(crate) unused: Vec<String>,
}

impl Folders {
    /// Looks at what was granted. The workspace is `/`, else `.`, else the only folder left.
    pub(crate) fn find() -> Folders {
        let mut granted = preopens();
        let state = take(&mut granted, STATE_PREOPEN);
        let workspace = take(&mut granted, "/")
            .or_else(|| take(&mut granted, "."))
            .or_else(|| {
                if granted.len() == 1 {
                    granted.pop()
                } else {
                    None
                }
            });
        let (mut workspace, workspace_name) = match workspace {
            Some(preopen) => (preopen.files, Some(preopen.name)),
            None => (WasiFileSystem::default(), None),
        };
        workspace.exclude_name(STATE_FOLDER);
        let in_workspace = workspace.folder(STATE_FOLDER, false).unwrap_or_default();
        workspace.exclude(&in_workspace);
        let state_is_trusted = state.is_some();
        let state = state.map_or(in_workspace, |preopen| preopen.files);
        workspace.exclude(&state);
        Folders {
            workspace,
            workspace_name,
            state,
            state_is_trusted,
            unused: granted.into_iter().map(|preopen| preopen.name).collect(),
        }
    }

    /// A file of state, whole; `None` where there is none.
    ///
    /// # Errors
    /// Why it can't be read.
    pub(crate) fn read_state(&mut self, path: &str) -> FsResult<Option<Vec<u8>>> {
        match self.state.read(path, 0, MAX_FILE_BYTES + 1) {
            Ok(chunk) if chunk.bytes.len() > MAX_FILE_BYTES => Err(FsError::TooLarge),
            Ok(chunk) => Ok(Some(chunk.bytes)),
            Err(FsError::NotFound | FsError::NoRoot) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// State's files, to read; a run without any answers [`FsError::NoRoot`] to each call.
    pub(crate) fn state(&mut self) -> &mut WasiFileSystem {
        &mut self.state
    }

    /// State's files, to write: made in the workspace where state has no grant of its own.
    ///
    /// # Errors
    /// Why there is none and none can be made.
    pub(crate) fn state_for_writing(&mut self) -> FsResult<&mut WasiFileSystem> {
        if !self.state.is_granted() {
            self.state = self.workspace.folder(STATE_FOLDER, true)?;
            self.workspace.exclude(&self.state);
        }
        Ok(&mut self.state)
    }
}

/// A path as a person gives it for a file of state: relative to it, with or without `/state/` before.
pub(crate) fn state_path(path: &str) -> &str {
    path.strip_prefix("/state/")
        .or_else(|| path.strip_prefix("./"))
        .unwrap_or(path)
}

fn take(granted: &mut Vec<Preopen>, name: &str) -> Option<Preopen> {
    let at = granted.iter().position(|preopen| preopen.name == name)?;
    Some(granted.remove(at))
}
