//! Any calls with any numbers and any bytes: each is answered, and the session can be gone on with.

use super::{at, config, is_usable, open};
use e2e::flat::{Block, Flat};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wamr_runner::{Grants, Value};

/// Where bytes are said to be.
#[derive(Clone, Debug)]
enum Place {
    /// In a block, whose bytes these are.
    Block(Vec<u8>),
    /// So far from where a block begins, and so many.
    Beside(i32, i32),
    /// Anywhere.
    Anywhere(i32, i32),
}

#[derive(Clone, Debug)]
enum Step {
    Alloc(i32),
    Free(i32),
    Open(Place, Place),
    Prompt(i32, Place),
    Next(i32),
    Body(i32, i32),
    Chunk(i32, i32, Place),
    Feed(i32, Place),
    Advance(i32, i32),
    Usage(i32),
    Save(i32),
    Close(i32),
}

/// Inputs that are understood, where the numbers are right.
const INPUTS: [&str; 9] = [
    r#"{"reply_start":1,"status":200,"headers":{"content-type":"application/json"}}"#,
    r#"{"reply_end":1}"#,
    r#"{"reply_failed":1,"error":"closed"}"#,
    r#"{"operation":1,"answer":{"error":"not-found"}}"#,
    r#"{"operation":1,"answer":{"text":"alpha","end":true}}"#,
    r#"{"tool_done":"c1","result":"4.5"}"#,
    r#"{"verdict":"approved","call":"c1"}"#,
    r#"{"tick":true}"#,
    r#"{"cancel":true}"#,
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let known = (0..INPUTS.len()).prop_map(|index| INPUTS[index].as_bytes().to_vec());
    let damaged = (0..INPUTS.len(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(index, at, byte)| {
            let mut text = INPUTS[index].as_bytes().to_vec();
            let at = at.index(text.len());
            text[at] = byte;
            text
        },
    );
    let reply = Just(super::call("c1").to_string().into_bytes());
    prop_oneof![
        3 => known,
        2 => damaged,
        1 => reply,
        1 => Just(config()),
        1 => "[\\[\\]{}\",:a-z_0-9 ]{0,80}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        4 => bytes().prop_map(Place::Block),
        1 => (-40..40, -10..200).prop_map(|(from, length)| Place::Beside(from, length)),
        1 => (any::<i32>(), any::<i32>()).prop_map(|(at, length)| Place::Anywhere(at, length)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // The session of the test is 1, the others are not open, or not for long.
    let session = || prop_oneof![6 => Just(1), 1 => 2..5, 1 => any::<i32>()];
    let small = || prop_oneof![3 => 0..4, 1 => any::<i32>()];
    prop_oneof![
        any::<i32>().prop_map(Step::Alloc),
        any::<i32>().prop_map(Step::Free),
        (place(), place()).prop_map(|(config, saved)| Step::Open(config, saved)),
        (session(), place()).prop_map(|(session, text)| Step::Prompt(session, text)),
        session().prop_map(Step::Next),
        session().prop_map(Step::Next),
        (session(), small()).prop_map(|(session, index)| Step::Body(session, index)),
        (session(), small(), place())
            .prop_map(|(session, id, place)| Step::Chunk(session, id, place)),
        (session(), place()).prop_map(|(session, input)| Step::Feed(session, input)),
        (session(), place()).prop_map(|(session, input)| Step::Feed(session, input)),
        (session(), any::<i32>()).prop_map(|(session, ms)| Step::Advance(session, ms)),
        session().prop_map(Step::Usage),
        session().prop_map(Step::Save),
        any::<i32>()
            .prop_filter("the session of the test stays open", |session| *session
                != 1)
            .prop_map(Step::Close),
    ]
}

/// Takes a step. What the module answered.
fn take(flat: &mut Flat, beside: Block, step: &Step) -> i32 {
    let mut blocks = Vec::new();
    let mut locate = |flat: &mut Flat, place: &Place| match place {
        Place::Block(bytes) => {
            let block = flat.put(bytes);
            blocks.push(block);
            block.arguments()
        }
        Place::Beside(from, length) => Block {
            at: beside.at + from,
            length: *length,
        }
        .arguments(),
        Place::Anywhere(at, length) => [(*at).into(), (*length).into()],
    };
    let (name, numbers): (_, Vec<Value>) = match step {
        Step::Alloc(length) => ("dc_alloc", vec![(*length).into()]),
        Step::Free(address) => ("dc_free", vec![(*address).into()]),
        Step::Open(config, saved) => {
            let (config, saved) = (locate(flat, config), locate(flat, saved));
            ("dc_open", [config, saved].concat())
        }
        Step::Prompt(session, text) => {
            let text = locate(flat, text);
            ("dc_prompt", [&at(*session)[..], &text].concat())
        }
        Step::Next(session) => ("dc_next", at(*session)),
        Step::Body(session, index) => ("dc_body", vec![(*session).into(), (*index).into()]),
        Step::Chunk(session, id, place) => {
            let place = locate(flat, place);
            let id = [Value::from(*id)];
            ("dc_chunk", [&at(*session)[..], &id, &place].concat())
        }
        Step::Feed(session, input) => {
            let input = locate(flat, input);
            ("dc_feed", [&at(*session)[..], &input].concat())
        }
        Step::Advance(session, ms) => ("dc_advance", vec![(*session).into(), (*ms).into()]),
        Step::Usage(session) => ("dc_usage", vec![(*session).into()]),
        Step::Save(session) => ("dc_save", vec![(*session).into()]),
        Step::Close(session) => ("dc_close", vec![(*session).into()]),
    };
    let answer = flat.call(name, &numbers);
    // The result lies in the memory, whatever was answered.
    flat.result();
    for block in blocks {
        flat.free(block);
    }
    if let Step::Alloc(_) = step
        && answer != 0
    {
        assert_eq!(flat.call("dc_free", &[answer.into()]), 0);
        return 0;
    }
    answer
}

#[test]
fn any_calls_leave_the_session_usable() {
    let mut runner = TestRunner::new(Config::with_cases(200));
    let steps = prop::collection::vec(step(), 1..40);
    let tried = runner.run(&steps, |steps| {
        let mut flat = Flat::granted(&Grants {
            max_memory_pages: Some(128),
            ..Grants::default()
        });
        let session = open(&mut flat, &config(), b"");
        prop_assert_eq!(session, 1);
        let beside = flat.room(64).expect("there is memory");
        for step in &steps {
            let answer = take(&mut flat, beside, step);
            let opened = matches!(step, Step::Open(..)) && answer > 0;
            prop_assert!(
                opened || (-14..=1).contains(&answer) && answer != -1,
                "{:?} is answered by {}",
                step,
                answer
            );
        }
        is_usable(&mut flat, session);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}
