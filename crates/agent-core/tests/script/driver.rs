//! The driver itself.

use std::collections::VecDeque;

use dewclaw_agent_core::recording::Recorder;
use dewclaw_agent_core::tools::{self, Tool};
use dewclaw_agent_core::{
    Agent, Effect, Event, FileOperation, HttpAnswer, HttpOperation, Input, ModelCall, Operation,
    OperationAnswer, OperationId, Outcome, RequestId, Settings, Verdict, perform,
};
use dewclaw_platform::{MemoryFileSystem, Now};
use serde_json::Value;

use super::reply::Reply;

/// More effects than any script here needs: a run that goes past it goes on for ever.
const MAX_EFFECTS: usize = 100_000;

/// Settings of a plain run against no real server.
pub(crate) fn settings() -> Settings {
    Settings {
        model: "scripted".into(),
        base_url: "http://model.test/v1".into(),
        system: "Be brief.".into(),
        stream: false,
        ..Settings::default()
    }
}

/// The same with replies asked for as a stream.
pub(crate) fn streaming() -> Settings {
    Settings {
        stream: true,
        ..settings()
    }
}

/// Drives one agent.
pub(crate) struct Driver {
    pub(crate) agent: Agent,
    pub(crate) files: MemoryFileSystem,
    /// Moves on by what replies and waits take, and not by itself.
    pub(crate) now: Now,
    /// What the model will answer.
    pub(crate) script: VecDeque<Reply>,
    /// Every effect so far, in order.
    pub(crate) effects: Vec<Effect>,
    /// The body of every request so far.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Steps taken so far.
    pub(crate) steps: usize,
    /// Cancels the run once so many steps were taken.
    pub(crate) cancel_at: Option<usize>,
    /// Cancels the run where it waits for something, once so many steps were taken.
    pub(crate) cancel_waiting: Option<usize>,
    /// Keeps the last run's recording.
    pub(crate) recording: Vec<u8>,
    recorder: Option<Recorder>,
    /// What a session's file would hold, where the agent keeps one.
    pub(crate) journal: Vec<u8>,
    settings: Settings,
    tools: Vec<&'static Tool>,
    /// The model call that is neither over nor dropped.
    open: Option<RequestId>,
    /// What is still to be told of its reply.
    in_flight: VecDeque<(u64, Input)>,
    /// What the web answers.
    pub(crate) web: fn(&HttpOperation) -> HttpAnswer,
    /// The last HTTP operation that began is the first to be answered.
    pub(crate) last_first: bool,
    /// The most HTTP operations that were in flight at once.
    pub(crate) most_in_flight: usize,
    /// The HTTP operations that are neither over nor dropped.
    fetching: Vec<(OperationId, HttpOperation)>,
    /// What a tool of the driver's own answers: by its name and arguments.
    pub(crate) host: fn(&str, &str) -> Result<String, String>,
    /// Calls of such tools that have not been answered.
    hosted: Vec<(String, String, String)>,
    /// What the person says to each call that needs approval; yes, once it is empty.
    pub(crate) verdicts: VecDeque<Verdict>,
}

impl Driver {
    /// An agent with every tool.
    pub(crate) fn new(settings: Settings) -> Driver {
        Driver::with_tools(settings, &tools::ALL)
    }

    pub(crate) fn with_tools(settings: Settings, tools: &[&'static Tool]) -> Driver {
        Driver {
            agent: Agent::new(settings.clone(), tools, 1).expect("the settings are fine"),
            files: MemoryFileSystem::default(),
            now: Now {
                monotonic_ms: 5_000,
                // 2026-11-20T12:00:00Z
                wall_ms: 1_795_176_000_000,
            },
            script: VecDeque::new(),
            effects: Vec::new(),
            requests: Vec::new(),
            steps: 0,
            cancel_at: None,
            cancel_waiting: None,
            recording: Vec::new(),
            recorder: None,
            journal: Vec::new(),
            settings,
            tools: tools.to_vec(),
            open: None,
            in_flight: VecDeque::new(),
            web: |operation| panic!("nothing answers {}", operation.url),
            last_first: false,
            most_in_flight: 0,
            fetching: Vec::new(),
            verdicts: VecDeque::new(),
            host: |name, _| panic!("nothing runs {name}"),
            hosted: Vec::new(),
        }
    }

    /// Goes on with another agent, whose settings are the same.
    pub(crate) fn replace_agent(&mut self, agent: Agent) {
        self.agent = agent;
        self.open = None;
        self.in_flight.clear();
        self.fetching.clear();
        self.hosted.clear();
    }

    /// Adds replies to the script.
    pub(crate) fn replies(mut self, replies: impl IntoIterator<Item = Reply>) -> Driver {
        self.script.extend(replies);
        self
    }

    /// Puts a file into the workspace.
    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Driver {
        let operation = FileOperation::Replace {
            path: path.into(),
            content: content.as_ref().to_vec(),
        };
        let answer = perform(&mut self.files, &operation);
        assert_eq!(answer, dewclaw_agent_core::FileAnswer::Done);
        self
    }

    /// A file of the workspace as text.
    #[track_caller]
    pub(crate) fn content(&mut self, path: &str) -> String {
        use dewclaw_platform::FileSystem as _;
        let chunk = self
            .files
            .read(path, 0, usize::MAX)
            .expect("the file is there");
        String::from_utf8(chunk.bytes).expect("the file is text")
    }

    /// Gives a prompt and drives the run to its end.
    #[track_caller]
    pub(crate) fn run(&mut self, prompt: &str) -> Outcome {
        self.recorder = Some(Recorder::new(
            &mut self.settings,
            &self.tools,
            1,
            self.now,
            prompt,
        ));
        self.agent
            .prompt(self.now, prompt)
            .expect("nothing else is going on");
        for _ in 0..MAX_EFFECTS {
            if let Some(outcome) = self.step() {
                return outcome;
            }
        }
        panic!("the run goes on for ever");
    }

    /// Takes one effect and does what it asks for; the outcome once the run is over.
    #[track_caller]
    pub(crate) fn step(&mut self) -> Option<Outcome> {
        self.steps += 1;
        if self.cancel_at.is_some_and(|at| self.steps > at) {
            self.cancel_at = None;
            self.tell(Input::Cancel);
        }
        let effect = self.agent.next();
        #[cfg(feature = "sessions")]
        self.journal.append(&mut self.agent.take_journal());
        if let Some(recorder) = &mut self.recorder {
            recorder.effect(&effect, &self.agent);
        }
        if effect != Effect::Pending {
            self.effects.push(effect.clone());
        }
        let waits = matches!(effect, Effect::Pending | Effect::Wait { .. });
        if waits && self.cancel_waiting.is_some_and(|at| self.steps > at) {
            self.cancel_waiting = None;
            self.tell(Input::Cancel);
            return None;
        }
        match effect {
            Effect::Event(_) => {}
            Effect::CallModel(call) => self.call_model(&call),
            Effect::DropReply { id } => {
                assert_eq!(self.open, Some(id), "it drops what is not in flight");
                self.open = None;
                self.in_flight.clear();
            }
            Effect::DropOperation { id } => {
                let at = self.fetching.iter().position(|(open, _)| *open == id);
                self.fetching
                    .remove(at.expect("it drops what is not in flight"));
            }
            Effect::Operate { id, operation } => match operation {
                Operation::File(operation) => {
                    let answer = OperationAnswer::File(perform(&mut self.files, &operation));
                    self.tell(Input::OperationDone { id, answer });
                }
                Operation::Http(operation) => {
                    self.fetching.push((id, operation));
                    self.most_in_flight = self.most_in_flight.max(self.fetching.len());
                }
            },
            Effect::RunTool {
                call,
                name,
                arguments,
            } => self.hosted.push((call, name, arguments)),
            Effect::Approve { call, .. } => {
                let verdict = self.verdicts.pop_front().unwrap_or(Verdict::Approved);
                self.tell(Input::Verdict { call, verdict });
            }
            Effect::Wait { until_ms } => {
                let left = until_ms.saturating_sub(self.now.monotonic_ms);
                match self.in_flight.front() {
                    Some((takes_ms, _)) if *takes_ms <= left => self.hear(),
                    _ => {
                        self.pass(left);
                        self.tell(Input::Tick);
                    }
                }
            }
            Effect::Pending if !self.hosted.is_empty() => {
                let (call, name, arguments) = self.hosted.remove(0);
                let result = (self.host)(&name, &arguments);
                self.tell(Input::ToolDone { call, result });
            }
            Effect::Pending if !self.fetching.is_empty() => {
                let at = if self.last_first {
                    self.fetching.len() - 1
                } else {
                    0
                };
                let (id, operation) = self.fetching.remove(at);
                let answer = OperationAnswer::Http((self.web)(&operation));
                self.tell(Input::OperationDone { id, answer });
            }
            Effect::Pending => self.hear(),
            Effect::Finished(outcome) => {
                assert_eq!(self.open, None, "a model call is left open");
                assert!(self.fetching.is_empty(), "an operation is left open");
                if let Some(mut recorder) = self.recorder.take() {
                    self.recording = recorder.take();
                }
                assert_eq!(
                    self.agent.next(),
                    Effect::Pending,
                    "nothing follows the end"
                );
                return Some(outcome);
            }
        }
        None
    }

    /// Lets time pass on both clocks.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += ms;
    }

    fn call_model(&mut self, call: &ModelCall) {
        let mut body = Vec::new();
        for index in 0.. {
            let Some(piece) = self.agent.body_piece(index) else {
                break;
            };
            body.extend_from_slice(piece);
        }
        assert_eq!(
            body.len() as u64,
            call.content_length,
            "the length that was said"
        );
        self.requests.push(body);
        let reply = self
            .script
            .pop_front()
            .expect("the script has a reply to every request");
        assert_eq!(self.open, None, "one model call at a time");
        self.open = Some(call.id);
        self.in_flight = reply.inputs(call.id);
    }

    /// Tells the next of the reply in flight.
    #[track_caller]
    fn hear(&mut self) {
        let next = self.in_flight.pop_front();
        let (takes_ms, input) = next.expect("the agent waits for something that was asked for");
        if matches!(input, Input::ReplyEnd { .. } | Input::ReplyFailed { .. }) {
            self.open = None;
        }
        self.pass(takes_ms);
        self.tell(input);
    }

    #[track_caller]
    fn tell(&mut self, input: Input) {
        if let Some(recorder) = &mut self.recorder {
            let line = recorder.line(self.now, &input);
            recorder.input(line);
        }
        self.agent.feed(self.now, input).expect("the input fits");
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<&Event> {
        let events = self.effects.iter().filter_map(|effect| match effect {
            Effect::Event(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Every file operation so far.
    pub(crate) fn operations(&self) -> Vec<&FileOperation> {
        let operations = self.effects.iter().filter_map(|effect| match effect {
            Effect::Operate {
                operation: Operation::File(operation),
                ..
            } => Some(operation),
            _ => None,
        });
        operations.collect()
    }

    /// Every HTTP operation so far.
    pub(crate) fn fetches(&self) -> Vec<&HttpOperation> {
        let fetches = self.effects.iter().filter_map(|effect| match effect {
            Effect::Operate {
                operation: Operation::Http(operation),
                ..
            } => Some(operation),
            _ => None,
        });
        fetches.collect()
    }

    /// The results of every tool call so far: the name, whether it was none of an error, and the result.
    pub(crate) fn results(&self) -> Vec<(String, bool, Value)> {
        let results = self.events().into_iter().filter_map(|event| match event {
            Event::ToolFinished {
                name, ok, result, ..
            } => {
                let result = serde_json::from_slice(result).expect("a result is JSON");
                Some((name.clone(), *ok, result))
            }
            _ => None,
        });
        results.collect()
    }

    /// The waits between tries so far, in milliseconds.
    pub(crate) fn waits(&self) -> Vec<u64> {
        let waits = self.events().into_iter().filter_map(|event| match event {
            Event::Retry { wait_ms, .. } => Some(*wait_ms),
            _ => None,
        });
        waits.collect()
    }

    /// The conversation as the next request would hold it, the system text included.
    pub(crate) fn transcript(&self) -> Vec<Value> {
        let pieces = (0..).map_while(|index| self.agent.body_piece(index));
        let body = pieces.collect::<Vec<_>>().concat();
        let body: Value = serde_json::from_slice(&body).expect("the body is JSON");
        body["messages"]
            .as_array()
            .expect("it has messages")
            .clone()
    }
}
