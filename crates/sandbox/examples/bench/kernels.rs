//! The computing guests: real kernels as one core module without imports, which the bench compiles and makes a plugin of.
//!
//! `execute-tool` runs the kernel that it is named, as often as its parameter says, and gives a sum of what came out.

#![no_std]

use core::cell::UnsafeCell;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[link(name = "c")]
unsafe extern "C" {
    safe fn sqrt(x: f64) -> f64;
}

/// Memory of one thread, which is all that a guest has.
struct Only<T>(UnsafeCell<T>);

// SAFETY: a core module without shared memory has one thread.
unsafe impl<T> Sync for Only<T> {}

static ARGUMENTS: Only<[u8; 4096]> = Only(UnsafeCell::new([0; 4096]));
static USED: Only<usize> = Only(UnsafeCell::new(0));
static ANSWER: Only<[u32; 4]> = Only(UnsafeCell::new([0; 4]));
static DIGITS: Only<[u8; 8]> = Only(UnsafeCell::new([0; 8]));
static WORDS: Only<[u32; 1 << 16]> = Only(UnsafeCell::new([0; 1 << 16]));
static BYTES: Only<[u8; 1 << 17]> = Only(UnsafeCell::new([0; 1 << 17]));
static NUMBERS: Only<[f64; 3 * SIDE * SIDE]> = Only(UnsafeCell::new([0.0; 3 * SIDE * SIDE]));
static ROWS: Only<[u16; 1 << 11]> = Only(UnsafeCell::new([0; 1 << 11]));

impl<T> Only<T> {
    #[allow(clippy::mut_from_ref, reason = "each kernel takes each of them once")]
    fn take(&self) -> &mut T {
        // SAFETY: one thread, and no two of these references to the same static live at once.
        unsafe { &mut *self.0.get() }
    }
}

#[unsafe(no_mangle)]
extern "C" fn init() -> *const u32 {
    let answer = ANSWER.take();
    answer[0] = 0;
    answer.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn describe() -> *const u32 {
    text(b"{}", 0)
}

#[unsafe(no_mangle)]
extern "C" fn realloc(_: u32, _: u32, _: u32, size: usize) -> *mut u8 {
    let used = USED.take();
    let at = *used;
    *used += (size + 7) & !7;
    ARGUMENTS.take()[at..].as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn post(_: u32) {
    *USED.take() = 0;
}

fn text(text: &'static [u8], at: usize) -> *const u32 {
    let answer = ANSWER.take();
    answer[at] = text.as_ptr() as u32;
    answer[at + 1] = text.len() as u32;
    answer.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn execute(
    name: *const u8,
    name_len: usize,
    json: *const u8,
    json_len: usize,
) -> *const u32 {
    // SAFETY: the host wrote them there, where `realloc` said.
    let (name, json) = unsafe {
        (
            core::slice::from_raw_parts(name, name_len),
            core::slice::from_raw_parts(json, json_len),
        )
    };
    let times = json
        .iter()
        .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let kernel: fn() -> u32 = match name {
        b"sha-256" => sha_256,
        b"sort" => sort,
        b"matrix multiply" => matrix_multiply,
        b"json" => json_sum,
        b"n-body" => n_body,
        b"mandelbrot" => mandelbrot,
        b"hash table" => hash_table,
        b"edit distance" => edit_distance,
        _ => core::arch::wasm32::unreachable(),
    };
    let mut sum = 0_u32;
    for _ in 0..times {
        sum = sum.wrapping_mul(31).wrapping_add(kernel());
    }
    let digits = DIGITS.take();
    for (at, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(sum >> (4 * at) & 15) as usize];
    }
    ANSWER.take()[0] = 0;
    text(digits, 1)
}

/// Numbers that look like chance: xorshift.
struct Chance(u32);

impl Chance {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

const ROUND: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// 128 KiB, hashed.
fn sha_256() -> u32 {
    let data = BYTES.take();
    let mut chance = Chance(1);
    for byte in data.iter_mut() {
        *byte = chance.next() as u8;
    }
    let mut state: [u32; 8] = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
        0x5be0cd19,
    ];
    for block in data.chunks_exact(64) {
        let mut words = [0_u32; 64];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for at in 16..64 {
            let (early, late) = (words[at - 15], words[at - 2]);
            let first = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let second = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            words[at] = words[at - 16]
                .wrapping_add(first)
                .wrapping_add(words[at - 7])
                .wrapping_add(second);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for at in 0..64 {
            let choose = (e & f) ^ (!e & g);
            let first = h
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
                .wrapping_add(choose)
                .wrapping_add(ROUND[at])
                .wrapping_add(words[at]);
            let majority = (a & b) ^ (a & c) ^ (b & c);
            let second = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
                .wrapping_add(majority);
            (h, g, f, e, d, c, b, a) = (
                g,
                f,
                e,
                d.wrapping_add(first),
                c,
                b,
                a,
                first.wrapping_add(second),
            );
        }
        for (sum, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *sum = sum.wrapping_add(word);
        }
    }
    state[0]
}

/// 65,536 numbers, sorted by the core library.
fn sort() -> u32 {
    let words = WORDS.take();
    let mut chance = Chance(2);
    for word in words.iter_mut() {
        *word = chance.next();
    }
    words.sort_unstable();
    words[1000] ^ words[60_000]
}

const SIDE: usize = 120;

/// Two matrices of 120 by 120.
fn matrix_multiply() -> u32 {
    let (a, rest) = NUMBERS.take().split_at_mut(SIDE * SIDE);
    let (b, c) = rest.split_at_mut(SIDE * SIDE);
    for at in 0..SIDE * SIDE {
        a[at] = (at % 7) as f64;
        b[at] = (at % 11) as f64;
    }
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut sum = 0.0;
            for at in 0..SIDE {
                sum += a[row * SIDE + at] * b[at * SIDE + column];
            }
            c[row * SIDE + column] = sum;
        }
    }
    c[SIDE + 1] as u32
}

/// A document of some 100 KB, written and then read by recursive descent.
fn json_sum() -> u32 {
    let text = BYTES.take();
    let mut used = 0;
    let mut put = |part: &[u8]| {
        text[used..used + part.len()].copy_from_slice(part);
        used += part.len();
    };
    put(b"[");
    for number in 0..1500_u32 {
        let digits = [1000, 100, 10, 1].map(|scale| b'0' + (number / scale % 10) as u8);
        put(b"{\"id\": ");
        put(&digits);
        put(b", \"name\": \"sensor \\\"north\\\"\", \"values\": [1, 22, 333], \"on\": true},");
    }
    put(b"null]");
    let mut reader = Reader {
        text: &text[..used],
        at: 0,
    };
    reader.value()
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    fn value(&mut self) -> u32 {
        self.space();
        let mut sum = 0_u32;
        match self.peek() {
            open @ (b'[' | b'{') => {
                self.at += 1;
                loop {
                    self.space();
                    if open == b'{' {
                        sum = sum.wrapping_add(self.string());
                        self.space();
                        self.at += 1;
                    }
                    sum = sum.wrapping_add(self.value());
                    self.space();
                    let close = self.peek() != b',';
                    self.at += 1;
                    if close {
                        return sum;
                    }
                }
            }
            b'"' => self.string(),
            b'0'..=b'9' => {
                while let digit @ b'0'..=b'9' = self.peek() {
                    sum = sum.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
                    self.at += 1;
                }
                sum
            }
            _ => {
                while self.peek().is_ascii_lowercase() {
                    self.at += 1;
                }
                1
            }
        }
    }

    fn string(&mut self) -> u32 {
        self.at += 1;
        let mut hash = 0x811c_9dc5_u32;
        loop {
            let byte = self.peek();
            self.at += 1;
            match byte {
                b'"' | 0 => return hash,
                b'\\' => {
                    hash = (hash ^ u32::from(self.peek())).wrapping_mul(0x0100_0193);
                    self.at += 1;
                }
                _ => hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193),
            }
        }
    }
}

/// Five bodies, 20,000 steps.
fn n_body() -> u32 {
    // Position, velocity, mass.
    let mut bodies = [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.5],
        [4.8, -1.2, -0.1, 0.6, 2.8, -0.02, 0.04],
        [8.3, 4.1, -0.4, -1.0, 1.8, 0.01, 0.01],
        [12.9, -15.1, -0.2, 1.1, 0.9, -0.01, 0.002],
        [15.4, -25.9, 0.2, 1.0, 0.6, -0.03, 0.002],
    ];
    for _ in 0..20_000 {
        for first in 0..5 {
            for second in first + 1..5 {
                let apart: [f64; 3] =
                    core::array::from_fn(|axis| bodies[first][axis] - bodies[second][axis]);
                let square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
                let pull = 0.001 / (square * sqrt(square));
                for axis in 0..3 {
                    bodies[first][3 + axis] -= apart[axis] * bodies[second][6] * pull;
                    bodies[second][3 + axis] += apart[axis] * bodies[first][6] * pull;
                }
            }
        }
        for body in &mut bodies {
            for axis in 0..3 {
                body[axis] += 0.001 * body[3 + axis];
            }
        }
    }
    (bodies[0][0] * 1e6) as i32 as u32
}

/// 160 by 160 points, at most 100 steps each.
fn mandelbrot() -> u32 {
    let mut inside = 0;
    for row in 0..160 {
        for column in 0..160 {
            let (real, imaginary) = (f64::from(column) / 80.0 - 1.5, f64::from(row) / 80.0 - 1.0);
            let (mut x, mut y) = (0.0, 0.0);
            let mut steps = 0;
            while steps < 100 && x * x + y * y < 4.0 {
                (x, y) = (x * x - y * y + real, 2.0 * x * y + imaginary);
                steps += 1;
            }
            inside += steps;
        }
    }
    inside
}

/// 100,000 numbers counted in a table with open addressing.
fn hash_table() -> u32 {
    let table = WORDS.take();
    table.fill(0);
    let mut chance = Chance(3);
    let mut longest = 0;
    for _ in 0..100_000 {
        let key = (chance.next() & 0x7fff) | 1;
        let mut at = (key.wrapping_mul(0x9e37_79b1) >> 17) as usize;
        let mut probes = 0;
        // The key in the upper half, its count in the lower.
        while table[2 * at & 0xffff] != 0 && table[2 * at & 0xffff] != key {
            at += 1;
            probes += 1;
        }
        table[2 * at & 0xffff] = key;
        table[(2 * at & 0xffff) + 1] += 1;
        longest = probes.max(longest);
    }
    longest
}

/// Between two texts of 1,500 letters.
fn edit_distance() -> u32 {
    let mut chance = Chance(4);
    let (first, second) = BYTES.take().split_at_mut(1500);
    for letter in first.iter_mut().chain(second[..1500].iter_mut()) {
        *letter = b'a' + (chance.next() % 4) as u8;
    }
    let row = &mut ROWS.take()[..1501];
    for (at, cost) in row.iter_mut().enumerate() {
        *cost = at as u16;
    }
    for (at, letter) in first.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at as u16 + 1;
        for (column, other) in second[..1500].iter().enumerate() {
            let exchange = diagonal + u16::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = exchange.min(diagonal + 1).min(row[column] + 1);
        }
    }
    u32::from(row[1500])
}
