//! `ask` and `chat`: drives the session that the component opens. The component has the agent, its tools and the files; this host
//! calls the model, makes the exchanges of the web, runs tools of its own, and shows what happens.

mod approval;
mod chat;
mod event_json;
mod exchange;
mod flight;
mod host_tool;
mod http_error;
mod interruption;
mod kept;
mod lines;
mod names;
mod output;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::ResourceAny;

use crate::component::bindings::exports::dewclaw::agent::session as wit;
use crate::component::{self, Instance};
use crate::console::Console;
use crate::egress::Egress;
use crate::host::Host;
use crate::keys::{self, Keys};

use self::approval::Approval;
use self::flight::{Flight, Happened};
pub(crate) use self::host_tool::{Declaration, HostTool};
pub(crate) use self::interruption::Interruption;
pub(crate) use self::kept::{Kept, KeptError};
use self::lines::Lines;
use self::names::Names;
use self::output::{Output, Shown};
pub(crate) use self::output::{complain, printable};

/// What `ask` is done with, beside what the component is granted.
pub(crate) struct Ask {
    /// The way to the model and the web.
    pub(crate) egress: Egress,
    /// What requests are authorised with.
    pub(crate) keys: Keys,
    /// Tools of this host's own.
    pub(crate) tools: Vec<Arc<dyn HostTool>>,
    /// The conversation to go on with.
    pub(crate) saved: Option<Vec<u8>>,
    /// Where a conversation is kept.
    pub(crate) kept: Kept,
    /// The component keeps it, in the file of a session that has a name.
    pub(crate) is_named: bool,
    /// Where the answer goes.
    pub(crate) console: Console,
    /// Whether events are shown as JSON lines where there is no session that says so.
    pub(crate) json: bool,
    /// What cuts the run short.
    pub(crate) interruption: Arc<Interruption>,
}

/// How `ask` or `chat` ended.
#[derive(Debug)]
pub(crate) enum Asked {
    /// By itself, or because the component refused to begin: the exit code.
    Ended(u8),
    /// It was cancelled. The conversation is kept, or why it is not.
    Cancelled(Result<(), KeptError>),
}

/// Asks what the component's arguments ask.
///
/// # Errors
/// The embedded file is not a component that this host can run, it trapped, or it broke the session's contract.
pub(crate) async fn ask(host: Host, ask: Ask) -> wasmtime::Result<Asked> {
    let mut instance = component::instantiate(host).await?;
    let clock = Clock::start();
    let declarations: Vec<_> = ask.tools.iter().map(|tool| tool.declaration()).collect();
    let asked = instance
        .guest
        .dewclaw_agent_command_line()
        .call_ask(
            &mut instance.store,
            clock.now(),
            wit::Performer::Host,
            wit::Performer::Host,
            &declarations,
            ask.saved.as_deref(),
            u64::from_ne_bytes(keys::random()?),
        )
        .await?;
    let asked = match asked {
        Ok(asked) => asked,
        Err(stop) => {
            let shown = Shown {
                json: ask.json,
                ..Shown::default()
            };
            Output::new(shown, ask.console).stopped(&stop);
            return Ok(Asked::Ended(stop.code));
        }
    };
    ask.interruption.session_opened();
    let shown = Shown {
        json: asked.json,
        quiet: asked.quiet,
        verbose: asked.verbose,
    };
    let names = ask.tools.iter().map(|tool| {
        let shown = tool.shown_name();
        (tool.declaration().name, shown)
    });
    let names = Names::new(names);
    let mut run = Run {
        instance,
        session: asked.session,
        clock,
        flight: Flight::new(ask.egress, ask.keys),
        tools: ask.tools,
        approval: Approval::default(),
        lines: Lines::default(),
        output: Output::new(shown, ask.console).naming(names.clone()),
        names,
        interruption: ask.interruption,
        is_named: ask.is_named,
    };
    let ended = if asked.chats {
        run.interruption.session_goes_on();
        chat::chat(&mut run, &ask.kept, ask.saved.is_some()).await?
    } else {
        run.ask(&ask.kept, ask.saved.is_some()).await?
    };
    // What the session holds, such as the lock of its file, goes with it.
    run.session
        .resource_drop_async(&mut run.instance.store)
        .await?;
    Ok(ended)
}

/// A session under way.
struct Run {
    instance: Instance,
    session: ResourceAny,
    clock: Clock,
    flight: Flight,
    tools: Vec<Arc<dyn HostTool>>,
    approval: Approval,
    lines: Lines,
    output: Output,
    names: Names,
    interruption: Arc<Interruption>,
    is_named: bool,
}

impl Run {
    /// Drives the one run of `ask`. `continued` is whether the conversation is kept however it ends.
    async fn ask(&mut self, kept: &Kept, continued: bool) -> wasmtime::Result<Asked> {
        let outcome = self.drive().await?;
        self.output.finished(&outcome);
        if outcome.reason == "cancelled" {
            return Ok(Asked::Cancelled(self.keep(kept).await?));
        }
        if continued && let Err(unwritten) = self.keep(kept).await? {
            output::complain(&format!("dewclaw: {unwritten}"));
        }
        Ok(Asked::Ended(outcome.exit_code))
    }

    /// Does what the session says until the run is over.
    async fn drive(&mut self) -> wasmtime::Result<wit::Outcome> {
        loop {
            match self.next().await? {
                wit::Effect::Show(event) => self.output.event(&event),
                wit::Effect::CallModel(call) => {
                    let body = self.body().await?;
                    self.flight.call_model(call, body);
                }
                wit::Effect::DropReply(id) => self.flight.drop_reply(id),
                wit::Effect::Operate((id, wit::Operation::Http(operation))) => {
                    self.flight.operate(id, operation);
                }
                wit::Effect::Operate((id, wit::Operation::File(_))) => {
                    // The component has the files, so it never asks.
                    let answer = wit::Answer::FileFailed(wit::FileError::Unsupported);
                    self.tell(Happened::OperationDone(id, answer)).await?;
                }
                wit::Effect::DropOperation(id) => self.flight.drop_operation(id),
                wit::Effect::RunTool(call) => self.flight.run_tool(&self.tools, call),
                wit::Effect::Approve(call) => self.approve(call).await?,
                wit::Effect::Wait(until_ms) => self.wait(Some(self.clock.at(until_ms))).await?,
                wit::Effect::Pending if self.flight.is_empty() => {
                    wasmtime::bail!("its session waits for nothing");
                }
                wit::Effect::Pending => self.wait(None).await?,
                wit::Effect::Finished(outcome) => return Ok(outcome),
            }
        }
    }

    /// Waits for the next thing that happens, and tells the session; or until a moment, or an interruption.
    async fn wait(&mut self, until: Option<Instant>) -> wasmtime::Result<()> {
        let moment = async {
            match until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.interruption.requested() => self.cancel().await,
            happened = self.flight.next() => self.tell(happened).await,
            () = moment => Ok(()),
        }
    }

    async fn tell(&mut self, happened: Happened) -> wasmtime::Result<()> {
        let now = self.clock.now();
        let this = self.session;
        let Instance { guest, store } = &mut self.instance;
        let session = guest.dewclaw_agent_session().session();
        let taken = match happened {
            Happened::ReplyStart(id, status, headers) => {
                session
                    .call_reply_start(store, this, now, id, status, &headers)
                    .await?
            }
            Happened::ReplyChunk(id, bytes) => {
                session
                    .call_reply_chunk(store, this, now, id, &bytes)
                    .await?
            }
            Happened::ReplyEnd(id) => session.call_reply_end(store, this, now, id).await?,
            Happened::ReplyFailed(id, class) => {
                session
                    .call_reply_failed(store, this, now, id, class)
                    .await?
            }
            Happened::OperationDone(id, answer) => {
                session
                    .call_operation_done(store, this, now, id, &answer)
                    .await?
            }
            Happened::ToolDone(call, result) => {
                let result = result.as_deref().map_err(String::as_str);
                session
                    .call_tool_done(store, this, now, &call, result)
                    .await?
            }
        };
        taken.map_err(refused)
    }

    /// Asks the person about a call. What else happens meanwhile is told afterwards.
    async fn approve(&mut self, call: wit::ToolCall) -> wasmtime::Result<()> {
        let question = approval::question(&call, self.names.shown(&call.name));
        let verdict = match self
            .approval
            .known(&call.name, std::io::stdin().is_terminal())
        {
            Some(verdict) => verdict,
            None => tokio::select! {
                biased;
                () = self.interruption.requested() => return self.cancel().await,
                answer = self.lines.next(&question) => {
                    self.approval.answered(&call.name, answer.ok().flatten().as_deref())
                }
            },
        };
        let now = self.clock.now();
        let store = &mut self.instance.store;
        let session = self.instance.guest.dewclaw_agent_session().session();
        session
            .call_approve(store, self.session, now, &call.id, verdict)
            .await?
            .map_err(refused)
    }

    async fn cancel(&mut self) -> wasmtime::Result<()> {
        self.flight.drop_all();
        let now = self.clock.now();
        let store = &mut self.instance.store;
        let session = self.instance.guest.dewclaw_agent_session().session();
        session.call_cancel(store, self.session, now).await
    }

    async fn next(&mut self) -> wasmtime::Result<wit::Effect> {
        let now = self.clock.now();
        let store = &mut self.instance.store;
        let session = self.instance.guest.dewclaw_agent_session().session();
        session.call_next(store, self.session, now).await
    }

    /// The body of the model call that was asked for last.
    async fn body(&mut self) -> wasmtime::Result<Vec<u8>> {
        let mut body = Vec::new();
        for index in 0.. {
            let store = &mut self.instance.store;
            let session = self.instance.guest.dewclaw_agent_session().session();
            let piece = session.call_body_piece(store, self.session, index).await?;
            match piece {
                Some(piece) => body.extend(piece),
                None => break,
            }
        }
        Ok(body)
    }

    /// Keeps the conversation, unless the component does.
    async fn keep(&mut self, kept: &Kept) -> wasmtime::Result<Result<(), KeptError>> {
        if self.is_named {
            return Ok(Ok(()));
        }
        let store = &mut self.instance.store;
        let session = self.instance.guest.dewclaw_agent_session().session();
        let saved = session.call_save(store, self.session).await?;
        Ok(kept.write(&saved))
    }
}

/// An answer that the session did not ask for: only a bug gives one.
fn refused(error: wit::Error) -> wasmtime::Error {
    wasmtime::format_err!("its session refused an answer: {error}")
}

/// Both clocks of this machine; the one that never goes back starts with the run.
#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            start: Instant::now(),
        }
    }

    fn now(&self) -> wit::Moment {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        wit::Moment {
            monotonic_ms: ms(self.start.elapsed()),
            wall_ms: ms(since_1970.unwrap_or_default()),
        }
    }

    /// A moment of the monotonic clock; one that is too far off for this machine is a day from now.
    fn at(&self, monotonic_ms: u64) -> Instant {
        self.start
            .checked_add(Duration::from_millis(monotonic_ms))
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400))
    }
}
