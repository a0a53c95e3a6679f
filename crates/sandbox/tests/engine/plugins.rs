//! What a plugin is: its exports and imports by the WIT, and what its functions give.

use dewclaw_sandbox::engine::{
    CallError, CompileError, LoadError, Plugin, PluginOptions, Reuse, TrustedInputOnly,
};

use crate::guest::{Guest, engine, run};

#[test]
fn a_plugin_describes_itself_and_runs_tools_fresh_and_warm_and_by_its_older_names() {
    for old_names in [false, true] {
        for reuse in [Reuse::Fresh, Reuse::Warm { idle: 2 }] {
            let guest = Guest {
                old_names,
                ..Guest::default()
            };
            let plugin = guest.load(PluginOptions {
                reuse,
                ..PluginOptions::default()
            });
            run(async {
                assert_eq!(
                    plugin.describe().await.unwrap(),
                    r#"{"name":"guest","tools":[]}"#
                );
                for text in ["{}", r#"{"a":"ä"}"#, ""] {
                    assert_eq!(plugin.call("t", text).await.unwrap(), text);
                }
            });
            assert_eq!(plugin.idle_stores(), usize::from(reuse != Reuse::Fresh));
        }
    }
}

#[test]
fn init_runs_once_before_the_first_tool_of_each_store() {
    let guest = Guest {
        init: "(i32.store (i32.const 40) (i32.add (i32.const 1) (i32.load (i32.const 40))))
               (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32)",
        // "1", "2" …: how often init has run, at 40, and calls, at 44.
        execute: "(i32.store (i32.const 44) (i32.add (i32.const 1) (i32.load (i32.const 44))))
            (i32.store8 (i32.const 48) (i32.add (i32.const 48) (i32.load (i32.const 40))))
            (i32.store8 (i32.const 49) (i32.add (i32.const 48) (i32.load (i32.const 44))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 48)) (i32.store (i32.const 24) (i32.const 2))
            (i32.const 16)",
        ..Guest::default()
    };
    let calls = |reuse| {
        let plugin = guest.load(PluginOptions {
            reuse,
            ..PluginOptions::default()
        });
        run(async {
            [
                plugin.call("t", "").await.unwrap(),
                plugin.call("t", "").await.unwrap(),
            ]
        })
    };
    assert_eq!(calls(Reuse::Fresh), ["11", "11"]);
    assert_eq!(calls(Reuse::Warm { idle: 1 }), ["11", "12"]);
}

#[test]
fn what_the_plugin_says_of_failing_is_its_own_words() {
    let text = r#"(data (i32.const 2048) "no such tool")"#;
    let tool = Guest {
        module: text,
        execute:
            "(i32.store (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 2048))
            (i32.store (i32.const 24) (i32.const 12)) (i32.const 16)",
        ..Guest::default()
    };
    let error = run(tool.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert!(
        matches!(error, CallError::Tool { ref message } if message == "no such tool"),
        "{error:?}"
    );
    let init = Guest {
        module: text,
        init: "(i32.store (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 2048))
            (i32.store (i32.const 24) (i32.const 12)) (i32.const 16)",
        ..Guest::default()
    };
    let error = run(init.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert_eq!(error.to_string(), "the plugin did not start: no such tool");
}

#[test]
fn what_is_no_plugin_is_refused_by_what_it_lacks_or_asks_for() {
    let load = |text: &str| {
        Plugin::load(
            engine(),
            &wat::parse_str(text).unwrap(),
            &TrustedInputOnly,
            PluginOptions::default(),
        )
    };
    let missing = load("(component)").unwrap_err();
    assert_eq!(
        missing.to_string(),
        r#"not a plugin: no export "dewclaw:plugin/tools@0.1.0""#
    );
    let asks = load(
        r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64))))))"#,
    );
    assert_eq!(
        asks.unwrap_err().to_string(),
        r#"the plugin imports "wasi:random/random@0.2.0", which is not granted"#
    );
    let core = load("(module)").unwrap_err();
    assert!(
        matches!(core, LoadError::Compile(CompileError::Invalid { .. })),
        "{core}"
    );
}

#[test]
fn wasi_is_linked_by_name() {
    let text = Guest::default().text().replacen(
        "(component",
        r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))"#,
        1,
    );
    let load = |wasi: &[&str]| {
        let options = PluginOptions {
            wasi: wasi.iter().map(ToString::to_string).collect(),
            ..PluginOptions::default()
        };
        Plugin::load(
            engine(),
            &wat::parse_str(&text).unwrap(),
            &TrustedInputOnly,
            options,
        )
    };
    assert_eq!(
        run(load(&["wasi:random/random"]).unwrap().call("t", "{}")).unwrap(),
        "{}"
    );
    for other in [
        &[][..],
        &["wasi:random/insecure"],
        &["wasi:random"],
        &["wasi:random/randomness"],
    ] {
        assert!(matches!(
            load(other).unwrap_err(),
            LoadError::ImportRefused { .. }
        ));
    }
}

/// The contract, from its one copy: what these tests' guests import and export is what the WIT says.
mod contract {
    wasmtime::component::bindgen!({
        path: "../../wit/plugin",
        world: "plugin",
        imports: { default: trappable },
        exports: { default: async },
    });
}

struct Refuses;

impl contract::dewclaw::plugin::host::Host for Refuses {
    fn http_request(
        &mut self,
        _: String,
        _: String,
        _: Vec<(String, String)>,
        _: Option<String>,
    ) -> wasmtime::Result<Result<String, String>> {
        Ok(Err(String::new()))
    }

    fn read_file(&mut self, _: String) -> wasmtime::Result<Result<String, String>> {
        Ok(Err(String::new()))
    }

    fn write_file(&mut self, _: String, _: String) -> wasmtime::Result<Result<(), String>> {
        Ok(Err(String::new()))
    }

    fn get_env(&mut self, _: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn log(&mut self, _: u8, _: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[test]
fn the_guests_of_these_tests_are_plugins_by_the_wit() {
    use wasmtime::component::{Component, HasSelf, Linker};
    let mut linker = Linker::new(engine().wasmtime());
    contract::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Refuses| host)
        .unwrap();
    let component = Component::new(
        engine().wasmtime(),
        wat::parse_str(Guest::default().text()).unwrap(),
    )
    .unwrap();
    let mut store = wasmtime::Store::new(engine().wasmtime(), Refuses);
    store.set_fuel(1_000_000).unwrap();
    store.set_epoch_deadline(1 << 40);
    run(async {
        let plugin = contract::Plugin::instantiate_async(&mut store, &component, &linker)
            .await
            .unwrap();
        let tools = plugin.dewclaw_plugin_tools();
        assert_eq!(tools.call_init(&mut store).await.unwrap(), Ok(()));
        assert!(
            tools
                .call_describe(&mut store)
                .await
                .unwrap()
                .starts_with('{')
        );
        assert_eq!(
            tools
                .call_execute_tool(&mut store, "t", "{}")
                .await
                .unwrap(),
            Ok("{}".to_owned())
        );
    });
}
