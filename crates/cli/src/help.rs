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

Commands about plugins, other people's tools in a sandbox:
  plugin check|describe|call   what a plugin asks and gets, what it is, one call of a tool
  audit show|verify            what plugins asked of this machine, and whether the trail is whole
'ask' and 'chat' take plugins too, before or behind their name:
  --plugin FILE        offer the model the tools of this plugin, a component or its manifest; repeatable
  --policy FILE        what plugins may do (default: policy.toml of the state folder, else nothing)
  --preset PRESET      the same in a word: none, loopback, 'read-only DIR' or 'read-write DIR'
  --audit DIR          where the trail of what they do lies (default: audit of the state folder)

Commands, by the component's own help:

";

/// `dewclaw plugin --help`.
pub(crate) const PLUGIN: &str = "\
Other people's tools: components that run in a sandbox and get what a policy grants

Usage: dewclaw [--state DIR] plugin check FILE [OPTIONS]
       dewclaw [--state DIR] plugin describe FILE [--json] [OPTIONS]
       dewclaw [--state DIR] plugin call FILE TOOL JSON [OPTIONS]

FILE is a component, NAME.wasm, or its manifest, NAME.toml, which lie in one folder.

  check       what the plugin asks for, what it gets, and the line that decides; nothing of it runs
  describe    its tools, as it describes them
  call        one call of the tool TOOL with the parameters JSON, an object; '-' reads them from standard input

Options:
  --policy FILE        what the plugin may do (default: policy.toml of the state folder, else nothing)
  --preset PRESET      the same in a word: none, loopback, 'read-only DIR' or 'read-write DIR'
  --audit DIR          where the trail of what it does lies (default: audit of the state folder)
  -h, --help           this text

Exit codes: 0 done, and for check: all that is asked is granted; 1 failed, 2 usage, 4 a limit was reached,
5 denied, and for check: not all is granted.
";

/// `dewclaw audit --help`.
pub(crate) const AUDIT: &str = "\
What plugins asked of this machine: every call of a host function, with the rule that decided

Usage: dewclaw [--state DIR] audit show [DIR] [OPTIONS]
       dewclaw [--state DIR] audit verify [DIR] [OPTIONS]

DIR is the trail's folder (default: audit of the state folder).

Options of show:
  --plugin NAME        entries of this plugin
  --function NAME      of this host function, such as http-request
  --verdict VERDICT    permitted, or denied
  --since TIME         begun then or later: 2026-11-21, 2026-11-21T14:23:54Z, or 90s, 30m, 12h, 7d ago
  --until TIME         begun before then
  --last N             at most the newest N (default: 1000)
  --json               the entries as they stand in the log, a JSON object a line

Options of verify:
  --plugin NAME        only the trail of this plugin
  --head HEAD          an entry that was kept elsewhere, and must still be there: [PLUGIN:]SEQUENCE:HASH, as verify
                       prints it; repeatable. Without one, a trail that was written anew as a whole looks whole
  --after HEAD         the trail may begin behind this one: its older files were moved elsewhere; repeatable

Exit codes: 0 done, and the trail is whole; 1 it is not whole; 2 usage, or there is no trail.
";
