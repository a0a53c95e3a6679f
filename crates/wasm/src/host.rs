//! What runs this build, and how it is told what it grants.

/// The words of a host.
pub(crate) struct Host {
    /// What to do without a workspace.
    pub(crate) no_workspace: &'static str,
    /// The same, in a table.
    pub(crate) workspace: &'static str,
    pub(crate) state: &'static str,
    /// What to do without a state folder that a recording could be in.
    pub(crate) no_state: &'static str,
    /// Of a build without network.
    pub(crate) network: &'static str,
    pub(crate) model: &'static str,
    /// In front of a variable's name, and behind it.
    pub(crate) variable: (&'static str, &'static str),
}

#[cfg(target_env = "p2")]
pub(crate) const HOST: Host = Host {
    no_workspace: "no workspace: run with --dir DIR::/ (wasmtime), and DIR is what the agent works on",
    workspace: "add wasmtime's --dir DIR::/",
    state: "add wasmtime's --dir STATE::/state",
    no_state: "; no state folder: run with --dir STATE::/state (wasmtime)",
    network: "this build has no network, on purpose: use dewclaw.wasm with wasmtime's -S http",
    model: "name one: --model NAME, or wasmtime's --env DEWCLAW_MODEL=NAME",
    variable: ("add wasmtime's --env ", ""),
};

#[cfg(target_env = "p1")]
pub(crate) const HOST: Host = Host {
    no_workspace: "no workspace: run with --dir=DIR (iwasm), and DIR is what the agent works on",
    workspace: "add iwasm's --dir=DIR",
    state: "add iwasm's --map-dir=/state::STATE",
    no_state: "; no state folder: run with --map-dir=/state::STATE (iwasm)",
    network: "this build has no network, on purpose: use dewclaw-wamr.wasm with iwasm's --addr-pool=ADDRESS/32",
    model: "name one: --model NAME, or iwasm's --env=DEWCLAW_MODEL=NAME",
    variable: ("add iwasm's --env=", "=KEY"),
};

/// The native command, which has this component inside.
#[cfg(target_env = "p2")]
pub(crate) const NATIVE: Host = Host {
    workspace: "add --workspace DIR",
    state: "add --state DIR",
    network: "the embedded component has no network, on purpose: build with dewclaw.wasm in its place",
    model: "name one: --model NAME, or set DEWCLAW_MODEL",
    variable: ("set ", ""),
    ..HOST
};
