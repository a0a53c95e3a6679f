//! That looks stand where they are needed and nowhere else: by examples, and by walking through code of all shapes.

use super::*;
use proptest::prelude::*;
use wasmparser::{Parser, Payload, Validator};

/// A module of one function of its own, and of one that it imports.
fn module(body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module (import "host" "call" (func $host)) (memory 1) (table 1 funcref) (type $none (func))
          (func $own (local $i i32) {body}))"#
    );
    wat::parse_str(text).unwrap()
}

/// The operators of the only function.
fn operators(module: &[u8]) -> Vec<(Operator<'_>, &[u8])> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CodeSectionEntry(body) = payload.unwrap() {
            let body = FunctionBody::new(BinaryReader::new(body.as_bytes(), 0));
            let bytes = body.as_bytes();
            let mut reader = body.get_operators_reader().unwrap();
            let mut all = Vec::new();
            while !reader.eof() {
                let at = reader.original_position();
                all.push((reader.read().unwrap(), &bytes[at..]));
            }
            return all;
        }
    }
    panic!("no function");
}

fn changed(body: &str) -> Vec<u8> {
    let changed = insert(&module(body)).unwrap();
    Validator::new().validate_all(&changed).unwrap();
    changed
}

fn checkpoints(body: &str) -> usize {
    let before = module(body).len();
    // Lengths may take a byte or two more.
    (changed(body).len() - before) / CHECKPOINT.len()
}

#[test]
fn code_as_compilers_make_it_is_left_as_it_is() {
    for body in [
        "(local.set $i (i32.load (local.get $i)))",
        "(loop $l (call $own) (br_if $l (local.get $i)))",
        "(call $own) (call $own) (if (local.get $i) (then (call $own)) (else (return)))",
        "(call $host)",
        &"(call $own) (local.set $i (i32.load (local.get $i)))".repeat(100),
        // It does much after a call, but not before it ends.
        &format!(
            "(loop $l (call $own) {} (br_if $l (local.get $i)) (call $own))",
            "(drop (i32.load (i32.const 0)))".repeat(20)
        ),
        &"(local.set $i (i32.load (local.get $i)))".repeat(1_000),
    ] {
        assert_eq!(checkpoints(body), 0, "{body}");
    }
    // Not a byte of it.
    let bytes = module("(loop $l (call $own) (br_if $l (local.get $i)))");
    assert_eq!(insert(&bytes).unwrap(), bytes);
}

#[test]
fn what_takes_long_without_a_look_gets_one() {
    for (body, least) in [
        ("(local.set $i (i32.load (local.get $i)))".repeat(10_000), 2),
        ("(call $host)".repeat(50), 49),
        ("(call_indirect (type $none) (local.get $i))".repeat(50), 10),
        (
            "(memory.fill (i32.const 0) (i32.const 0) (i32.const 9))".repeat(50),
            4,
        ),
        (
            format!(
                "(call $own) {}",
                "(drop (i32.load (i32.const 0)))".repeat(20)
            ),
            1,
        ),
        // At the `return`, and at the end.
        (
            format!(
                "(call $own) {} (if (local.get $i) (then (return)))",
                "(drop (i32.load (i32.const 0)))".repeat(20)
            ),
            2,
        ),
        // A look in one arm is none for who takes the other.
        (
            format!(
                "(call $own) (if (local.get $i) (then (loop))) {}",
                "(drop (i32.load (i32.const 0)))".repeat(20)
            ),
            1,
        ),
    ] {
        let found = checkpoints(&body);
        assert!(found >= least, "{found} of {least}: {body:.80}");
    }
}

#[test]
fn modules_in_components_in_components_are_gone_through() {
    let many = "(call $f)".repeat(50);
    let text = format!(
        r#"(component (component $inner (core module (import "a" "b" (func $f)) (func {many})))
          (core module (import "a" "b" (func $f)) (func {many})))"#
    );
    let bytes = wat::parse_str(text).unwrap();
    let changed = insert(&bytes).unwrap();
    Validator::new().validate_all(&changed).unwrap();
    assert!(changed.len() >= bytes.len() + 2 * 49 * CHECKPOINT.len());
}

#[test]
fn bytes_that_are_no_webassembly_are_an_error() {
    let bytes = module("(loop $l (call $own) (br_if $l (local.get $i)))");
    for length in 0..bytes.len() {
        let _ = insert(&bytes[..length]);
    }
    for (at, byte) in (0..bytes.len()).flat_map(|at| [(at, 0), (at, 0x0b), (at, 0xff)]) {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        if let Ok(changed) = insert(&bytes) {
            let sound = Validator::new().validate_all(&bytes).is_ok();
            assert_eq!(Validator::new().validate_all(&changed).is_ok(), sound);
        }
    }
    let mut nested = module("");
    for _ in 0..MAX_DEPTH {
        let mut outer = COMPONENT_HEADER.to_vec();
        outer.push(COMPONENT);
        sized(&mut outer, &nested);
        nested = outer;
    }
    let error = insert(&nested).unwrap_err().to_string();
    assert!(error.contains("too deep"), "{error}");
}

/// Code without a meaning, of all shapes.
fn code() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (1..6_000_usize).prop_map(|count| "(drop (i32.load (i32.const 0)))".repeat(count)),
        Just("(call $own)".to_owned()),
        Just("(call $host)".to_owned()),
        Just("(call_indirect (type $none) (local.get $i))".to_owned()),
        Just("(memory.fill (i32.const 0) (i32.const 0) (i32.const 9))".to_owned()),
        (0..4_u32).prop_map(|depth| format!("(br_if {depth} (local.get $i))")),
        (0..4_u32).prop_map(|depth| format!("(if (local.get $i) (then (br {depth})))")),
        (0..4_u32, 0..4_u32)
            .prop_map(|(one, other)| format!("(block (br_table {one} {other} (local.get $i)))")),
        Just("(if (local.get $i) (then (return)))".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let many = prop::collection::vec(inner, 1..5).prop_map(|parts| parts.concat());
        prop_oneof![
            many.clone(),
            many.clone().prop_map(|inner| format!("(block {inner})")),
            many.clone().prop_map(|inner| format!("(loop {inner})")),
            many.clone()
                .prop_map(|inner| format!("(if (local.get $i) (then {inner}))")),
            (many.clone(), many).prop_map(|(then, other)| format!(
                "(if (local.get $i) (then {then}) (else {other}))"
            )),
        ]
    })
}

/// Where the block that an operator begins, or the arm that an `else` begins, ends: its `else` or its `end`.
fn next_at_this_depth(operators: &[(Operator<'_>, &[u8])], from: usize, or_else: bool) -> usize {
    let mut depth = 0;
    for (at, (operator, _)) in operators.iter().enumerate().skip(from + 1) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
            Operator::Else if depth == 0 && or_else => return at,
            Operator::End if depth == 0 => return at,
            Operator::End => depth -= 1,
            _ => {}
        }
    }
    panic!("no end");
}

/// Walks through the code as a processor would, deciding by `choices`, and counts by itself what was done since the last look.
fn walk(operators: &[(Operator<'_>, &[u8])], choices: &[u8]) {
    let weights = Path {
        taken: None,
        blocks: Vec::new(),
        imported: 1,
    };
    // Of each open block: where a branch goes, and whether that is its head.
    let mut open: Vec<(usize, bool)> = vec![(operators.len() - 1, false)];
    let (mut at, mut taken, mut by_host, mut by_reference) = (0, 0_u32, 0_u32, 0_u32);
    let mut since_call = None::<u32>;
    let mut choices = choices.iter().copied();
    while let Some((operator, bytes)) = operators.get(at) {
        let needed = weights.before(operator, bytes);
        match needed {
            MOST => by_host += 1,
            BY_REFERENCE => by_reference += 1,
            _ => {
                taken += needed;
                since_call = since_call.map(|since| since + needed);
            }
        }
        // The look itself has two instructions.
        assert!(taken <= MOST + 2, "{taken} at {at}");
        assert!(
            by_host <= 1 && by_reference <= 4,
            "{by_host}, {by_reference} at {at}"
        );
        if matches!(operator, Operator::Return) || at + 1 == operators.len() {
            assert!(since_call <= Some(AFTER_CALL + 1), "{since_call:?} at {at}");
        }
        let mut branch = None;
        match operator {
            Operator::Block { .. } => {
                open.push((next_at_this_depth(operators, at, false), false));
            }
            Operator::Loop { .. } => {
                (taken, by_host, by_reference, since_call) = (0, 0, 0, None);
                open.push((at, true));
            }
            Operator::If { .. } => {
                let end = next_at_this_depth(operators, at, false);
                let Some(choice) = choices.next() else { return };
                if choice & 1 == 0 {
                    // To the other arm, or past the end.
                    at = next_at_this_depth(operators, at, true);
                    if at == end {
                        at += 1;
                        continue;
                    }
                }
                open.push((end, false));
            }
            // The end of the first arm.
            Operator::Else => {
                at = open.last().unwrap().0;
                continue;
            }
            Operator::End => {
                open.pop();
            }
            Operator::Call { function_index: 0 } => (taken, since_call) = (0, Some(0)),
            Operator::Call { .. } => {
                (taken, by_host, by_reference, since_call) = (0, 0, 0, Some(0));
            }
            Operator::CallIndirect { .. } => since_call = since_call.or(Some(0)),
            Operator::Br { relative_depth } => branch = Some(*relative_depth),
            Operator::BrIf { relative_depth } => {
                let Some(choice) = choices.next() else { return };
                branch = (choice & 1 == 0).then_some(*relative_depth);
            }
            Operator::BrTable { targets } => {
                let Some(choice) = choices.next() else { return };
                let all: Vec<u32> = targets.targets().map(Result::unwrap).collect();
                let chosen = all.get(usize::from(choice) % (all.len() + 1));
                branch = Some(chosen.copied().unwrap_or(targets.default()));
            }
            Operator::Return => return,
            _ => {}
        }
        match branch {
            None => at += 1,
            Some(depth) => {
                open.truncate(open.len() - depth as usize);
                at = open.pop().unwrap().0;
                if !matches!(operators[at].0, Operator::Loop { .. }) {
                    at += 1;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_path_goes_on_for_long_without_a_look(
        body in code(),
        choices in prop::collection::vec(any::<u8>(), 200),
    ) {
        // Branches go four blocks out at most.
        let changed = changed(&format!("(block (block (block (block {body}))))"));
        walk(&operators(&changed), &choices);
    }
}
