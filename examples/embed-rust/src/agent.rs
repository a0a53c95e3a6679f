//! The component with one session: opening it, and the loop that drives it.

use crate::arguments;
use crate::grants::{self, Grants};
use crate::terminal::Terminal;
use crate::thermometer;
use bindings::Core;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::time::{Instant, UNIX_EPOCH};
use wasmtime::component::{Component, ResourceAny};
use wasmtime::error::Context;
use wasmtime::{Cache, Config, Engine, Result, Store, bail, format_err};

pub(crate) use bindings::exports::dewclaw::agent::session as wit;

mod bindings {
    #![allow(unreachable_pub, reason = "generated")]

    // The world `core` has the session alone. What the component imports is the linker's to give.
    wasmtime::component::bindgen!({ path: "../../wit", world: "core", exports: { default: async } });
}

/// A component, what it is granted, and a session of it.
pub(crate) struct Agent {
    store: Store<Grants>,
    core: Core,
    session: ResourceAny,
}

impl Agent {
    /// Opens a session on a folder, or goes on with a saved one.
    pub(crate) async fn open(component: &str, folder: &str, saved: Option<&[u8]>) -> Result<Agent> {
        let mut config = Config::new();
        // Compiled the first time only.
        config.cache(Cache::from_file(None).ok());
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, component)
            .with_context(|| format!("{component} can't be run; scripts/build-wasm makes it"))?;
        let mut store = Store::new(&engine, Grants::of(folder)?);
        let linker = grants::linker(&engine)?;
        let core = Core::instantiate_async(&mut store, &component, &linker).await?;

        let (config, tools) = (arguments::config(), [thermometer::tool()]);
        let agent = core.dewclaw_agent_session().session();
        let session = match saved {
            Some(saved) => {
                agent
                    .call_restore(&mut store, &config, &tools, saved)
                    .await?
            }
            None => {
                agent
                    .call_open(&mut store, &config, &tools, unpredictable())
                    .await?
            }
        };
        let session = session.map_err(words)?;
        Ok(Agent {
            store,
            core,
            session,
        })
    }

    /// Gives a prompt, and does what the session says until the run is over.
    pub(crate) async fn run(
        &mut self,
        prompt: &str,
        terminal: &mut Terminal,
    ) -> Result<wit::Outcome> {
        let (session, agent) = (self.session, self.core.dewclaw_agent_session().session());
        let store = &mut self.store;
        agent
            .call_prompt(&mut *store, session, now(), prompt)
            .await?
            .map_err(words)?;
        loop {
            match agent.call_next(&mut *store, session, now()).await? {
                wit::Effect::Finished(outcome) => return Ok(outcome),
                wit::Effect::Show(event) => terminal.show(event),
                // The component is at work: it goes on for a while, and tells what there is to show.
                wit::Effect::Pending => {
                    let events = agent.call_advance(&mut *store, session, 100).await?;
                    for event in events.map_err(words)? {
                        terminal.show(event);
                    }
                }
                wit::Effect::RunTool(call) => {
                    let result = thermometer::read(&call.arguments);
                    let result = result.as_deref().map_err(String::as_str);
                    let told = agent.call_tool_done(&mut *store, session, now(), &call.id, result);
                    told.await?.map_err(words)?;
                }
                wit::Effect::Approve(call) => {
                    if let Some(verdict) = terminal.ask(&call).await? {
                        let told =
                            agent.call_approve(&mut *store, session, now(), &call.id, verdict);
                        told.await?.map_err(words)?;
                    }
                }
                effect => bail!("the component was to do this itself: {effect:?}"),
            }
            if terminal.interrupted() {
                agent.call_cancel(&mut *store, session, now()).await?;
            }
        }
    }

    /// The conversation, without any key.
    pub(crate) async fn save(&mut self) -> Result<Vec<u8>> {
        let agent = self.core.dewclaw_agent_session().session();
        agent.call_save(&mut self.store, self.session).await
    }
}

/// Both clocks, now.
fn now() -> wit::Moment {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    wit::Moment {
        monotonic_ms: BEGAN.elapsed().as_millis() as u64,
        wall_ms: UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64,
    }
}

/// 64 bits that nobody can predict: the standard library's own, for its hash maps.
fn unpredictable() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// An error of the session's, in words.
fn words(error: wit::Error) -> wasmtime::Error {
    match error {
        wit::Error::Config(why) | wit::Error::Saved(why) => format_err!("{why}"),
        wit::Error::EmptyPrompt => format_err!("the prompt is empty"),
        other => other.into(),
    }
}
