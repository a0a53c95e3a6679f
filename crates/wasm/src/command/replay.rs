//! `replay FILE`: a recorded run, made again without a model.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::recording::{RecordingError, Replay};
use dewclaw_agent_core::{Agent, Effect, Input, Operation, OperationAnswer, Outcome, perform};
use dewclaw_platform::{FsError, Now};

use super::arguments::{Arguments, Flags};
use super::ask::{self, Start};
use super::output::Output;
use super::{Stop, kept};
use crate::folders::{Folders, state_path};
use crate::host::HOST;
use crate::recording::Recording;
use crate::state_lines::StateLines;

/// Bytes of one line: an operation's answer is the largest thing in it.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

const FLAGS: &Flags = &[
    ("--tools", "", true),
    ("--record", "", true),
    ("--json", "", false),
    ("--quiet", "-q", false),
    ("--verbose", "-v", false),
];

/// Runs the command.
pub(super) fn run(arguments: &[String]) -> Result<u8, Stop> {
    let arguments = kept(Arguments::parse(arguments, FLAGS)?);
    let mut output = Output::new(&arguments);
    let real_tools = match arguments.value("--tools") {
        None | Some("recorded") => false,
        Some("real") => true,
        Some(other) => {
            return Err(Stop::usage(
                "--tools takes recorded or real, not \"%\"",
                &[other],
            ));
        }
    };
    let record = arguments.value("--record");
    let [file] = arguments.operands(["FILE"])?;
    let mut folders = Folders::find();
    if real_tools && !folders.workspace.is_granted() {
        return Err(Stop::usage("%", &[HOST.no_workspace]));
    }
    let mut lines = StateLines::new(state_path(file), MAX_LINE_BYTES);
    let first = lines
        .next(folders.state())
        .map_err(|error| unreadable(file, error))?
        .ok_or_else(|| Stop::failed("% is empty", &[file]))?;
    let (replay, header) = Replay::new(&first).map_err(|error| wrong(file, error))?;
    let start = Start {
        header,
        host_tools: Vec::new(),
        saved: None,
    };
    let now = start.header.now;
    let (mut agent, recording, prompt) = start.begin(record, &mut folders)?;
    ask::begin(&mut agent, now, &prompt)?;
    let mut follower = kept(Follower {
        file,
        agent,
        replay,
        lines,
        folders,
        recording,
        real_tools,
    });
    let outcome = follower.run(&mut output)?;
    output.finished(&outcome);
    Ok(outcome.reason.exit_code())
}

fn wrong(file: &str, error: RecordingError) -> Stop {
    Stop::failed("%: %", &[file, &error.text()])
}

fn unreadable(file: &str, error: FsError) -> Stop {
    let path = state_path(file);
    if error == FsError::TooLarge {
        return Stop::failed(
            "% has a line of more than 8 MiB: it is no recording",
            &[path],
        );
    }
    let advice = match error {
        FsError::NoRoot => HOST.no_state,
        FsError::NotFound => "; recordings are looked for in the state folder",
        _ => "",
    };
    Stop::failed(
        "the recording \"%\" can't be read: %%",
        &[path, error.text(), advice],
    )
}

struct Follower<'f> {
    /// The recording's name, as it was given.
    file: &'f str,
    agent: Agent,
    replay: Replay,
    lines: StateLines,
    folders: Folders,
    recording: Option<Recording>,
    real_tools: bool,
}

impl Follower<'_> {
    fn run(&mut self, output: &mut Output) -> Result<Outcome, Stop> {
        loop {
            let effect = self.agent.next();
            if let Some(recording) = &mut self.recording {
                recording.effect(&effect, &self.agent)?;
            }
            match &effect {
                Effect::Event(event) => {
                    output.event(event);
                    continue;
                }
                Effect::DropReply { .. }
                | Effect::DropOperation { .. }
                | Effect::RunTool { .. } => {
                    continue;
                }
                _ => {}
            }
            let line = self.lines.next(self.folders.state());
            let followed = match line.map_err(|error| unreadable(self.file, error))? {
                Some(line) => self.follow(&effect, &line),
                None => Err(self.replay.ended()),
            };
            match followed.map_err(|error| wrong(self.file, error))? {
                Some((now, input)) => self.tell(now, input)?,
                None => {
                    if let Effect::Finished(outcome) = effect {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// Holds an effect against the recording's line for it. Answers what the agent is to be told.
    fn follow(
        &mut self,
        effect: &Effect,
        line: &[u8],
    ) -> Result<Option<(Now, Input)>, RecordingError> {
        match effect {
            Effect::CallModel(_) => self.replay.request(line, &self.agent)?,
            Effect::Finished(outcome) => self.replay.finished(line, outcome)?,
            Effect::Operate { id, operation } => {
                let recorded = self.replay.operation(line, operation)?;
                return Ok(recorded.map(|(now, recorded)| {
                    let answer = match operation {
                        Operation::File(file) if self.real_tools => {
                            OperationAnswer::File(perform(&mut self.folders.workspace, file))
                        }
                        _ => recorded,
                    };
                    (now, Input::OperationDone { id: *id, answer })
                }));
            }
            _ => return self.replay.input(line).map(Some),
        }
        Ok(None)
    }

    fn tell(&mut self, now: Now, input: Input) -> Result<(), Stop> {
        if let Some(recording) = &mut self.recording {
            let line = recording.line(now, &input);
            recording.input(line)?;
        }
        let fed = self.agent.feed(now, input);
        fed.map_err(|_| wrong(self.file, self.replay.misfit()))
    }
}
