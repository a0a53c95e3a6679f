//! Plugins that tests are about, each a real component: one that asks its host for what its parameters say, and ones that are hard
//! to compile.

/// A tool of [`probe`], as it describes it.
const TOOLS: &str = r#"[{"name":"echo","description":"Gives its parameters back.","parameters":{"type":"object","properties":{"text":{"type":"string"}}}},
{"name":"read","description":"Reads a file.","parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}},
{"name":"write","description":"Writes a file."},
{"name":"get","description":"Asks a server."},
{"name":"log","description":"Writes to the log."},
{"name":"variable","description":"Asks for a variable."},
{"name":"spin","description":"Never ends."}]"#;

/// A plugin whose tools take one text, the value of the first member of their parameters, and ask the host for it: the tool's first
/// letter says for what. `echo` gives the parameters back, `spin` never ends.
pub(crate) fn probe() -> Vec<u8> {
    describing(&format!(
        r#"{{"name":"probe","version":"1.2","tools":{TOOLS}}}"#
    ))
}

/// The same with another description.
pub(crate) fn describing(description: &str) -> Vec<u8> {
    let text: String = description
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let component = include_str!("guest.wat")
        .replace("DESCRIPTION", &text)
        .replace("LENGTH", &description.len().to_string());
    wat::parse_str(component).unwrap()
}

/// A component of 40 KB that compiles for minutes: 5,000 loops, each in the one before, and 1,000 variables.
pub(crate) fn slow() -> Vec<u8> {
    let copies = (0..1_000).map(|variable| {
        let next = (variable + 1) % 1_000;
        format!("(local.set {next} (local.get {variable}))")
    });
    nested(5_000, 1_000, copies.collect())
}

/// A component of 73 KB that compiles for gigabytes: 200 loops that all change the same 8,000 variables.
pub(crate) fn fat() -> Vec<u8> {
    let additions = (0..8_000).map(|variable| {
        format!("(local.set {variable} (i32.add (local.get {variable}) (i32.const 1)))")
    });
    nested(200, 8_000, additions.collect())
}

fn nested(loops: usize, variables: usize, body: String) -> Vec<u8> {
    let begin = "loop\n".repeat(loops);
    let end = "local.get 0 br_if 0 end\n".repeat(loops);
    let locals = "i32 ".repeat(variables);
    let text = format!("(component (core module (func (local {locals})\n{begin}{body}\n{end})))");
    wat::parse_str(text).unwrap()
}
