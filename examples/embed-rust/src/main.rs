//! An agent inside a Rust program: it works on the files of one folder, and asks this program how warm a room is.
//!
//!     OPENAI_API_KEY=... DEWCLAW_MODEL=... embed-rust --dir DIR [--session FILE] "PROMPT"
//!
//! The component calls the model and works on the files itself, through WASI. This program says what it is granted,
//! lends it a tool, shows the answer as it comes, asks before a call that writes, and keeps the conversation. Ctrl-C
//! ends the run, not the conversation.

mod agent;
mod arguments;
mod grants;
mod terminal;
mod thermometer;

use agent::Agent;
use arguments::Arguments;
use std::process::exit;
use terminal::Terminal;
use wasmtime::Result;

/// Asks once, and keeps the conversation. The exit code.
async fn ask(arguments: &Arguments) -> Result<i32> {
    let saved = arguments.saved()?;
    let mut agent = Agent::open(&arguments.component, &arguments.folder, saved.as_deref()).await?;
    let mut terminal = Terminal::new();
    let outcome = agent.run(&arguments.prompt, &mut terminal).await?;
    arguments.keep(&agent.save().await?)?;
    terminal.end(&outcome);
    Ok(outcome.exit_code.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = arguments::read();
    // Not a return, which a line that is still waited for on standard input would hold up.
    exit(ask(&arguments).await.unwrap_or_else(|error| {
        eprintln!("embed-rust: {error:#}");
        2
    }));
}
