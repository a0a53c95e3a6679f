//! `replay FILE`: a recorded run, made again without a model.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::recording::{RecordingError, Replay};
use dewclaw_agent_core::{Agent, Effect, Input, Operation, OperationAnswer, Outcome, perform};
use dewclaw_platform::{FileSystem, FsError, Now};

use super::arguments::{Arguments, Flags};
use super::ask::Start;
use super::output::Output;
use super::{Stop, kept};
use crate::folders::{Folders, state_path};
use crate::host::HOST;
use crate::recording::Recording;

/// Bytes of one line: an operation's answer is the largest thing in it.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of the recording that are read at once.
const READ_BYTES: usize = 64 * 1024;

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
    let mut lines = Lines::new(state_path(file));
    let first = lines
        .next(&mut folders)?
        .ok_or_else(|| Stop::failed("% is empty", &[file]))?;
    let (replay, header) = Replay::new(&first).map_err(|error| wrong(file, error))?;
    let start = Start {
        header,
        host_tools: Vec::new(),
        saved: None,
        prompts: true,
    };
    let (agent, recording) = start.begin(record, &mut folders)?;
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

struct Follower<'f> {
    /// The recording's name, as it was given.
    file: &'f str,
    agent: Agent,
    replay: Replay,
    lines: Lines,
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
            let followed = match self.lines.next(&mut self.folders)? {
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

/// The lines of a file of state, one at a time, so that a long recording needs no more memory than its longest line.
struct Lines {
    path: String,
    offset: u64,
    buffer: Vec<u8>,
    /// What of the buffer was given out.
    taken: usize,
    end: bool,
}

impl Lines {
    fn new(path: &str) -> Lines {
        Lines {
            path: path.to_string(),
            offset: 0,
            buffer: Vec::new(),
            taken: 0,
            end: false,
        }
    }

    /// The next line, without its end; `None` past the last one.
    fn next(&mut self, folders: &mut Folders) -> Result<Option<Vec<u8>>, Stop> {
        let mut searched = self.taken;
        loop {
            let newline = self.buffer[searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(at) = newline {
                let end = searched + at;
                let line = self.buffer[self.taken..end].to_vec();
                self.taken = end + 1;
                return Ok(Some(line));
            }
            if self.end {
                let rest = self.buffer[self.taken..].to_vec();
                self.taken = self.buffer.len();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            searched = self.buffer.len();
            if searched > MAX_LINE_BYTES {
                return Err(Stop::failed(
                    "% has a line of more than 8 MiB: it is no recording",
                    &[&self.path],
                ));
            }
            let chunk = folders
                .state()
                .read(&self.path, self.offset, READ_BYTES)
                .map_err(|error| self.unreadable(error))?;
            self.offset += chunk.bytes.len() as u64;
            self.end = chunk.end;
            self.buffer.extend_from_slice(&chunk.bytes);
        }
    }

    fn unreadable(&self, error: FsError) -> Stop {
        let advice = match error {
            FsError::NoRoot => HOST.no_state,
            FsError::NotFound => "; recordings are looked for in the state folder",
            _ => "",
        };
        Stop::failed(
            "the recording \"%\" can't be read: %%",
            &[&self.path, error.text(), advice],
        )
    }
}
