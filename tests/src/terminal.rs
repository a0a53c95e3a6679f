//! Running a command on a terminal of its own, which util-linux's `script` makes.

use crate::host::Ended;
use crate::process;
use crate::scratch::Scratch;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Runs `command` on a terminal on which a person types `typed`, ahead of the questions and then nothing more.
///
/// Standard input and standard error are the terminal; standard output is a file, as in `command >file`, so that the two can be
/// told apart. What the terminal shows, the echo of what is typed included, is the run's `stderr`.
pub fn run(runner: &'static str, command: &Command, typed: &str) -> Ended {
    let files = Scratch::new();
    let output = files.join("stdout");
    let mut script = script(command, &output);
    let shown = process::run(runner, &mut script, typed.as_bytes());
    Ended {
        stdout: std::fs::read(&output).unwrap_or_default(),
        stderr: shown.stdout,
        ..shown
    }
}

/// A terminal with a command on it, and a person who sees what it shows before typing more.
pub struct Sitting {
    child: Child,
    keys: ChildStdin,
    shows: Receiver<Vec<u8>>,
    shown: Vec<u8>,
    /// Of what was shown, how much was looked at.
    seen: usize,
    files: Scratch,
}

/// Longer than anything takes that a person waits for.
const PATIENCE: Duration = Duration::from_secs(120);

impl Sitting {
    /// Starts `command` on a terminal, its standard output in a file, as [`run`] does.
    pub fn start(command: &Command) -> Self {
        let files = Scratch::new();
        let mut child = script(command, &files.join("stdout"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script can be started");
        let (sender, shows) = mpsc::channel();
        let mut screen = child.stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            keys: child.stdin.take().expect("it is piped"),
            child,
            shows,
            shown: Vec::new(),
            seen: 0,
            files,
        }
    }

    /// Waits until this is shown, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let unseen = &self.shown[self.seen..];
            if let Some(at) = unseen
                .windows(wanted.len())
                .position(|window| window == wanted.as_bytes())
            {
                self.seen += at + wanted.len();
                return;
            }
            match self
                .shows
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(piece) => self.shown.extend(piece),
                Err(_) => {
                    let _ = self.child.kill();
                    let shown = String::from_utf8_lossy(&self.shown);
                    panic!("{wanted:?} is not shown any more:\n{shown}");
                }
            }
        }
    }

    /// Types this: a line with its end, or a control character.
    pub fn types(&mut self, keys: &str) {
        let _ = self.keys.write_all(keys.as_bytes());
    }

    /// Types nothing more and waits for the command's end. The screen is its `stderr`.
    pub fn ends(mut self) -> Ended {
        drop(self.keys);
        while let Ok(piece) = self.shows.recv_timeout(PATIENCE) {
            self.shown.extend(piece);
        }
        let status = self.child.wait().expect("a child can be waited for");
        Ended {
            runner: "a terminal",
            code: status.code(),
            tells_failures_apart: true,
            stdout: std::fs::read(self.files.join("stdout")).unwrap_or_default(),
            stderr: self.shown,
        }
    }
}

/// `command` on a terminal of its own, with its standard output in a file.
fn script(command: &Command, output: &Path) -> Command {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    // The shell makes way for it: what Ctrl-C sends is for the command alone.
    let line = format!("exec {} >{}", words.join(" "), quoted(output.as_os_str()));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        script.current_dir(folder);
    }
    script.env("SHELL", "/bin/sh");
    script
}

/// A word as a shell reads it back.
fn quoted(word: &OsStr) -> String {
    let word = word.to_str().expect("the words of a test are UTF-8");
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sees_a_terminal_and_its_output_apart() {
        let mut command = Command::new("sh");
        let says = r#"test -t 0 && test -t 2 && ! test -t 1 && printf 'sure? ' >&2 && read answer && echo "it's $answer $SAID" && exit 3"#;
        command.args(["-c", says]).env("SAID", "indeed");
        let ended = run("sh", &command, "yes\n");
        assert_eq!(ended.code, Some(3), "{ended}");
        ended.prints("it's yes indeed\n").says(&["sure? "]);
    }

    #[test]
    fn nothing_typed_is_the_end_of_the_input() {
        let mut command = Command::new("sh");
        command.args(["-c", "read answer || echo none"]);
        run("sh", &command, "").code(0).prints("none\n");
    }
}
