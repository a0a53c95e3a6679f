//! Checkpoints: where a plugin's code looks whether it is over, put in where wasmtime puts none.
//!
//! Wasmtime's code looks at its fuel and at the clock where a function begins, at the head of each loop, and before it goes over
//! memory. A guest that is made against that computes for seconds between two looks, and for minutes where it may be larger: by tens
//! of thousands of loads in a row, by host calls one after the other, or by thousands of activations of a function that all do much
//! after the call in them returned. So each function is gone through before it is compiled, and where a path from the last look may
//! take too long, an empty loop stands in its way: `loop end` does nothing but to have a head.
//!
//! What a path takes is added up in nanoseconds as if nothing were in the caches. It is the most over all paths, which is found in
//! one pass, since structured code goes on downwards but for the heads of loops.

use wasmparser::{
    BinaryReader, BinaryReaderError, Catch, FunctionBody, ImportSectionReader, Operator, TypeRef,
};

use super::compiler::CompileError;

/// What a path may take between two looks: a fortieth of a [`TICK`](super::TICK).
const MOST: u32 = 100_000;
/// What may follow a call in a function until that ends, without a look: thousands of activations may end one after the other, as many
/// as a stack holds, and shall not take a tick together.
const AFTER_CALL: u32 = 100;
/// A load or a store that finds nothing in the caches, tens of nanoseconds with the others in flight.
const MEMORY: u32 = 20;
/// A division or a square root.
const DIVISION: u32 = 10;
/// What goes over a table, or grows something. Memory is gone over with looks in between.
const BULK: u32 = MOST / 10;
/// A call by a reference, which may be the host's: four in a row at most.
const BY_REFERENCE: u32 = MOST / 4;

/// `loop` of no type, `end`.
const CHECKPOINT: [u8; 3] = [0x03, 0x40, 0x0b];

/// How deep components may lie in components. Wasmtime's own limit is 1,000 and costs more.
const MAX_DEPTH: u32 = 100;

const COMPONENT_HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
const MODULE_HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";
/// Sections of a component.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// Sections of a core module.
const IMPORTS: u8 = 2;
const CODE: u8 = 10;

/// The same component, or core module, with checkpoints in the code of every module in it.
///
/// # Errors
/// The bytes are none. What is wrong with them besides their form, the compiler says.
pub(super) fn insert(bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64);
    match binary(&mut out, bytes, MAX_DEPTH) {
        Ok(()) => Ok(out),
        Err(Malformed(reason)) => Err(CompileError::Invalid { reason }),
    }
}

/// Why bytes cannot be read.
struct Malformed(String);

impl From<BinaryReaderError> for Malformed {
    fn from(error: BinaryReaderError) -> Malformed {
        Malformed(error.to_string())
    }
}

fn malformed<T>(what: &str) -> Result<T, Malformed> {
    Err(Malformed(what.to_owned()))
}

/// A component or a module, section by section.
fn binary(out: &mut Vec<u8>, bytes: &[u8], depth: u32) -> Result<(), Malformed> {
    let Some((header, sections)) = bytes.split_first_chunk::<8>() else {
        return malformed("it ends in its header");
    };
    let is_component = match *header {
        COMPONENT_HEADER => true,
        MODULE_HEADER => false,
        _ => return malformed("it is no WebAssembly of a version that runs here"),
    };
    let Some(depth) = depth.checked_sub(1) else {
        return malformed("its components lie too deep in each other");
    };
    out.extend_from_slice(header);
    let mut reader = BinaryReader::new(sections, header.len());
    let mut imported = 0;
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        let content = reader.read_bytes(size)?;
        out.push(id);
        match (is_component, id) {
            (true, CORE_MODULE | COMPONENT) => {
                let mut inner = Vec::with_capacity(content.len() + content.len() / 64);
                binary(&mut inner, content, depth)?;
                sized(out, &inner);
            }
            (false, CODE) => {
                let mut inner = Vec::with_capacity(content.len() + content.len() / 64);
                code(&mut inner, content, imported)?;
                sized(out, &inner);
            }
            _ => {
                if (is_component, id) == (false, IMPORTS) {
                    imported = imported_functions(content)?;
                }
                sized(out, content);
            }
        }
    }
    Ok(())
}

/// A length and so many bytes.
fn sized(out: &mut Vec<u8>, content: &[u8]) {
    number(out, content.len());
    out.extend_from_slice(content);
}

/// LEB128.
fn number(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn imported_functions(section: &[u8]) -> Result<u32, Malformed> {
    let mut count = 0;
    for import in ImportSectionReader::new(BinaryReader::new(section, 0))?.into_imports() {
        count += u32::from(matches!(
            import?.ty,
            TypeRef::Func(_) | TypeRef::FuncExact(_)
        ));
    }
    Ok(count)
}

fn code(out: &mut Vec<u8>, section: &[u8], imported: u32) -> Result<(), Malformed> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    number(out, count as usize);
    let mut changed = Vec::new();
    for _ in 0..count {
        let size = reader.read_var_u32()? as usize;
        let body = reader.read_bytes(size)?;
        changed.clear();
        function(&mut changed, body, imported)?;
        sized(out, &changed);
    }
    match reader.eof() {
        true => Ok(()),
        false => malformed("its code has more bytes than functions"),
    }
}

/// What paths have taken: the most of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Taken {
    /// Since their last look in this function, or in one that it called.
    since_look: u32,
    /// Since a call returned, if it did after that look.
    since_call: Option<u32>,
}

/// Of those that come here, if any do.
type Taking = Option<Taken>;

fn most(one: Taking, other: Taking) -> Taking {
    match (one, other) {
        (Some(one), Some(other)) => Some(Taken {
            since_look: one.since_look.max(other.since_look),
            since_call: one.since_call.max(other.since_call),
        }),
        (one, other) => one.or(other),
    }
}

/// A block that is open.
struct Block {
    /// Branches to it go back to its head, which looks.
    is_loop: bool,
    /// Of the paths that branch to its end.
    to_end: Taking,
    /// Of the path around an `if`, until there is an `else`.
    around: Taking,
}

fn function(out: &mut Vec<u8>, body: &[u8], imported: u32) -> Result<(), Malformed> {
    let mut operators = FunctionBody::new(BinaryReader::new(body, 0)).get_operators_reader()?;
    let mut path = Path {
        taken: Some(Taken::default()),
        blocks: vec![Block {
            is_loop: false,
            to_end: None,
            around: None,
        }],
        imported,
    };
    let mut copied = 0;
    while !operators.eof() {
        let at = operators.original_position();
        let operator = operators.read()?;
        let (needed, code) = (path.before(&operator, &body[at..]), &body[copied..at]);
        if path.must_look(&operator, needed) {
            out.extend_from_slice(code);
            out.extend_from_slice(&CHECKPOINT);
            copied = at;
            path.taken = Some(Taken::default());
        }
        path.go(&operator, needed)?;
    }
    operators.finish()?;
    out.extend_from_slice(&body[copied..]);
    Ok(())
}

/// The paths through a function, up to some instruction.
struct Path {
    taken: Taking,
    blocks: Vec<Block>,
    /// Functions below this number are not the module's own.
    imported: u32,
}

impl Path {
    /// What an instruction takes, given its bytes too. As much as there is where the path must look before it.
    fn before(&self, operator: &Operator<'_>, bytes: &[u8]) -> u32 {
        match operator {
            // It may be the host's, and then it does not look.
            Operator::Call { function_index } | Operator::ReturnCall { function_index }
                if *function_index < self.imported =>
            {
                MOST
            }
            Operator::CallIndirect { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCallRef { .. } => BY_REFERENCE,
            Operator::MemoryGrow { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => BULK,
            _ => match bytes.first() {
                Some(0x28..=0x3e | 0xfb | 0xfd | 0xfe) => MEMORY,
                // i32 and i64: div and rem; f32 and f64: sqrt and div.
                Some(0x6d..=0x70 | 0x7f..=0x82 | 0x91 | 0x95 | 0x9f | 0xa3) => DIVISION,
                _ => 1,
            },
        }
    }

    /// Whether there is to be a look before an instruction that takes so much.
    fn must_look(&self, operator: &Operator<'_>, needed: u32) -> bool {
        let Some(taken) = self.taken else {
            return false;
        };
        let ends = match operator {
            Operator::Return => true,
            Operator::End => self.blocks.len() == 1,
            _ => false,
        };
        (taken.since_look > 0 && taken.since_look + needed > MOST)
            || (ends && taken.since_call > Some(AFTER_CALL))
    }

    /// Passes an instruction that takes so much.
    fn go(&mut self, operator: &Operator<'_>, needed: u32) -> Result<(), Malformed> {
        self.taken = self.taken.map(|taken| Taken {
            since_look: (taken.since_look + needed).min(MOST),
            since_call: taken.since_call.map(|since| (since + needed).min(MOST)),
        });
        match operator {
            Operator::Block { .. } => self.open(false),
            Operator::TryTable { try_table } => {
                for catch in &try_table.catches {
                    let (Catch::One { label, .. }
                    | Catch::OneRef { label, .. }
                    | Catch::All { label }
                    | Catch::AllRef { label }) = *catch;
                    // From anywhere in what is called.
                    let thrown = Taken {
                        since_look: MOST,
                        since_call: Some(MOST),
                    };
                    self.branch(label, Some(thrown))?;
                }
                self.open(false);
            }
            Operator::Loop { .. } => {
                self.taken = self.taken.map(|_| Taken::default());
                self.open(true);
            }
            Operator::If { .. } => {
                let around = self.taken;
                self.open(false);
                self.innermost()?.around = around;
            }
            Operator::Else => {
                let taken = self.taken;
                let block = self.innermost()?;
                block.to_end = most(block.to_end, taken);
                self.taken = block.around.take();
            }
            Operator::End => {
                let Some(block) = self.blocks.pop() else {
                    return malformed("a function has more ends than blocks");
                };
                self.taken = most(most(self.taken, block.to_end), block.around);
            }
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth, self.taken)?;
                self.taken = None;
            }
            Operator::BrIf { relative_depth }
            | Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth }
            | Operator::BrOnCast { relative_depth, .. }
            | Operator::BrOnCastFail { relative_depth, .. }
            | Operator::BrOnCastDescEq { relative_depth, .. }
            | Operator::BrOnCastDescEqFail { relative_depth, .. } => {
                self.branch(*relative_depth, self.taken)?;
            }
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.branch(target?, self.taken)?;
                }
                self.branch(targets.default(), self.taken)?;
                self.taken = None;
            }
            Operator::Return
            | Operator::Unreachable
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => self.taken = None,
            // The module's own looked when it began. Before the host's this one looked, and does again before another.
            Operator::Call { function_index } => {
                let is_host = *function_index < self.imported;
                self.taken = self.taken.map(|_| Taken {
                    since_look: u32::from(is_host),
                    since_call: Some(0),
                });
            }
            // It may be of either.
            Operator::CallIndirect { .. } | Operator::CallRef { .. } => {
                self.taken = self.taken.map(|taken| Taken {
                    since_call: taken.since_call.or(Some(0)),
                    ..taken
                });
            }
            Operator::Try { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Rethrow { .. }
            | Operator::Delegate { .. }
            | Operator::Suspend { .. }
            | Operator::Switch { .. }
            | Operator::Resume { .. }
            | Operator::ResumeThrow { .. }
            | Operator::ResumeThrowRef { .. } => {
                return malformed("it has instructions of a proposal that is not supported");
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, is_loop: bool) {
        self.blocks.push(Block {
            is_loop,
            to_end: None,
            around: None,
        });
    }

    fn innermost(&mut self) -> Result<&mut Block, Malformed> {
        match self.blocks.last_mut() {
            Some(block) => Ok(block),
            None => malformed("a function has more ends than blocks"),
        }
    }

    /// Paths that have taken so much go to a block's end, or to a loop's head.
    fn branch(&mut self, depth: u32, taken: Taking) -> Result<(), Malformed> {
        let place = self.blocks.len().checked_sub(depth as usize + 1);
        match place.and_then(|place| self.blocks.get_mut(place)) {
            Some(block) if block.is_loop => Ok(()),
            Some(block) => {
                block.to_end = most(block.to_end, taken);
                Ok(())
            }
            None => malformed("a branch goes further out than its function"),
        }
    }
}

#[cfg(test)]
mod tests {
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
            (0..4_u32, 0..4_u32).prop_map(|(one, other)| format!(
                "(block (br_table {one} {other} (local.get $i)))"
            )),
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
    fn next_at_this_depth(
        operators: &[(Operator<'_>, &[u8])],
        from: usize,
        or_else: bool,
    ) -> usize {
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
}
