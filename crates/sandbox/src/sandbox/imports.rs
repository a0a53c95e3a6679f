//! What a component imports, read without compiling it.

use wasmparser::{Encoding, Parser, Payload};

/// Why the imports could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportsError {
    /// The bytes are no WebAssembly.
    #[error("not a WebAssembly file: {reason}")]
    Malformed {
        /// In the reader's words.
        reason: String,
    },
    /// It is WebAssembly, but a core module.
    #[error(
        "a core module, where a component is needed: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
}

/// The names of what a component imports, such as `dewclaw:plugin/host@0.1.0` or `wasi:clocks/wall-clock@0.2.0`, in its own order.
///
/// Only the names are read: whether the component is valid is for the compiler to say.
///
/// # Errors
/// The bytes are no component.
pub fn component_imports(bytes: &[u8]) -> Result<Vec<String>, ImportsError> {
    let malformed = |error: wasmparser::BinaryReaderError| ImportsError::Malformed {
        // As one line, whatever the reader made of the bytes.
        reason: error
            .message()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    };
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(ImportsError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_imports_of_the_component_itself_are_given() {
        let bytes = wat::parse_str(
            r#"(component
              (import "wasi:clocks/wall-clock@0.2.0" (instance))
              (component (import "inner" (instance)))
              (core module (import "a" "b" (func)))
              (import "host" (instance)))"#,
        )
        .unwrap();
        assert_eq!(
            component_imports(&bytes).unwrap(),
            ["wasi:clocks/wall-clock@0.2.0", "host"]
        );
    }

    #[test]
    fn what_is_no_component_is_told() {
        assert_eq!(
            component_imports(b"\0asm\x01\0\0\0"),
            Err(ImportsError::CoreModule)
        );
        for bytes in [&b""[..], b"#!/bin/sh", b"\0asm\x0d\0\x01\0\xff"] {
            let refused = component_imports(bytes);
            let Err(ImportsError::Malformed { reason }) = refused else {
                panic!("{refused:?}");
            };
            assert!(!reason.contains('\n') && !reason.ends_with('['), "{reason}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = component_imports(&bytes);
            let mut component = b"\0asm\x0d\0\x01\0".to_vec();
            component.extend(bytes);
            let _ = component_imports(&component);
        }
    }
}
