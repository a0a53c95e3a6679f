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
        blocks: Vec::new(),
        imported,
    };
    // The function's own.
    path.open(false);
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
mod tests;
