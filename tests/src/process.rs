//! Running a command to its end under a deadline, with its output kept.

use crate::host::Ended;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than anything here takes, on a slow machine with everything else running.
const DEADLINE: Duration = Duration::from_secs(120);

/// Starts `command`, which reads and tells nothing. Panics when it cannot be started.
pub fn start_silent(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("{command:?} cannot be started: {error}"),
    }
}

/// Runs `command` with `stdin`. Panics when it cannot be started, and kills it and panics when it is not done in two minutes.
pub fn run(runner: &'static str, command: &mut Command, stdin: &[u8]) -> Ended {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("{command:?} cannot be started: {error}"),
    };
    let input = child.stdin.take().map(|mut pipe| {
        let bytes = stdin.to_vec();
        // A child that does not read its input is free to end.
        std::thread::spawn(move || drop(pipe.write_all(&bytes)))
    });
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let until = Instant::now() + DEADLINE;
    let mut collect = |output: mpsc::Receiver<Vec<u8>>| {
        output
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .unwrap_or_else(|_| give_up(&mut child, command))
    };
    let (stdout, stderr) = (collect(stdout), collect(stderr));
    let status = child.wait().expect("a child can be waited for");
    if let Some(input) = input {
        let _ = input.join();
    }
    Ended {
        runner,
        code: status.code(),
        tells_failures_apart: false,
        stdout,
        stderr,
    }
}

/// Reads a pipe to its end, which comes when the child ends.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let mut pipe = pipe.expect("the output is piped");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn give_up(child: &mut Child, command: &Command) -> ! {
    let _ = child.kill();
    let _ = child.wait();
    panic!("{command:?} was not done after {DEADLINE:?} and was killed");
}

/// Starts `command`, reads its standard output until it holds `needle`, ends the command and returns what was read. Panics when the
/// output ends before, or when it takes longer than two minutes.
pub fn output_until(command: &mut Command, needle: &str) -> String {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("{command:?} cannot be started: {error}"),
    };
    let errors = drain(child.stderr.take());
    let (sender, receiver) = mpsc::channel();
    let mut stdout = child.stdout.take().expect("the output is piped");
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stdout.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let until = Instant::now() + DEADLINE;
    let mut shown = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&shown).into_owned();
        if text.contains(needle) {
            let _ = child.kill();
            let _ = child.wait();
            return text;
        }
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(piece) => shown.extend_from_slice(&piece),
            Err(mpsc::RecvTimeoutError::Timeout) => give_up(&mut child, command),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let _ = child.wait();
                let errors = errors.recv().unwrap_or_default();
                panic!(
                    "the output ended without {needle:?}:\n{text}\n{}",
                    String::from_utf8_lossy(&errors)
                );
            }
        }
    }
}
