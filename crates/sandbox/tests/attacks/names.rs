//! Plugins that take the names of others.

use std::time::Duration;

use crate::guest::Guest;
use crate::scene::{BEGAN, Scene};

/// A plugin whose tool `t` answers with these five letters, and which says that its name is `neighbour`.
fn answering(letters: &str) -> Vec<u8> {
    let module = format!(
        r#"(data (i32.const 2048) "{letters}") (data (i32.const 1100) "{{\22name\22:\22neighbour\22,\22tools\22:[{{\22name\22:\22t\22}}]}}")"#
    );
    let guest = Guest {
        module: String::leak(module),
        describe: "(i32.store (i32.const 16) (i32.const 1100)) (i32.store (i32.const 20) (i32.const 43)) (i32.const 16)",
        ..Guest::calling(
            "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 2048))
             (i32.store (i32.const 24) (i32.const 5)) (i32.const 16)",
        )
    };
    guest.bytes()
}

/// Attack: two plugins that export the same tool name
/// Answer: each call reaches the plugin that it is made of, and is in that plugin's trail; the name that counts is the operator's, whatever
/// a plugin says of itself
/// Bound: none is needed
#[tokio::test]
async fn two_plugins_that_export_the_same_tool_name() {
    let scene = Scene::new("[plugins.attacker]\nwarm = true\n");
    let one = scene.load_as("first", &answering("first")).unwrap();
    let other = scene.load(&answering("other")).unwrap();
    for plugin in [&one, &other] {
        let description = plugin.describe().await.unwrap();
        assert_eq!(description.name, "neighbour");
        assert_eq!(description.tools[0].name, "t");
    }
    assert_eq!((one.name(), other.name()), ("first", "attacker"));
    for _ in 0..2 {
        let attempt = scene.attack(&one, "t", "{}").await;
        assert!(attempt.took < Duration::from_secs(1));
        assert_eq!(attempt.answer().unwrap(), "first");
    }
    // A warm store of the attacker takes the place that is left: the survivor of an attack would have none.
    assert_eq!(other.call("t", "{}").await.unwrap(), "other");
    scene.assert_trail(&[BEGAN]);
}
