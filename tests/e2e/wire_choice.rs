//! How the wire is chosen, who may choose it, and what `doctor` says of it.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};

const KEY: &str = "sk-ant-e2e-never-written-down";

/// A run that names the model's address by what every wire takes, and its wire by `named`.
fn with_wire(
    host: Host,
    state: &Scratch,
    model: &ScriptedModel,
    named: impl Fn(Guest) -> Guest,
) -> Ended {
    let work = Scratch::new();
    let guest = Guest::dewclaw()
        .workspace(&work)
        .state(state)
        .args(["ask", "hi", "--model", "scripted"]);
    host.run(&named(guest).args(["--base-url", &model.root_url()]))
}

#[test]
fn the_wire_is_chosen_by_variables_flag_and_file() {
    on_each_host(|host| {
        let nothing = Scratch::new();
        let settings = Scratch::with(&[("dewclaw.json", r#"{"wire": "anthropic"}"#)]);
        let openai = Scratch::with(&[("dewclaw.json", r#"{"wire": "openai"}"#)]);
        let key = |guest: Guest| guest.env("ANTHROPIC_API_KEY", KEY);
        type Named<'a> = &'a dyn Fn(Guest) -> Guest;
        let ways: [(&str, &Scratch, Named<'_>); 7] = [
            ("a key", &nothing, &key),
            ("--wire", &nothing, &|guest| {
                guest.args(["--wire", "anthropic"])
            }),
            ("DEWCLAW_WIRE", &nothing, &|guest| {
                guest.env("DEWCLAW_WIRE", "anthropic")
            }),
            ("dewclaw.json", &settings, &|guest| guest),
            ("the variable over the file", &openai, &|guest| {
                guest.env("DEWCLAW_WIRE", "anthropic")
            }),
            ("the flag over the variable", &nothing, &|guest| {
                guest
                    .env("DEWCLAW_WIRE", "openai")
                    .args(["--wire", "anthropic"])
            }),
            ("the file over a key", &settings, &|guest| {
                guest.env("OPENAI_API_KEY", "sk-of-the-other-wire")
            }),
        ];
        for (way, state, named) in ways {
            let model = ScriptedModel::start([Reply::text("ok")]);
            let ended = with_wire(host, state, &model, named);
            assert_eq!(ended.stdout(), "ok\n", "{way}\n{ended}");
            let request = model.only_request();
            assert_eq!(request.http.path, "/v1/messages", "{way}");
            assert_ne!(
                request.http.header("x-api-key"),
                Some("sk-of-the-other-wire")
            );
        }
        for (name, value) in [
            ("ANTHROPIC_API_KEY_FILE", "key"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9"),
        ] {
            let state = Scratch::with(&[("key", KEY)]);
            let model = ScriptedModel::start([Reply::text("ok")]);
            with_wire(host, &state, &model, |guest| guest.env(name, value))
                .code(0)
                .prints("ok\n");
            assert_eq!(model.only_request().http.path, "/v1/messages", "{name}");
        }
    });
}

#[test]
fn without_a_word_the_wire_is_the_other_one() {
    on_each_host(|host| {
        let work = Scratch::new();
        let model = ScriptedModel::start([Reply::text("ok")]);
        let guest = Guest::dewclaw()
            .workspace(&work)
            .env("ANTHROPIC_API_KEY", "")
            .args(["ask", "hi", "--model", "scripted", "--base-url"])
            .args([model.base_url()]);
        host.run(&guest).code(0).prints("ok\n");
        assert_eq!(model.only_request().http.path, "/v1/chat/completions");
    });
}

#[test]
fn a_workspace_cannot_choose_the_wire() {
    on_each_host(|host| {
        let work = Scratch::with(&[(
            ".dewclaw/dewclaw.json",
            r#"{"wire": "anthropic", "model": "of-the-workspace"}"#,
        )]);
        let model = ScriptedModel::start([Reply::text("ok")]);
        let guest = Guest::dewclaw()
            .workspace(&work)
            .model(&model)
            .args(["ask", "hi"]);
        host.run(&guest)
            .code(0)
            .prints("ok\n")
            .says(&["warning", "\"wire\"", "ignored"]);
        let request = model.only_request();
        assert_eq!(request.http.path, "/v1/chat/completions");
        assert_eq!(request.json["model"], "of-the-workspace");
    });
}

#[test]
fn variables_of_both_wires_are_a_question() {
    on_each_host(|host| {
        for theirs in [
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_API_KEY_FILE",
            "ANTHROPIC_BASE_URL",
        ] {
            let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
            let guest = Guest::ask(&work, &model, "hi").env(theirs, "http://127.0.0.1:9");
            host.run(&guest).code(2).says(&["--wire"]);
            assert_eq!(model.connections(), 0);
        }
        // With the question answered, each wire takes its own.
        let work = Scratch::new();
        for (wire, path, header, value) in [
            ("anthropic", "/v1/messages", "x-api-key", KEY),
            (
                "openai",
                "/v1/chat/completions",
                "authorization",
                "Bearer sk-openai",
            ),
        ] {
            let model = ScriptedModel::start([Reply::text("ok")]);
            let guest = Guest::ask(&work, &model, "hi")
                .messages_model(&model)
                .env("OPENAI_API_KEY", "sk-openai")
                .env("ANTHROPIC_API_KEY", KEY)
                .args(["--wire", wire]);
            host.run(&guest).code(0).prints("ok\n");
            let request = model.only_request();
            assert_eq!(request.http.path, path);
            assert_eq!(request.http.header(header), Some(value));
        }
    });
}

#[test]
fn a_wire_that_nobody_knows() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let guest = Guest::ask(&work, &model, "hi").args(["--wire", "carrier-pigeon"]);
        host.run(&guest)
            .code(2)
            .says(&["--wire", "openai", "anthropic"]);
    });
}

#[test]
fn without_a_key_its_name_is_told() {
    on_each_host(|host| {
        let work = Scratch::new();
        let guest = Guest::dewclaw().workspace(&work).args([
            "ask",
            "hi",
            "--model",
            "m",
            "--wire",
            "anthropic",
        ]);
        host.run(&guest)
            .code(2)
            .says(&["ANTHROPIC_API_KEY", "api.anthropic.com"]);
    });
}

#[test]
fn doctor_shows_the_wire_and_names_its_key() {
    on_each_host(|host| {
        let work = Scratch::new();
        let doctor = |guest: Guest| {
            host.run(
                &guest
                    .workspace(&work)
                    .env("DEWCLAW_MODEL", "m")
                    .args(["doctor"]),
            )
        };
        let row = |ended: &Ended, name: &str| {
            let rows = ended.stdout().lines();
            let named: Vec<_> = rows.filter(|row| row.starts_with(name)).collect();
            assert_eq!(named.len(), 1, "{name}\n{ended}");
            named[0].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let missing = host.run(&Guest::dewclaw().workspace(&work).args([
            "doctor",
            "--wire",
            "anthropic",
            "--model",
            "m",
        ]));
        missing.code(2);
        assert_eq!(row(&missing, "wire"), "wire ok anthropic");
        assert!(row(&missing, "address").contains("https://api.anthropic.com"));
        let key = row(&missing, "key");
        assert!(
            key.starts_with("key missing")
                && key.contains(&host.variable_flag("ANTHROPIC_API_KEY")),
            "{key}"
        );
        assert!(!missing.stdout().contains("OPENAI"), "{missing}");

        let there = doctor(Guest::dewclaw().env("ANTHROPIC_API_KEY", KEY));
        // Where there is no TLS, the wire's own address is out of reach.
        let (code, address) = if host.has_tls() {
            (0, "address ok https://api.anthropic.com")
        } else {
            (2, "address wrong https://api.anthropic.com")
        };
        there.code(code).keeps(KEY);
        assert!(row(&there, "address").starts_with(address), "{there}");
        assert_eq!(row(&there, "wire"), "wire ok anthropic");
        assert_eq!(row(&there, "key"), "key ok from ANTHROPIC_API_KEY");

        let both = doctor(
            Guest::dewclaw()
                .env("ANTHROPIC_API_KEY", KEY)
                .env("OPENAI_API_KEY", "sk-openai"),
        );
        both.code(2).keeps(KEY).says(&["--wire"]);
    });
}

#[test]
fn an_address_of_the_file_never_gets_the_other_wires_key() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
        let settings = format!(
            r#"{{"model": "scripted", "base_url": "{}"}}"#,
            model.base_url()
        );
        let state = Scratch::with(&[("dewclaw.json", &settings)]);
        let guest = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .env("ANTHROPIC_API_KEY", KEY)
            .args(["ask", "hi"]);
        host.run(&guest).code(0).prints("ok\n");
        let request = model.only_request();
        assert_eq!(request.http.path, "/v1/chat/completions");
        assert_eq!(request.http.header("x-api-key"), None);
        assert_eq!(request.http.header("authorization"), None);
    });
}
