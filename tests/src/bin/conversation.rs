//! Prints the log of a conversation of `tests/conversations`: `cargo run --release -p e2e --bin conversation -- FILE`.

use e2e::session::Conversation;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("no conversation: name files of tests/conversations");
        return ExitCode::from(2);
    }
    for file in files {
        print!("{}", Conversation::read(Path::new(&file)).hold().log);
    }
    ExitCode::SUCCESS
}
