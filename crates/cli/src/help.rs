//! The native part of `dewclaw --help`. The component prints its own.

/// Printed before the component's help.
pub(crate) const NATIVE: &str = "\
dewclaw: an AI agent in one WebAssembly component, on this machine

Usage: dewclaw [OPTIONS] COMMAND [ARGUMENTS]...

Options of the native command; they stand before COMMAND:
  --workspace DIR      the folder that tools see (default: the current one)
  --state DIR          configuration, sessions and recordings, never seen by tools; made when missing
                       (default: $DEWCLAW_STATE, else $XDG_STATE_HOME/dewclaw, else ~/.local/state/dewclaw)
  --env NAME[=VALUE]   one more variable for the component, which sees its settings only, and a
                       stand-in for each key
  --continue           before 'ask' or 'chat': go on with the conversation that Ctrl-C interrupted last
  -h, --help           this text
  -V, --version        versions of this command, of wasmtime and of the component

Exit codes: 0 done, 1 failed, 2 usage, 3 model unreachable or refused, 4 limit reached, 5 denied,
130 interrupted, 141 output closed, 143 terminated.
Ctrl-C cancels the run of 'ask' and keeps its conversation; a second one ends it at once.
In 'chat' it cancels the turn, and twice at the prompt it ends the chat, as Ctrl-D does.
The network is reached through HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; certificates are the
system's, or those of SSL_CERT_FILE and SSL_CERT_DIR.

Commands, by the component's own help:

";
