//! Any conversation, from one wire to the other and back.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::lines::{Called, Said, read, reasoned, told, write};
use crate::{BOTH, answer, assert_sound, going_on, lines_of, notices, parsed, transcript};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        2 => "\\PC{1,12}",
        1 => Just(String::new()),
        1 => Just(" \n".to_string()),
        1 => Just("\u{1f43e} {\"role\":\"user\"},".to_string()),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // Of others, what serde_json writes and what it reads may differ in the last digit.
        any::<i32>().prop_map(|number| (f64::from(number) / 8.0).into()),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn arguments() -> impl Strategy<Value = Value> {
    let members = prop::collection::btree_map("[a-z_/]{0,4}", json_value(), 0..3);
    members.prop_map(|members| members.into_iter().collect())
}

fn result() -> impl Strategy<Value = (bool, String)> {
    let object = arguments().prop_filter("it is no error", |value| value.get("error").is_none());
    prop_oneof![
        2 => object.prop_map(|value| (true, value.to_string())),
        1 => "[^{]\\PC{0,12}".prop_map(|cut| (true, cut)),
        1 => Just((true, String::new())),
        2 => any::<String>().prop_map(|message| {
            (false, json!({"error": {"kind": "internal", "message": message}}).to_string())
        }),
    ]
}

fn called() -> impl Strategy<Value = Called> {
    // Few letters, so that ids meet; some that one wire or the other refuses.
    let id = prop_oneof![
        "[ab]",
        "dewclaw_[1-4]",
        "[a:|. ]{1,3}",
        "x{41}",
        "\\PC{1,5}"
    ];
    (id, "[a-zA-Z0-9_-]{1,64}", arguments(), result()).prop_map(
        |(id, name, arguments, (ok, result))| Called {
            id,
            name,
            arguments,
            ok,
            result,
        },
    )
}

fn reply() -> impl Strategy<Value = Said> {
    let reasoning = prop::collection::vec("\\PC{1,9}", 0..3);
    let calls = prop::collection::vec(called(), 0..4).prop_map(|mut calls| {
        // Within a reply no two are the same.
        let mut ids = Vec::new();
        calls.retain(|call| {
            let new = !ids.contains(&call.id);
            ids.push(call.id.clone());
            new
        });
        calls
    });
    (words(), reasoning, calls).prop_map(|(words, reasoning, calls)| Said::Reply {
        words,
        reasoning,
        calls,
    })
}

/// Prompts, each with as many replies as it took; only the last of a run is without calls, or none is.
pub(crate) fn conversation() -> impl Strategy<Value = Vec<Said>> {
    let prompt = words().prop_map(Said::User);
    let run = (prompt, prop::collection::vec(reply(), 0..3)).prop_map(|(prompt, mut replies)| {
        let calls = |said: &Said| matches!(said, Said::Reply { calls, .. } if !calls.is_empty());
        let last = replies.iter().position(|reply| !calls(reply));
        replies.truncate(last.map_or(replies.len(), |last| last + 1));
        replies.insert(0, prompt);
        replies
    });
    prop::collection::vec(run, 0..4).prop_map(|runs| runs.concat())
}

/// The same with every id by its place, so that only the links between calls and results count.
fn by_place(mut conversation: Vec<Said>) -> Vec<Said> {
    let mut count = 0;
    for said in &mut conversation {
        if let Said::Reply { calls, .. } = said {
            for call in calls {
                count += 1;
                call.id = format!("{count}");
            }
        }
    }
    conversation
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Written on one wire, gone on with on the other, and back: words, calls, arguments and results stay, the requests
    /// are as each wire wants them, and the notice says what was dropped.
    #[test]
    fn there_and_back_everything_but_reasoning_stays(conversation in conversation()) {
        let meant = by_place(told(&conversation));
        for (from, to) in BOTH {
            let lines = write(from, &conversation);
            let mut there = going_on(to, transcript(from, &lines));
            let kept = parsed(&there.agent);
            prop_assert_eq!(&by_place(told(&read(to, &kept))), &meant);
            prop_assert_eq!(reasoned(to, &read(to, &kept)), 0);
            let back = going_on(from, there.agent.transcript().clone());
            prop_assert_eq!(&by_place(told(&read(from, &parsed(&back.agent)))), &meant);

            there.script.push_back(answer(to, "yes"));
            there.run("go on");
            assert_sound(to, &there.requests[0]);
            let dropped = reasoned(from, &conversation);
            match &notices(&there)[..] {
                [] => prop_assert_eq!(dropped, 0),
                [notice] => {
                    let counted = format!(" {dropped} of its replies");
                    prop_assert!(dropped > 0 && notice.contains(&counted), "{}: {}", dropped, notice);
                }
                several => prop_assert!(false, "{:?}", several),
            }
        }
    }

    #[test]
    fn on_its_own_wire_it_is_the_same(conversation in conversation()) {
        for (wire, _) in BOTH {
            let lines = write(wire, &conversation);
            let mut driver = going_on(wire, transcript(wire, &lines));
            driver.script.push_back(answer(wire, "yes"));
            driver.run("go on");
            prop_assert_eq!(&lines_of(&driver.agent)[..lines.len()], &lines[..]);
            prop_assert_eq!(notices(&driver), Vec::<&str>::new());
        }
    }
}
