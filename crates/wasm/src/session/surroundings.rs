//! What a build can do itself for a session, and what of that is asked of it.

#[cfg(feature = "wasi")]
use dewclaw_platform::wasi::{WasiEnvironment, WasiFileSystem};

use super::{Agent, Driver, Error, Performs, Settings};
#[cfg(feature = "wasi")]
use crate::command::configuration;
#[cfg(feature = "wasi")]
use crate::driver::Keys;
#[cfg(feature = "wasi")]
use crate::folders::Folders;
#[cfg(feature = "wasi")]
use crate::host::HOST;

/// What a session's driver is made with.
pub(super) struct Surroundings {
    #[cfg(feature = "wasi")]
    performs: Performs,
    #[cfg(feature = "wasi")]
    files: WasiFileSystem,
    #[cfg(feature = "wasi")]
    keys: Keys,
}

impl Surroundings {
    /// What this build reaches of what the configuration asks for.
    ///
    /// # Errors
    /// Something that it does not reach.
    #[cfg(feature = "wasi")]
    pub(super) fn find(performs: Performs, settings: &Settings) -> Result<Self, Error> {
        let mut folders = Folders::find();
        let wrong = |text: &str| Error::Config(text.into());
        if cfg!(not(feature = "http")) && (performs.model || performs.web) {
            return Err(wrong(
                "this build reaches no network: the host calls the model and performs the exchanges of the web",
            ));
        }
        if performs.files && !folders.workspace.is_granted() {
            return Err(wrong(HOST.no_workspace));
        }
        let mut keys = Keys::default();
        if performs.model || performs.web {
            let environment = WasiEnvironment::new();
            keys = configuration::keys(&environment, &mut folders, settings)
                .map_err(|stop| Error::Config(stop.message))?;
        }
        Ok(Surroundings {
            performs,
            files: folders.workspace,
            keys,
        })
    }

    /// Nothing is reached.
    ///
    /// # Errors
    /// Anything that is asked for.
    #[cfg(not(feature = "wasi"))]
    pub(super) fn find(performs: Performs, _: &Settings) -> Result<Self, Error> {
        if performs.model || performs.files || performs.web {
            return Err(Error::Config(
                "this build reaches neither network nor files: the host calls the model and performs operations"
                    .into(),
            ));
        }
        Ok(Surroundings {})
    }

    /// The driver of an agent in them.
    #[cfg(feature = "wasi")]
    pub(super) fn driver(self, agent: Agent) -> Driver {
        Driver::new(agent, self.performs, self.files, self.keys)
    }

    /// The driver of an agent in them.
    #[cfg(not(feature = "wasi"))]
    pub(super) fn driver(self, agent: Agent) -> Driver {
        Driver::new(agent)
    }
}
