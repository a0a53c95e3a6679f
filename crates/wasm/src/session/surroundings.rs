//! What a component can do itself for a session, and what of that is asked of it.

#[cfg(feature = "wasi")]
use dewclaw_platform::wasip2::{WasiEnvironment, WasiFileSystem};

use super::{Agent, Driver, Settings, wit};
#[cfg(feature = "wasi")]
use crate::command::ask::NO_WORKSPACE;
#[cfg(feature = "wasi")]
use crate::command::configuration;
#[cfg(feature = "wasi")]
use crate::driver::{Keys, Performs};
#[cfg(feature = "wasi")]
use crate::folders::Folders;

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
    /// What this component reaches of what the configuration asks for.
    ///
    /// # Errors
    /// Something that it does not reach.
    #[cfg(feature = "wasi")]
    pub(super) fn find(config: &wit::Config, settings: &Settings) -> Result<Self, wit::Error> {
        let performs = performs(config.model, config.files, config.web);
        let mut folders = Folders::find();
        let wrong = |text: &str| wit::Error::Config(text.into());
        if cfg!(not(feature = "http")) && (performs.model || performs.web) {
            return Err(wrong(
                "this component reaches no network: the host calls the model and performs the exchanges of the web",
            ));
        }
        if performs.files && !folders.workspace.is_granted() {
            return Err(wrong(NO_WORKSPACE));
        }
        let mut keys = Keys::default();
        if performs.model || performs.web {
            let environment = WasiEnvironment::new();
            keys = configuration::keys(&environment, &mut folders, settings)
                .map_err(|stop| wit::Error::Config(stop.message))?;
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
    pub(super) fn find(config: &wit::Config, _: &Settings) -> Result<Self, wit::Error> {
        if [config.model, config.files, config.web].contains(&wit::Performer::Component) {
            return Err(wit::Error::Config(
                "this component reaches neither network nor files: the host calls the model and performs operations"
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

/// What is asked of the component.
#[cfg(feature = "wasi")]
pub(super) fn performs(
    model: wit::Performer,
    files: wit::Performer,
    web: wit::Performer,
) -> Performs {
    let asked = |performer| matches!(performer, wit::Performer::Component);
    Performs {
        model: asked(model),
        files: asked(files),
        web: asked(web),
    }
}
