//! What a call into a session costs that does nothing, beside a call of an empty function.

use super::saved_session::{config, host};
use crate::session::{self, Instance, wit};
use std::hint::black_box;
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};

/// Calls of each kind in one round.
const CALLS: u32 = 1_000;

/// A component that exports `f`, a function without parameters, results and instructions:
///
/// ```wat
/// (component
///   (core module (func (export "f")))
///   (core instance (instantiate 0))
///   (alias core export 0 "f" (core func))
///   (type (func))
///   (func (type 0) (canon lift (core func 0)))
///   (export "f" (func 0)))
/// ```
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x1f\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b\
    \x02\x04\x01\0\0\0\
    \x06\x07\x01\0\0\x01\0\x01f\
    \x07\x05\x01\x40\0\x01\0\
    \x08\x06\x01\0\0\0\0\0\
    \x0b\x07\x01\0\x01f\x01\0\0";

/// Times of one call each, the least of all rounds: what disturbs a round makes it longer, never shorter.
#[derive(Clone, Copy, Debug)]
pub struct Boundary {
    /// A call of the empty function.
    pub empty: Duration,
    /// `next` of a session between runs.
    pub next: Duration,
    /// `usage`.
    pub usage: Duration,
    /// `reply-chunk` with an event of four words and the `next` that shows them.
    pub shown_piece: Duration,
}

impl Boundary {
    /// How many times an empty call so much is.
    pub fn ratio(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.empty.as_secs_f64()
    }
}

/// Measures all kinds of calls in turn, in at most 100 rounds: a reply has an end.
pub fn boundary(rounds: usize) -> Boundary {
    let engine = Engine::default();
    let (mut store, empty) = empty_function(&engine);
    let instance = Instance::of(&session::compile(&engine));
    let config = config("openai", 1);
    let open = || {
        instance
            .open(&config, &[])
            .expect("the configuration is fine")
    };
    let (idle, streaming, mut host) = (open(), open(), host(1, 20));
    let now = host.now;
    // A run is over; another has begun its answer and goes on with it.
    host.run(&idle, "Read the notes.");
    streaming.prompt(now, "Talk.").expect("no run goes on");
    let id = loop {
        if let wit::Effect::CallModel(call) = streaming.next(now) {
            break call.id;
        }
    };
    let kind = [("content-type".to_owned(), "text/event-stream".to_owned())];
    streaming
        .reply_start(now, id, 200, &kind)
        .expect("the call is in flight");
    let words = br#"data: {"choices":[{"index":0,"delta":{"content":"as I was saying "}}]}"#;
    let piece = [&words[..], b"\n\n"].concat();

    let each = || {
        [
            time(|| empty.call(&mut store, ()).expect("it does nothing")),
            time(|| match idle.next(now) {
                wit::Effect::Pending => {}
                other => panic!("nothing goes on: {other:?}"),
            }),
            time(|| {
                black_box(idle.usage());
            }),
            time(|| {
                let told = streaming.reply_chunk(now, id, &piece);
                told.expect("the reply goes on");
                match streaming.next(now) {
                    wit::Effect::Show(wit::Event::Text(_)) => {}
                    other => panic!("text is shown: {other:?}"),
                }
            }),
        ]
    };
    let least = std::iter::repeat_with(each)
        .take(rounds.min(100))
        .reduce(|one, other| std::array::from_fn(|kind| one[kind].min(other[kind])));
    let [empty, next, usage, shown_piece] = least.expect("a round at least");
    Boundary {
        empty,
        next,
        usage,
        shown_piece,
    }
}

fn empty_function(engine: &Engine) -> (Store<()>, TypedFunc<(), ()>) {
    let component = Component::new(engine, EMPTY).expect("it is a component");
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine)
        .instantiate(&mut store, &component)
        .expect("it imports nothing");
    let function = instance
        .get_typed_func(&mut store, "f")
        .expect("it exports the function");
    (store, function)
}

/// The time of one call.
fn time(mut call: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    started.elapsed() / CALLS
}
