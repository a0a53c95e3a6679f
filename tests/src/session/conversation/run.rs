//! A host that does what a session says with what a conversation's file has, and writes it down.

use super::log::{Text, lines};
use super::{Conversation, Exchange, Held, ToolResult, class};
use crate::session::files::{Files, perform};
use crate::session::runtime::{AnySession, Opened, Runtime, Told};
use crate::session::wit;
use std::collections::VecDeque;

/// More effects than any conversation here has.
const MAX_EFFECTS: u32 = 10_000;

/// What every input takes.
const INPUT_MS: u64 = 10;

/// Holds a conversation to its end: it begins on the first runtime, and goes on with the next, and after the last with the
/// first again, wherever it is saved.
pub(super) fn run(conversation: Conversation, runtimes: &[&dyn Runtime]) -> Held {
    let config = wit::Config {
        settings: conversation.settings.to_string(),
        tools: conversation.tools.clone(),
        model: wit::Performer::Host,
        files: wit::Performer::Host,
        web: wit::Performer::Host,
    };
    let tools: Vec<_> = conversation
        .host_tools
        .iter()
        .map(|tool| tool.wit())
        .collect();
    let session = runtimes[0]
        .open(&config, &tools)
        .unwrap_or_else(|error| panic!("{}: {error:?}", conversation.name));
    let files = conversation.files.iter();
    let mut host = Host {
        now: wit::Moment {
            monotonic_ms: 1_000,
            wall_ms: 1_795_132_800_000,
        },
        files: files
            .map(|(path, text)| (path.clone(), text.clone().into_bytes()))
            .collect(),
        untold: VecDeque::new(),
        log: "open\n".to_owned(),
        effects: 0,
        conversation,
    };
    let mut others = runtimes.iter().cycle().skip(1);
    let mut restore = |saved: &[u8]| {
        let runtime = others.next().expect("a cycle goes on");
        runtime.restore(&config, &tools, saved)
    };
    let outcome = host.hold(session, &mut restore);
    Held {
        log: host.log,
        outcome,
    }
}

/// Opens a session that goes on from saved bytes.
type Restore<'r> = dyn FnMut(&[u8]) -> Opened + 'r;

struct Host {
    conversation: Conversation,
    now: wit::Moment,
    files: Files,
    /// What of the reply in flight was not told yet.
    untold: VecDeque<Told>,
    log: String,
    /// How many were taken.
    effects: u32,
}

impl Host {
    /// Gives one prompt after the other. What the last run came to.
    fn hold(
        &mut self,
        mut session: Box<dyn AnySession>,
        restore: &mut Restore<'_>,
    ) -> wit::Outcome {
        let mut last = None;
        while let Some(prompt) = self.conversation.prompts.pop_front() {
            self.log += &format!("prompt {}\n", Text(&prompt));
            self.took(session.prompt(self.now, &prompt));
            last = Some(loop {
                let effect = session.next(self.now);
                self.log += &lines(&effect, || session.body());
                self.effects += 1;
                assert!(self.effects < MAX_EFFECTS, "{}", self.stuck("does not end"));
                if self.conversation.cancel_at == Some(self.effects) {
                    let now = self.later();
                    session.cancel(now);
                } else if self.conversation.save_at.contains(&self.effects) {
                    let saved = session.save();
                    self.log += &format!("restored {}\n", saved.len());
                    drop(session);
                    session = restore(&saved).unwrap_or_else(|error| {
                        panic!("{}: {error:?}", self.stuck("is not taken"))
                    });
                    self.untold.clear();
                } else if let wit::Effect::Finished(outcome) = effect {
                    break outcome;
                } else {
                    let answered = self.answer(session.as_ref(), effect);
                    self.took(answered);
                }
            });
        }
        let left = &self.conversation;
        let left =
            left.replies.len() + left.tool_results.len() + left.verdicts.len() + left.fetches.len();
        assert_eq!(
            left,
            0,
            "{}",
            self.stuck("has answers that nothing asked for")
        );
        last.unwrap_or_else(|| panic!("{}", self.stuck("has no prompt")))
    }

    /// Does what an effect says.
    fn answer(&mut self, session: &dyn AnySession, effect: wit::Effect) -> Result<(), wit::Error> {
        match effect {
            wit::Effect::Show(_) | wit::Effect::DropOperation(_) | wit::Effect::Finished(_) => {
                Ok(())
            }
            wit::Effect::CallModel(call) => {
                self.call_model(call.id);
                Ok(())
            }
            wit::Effect::DropReply(id) => {
                self.untold.retain(|told| !of_reply(told, id));
                Ok(())
            }
            wit::Effect::Operate((id, operation)) => {
                let answer = match operation {
                    wit::Operation::File(operation) => perform(&mut self.files, operation),
                    wit::Operation::Http(_) => self.fetch(),
                };
                session.tell(self.later(), &Told::Operation(id, answer))
            }
            wit::Effect::RunTool(call) => {
                let result = self.conversation.tool_results.pop_front();
                let result = match result.unwrap_or_else(|| panic!("{}", self.stuck("runs a tool")))
                {
                    ToolResult::Ok(result) => Ok(result),
                    ToolResult::Err(why) => Err(why),
                };
                session.tell(self.later(), &Told::Tool(call.id, result))
            }
            wit::Effect::Approve(call) => {
                let verdict = self.conversation.verdicts.pop_front();
                let verdict = verdict.unwrap_or_else(|| panic!("{}", self.stuck("asks")));
                session.tell(self.later(), &Told::Verdict(call.id, verdict.into()))
            }
            wit::Effect::Wait(until) => match self.untold.pop_front() {
                Some(told) => session.tell(self.later(), &told),
                None => {
                    let passed = until.saturating_sub(self.now.monotonic_ms);
                    self.now.monotonic_ms += passed;
                    self.now.wall_ms += passed;
                    Ok(())
                }
            },
            wit::Effect::Pending => {
                let told = self.untold.pop_front();
                let told = told.unwrap_or_else(|| panic!("{}", self.stuck("waits for nothing")));
                session.tell(self.later(), &told)
            }
        }
    }

    /// Lays out the next reply, so that it can be told.
    fn call_model(&mut self, id: u32) {
        let reply = self.conversation.replies.pop_front();
        match reply.unwrap_or_else(|| panic!("{}", self.stuck("calls the model"))) {
            Exchange::Failed(name) => self.untold.push_back(Told::Failed(id, class(&name))),
            Exchange::Answered(reply) => {
                let start = Told::Start(id, reply.status, reply.headers);
                let chunks = reply
                    .pieces
                    .into_iter()
                    .map(|piece| Told::Chunk(id, piece.0));
                let end = match reply.end.as_str() {
                    "open" => None,
                    "end" => Some(Told::End(id)),
                    name => Some(Told::Failed(id, class(name))),
                };
                self.untold
                    .extend([start].into_iter().chain(chunks).chain(end));
            }
        }
    }

    fn fetch(&mut self) -> wit::Answer {
        let fetch = self.conversation.fetches.pop_front();
        match fetch.unwrap_or_else(|| panic!("{}", self.stuck("reaches for the web"))) {
            Exchange::Failed(name) => wit::Answer::HttpFailed(class(&name)),
            Exchange::Answered(page) => wit::Answer::Reply(wit::HttpReply {
                status: page.status,
                headers: page.headers,
                body: page.body.into_bytes(),
                whole: page.whole,
            }),
        }
    }

    /// The moment of the next input.
    fn later(&mut self) -> wit::Moment {
        self.now.monotonic_ms += INPUT_MS;
        self.now.wall_ms += INPUT_MS;
        self.now
    }

    fn took(&self, answered: Result<(), wit::Error>) {
        if let Err(error) = answered {
            panic!("{}: {error:?}", self.stuck("is told what it does not take"));
        }
    }

    /// Where it is, for somebody who writes the file.
    fn stuck(&self, what: &str) -> String {
        format!(
            "{} {what}, at effect {}:\n{}",
            self.conversation.name, self.effects, self.log
        )
    }
}

/// Whether this is told of model call `id`.
fn of_reply(told: &Told, id: u32) -> bool {
    match told {
        Told::Start(other, ..)
        | Told::Chunk(other, _)
        | Told::End(other)
        | Told::Failed(other, _) => *other == id,
        Told::Operation(..) | Told::Tool(..) | Told::Verdict(..) => false,
    }
}
