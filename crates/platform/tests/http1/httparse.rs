//! Heads against the crate `httparse`: what is told of a head, it tells too.
//!
//! It is more lenient: it takes bare LFs, among others. So what it refuses is refused here, and what is taken here is the
//! same there.

use dewclaw_platform::Method;
use httparse::{EMPTY_HEADER, Status};
use proptest::prelude::*;

use crate::reading::{End, read};

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let status =
        "HTTP/1\\.[01] [1-9][0-9]{2}( [ -~]{0,10})?|HTTP/1\\.[0-3] {1,2}[0-9]{2,4}[ -~]{0,5}";
    let field = prop_oneof![
        6 => "[!-9;-~]{1,8}:[ \t]{0,2}[ -~\t\u{80}-\u{ff}]{0,10}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    (status, prop::collection::vec(field, 0..6)).prop_map(|(status, fields)| {
        let mut bytes = status.into_bytes();
        for field in fields {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&field);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn heads_are_read_as_httparse_reads_them(bytes in lines()) {
        let told = read(Method::Get, &bytes, &[]);
        let mut fields = [EMPTY_HEADER; 100];
        let mut known = httparse::Response::new(&mut fields);
        let parsed = known.parse(&bytes);
        if told.status >= 200 {
            prop_assert!(matches!(parsed, Ok(Status::Complete(_))), "{:?}", parsed);
            prop_assert_eq!(known.code, Some(told.status));
            let known: Vec<(String, String)> = known.headers.iter().map(|field| {
                let value = String::from_utf8_lossy(field.value.trim_ascii()).into_owned();
                (field.name.to_ascii_lowercase(), value)
            }).collect();
            prop_assert_eq!(told.headers, known);
        } else if parsed.is_err() {
            prop_assert!(matches!(told.end, End::Failed(_)));
        }
    }
}
