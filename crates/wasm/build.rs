//! Link arguments of the component.

fn main() {
    // Nothing here calls WASI preview 1, so no adapter is wanted: it would bring imports of later WASI versions along.
    if std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("p2") {
        println!("cargo::rustc-cdylib-link-arg=--wasi-adapter=none");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
