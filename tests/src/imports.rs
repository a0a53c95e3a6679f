//! What a component or a core module imports, read from its type.

use crate::in_process::engine;
use std::collections::BTreeSet;
use std::path::Path;
use wasmtime::Module;
use wasmtime::component::Component;

/// The names of everything the component imports, versions included.
pub fn of(component: &Path) -> BTreeSet<String> {
    let compiled = Component::from_file(engine(), component)
        .unwrap_or_else(|error| panic!("{} is not a component: {error:?}", component.display()));
    let kind = compiled.component_type();
    kind.imports(engine())
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The names of everything the component exports, versions included.
pub fn exports_of(component: &Path) -> BTreeSet<String> {
    let compiled = Component::from_file(engine(), component)
        .unwrap_or_else(|error| panic!("{} is not a component: {error:?}", component.display()));
    let kind = compiled.component_type();
    kind.exports(engine())
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The names of everything the core module imports, each after its module's.
pub fn of_module(module: &Path) -> BTreeSet<String> {
    let module = module_at(module);
    let imports = module.imports();
    imports
        .map(|import| format!("{} {}", import.module(), import.name()))
        .collect()
}

/// The pages of 64 KiB that the core module's linear memory starts with.
pub fn start_pages(module: &Path) -> u64 {
    let memory = module_at(module).get_export("memory");
    let memory = memory.as_ref().and_then(|memory| memory.memory());
    memory.expect("it exports its memory").minimum()
}

fn module_at(module: &Path) -> Module {
    Module::from_file(engine(), module)
        .unwrap_or_else(|error| panic!("{} is not a module: {error:?}", module.display()))
}
