//! Running a command on a terminal of its own, which util-linux's `script` makes.

use crate::host::Ended;
use crate::process;
use crate::scratch::Scratch;
use std::ffi::OsStr;
use std::process::Command;

/// Runs `command` on a terminal on which a person types `typed`, ahead of the questions and then nothing more.
///
/// Standard input and standard error are the terminal; standard output is a file, as in `command >file`, so that the two can be
/// told apart. What the terminal shows, the echo of what is typed included, is the run's `stderr`.
pub fn run(runner: &'static str, command: &Command, typed: &str) -> Ended {
    let files = Scratch::new();
    let output = files.join("stdout");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    let line = format!("{} >{}", words.join(" "), quoted(output.as_os_str()));
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
    let shown = process::run(runner, &mut script, typed.as_bytes());
    Ended {
        stdout: std::fs::read(&output).unwrap_or_default(),
        stderr: shown.stdout,
        ..shown
    }
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
