//! A host that does what a session says with what a conversation's file has, and writes it down.

use super::log::{Text, lines};
use super::{Conversation, Exchange, Held, ToolResult, class};
use crate::session::files::{Files, perform};
use crate::session::{Instance, Session, wit};
use std::collections::VecDeque;

/// More effects than any conversation here has.
const MAX_EFFECTS: u32 = 10_000;

/// What every input takes.
const INPUT_MS: u64 = 10;

/// Holds a conversation to its end.
pub(super) fn run(conversation: Conversation) -> Held {
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
    let instance = Instance::start();
    let session = instance
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
    let restore = |saved: &[u8]| instance.restore(&config, &tools, saved);
    let outcome = host.hold(session, &restore);
    Held {
        log: host.log,
        outcome,
    }
}

/// Opens a session that goes on from saved bytes.
type Restore<'r> = dyn Fn(&[u8]) -> Result<Session, wit::Error> + 'r;

struct Host {
    conversation: Conversation,
    now: wit::Moment,
    files: Files,
    /// What of the reply in flight was not told yet.
    untold: VecDeque<(u32, Told)>,
    log: String,
    /// How many were taken.
    effects: u32,
}

/// Something that is told of a reply.
enum Told {
    Start(u16, Vec<(String, String)>),
    Chunk(Vec<u8>),
    End,
    Failed(wit::HttpError),
}

impl Host {
    /// Gives one prompt after the other. What the last run came to.
    fn hold(&mut self, mut session: Session, restore: &Restore<'_>) -> wit::Outcome {
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
                    let answered = self.answer(&session, effect);
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
    fn answer(&mut self, session: &Session, effect: wit::Effect) -> Result<(), wit::Error> {
        match effect {
            wit::Effect::Show(_) | wit::Effect::DropOperation(_) | wit::Effect::Finished(_) => {
                Ok(())
            }
            wit::Effect::CallModel(call) => {
                self.call_model(call.id);
                Ok(())
            }
            wit::Effect::DropReply(id) => {
                self.untold.retain(|(other, _)| *other != id);
                Ok(())
            }
            wit::Effect::Operate((id, operation)) => {
                let answer = match operation {
                    wit::Operation::File(operation) => perform(&mut self.files, operation),
                    wit::Operation::Http(_) => self.fetch(),
                };
                session.operation_done(self.later(), id, &answer)
            }
            wit::Effect::RunTool(call) => {
                let result = self.conversation.tool_results.pop_front();
                let result = match result.unwrap_or_else(|| panic!("{}", self.stuck("runs a tool")))
                {
                    ToolResult::Ok(result) => Ok(result),
                    ToolResult::Err(why) => Err(why),
                };
                let result = result.as_ref().map(String::as_str).map_err(String::as_str);
                session.tool_done(self.later(), &call.id, result)
            }
            wit::Effect::Approve(call) => {
                let verdict = self.conversation.verdicts.pop_front();
                let verdict = verdict.unwrap_or_else(|| panic!("{}", self.stuck("asks")));
                session.approve(self.later(), &call.id, verdict.into())
            }
            wit::Effect::Wait(until) => match self.untold.pop_front() {
                Some((id, told)) => self.tell(session, id, told),
                None => {
                    let passed = until.saturating_sub(self.now.monotonic_ms);
                    self.now.monotonic_ms += passed;
                    self.now.wall_ms += passed;
                    Ok(())
                }
            },
            wit::Effect::Pending => {
                let told = self.untold.pop_front();
                let (id, told) =
                    told.unwrap_or_else(|| panic!("{}", self.stuck("waits for nothing")));
                self.tell(session, id, told)
            }
        }
    }

    /// Lays out the next reply, so that it can be told.
    fn call_model(&mut self, id: u32) {
        let reply = self.conversation.replies.pop_front();
        match reply.unwrap_or_else(|| panic!("{}", self.stuck("calls the model"))) {
            Exchange::Failed(name) => self.untold.push_back((id, Told::Failed(class(&name)))),
            Exchange::Answered(reply) => {
                let start = Told::Start(reply.status, reply.headers);
                let chunks = reply.pieces.into_iter().map(|piece| Told::Chunk(piece.0));
                let end = match reply.end.as_str() {
                    "open" => None,
                    "end" => Some(Told::End),
                    name => Some(Told::Failed(class(name))),
                };
                let told = [start].into_iter().chain(chunks).chain(end);
                self.untold.extend(told.map(|told| (id, told)));
            }
        }
    }

    fn tell(&mut self, session: &Session, id: u32, told: Told) -> Result<(), wit::Error> {
        let now = self.later();
        match told {
            Told::Start(status, headers) => session.reply_start(now, id, status, &headers),
            Told::Chunk(bytes) => session.reply_chunk(now, id, &bytes),
            Told::End => session.reply_end(now, id),
            Told::Failed(class) => session.reply_failed(now, id, class),
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
