//! Following a recording, as the driver of `replay` does.

use dewclaw_agent_core::recording::{Recorder, RecordingError, Replay};
use dewclaw_agent_core::{Agent, Effect, Input, Transcript};

/// What a replay came to.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) effects: Vec<Effect>,
    pub(crate) transcript: Transcript,
    /// The replay, recorded again.
    pub(crate) recording: Vec<u8>,
}

/// The lines of a recording.
pub(crate) fn lines_of(recording: &[u8]) -> Vec<Vec<u8>> {
    let lines = recording.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    let mut lines: Vec<Vec<u8>> = lines.collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

/// Makes a recorded run again.
pub(crate) fn replay(lines: &[Vec<u8>]) -> Result<Replayed, RecordingError> {
    let mut lines = lines.iter();
    let nothing = Vec::new();
    let (mut replay, mut header) = Replay::new(lines.next().unwrap_or(&nothing))?;
    let mut recorder = Recorder::new(
        &mut header.settings,
        &header.tools,
        header.seed,
        header.now,
        &header.prompt,
    );
    let agent = Agent::new(header.settings, &header.tools, header.seed);
    let mut agent = agent.map_err(|_| replay.misfit())?;
    agent
        .prompt(header.now, &header.prompt)
        .map_err(|_| replay.misfit())?;
    let mut effects = Vec::new();
    loop {
        let effect = agent.next();
        recorder.effect(&effect, &agent);
        if effect != Effect::Pending {
            effects.push(effect.clone());
        }
        let mut line = || lines.next().ok_or(replay.ended());
        let (now, input) = match effect {
            Effect::Event(_)
            | Effect::DropReply { .. }
            | Effect::DropOperation { .. }
            | Effect::RunTool { .. } => continue,
            Effect::CallModel(_) => {
                let line = line()?;
                replay.request(line, &agent)?;
                continue;
            }
            Effect::Operate { id, operation } => {
                let line = line()?;
                let Some((now, answer)) = replay.operation(line, &operation)? else {
                    continue;
                };
                (now, Input::OperationDone { id, answer })
            }
            Effect::Approve { .. } | Effect::Wait { .. } | Effect::Pending => {
                let line = line()?;
                replay.input(line)?
            }
            Effect::Finished(outcome) => {
                let line = line()?;
                replay.finished(line, &outcome)?;
                return Ok(Replayed {
                    effects,
                    transcript: agent.transcript().clone(),
                    recording: recorder.take(),
                });
            }
        };
        recorder.input(recorder.line(now, &input));
        agent.feed(now, input).map_err(|_| replay.misfit())?;
    }
}
