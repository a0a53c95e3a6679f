//! The end-to-end tests: the real artifacts of `dist/`, run by the real `wasmtime` command line and by the crate in this process,
//! against model servers and websites on loopback.
//!
//! A new test goes to the file of its subject:
//!
//! - `ask`: a prompt and its answer: what goes over the wire, what is printed, settings and their precedence
//! - `anthropic`: the messages wire: its requests, its key, its recordings and its failures
//! - `wire_choice`: how the wire is chosen, and who may choose it
//! - `tools`: the tools, called by a model and by the command `tool`
//! - `guards`: what stops a run or sends the model back: steps, repeats, unknown tools, bad arguments
//! - `context`: the context window: what is left out or summed up near it, and what is past it
//! - `retry`: which failures are tried again, when, and when not
//! - `matrix`: every wire, plain and streamed, with every kind of tool call and ending; prints the table
//! - `bad_replies`: replies that break the wire, a row each
//! - `bad_statuses`: statuses and error pages, a row each
//! - `bad_users`: commands, prompts and settings that are wrong, a row each
//! - `bad_files`: files and folders that no tool can work with, a row each
//! - `board`: what a board meets in WAMR: grants left out, bad servers, full disks, deep JSON, a run that is killed
//! - `web_fetch`: what a fetch sends and brings back, and to whom
//! - `bad_pages`: pages and servers that a fetch has to survive, a row each
//! - `limits`: what is larger than a board takes, run in its memory under `--limits board`, a row each
//! - `ssrf`: special-use addresses in every spelling
//! - `web_search`: the interfaces of search services, and services that are broken
//! - `parallel_tools`: the calls of one turn: what is in flight together, and in which order results come
//! - `injection`: a model that does what a page tells it
//! - `instructions`: what of the workspace joins the system text: AGENTS.md, skills, memory
//! - `approve`: what is asked before a tool call
//! - `chat`: prompts line by line in one conversation, piped and on a terminal
//! - `trust`: what neither a model nor a cloned repository may reach
//! - `record_replay`: recordings, their replay, and that no key is kept
//! - `answer`: what is left of a run besides what it prints: `--output`, and the tokens told at the end
//! - `doctor`: what `doctor` says of each grant
//! - `wasmtime_cli`: what only the wasmtime command line shows
//! - `native`: the native `dewclaw`
//! - `aimock`: a model server that somebody else wrote
//! - `preview1`: the agent as a core module without sockets, in every runtime of WASI preview 1
//! - `contract`: the platform's contract suite inside wasm
//! - `imports`: what an artifact imports and what it lacks
//! - `budget`: memory and fuel against `size-budget.toml`
//! - `budgets`: what a run, and all runs of a day, may use up
//! - `readme`: what the README shows
//! - `session`: the agent as a library: `dewclaw-core.wasm` and a host that drives it
//! - `sessions`: conversations that are kept in the state folder: gone on with, interrupted, torn, killed, listed
//! - `performing`: sessions whose component calls the model or works on files itself, and the command line's
//! - `embedded`: what holds for every program of `examples/embed-*`, as a person runs it; no tests of its own
//! - `embed_c`: what only examples/embed-c does
//! - `embed_node`: what only examples/embed-node does
//! - `embed_python`: what only examples/embed-python does
//! - `embed_rust`: what only examples/embed-rust does
//! - `layout`: what the component writes and reads by hand for its typed interface, against `wit/`
//! - `flat`: the flat interface of `dewclaw-wamr.wasm` in WAMR: the header's truth, and hosts that get everything wrong
//! - `conversations`: the conversations of `tests/conversations`, the same in every embedder
//! - `agent_page`: what docs/agent.md says of settings, commands and flags
//! - `boards_page`: what docs/boards.md shows
//! - `plugins_page`: what docs/plugins.md shows, and the README of examples/plugins
//! - `edge`: what docs/edge.md shows, and what it says of systemd, cron, TLS, limits, disk and clock
//!
//! Most tests run in every host (`on_each_host`): wasmtime's command line is what people use, the in-process host counts, and WAMR,
//! with iwasm's flags, is what boards have; there `dewclaw-wamr.wasm` stands for the component. Not run in WAMR, and why:
//!
//! - read-only folders (`bad_files`, `doctor`): iwasm has no such grant
//! - `edge`, `wasmtime_cli`, `readme`: of wasmtime's command line; what of it boards have too is in `board`
//! - `session`, `performing`, `embedded`: the component's typed interface; its flat twin holds the `conversations` in WAMR too
//! - `native`: the native command runs the component
//! - fuel, and what a page or a saved session costs (`budget`): WAMR counts none
//!
//! And where a message or a kind of error is another there, the test says so by `Host::has_tls` or by the host's name: https is
//! refused, flags are iwasm's, and the guest reads HTTP itself.
//!
//! What a test needs beyond `dist/` is named by the environment and set by `scripts/test`: `AIMOCK`, `DEWCLAW_BIN`,
//! `DEWCLAW_EMBED_C`, `DEWCLAW_EMBED_RUST`, `DEWCLAW_PYTHON`, `JCO`, `WASM_OPT`, `WAMR_RUNNER`, `DEWCLAW_WITHOUT_SOCKETS`,
//! `DEWCLAW_CONTRACT_WASM` and `DEWCLAW_CONTRACT_WAMR`. A missing one fails its tests; nothing is skipped.

mod agent_page;
mod aimock;
mod answer;
mod anthropic;
mod approve;
mod ask;
mod bad_files;
mod bad_pages;
mod bad_replies;
mod bad_statuses;
mod bad_users;
mod board;
mod boards_page;
mod budget;
mod budgets;
mod chat;
mod context;
mod contract;
mod conversations;
mod doctor;
mod edge;
mod embed_c;
mod embed_node;
mod embed_python;
mod embed_rust;
mod embedded;
mod flat;
mod guards;
mod imports;
mod injection;
mod instructions;
mod layout;
mod limits;
mod matrix;
mod native;
mod offer;
mod parallel_tools;
mod performing;
mod plugins_page;
mod preview1;
mod readme;
mod record_replay;
mod retry;
mod session;
mod sessions;
mod ssrf;
mod tools;
mod trust;
mod wasmtime_cli;
mod web_fetch;
mod web_search;
mod wire_choice;
