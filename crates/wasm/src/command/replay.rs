//! `replay FILE`: a recorded run, made again without a model.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::recording::{Recorder, RecordingError, Replay};
use dewclaw_agent_core::{Agent, Effect, Input, Operation, OperationAnswer, Outcome, perform};
use dewclaw_platform::{FileSystem, FsError, Now};

use super::Stop;
use super::arguments::{Arguments, Flags};
use super::ask::NO_WORKSPACE;
use super::output::Output;
use crate::folders::{Folders, state_path};
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
pub(super) fn run(arguments: Vec<String>) -> Result<u8, Stop> {
    let arguments = Arguments::parse(arguments, FLAGS)?;
    let mut output = Output::new(&arguments);
    let real_tools = match arguments.value("--tools") {
        None | Some("recorded") => false,
        Some("real") => true,
        Some(other) => {
            return Err(Stop::usage(&[
                "--tools takes recorded or real, not \"",
                other,
                "\"",
            ]));
        }
    };
    let record = arguments.value("--record").map(ToString::to_string);
    let [file] = arguments.operands(["FILE"])?;
    let mut folders = Folders::find();
    if real_tools && !folders.workspace.is_granted() {
        return Err(Stop::usage(&[NO_WORKSPACE]));
    }
    let wrong = |error: RecordingError| Stop::failed(&[&file, ": ", &error.to_string()]);
    let mut lines = Lines::new(state_path(&file));
    let first = lines
        .next(&mut folders)?
        .ok_or_else(|| Stop::failed(&[&file, " is empty"]))?;
    let (replay, header) = Replay::new(&first).map_err(wrong)?;
    let recording = match record {
        Some(path) => {
            let recorder = Recorder::new(
                &header.settings,
                &header.tools,
                header.seed,
                header.now,
                &header.prompt,
            );
            let recording = Recording::create(&mut folders, &path, recorder);
            Some(recording.map_err(|why| Stop::failed(&[&why]))?)
        }
        None => None,
    };
    let mut agent = Agent::new(header.settings, &header.tools, header.seed)
        .map_err(|error| Stop::usage(&[&error.to_string()]))?;
    agent
        .prompt(header.now, &header.prompt)
        .map_err(|misuse| Stop::usage(&[&misuse.to_string()]))?;
    let mut follower = Follower {
        agent,
        replay,
        lines,
        folders,
        recording,
        real_tools,
    };
    let outcome = follower.run(&mut output).map_err(|error| match error {
        Trouble::Stop(stop) => stop,
        Trouble::Recording(error) => wrong(error),
    })?;
    output.finished(&outcome);
    Ok(outcome.reason.exit_code())
}

struct Follower {
    agent: Agent,
    replay: Replay,
    lines: Lines,
    folders: Folders,
    recording: Option<Recording>,
    real_tools: bool,
}

enum Trouble {
    Recording(RecordingError),
    Stop(Stop),
}

impl From<RecordingError> for Trouble {
    fn from(error: RecordingError) -> Trouble {
        Trouble::Recording(error)
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Trouble {
        Trouble::Stop(stop)
    }
}

impl Follower {
    fn run(&mut self, output: &mut Output) -> Result<Outcome, Trouble> {
        loop {
            let effect = self.agent.next();
            if let Some(recording) = &mut self.recording {
                recording
                    .effect(&effect, &self.agent)
                    .map_err(|why| Stop::failed(&[&why]))?;
            }
            match effect {
                Effect::Event(event) => output.event(&event),
                Effect::DropReply { .. } | Effect::DropOperation { .. } => {}
                Effect::CallModel(_) => {
                    let line = self.line()?;
                    self.replay.request(&line, &self.agent)?;
                }
                Effect::Operate { id, operation } => {
                    let line = self.line()?;
                    let Some((now, recorded)) = self.replay.operation(&line, &operation)? else {
                        continue;
                    };
                    let answer = match &operation {
                        Operation::File(file) if self.real_tools => {
                            OperationAnswer::File(perform(&mut self.folders.workspace, file))
                        }
                        _ => recorded,
                    };
                    self.tell(now, Input::OperationDone { id, answer })?;
                }
                Effect::Approve { .. } | Effect::Wait { .. } | Effect::Pending => {
                    let line = self.line()?;
                    let (now, input) = self.replay.input(&line)?;
                    self.tell(now, input)?;
                }
                Effect::Finished(outcome) => {
                    let line = self.line()?;
                    self.replay.finished(&line, &outcome)?;
                    return Ok(outcome);
                }
            }
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Trouble> {
        match self.lines.next(&mut self.folders)? {
            Some(line) => Ok(line),
            None => Err(self.replay.ended().into()),
        }
    }

    fn tell(&mut self, now: Now, input: Input) -> Result<(), Trouble> {
        if let Some(recording) = &mut self.recording {
            recording
                .input(now, &input)
                .map_err(|why| Stop::failed(&[&why]))?;
        }
        let fed = self.agent.feed(now, input);
        fed.map_err(|_| self.replay.misfit().into())
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
                return Err(Stop::failed(&[
                    &self.path,
                    " has a line of more than 8 MiB: it is no recording",
                ]));
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
            FsError::NoRoot => "; no state folder: run with --dir STATE::/state (wasmtime)",
            FsError::NotFound => "; recordings are looked for in the state folder",
            _ => "",
        };
        Stop::failed(&[
            "the recording \"",
            &self.path,
            "\" can't be read: ",
            &error.to_string(),
            advice,
        ])
    }
}
