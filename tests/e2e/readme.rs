//! What the README shows.

use e2e::artifact;
use e2e::markdown::fenced_blocks;

#[test]
fn the_readme_shows_commands() {
    let readme = std::fs::read_to_string(artifact::repository().join("README.md"))
        .expect("there is a README.md");
    let commands = fenced_blocks(&readme, "sh").join("\n");
    for command in ["scripts/demo", "scripts/test", "wasmtime run -S http"] {
        assert!(
            commands.contains(command),
            "no sh block of README.md has {command}"
        );
    }
}
