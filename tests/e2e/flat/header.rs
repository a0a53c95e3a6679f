//! `wit/dewclaw.h` and the module say the same.

use super::OK;
use e2e::flat::Flat;
use e2e::{artifact, process};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use wasmtime::{Engine, ExternType, Module, ValType};

fn path() -> PathBuf {
    artifact::repository().join("wit/dewclaw.h")
}

fn header() -> String {
    std::fs::read_to_string(path()).expect("the contract is there")
}

/// What stands in brackets after `before`, up to `after`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split_once(after).expect(after).0
}

#[test]
fn its_functions_are_the_exports_of_the_module() {
    let header = header();
    let rows = between(&header, "#define DC_EXPORTS(X)", "\n\n");
    let told: BTreeMap<_, _> = rows
        .lines()
        .filter_map(|line| {
            let row = line.trim().strip_prefix("X(")?.split_once(')')?.0;
            let mut parts = row.split(", ").map(|part| part.trim_matches('"'));
            let name = parts.next()?.to_owned();
            Some((name, (parts.next()?.to_owned(), parts.next()?.to_owned())))
        })
        .collect();
    assert!(told.len() > 10, "{told:?}");

    let module = Module::from_file(&Engine::default(), artifact::dewclaw_wamr());
    let letters = |kinds: &mut dyn Iterator<Item = ValType>| -> String {
        let letter = |kind| match kind {
            ValType::I32 => 'i',
            ValType::I64 => 'I',
            other => panic!("{other} in the interface"),
        };
        kinds.map(letter).collect()
    };
    let mut exported: BTreeMap<_, _> = module
        .expect("the module is valid")
        .exports()
        .filter_map(|export| match export.ty() {
            ExternType::Func(function) => {
                let signature = (
                    letters(&mut function.params()),
                    letters(&mut function.results()),
                );
                Some((export.name().to_owned(), signature))
            }
            _ => None,
        })
        .collect();
    exported.remove("_start").expect("it is a command too");
    assert_eq!(told, exported);
}

#[test]
fn its_statuses_are_those_of_the_module() {
    let header = header();
    let told: BTreeMap<String, i32> = between(&header, "enum dc_status {", "};")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("DC_")?.split_once(" = "))
        .map(|(name, code)| {
            let code = code.trim_end_matches(',').parse().expect("a number");
            (name.replace('_', "").to_lowercase(), code)
        })
        .collect();
    let source = artifact::repository().join("crates/wasm/src/flat.rs");
    let source = std::fs::read_to_string(source).expect("the module's source is there");
    let meant: BTreeMap<String, i32> = between(&source, "enum Status {", "}")
        .lines()
        .filter_map(|line| line.trim().split_once(" = "))
        .map(|(name, code)| {
            let code = code.trim_end_matches(',').parse().expect("a number");
            (name.to_lowercase(), code)
        })
        .collect();
    assert!(meant.len() > 10, "{meant:?}");
    assert_eq!(told, meant);
    assert_eq!(told["ok"], OK);
}

#[test]
fn its_version_is_that_of_the_module() {
    let header = header();
    let version = between(&header, "#define DC_VERSION ", "\n");
    let answered = Flat::start().call("dc_version", &[]);
    assert_eq!(version, answered.to_string());
}

#[test]
fn it_is_plain_c() {
    for (compiler, standard) in [("cc", "c99"), ("c++", "c++17")] {
        let mut command = Command::new(compiler);
        let language = if compiler == "cc" { "c" } else { "c++" };
        command
            .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"])
            .arg(format!("-std={standard}"))
            .args(["-x", language])
            .arg(path());
        process::run(compiler, &mut command, b"").code(0);
    }
}
