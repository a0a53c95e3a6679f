//! What `crates/wasm/src/component` writes and reads by hand, against `wit/`: sizes, and the numbers of cases.

use std::path::Path;

use dewclaw_agent_core::Misuse;
use wit_parser::{
    InterfaceId, Resolve, SizeAlign, SourceMap, Type, TypeDefKind, TypeId, UnresolvedPackageGroup,
};

/// The package of a folder.
fn group(folder: &Path) -> UnresolvedPackageGroup {
    let mut sources = SourceMap::default();
    for file in std::fs::read_dir(folder).expect("a folder of wit/") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|name| name == "wit") {
            let text = std::fs::read_to_string(&path).expect("a file of wit/ is text");
            sources.push_str(&path.display().to_string(), text);
        }
    }
    sources.parse().expect("wit/ is sound")
}

struct Wit {
    resolve: Resolve,
    sizes: SizeAlign,
}

impl Wit {
    fn read() -> Wit {
        let mut resolve = Resolve::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let packages = std::fs::read_dir(folder.join("deps")).expect("wit/ has dependencies");
        let packages = packages.map(|package| group(&package.expect("a folder").path()));
        resolve
            .push_groups(group(&folder), packages.collect())
            .expect("wit/ is sound");
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Wit { resolve, sizes }
    }

    fn interface(&self, name: &str) -> InterfaceId {
        let mut found = self.resolve.interfaces.iter();
        let named = found.find(|(_, interface)| interface.name.as_deref() == Some(name));
        named.expect("the interface is in wit/").0
    }

    fn named(&self, name: &str) -> TypeId {
        self.resolve.interfaces[self.interface("session")].types[name]
    }

    fn size(&self, of: &Type) -> usize {
        self.sizes.size(of).size_wasm32()
    }

    /// The names of a variant's or an enum's cases, in their order.
    fn cases(&self, name: &str) -> Vec<&str> {
        match &self.resolve.types[self.named(name)].kind {
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .map(|case| case.name.as_str())
                .collect(),
            TypeDefKind::Enum(names) => names.cases.iter().map(|case| case.name.as_str()).collect(),
            _ => panic!("{name} has no cases"),
        }
    }
}

/// The number that a constant of `lowering.rs` has.
fn constant(name: &str) -> usize {
    let source = include_str!("../../crates/wasm/src/component/lowering.rs");
    let begin = format!("const {name}: ");
    let line = source.lines().find_map(|line| line.strip_prefix(&begin));
    let value = line.and_then(|line| line.split(['=', ';']).nth(1));
    let value = value.expect("the constant is in lowering.rs").trim();
    value.parse().expect("it is a number")
}

/// The cases that `lifting.rs` reads as an enum of the core's: number and name.
fn read_as(core: &str) -> Vec<(String, String)> {
    let source = include_str!("../../crates/wasm/src/component/lifting.rs");
    let arrow = format!(" => {core}::");
    let arms = source.lines().filter_map(|line| line.split_once(&arrow));
    arms.map(|(case, name)| {
        let mut kebab = String::new();
        for letter in name.trim_end_matches(',').chars() {
            if letter.is_uppercase() && !kebab.is_empty() {
                kebab.push('-');
            }
            kebab.push(letter.to_ascii_lowercase());
        }
        (case.trim().to_string(), kebab)
    })
    .collect()
}

#[test]
fn results_and_elements_have_their_room() {
    let wit = Wit::read();
    let mut largest = 0;
    for name in ["session", "command-line"] {
        for function in wit.resolve.interfaces[wit.interface(name)]
            .functions
            .values()
        {
            largest = largest.max(function.result.map_or(0, |result| wit.size(&result)));
        }
    }
    assert_eq!(largest, 8 * constant("RESULT_WORDS"));
    let event = wit.size(&Type::Id(wit.named("event")));
    assert_eq!(event, 8 * constant("EVENT_WORDS"));
    let pair = 2 * wit.size(&Type::String);
    assert_eq!(pair, 8 * constant("PAIR_WORDS"));
}

#[test]
fn errors_have_their_numbers() {
    let wit = Wit::read();
    let errors = wit.cases("error");
    for (constant_name, case) in [
        ("CONFIG", "config"),
        ("NOTHING_TO_ADVANCE", "nothing-to-advance"),
        ("SAVED", "saved"),
    ] {
        assert_eq!(errors[constant(constant_name)], case);
    }
    for (misuse, case) in [
        (Misuse::Busy, "busy"),
        (Misuse::EmptyPrompt, "empty-prompt"),
        (Misuse::UnknownRequest, "unknown-request"),
        (Misuse::OutOfOrder, "out-of-order"),
        (Misuse::UnknownOperation, "unknown-operation"),
        (Misuse::WrongAnswer, "wrong-answer"),
        (Misuse::UnknownCall, "unknown-call"),
    ] {
        assert_eq!(errors[constant("FIRST_MISUSE") + misuse as usize], case);
    }
    assert_eq!(errors.len(), 10, "one of them is not looked at");
}

#[test]
fn what_the_host_names_is_read_by_its_number() {
    let wit = Wit::read();
    for (core, name) in [
        ("EntryKind", "entry-kind"),
        ("FsError", "file-error"),
        ("HttpError", "http-error"),
        ("Verdict", "verdict"),
    ] {
        let cases = wit.cases(name);
        let read = read_as(core);
        assert_eq!(read.len(), cases.len(), "{name}: {read:?}");
        for (at, ((number, read), case)) in read.iter().zip(&cases).enumerate() {
            assert_eq!(read, case);
            // The last arm takes all that is left, which is one.
            let expected = if at + 1 == cases.len() {
                "_".into()
            } else {
                at.to_string()
            };
            assert_eq!(*number, expected, "{name}: {case}");
        }
    }
}
