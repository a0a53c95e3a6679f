//! examples/embed-node: a Node program with the agent inside, as a person runs it.

use crate::embedded::{NO_SESSION, Program, denied, every_scenario};
use e2e::artifact;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::web::{Page, Site};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const NODE: Program = Program {
    name: "node",
    command: || {
        let mut node = Command::new("node");
        node.arg(example().join("main.mjs"));
        node
    },
    cellar: 11.5,
    attic: "there is no thermometer in attic",
    question: "May write_file run? [y]es, [n]o:",
    cancelled: "embed-node: cancelled",
    no_such_key: &["embed-node: ", "401", "No such key."],
    wrong: &[
        (&[], "usage: node main.mjs --dir DIR"),
        (&["one", "two"], "usage: node main.mjs --dir DIR"),
        (&["--dri", "x", "hi"], "--dri"),
        (&["--dir", "nowhere", "hi"], "nowhere"),
        (&["--dir", NO_SESSION, "hi"], "is not a folder"),
        (&["--session", NO_SESSION, "hi"], "saved bytes"),
        (&[" "], "empty-prompt"),
    ],
};

every_scenario!(NODE);

/// The files of the program.
const FILES: [&str; 4] = ["main.mjs", "drive.mjs", "http.mjs", "files.mjs"];

/// The folder of the example in the repository.
fn source() -> PathBuf {
    artifact::repository().join("examples/embed-node")
}

/// The example after `npm run build`: with the component beside it, as JavaScript.
fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed-node");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        for name in FILES.into_iter().chain(["package.json"]) {
            std::fs::copy(source().join(name), folder.join(name))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let mut jco = Command::new(artifact::from_environment("JCO", "the jco of scripts/npm"));
        jco.args(["transpile", "--quiet"])
            .arg(artifact::dewclaw_core())
            .arg("-o")
            .arg(folder.join("component"));
        process::run("jco", &mut jco, b"").code(0);
        folder
    })
}

#[test]
fn what_leads_out_of_the_folder_or_into_state_is_refused() {
    let (outside, work) = (
        Scratch::with(&[("key.txt", "hidden words")]),
        Scratch::with(&[(".dewclaw/dewclaw.json", "{}"), ("a.txt", "alpha\n")]),
    );
    for (target, link) in [
        (outside.path().to_owned(), "out"),
        (outside.join("key.txt"), "key.txt"),
        (outside.join("new.txt"), "dangling"),
        (".dewclaw".into(), "state"),
    ] {
        std::os::unix::fs::symlink(target, work.join(link)).expect("a link can be made");
    }
    let before = (outside.snapshot(), work.snapshot());
    let read = |path: &str| Call::new(path, "read_file", json!({"path": path}));
    let write = |path: &str| {
        let arguments = json!({"path": path, "content": "x"});
        Call::new(&format!("to {path}"), "write_file", arguments)
    };
    let calls = [
        read("out/key.txt"),
        read("key.txt"),
        read("state/dewclaw.json"),
        write("out/key.txt"),
        write("key.txt"),
        write("dangling"),
        write("state/dewclaw.json"),
    ];
    let typed = "y\n".repeat(4);
    let model = ScriptedModel::start([
        Reply::calls(calls),
        Reply::call("l", "list_directory", json!({"path": "."})),
        Reply::text("I could not."),
    ]);
    let mut command = NODE.over(&work, &model.base_url());
    NODE.run(command.arg("look"), &typed).code(0);
    let requests = model.requests();
    let results = requests[1].tool_results();
    assert_eq!(results.len(), 7);
    for (_, result) in &results {
        denied(result);
    }
    let listing = requests[2].tool_result().to_string();
    assert!(listing.contains("a.txt"), "{listing}");
    assert!(!listing.contains(".dewclaw"), "{listing}");
    assert_eq!((outside.snapshot(), work.snapshot()), before);
}

#[test]
fn a_script_stays_executable() {
    use std::os::unix::fs::PermissionsExt;
    let work = Scratch::with(&[("run.sh", "#!/bin/sh\necho old\n")]);
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(work.join("run.sh"), permissions).expect("it can be set");
    let edit = json!({"path": "run.sh", "old_text": "old", "new_text": "new"});
    let model = ScriptedModel::start([Reply::call("c", "edit_file", edit), Reply::text("Done.")]);
    let mut command = NODE.over(&work, &model.base_url());
    NODE.run(command.arg("edit"), "yes\n")
        .code(0)
        .prints("Done.\n");
    assert_eq!(work.read("run.sh"), "#!/bin/sh\necho new\n");
    let metadata = std::fs::metadata(work.join("run.sh")).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o111, 0o111);
    assert_eq!(work.names(), ["run.sh"]);
}

#[test]
fn pages_of_an_allowed_host_are_fetched() {
    let work = Scratch::new();
    let site = Site::open([("/one", Page::text("Page one.")), ("/two", Page::hang_up())]);
    let fetch = |id: &str, path: &str| Call::new(id, "web_fetch", json!({"url": site.url(path)}));
    let model = ScriptedModel::start([
        Reply::calls([fetch("c1", "/one"), fetch("c2", "/two")]),
        Reply::text("Read."),
    ]);
    let mut command = NODE.over(&work, &model.base_url());
    command.env("DEWCLAW_ALLOW_FETCH", site.authority());
    NODE.run(command.arg("read"), "").code(0).prints("Read.\n");
    let results = model.last_request().tool_results();
    assert!(results[0].1.to_string().contains("Page one."));
    let failed = results[1].1["error"]["message"].to_string();
    assert!(failed.contains("connection closed"), "{failed}");
}

#[test]
fn its_files_are_as_long_as_its_readme_says() {
    let read = |name| std::fs::read_to_string(source().join(name)).expect("the file is there");
    let readme = read("README.md");
    for name in FILES {
        let lines = read(name).lines().count();
        assert!(lines < 150, "{name} has {lines} lines");
        let row = format!("| `{name}` | {lines} |");
        assert!(readme.contains(&row), "README.md lacks {row:?}");
    }
}
