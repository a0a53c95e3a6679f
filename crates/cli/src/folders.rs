//! The two folders of a run: the workspace, which the tools see, and the state, which they never see.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that exist, can be read and do not lie wrongly in each other. Both paths are canonical.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folders {
    /// Granted as `/`.
    pub(crate) workspace: PathBuf,
    /// Granted as `/state`.
    pub(crate) state: PathBuf,
}

/// What this process knows about where things belong.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// `$DEWCLAW_STATE`.
    pub(crate) dewclaw_state: Option<OsString>,
    /// `$XDG_STATE_HOME`.
    pub(crate) xdg_state_home: Option<OsString>,
    /// The user's own folder.
    pub(crate) home: Option<PathBuf>,
}

/// A folder that cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldersError {
    /// The workspace is missing, not a folder, or not readable.
    #[error("cannot open the workspace `{}`: {cause}: give a folder with --workspace DIR", path.display())]
    Workspace { path: PathBuf, cause: io::Error },
    /// The state folder can be neither made nor read.
    #[error("cannot use the state folder `{}`: {cause}: give another with --state DIR", path.display())]
    State { path: PathBuf, cause: io::Error },
    /// Nothing says where state belongs.
    #[error(
        "no place for state: neither DEWCLAW_STATE, XDG_STATE_HOME nor a home folder is set: give --state DIR"
    )]
    NoStatePlace,
    /// The tools would see state.
    #[error(
        "the workspace `{}` lies in the state folder `{}`, which tools must never see: \
         give another with --workspace DIR or --state DIR",
        workspace.display(), state.display()
    )]
    Overlap { workspace: PathBuf, state: PathBuf },
}

impl Places {
    /// The state folder: the one that is given, else where it belongs. It may be missing.
    ///
    /// # Errors
    /// Nothing says where state belongs.
    pub(crate) fn state_of(&self, given: Option<PathBuf>) -> Result<PathBuf, FoldersError> {
        given
            .or_else(|| self.state())
            .ok_or(FoldersError::NoStatePlace)
    }

    /// Reads this process's environment.
    pub(crate) fn of_this_process() -> Places {
        Places {
            dewclaw_state: std::env::var_os("DEWCLAW_STATE"),
            xdg_state_home: std::env::var_os("XDG_STATE_HOME"),
            home: std::env::home_dir(),
        }
    }

    /// Where state belongs when no option says so: `$DEWCLAW_STATE`, `$XDG_STATE_HOME/dewclaw`,
    /// `~/.local/state/dewclaw`, whichever is there first. A relative `$XDG_STATE_HOME` counts as none, as its
    /// specification asks.
    fn state(&self) -> Option<PathBuf> {
        let set = |value: &Option<OsString>| value.clone().filter(|value| !value.is_empty());
        set(&self.dewclaw_state)
            .map(PathBuf::from)
            .or_else(|| {
                let base = PathBuf::from(set(&self.xdg_state_home)?);
                base.is_absolute().then(|| base.join("dewclaw"))
            })
            .or_else(|| {
                let home = self.home.as_ref().filter(|home| home.is_absolute())?;
                Some(home.join(".local/state/dewclaw"))
            })
    }
}

/// Finds the folders of a run, and makes the state folder, readable by its owner only, if it is missing.
///
/// # Errors
/// A folder cannot be opened, or the workspace is the state folder or lies in it.
pub(crate) fn find(
    workspace: Option<&Path>,
    state: Option<&Path>,
    places: &Places,
) -> Result<Folders, FoldersError> {
    let typed = workspace.unwrap_or(Path::new("."));
    let workspace = open(typed).map_err(|cause| FoldersError::Workspace {
        path: typed.to_owned(),
        cause,
    })?;
    let typed = places.state_of(state.map(Path::to_owned))?;
    let state = make_private(&typed)
        .and_then(|()| open(&typed))
        .map_err(|cause| FoldersError::State { path: typed, cause })?;
    // State inside the workspace is fine: the component keeps its tools out of it.
    if workspace.starts_with(&state) {
        return Err(FoldersError::Overlap { workspace, state });
    }
    Ok(Folders { workspace, state })
}

fn open(path: &Path) -> io::Result<PathBuf> {
    drop(fs::read_dir(path)?);
    path.canonicalize()
}

fn make_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(home: &Path) -> Places {
        Places {
            home: Some(home.to_owned()),
            ..Places::default()
        }
    }

    #[test]
    fn state_is_made_for_its_owner_only() {
        let scratch = tempfile::tempdir().unwrap();
        let work = scratch.path().join("work");
        fs::create_dir(&work).unwrap();
        let found = find(Some(&work), None, &places(scratch.path())).unwrap();
        assert_eq!(
            found.state,
            scratch
                .path()
                .canonicalize()
                .unwrap()
                .join(".local/state/dewclaw")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&found.state).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[test]
    fn the_first_place_that_is_set_wins() {
        let all = Places {
            dewclaw_state: Some("mine".into()),
            xdg_state_home: Some("/xdg".into()),
            home: Some("/home/me".into()),
        };
        assert_eq!(all.state(), Some("mine".into()));
        let xdg = Places {
            dewclaw_state: Some("".into()),
            ..all
        };
        assert_eq!(xdg.state(), Some("/xdg/dewclaw".into()));
        let home = Places {
            xdg_state_home: Some("relative".into()),
            ..xdg
        };
        assert_eq!(home.state(), Some("/home/me/.local/state/dewclaw".into()));
        assert_eq!(Places::default().state(), None);
    }

    #[test]
    fn the_workspace_must_be_a_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let missing = scratch.path().join("missing");
        let message = find(Some(&missing), None, &places(scratch.path()))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("cannot open the workspace `"),
            "{message}"
        );
        assert!(
            message.ends_with("give a folder with --workspace DIR"),
            "{message}"
        );
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(find(Some(&file), None, &places(scratch.path())).is_err());
    }

    #[test]
    fn tools_may_not_sit_in_state() {
        let scratch = tempfile::tempdir().unwrap();
        let (state, inner) = (scratch.path(), scratch.path().join("inner"));
        fs::create_dir(&inner).unwrap();
        let refused = |workspace: &Path, state: &Path| {
            matches!(
                find(Some(workspace), Some(state), &Places::default()),
                Err(FoldersError::Overlap { .. })
            )
        };
        assert!(refused(state, state));
        assert!(refused(&inner, state));
        assert!(!refused(state, &inner));
        #[cfg(unix)]
        {
            let link = scratch.path().join("link");
            std::os::unix::fs::symlink(&inner, &link).unwrap();
            assert!(refused(&inner, &link));
        }
    }

    #[test]
    fn a_place_for_state_is_asked_for() {
        let scratch = tempfile::tempdir().unwrap();
        assert!(matches!(
            find(Some(scratch.path()), None, &Places::default()),
            Err(FoldersError::NoStatePlace)
        ));
    }
}
