//! The help text and the version.

/// What `--version` prints.
pub(super) const VERSION: &str = if cfg!(all(target_env = "p1", feature = "http")) {
    concat!("dewclaw ", env!("CARGO_PKG_VERSION"), " (core module)\n")
} else if cfg!(target_env = "p1") {
    concat!(
        "dewclaw ",
        env!("CARGO_PKG_VERSION"),
        " (offline core module: no network)\n"
    )
} else if cfg!(feature = "http") {
    concat!("dewclaw ", env!("CARGO_PKG_VERSION"), " (component)\n")
} else {
    concat!(
        "dewclaw ",
        env!("CARGO_PKG_VERSION"),
        " (offline component: no network)\n"
    )
};

/// How a run begins, in the words of what runs this.
#[cfg(target_env = "p2")]
macro_rules! example {
    () => {
        "Under wasmtime: wasmtime run -S http --dir WORK::/ --dir STATE::/state \\
  --env OPENAI_API_KEY dewclaw.wasm ask --model NAME \"...\"
"
    };
}
#[cfg(target_env = "p1")]
macro_rules! example {
    () => {
        "Under iwasm: iwasm --dir=WORK --map-dir=/state::STATE --addr-pool=192.168.1.10/32 \\
  dewclaw-wamr.wasm ask --base-url http://192.168.1.10:11434/v1 --model NAME \"...\"
"
    };
}

/// The flags of the feature `budgets`.
#[cfg(feature = "budgets")]
macro_rules! budgets {
    () => {
        "  --budget B        end at any of steps=N,tokens=N,cost=N,seconds=N,tool_calls=N
                    (cost by DEWCLAW_PRICES=MODEL=INPUT/CACHED/OUTPUT, of a million tokens)
  --budget-per-day B  the same for all runs of a day (UTC)\n"
    };
}
#[cfg(not(feature = "budgets"))]
macro_rules! budgets {
    () => {
        ""
    };
}

/// The flag of the feature `limits`.
#[cfg(feature = "limits")]
macro_rules! limits {
    () => {
        "  --limits board    keep to the 1 MiB of a board; of tool too (DEWCLAW_LIMITS)\n"
    };
}
#[cfg(not(feature = "limits"))]
macro_rules! limits {
    () => {
        ""
    };
}

/// The command of the feature `chat`, and what it takes.
#[cfg(feature = "chat")]
macro_rules! chat {
    (command) => {
        "  chat              the same for each line of stdin; /help says what else\n"
    };
    (flags) => {
        "of ask (chat has all but the last two), or by the variable in brackets:\n"
    };
}
#[cfg(not(feature = "chat"))]
macro_rules! chat {
    (command) => {
        ""
    };
    (flags) => {
        "of ask, or by the variable in brackets:\n"
    };
}

/// The flag of the feature `context`.
#[cfg(feature = "context")]
macro_rules! context {
    () => {
        "  --context-window N  the model's, in tokens: near it, old turns are summed up\n"
    };
}
#[cfg(not(feature = "context"))]
macro_rules! context {
    () => {
        ""
    };
}

/// The flag of the feature `instructions`.
#[cfg(feature = "instructions")]
macro_rules! instructions {
    () => {
        "  --no-instructions leave AGENTS.md and skills/ out of the prompt\n"
    };
}
#[cfg(not(feature = "instructions"))]
macro_rules! instructions {
    () => {
        ""
    };
}

/// The flag of the feature `recall`.
#[cfg(feature = "recall")]
macro_rules! recall {
    () => {
        "  --no-recall       leave what memory/ has on the prompt out of it\n"
    };
}
#[cfg(not(feature = "recall"))]
macro_rules! recall {
    () => {
        ""
    };
}

/// The command of the feature `sessions`, and its flags.
#[cfg(feature = "sessions")]
macro_rules! sessions {
    (command) => {
        "  sessions          list the sessions; show NAME (as Markdown), or
                    prune --older-than DAYS --larger-than BYTES\n"
    };
    (flags) => {
        "  --session NAME    keep the conversation, and go on with it; without PROMPT, with the
                    run that was interrupted; --take-over: even if it seems in use\n"
    };
}
#[cfg(not(feature = "sessions"))]
macro_rules! sessions {
    ($part:ident) => {
        ""
    };
}

/// What `--help` prints.
pub(super) const TEXT: &str = concat!(
    "\
Dewclaw: a tool-using AI agent in one WebAssembly file

  ask PROMPT        work on the workspace with the model ('-': of stdin)
",
    chat!(command),
    "  tool NAME JSON    call one tool, without a model ('-': of stdin)
  tools             print the tools and their parameters as JSON
  replay FILE       run a recording again, without a model
  doctor            say what this run was granted, and which flag adds what is missing
",
    sessions!(command),
    "
",
    chat!(flags),
    "  --model NAME      the model (DEWCLAW_MODEL)
  --wire WIRE       openai or anthropic; default: whose variables are set (DEWCLAW_WIRE)
  --base-url URL    another server (OPENAI_BASE_URL, ANTHROPIC_BASE_URL)
  --system TEXT     in place of the built-in system text
  --max-steps N     model rounds before the last one, which wraps up (default 25)
  --max-tokens N    tokens of one reply
  --no-stream       ask for replies whole
  --tools A,B       offer the model these tools only (DEWCLAW_TOOLS)
  --read-only       offer it no tool that writes (DEWCLAW_READ_ONLY=true)
  --allow-fetch H   let web_fetch reach NAME, *.NAME or an address, with or without
                    :PORT; * is every public host (DEWCLAW_ALLOW_FETCH)
  --approve WHEN    ask on the terminal before calls that write ('writes') or 'all'
                    of them (DEWCLAW_APPROVE)
",
    instructions!(),
    recall!(),
    budgets!(),
    limits!(),
    context!(),
    sessions!(flags),
    "  --output FILE     write the answer to FILE of the workspace too
  --record FILE     record the run in FILE of the state folder

of replay:
  --tools WHAT      'recorded' results (default), or 'real' file operations
  --record FILE     record the replay

of both:
  --json            print events as JSON lines
  -q, --quiet       only the answer and errors
  -v, --verbose     tool results and reasoning too

of tool: --allow-fetch and --read-only; of doctor: what chooses model and tools

web_search asks Brave (BRAVE_API_KEY), a SearXNG (SEARXNG_URL), or any address that
takes ?q=&count= (DEWCLAW_SEARCH_URL).

Keys: OPENAI_API_KEY or ANTHROPIC_API_KEY; or the same with _FILE at the end,
naming a file of the state folder. A server on the LAN needs none.
Settings can also stand in dewclaw.json of the state folder.

",
    example!()
);
