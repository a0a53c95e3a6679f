//! A host of `dewclaw-wamr.wasm` by its flat interface, `wit/dewclaw.h`, as firmware is one: numbers, and texts by address and
//! length, in a real WAMR.

use crate::artifact;
use wamr_runner::{CallError, Grants, Instance, Module, PAGE, Value};

/// An instance of the module.
pub struct Flat {
    guest: Instance,
}

/// Bytes in the instance's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where they begin.
    pub at: i32,
    /// How many they are.
    pub length: i32,
}

impl Block {
    /// No bytes.
    pub const NONE: Block = Block { at: 0, length: 0 };

    /// As two arguments of a call.
    pub fn arguments(self) -> [Value; 2] {
        [self.at.into(), self.length.into()]
    }
}

/// Both clocks as two arguments of a call, in milliseconds.
pub fn moment(monotonic_ms: u64, wall_ms: u64) -> [Value; 2] {
    [monotonic_ms, wall_ms].map(|ms| Value::from(ms.cast_signed()))
}

impl Flat {
    /// A fresh instance that is granted nothing.
    pub fn start() -> Self {
        Self::granted(&Grants::default())
    }

    /// The same, with these grants.
    pub fn granted(grants: &Grants) -> Self {
        let path = artifact::dewclaw_wamr();
        let bytes = std::fs::read(&path).expect("the file was there just now");
        let guest = Module::load(bytes)
            .map_err(|error| error.to_string())
            .and_then(|module| Instance::new(&module, grants).map_err(|error| error.to_string()))
            .unwrap_or_else(|error| panic!("WAMR refuses {}: {error}", path.display()));
        Self { guest }
    }

    /// Calls an export that answers a number. Panics where it traps.
    #[track_caller]
    pub fn call(&mut self, name: &str, arguments: &[Value]) -> i32 {
        self.attempt(name, arguments)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Calls an export that answers a number, and may trap.
    ///
    /// # Errors
    /// WAMR's words for what ended the call.
    pub fn attempt(&mut self, name: &str, arguments: &[Value]) -> Result<i32, CallError> {
        match self.guest.call_with(name, arguments)?[..] {
            [Value::I32(answer)] => Ok(answer),
            ref other => panic!("{name} answers {other:?}"),
        }
    }

    /// Room for so many bytes; nothing where the module has none.
    pub fn room(&mut self, length: usize) -> Option<Block> {
        let length = i32::try_from(length).expect("a length of 31 bits");
        let at = self.call("dc_alloc", &[length.into()]);
        (at != 0).then_some(Block { at, length })
    }

    /// Puts bytes into a block of their own.
    #[track_caller]
    pub fn put(&mut self, bytes: &[u8]) -> Block {
        if bytes.is_empty() {
            return Block::NONE;
        }
        let block = self.room(bytes.len()).expect("there is memory");
        let written = self.guest.write(block.at.cast_unsigned(), bytes);
        written.expect("dc_alloc gives what is in the memory");
        block
    }

    /// Gives a block back.
    #[track_caller]
    pub fn free(&mut self, block: Block) {
        if block != Block::NONE {
            assert_eq!(self.call("dc_free", &[block.at.into()]), 0, "dc_free");
        }
    }

    /// Calls an export whose last arguments are a text, or two, by address and length.
    #[track_caller]
    pub fn tell(&mut self, name: &str, first: &[Value], texts: &[&[u8]]) -> i32 {
        let blocks: Vec<_> = texts.iter().map(|text| self.put(text)).collect();
        let mut arguments = first.to_vec();
        arguments.extend(blocks.iter().flat_map(|block| block.arguments()));
        let answer = self.call(name, &arguments);
        blocks.into_iter().for_each(|block| self.free(block));
        answer
    }

    /// The last call's result.
    #[track_caller]
    pub fn result(&mut self) -> Vec<u8> {
        let answer = self.guest.call_with("dc_result", &[]);
        let Ok([Value::I64(place)]) = answer.as_deref() else {
            panic!("dc_result answers a number of 64 bits, not {answer:?}");
        };
        let place = place.cast_unsigned();
        let (at, length) = (place as u32, (place >> 32) as u32);
        let bytes = self.guest.read(at, length);
        bytes.expect("a result is in the memory").to_vec()
    }

    /// The last call's result, where it is text.
    #[track_caller]
    pub fn text(&mut self) -> String {
        String::from_utf8(self.result()).expect("UTF-8")
    }

    /// Bytes of its linear memory.
    pub fn memory_bytes(&self) -> usize {
        self.guest.pages() as usize * PAGE
    }

    /// The instance itself.
    pub fn guest(&mut self) -> &mut Instance {
        &mut self.guest
    }
}
