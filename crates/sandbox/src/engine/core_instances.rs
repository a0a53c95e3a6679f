//! Counts the core instances that a component makes, from its bytes, so that too many are refused by name before it is compiled.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Instance, Parser, Payload,
};

/// A component or a core module that is being read.
#[derive(Default)]
struct Frame {
    is_component: bool,
    instances: usize,
    /// The component's index space of components, each with what instantiating it makes.
    components: Vec<usize>,
}

/// The core instances that the component's own instructions make, with those of the components in it as often as it instantiates
/// them. Not in it: what the compiler adds between components (an adapter each), and components that are passed as arguments; of
/// these the engine's own count comes at instantiation. `None`: the bytes are no component, which the compiler will say.
pub(crate) fn count(bytes: &[u8]) -> Option<usize> {
    let mut frames: Vec<Frame> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::Version { encoding, .. } => frames.push(Frame {
                is_component: encoding == wasmparser::Encoding::Component,
                ..Frame::default()
            }),
            Payload::InstanceSection(section) => {
                let frame = frames.last_mut()?;
                for instance in section {
                    frame.instances +=
                        usize::from(matches!(instance.ok()?, Instance::Instantiate { .. }));
                }
            }
            Payload::ComponentInstanceSection(section) => {
                let frame = frames.last_mut()?;
                for instance in section {
                    if let ComponentInstance::Instantiate {
                        component_index, ..
                    } = instance.ok()?
                    {
                        let more = *frame.components.get(component_index as usize)?;
                        frame.instances = frame.instances.saturating_add(more);
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                let frame = frames.last_mut()?;
                for import in section {
                    if matches!(import.ok()?.ty, ComponentTypeRef::Component(_)) {
                        frame.components.push(0);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                let frame = frames.last_mut()?;
                for export in section {
                    let export = export.ok()?;
                    if export.kind == ComponentExternalKind::Component {
                        let same = *frame.components.get(export.index as usize)?;
                        frame.components.push(same);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    let made = match alias.ok()? {
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component,
                            count,
                            index,
                        } => {
                            let outer = frames.iter().rev().nth(count as usize)?;
                            *outer.components.get(index as usize)?
                        }
                        ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Component,
                            ..
                        } => 0,
                        _ => continue,
                    };
                    frames.last_mut()?.components.push(made);
                }
            }
            Payload::End(_) => {
                let done = frames.pop()?;
                match frames.last_mut() {
                    Some(outer) if done.is_component => outer.components.push(done.instances),
                    Some(_) => {}
                    None => return done.is_component.then_some(done.instances),
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<usize> {
        count(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn a_components_own_instances_are_counted_and_its_bags_of_exports_are_not() {
        let text = r#"(component (core module $m (func (export "f")))
            (core instance $i (instantiate $m)) (core instance (instantiate $m)) (core instance (export "g" (func $i "f"))))"#;
        assert_eq!(of(text), Some(2));
        assert_eq!(of("(component)"), Some(0));
        assert_eq!(of("(module)"), None);
        assert_eq!(count(b"no wasm"), None);
    }

    #[test]
    fn a_component_counts_as_often_as_it_is_instantiated() {
        let text = "(component
            (component $inner (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))
            (component $outer
              (alias outer 1 $inner (component $again))
              (instance (instantiate $again)) (instance (instantiate $again)))
            (component $unused (core module $m) (core instance (instantiate $m)))
            (instance (instantiate $outer)) (instance (instantiate $inner)))";
        assert_eq!(of(text), Some(6));
    }

    #[test]
    fn doubling_does_not_overflow() {
        let mut text = String::from(
            "(component (component $c0 (core module $m) (core instance (instantiate $m)))",
        );
        for level in 1..100 {
            let below = level - 1;
            text += &format!(
                "(component $c{level} (alias outer 1 $c{below} (component $c))
                    (instance (instantiate $c)) (instance (instantiate $c)))"
            );
        }
        text += "(instance (instantiate $c99)))";
        assert_eq!(of(&text), Some(usize::MAX));
    }
}
