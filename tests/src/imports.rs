//! What a component imports, read from its type.

use crate::in_process::engine;
use std::collections::BTreeSet;
use std::path::Path;
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
