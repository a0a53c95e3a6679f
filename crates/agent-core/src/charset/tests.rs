//! Bodies in each charset, and which one is taken.

use super::decode;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

fn plain(bytes: &[u8], charset: &str) -> String {
    let content_type = ["text/plain; charset=", charset].concat();
    decode(bytes.to_vec(), &content_type, false).expect("it is a known charset")
}

fn page(html: &[u8]) -> Result<String, String> {
    decode(html.to_vec(), "text/html", true)
}

/// The bytes from here to there.
fn bytes(first: u8, last: u8) -> Vec<u8> {
    (first..=last).collect()
}

#[test]
fn utf_8_is_what_nothing_is_said_of() {
    for content_type in [
        "",
        "text/plain",
        "text/html; charset=",
        "text/html; charset=\"\"",
        "text/html; boundary=x",
    ] {
        assert_eq!(
            decode("né\u{1F600}".into(), content_type, false).unwrap(),
            "né\u{1F600}"
        );
    }
    assert_eq!(
        decode(b"a\xe9b\xc3".to_vec(), "", false).unwrap(),
        "a\u{fffd}b\u{fffd}"
    );
}

#[test]
fn valid_utf_8_is_not_copied() {
    let body = "né".repeat(1000).into_bytes();
    let place = body.as_ptr();
    let text = decode(body, "text/html; charset=UTF-8", true).unwrap();
    assert_eq!(text.as_ptr(), place);
}

#[test]
fn a_byte_order_mark_is_believed_before_all_else() {
    for content_type in [
        "text/html; charset=iso-8859-1",
        "text/html; charset=klingon",
    ] {
        assert_eq!(
            decode(b"\xef\xbb\xbf\xc3\xa9".to_vec(), content_type, true).unwrap(),
            "é"
        );
        assert_eq!(
            decode(b"\xff\xfea\0\xe9\0".to_vec(), content_type, true).unwrap(),
            "aé"
        );
        assert_eq!(
            decode(b"\xfe\xff\0a\0\xe9".to_vec(), content_type, true).unwrap(),
            "aé"
        );
    }
}

#[test]
fn labels_are_read_as_servers_write_them() {
    for content_type in [
        "text/html;charset=iso-8859-2",
        "text/html; Charset=ISO-8859-2",
        "text/html; charset=\"latin2\"; x=y",
        "text/html; charset='l2'",
        "text/html; x=y; CHARSET=iso_8859-2,text/html",
    ] {
        assert_eq!(
            decode(b"\xb1".to_vec(), content_type, false).unwrap(),
            "ą",
            "{content_type}"
        );
    }
    for (label, wanted) in [
        ("latin1", "\u{20ac}é"),
        ("l1", "\u{20ac}é"),
        ("ISO-8859-1", "\u{20ac}é"),
        ("iso8859-1", "\u{20ac}é"),
        ("iso_8859-1", "\u{20ac}é"),
        ("us-ascii", "\u{20ac}é"),
        ("windows-1252", "\u{20ac}é"),
        ("cp1252", "\u{20ac}é"),
        ("x-cp1252", "\u{20ac}é"),
        ("iso-8859-15", "\u{80}é"),
        ("latin9", "\u{80}é"),
        ("iso-8859-9", "\u{20ac}é"),
        ("latin5", "\u{20ac}é"),
        ("windows-1250", "\u{20ac}é"),
        ("utf8", "\u{fffd}\u{fffd}"),
        ("UTF-8", "\u{fffd}\u{fffd}"),
        ("utf-16le", "\u{e980}"),
        ("utf-16be", "\u{80e9}"),
    ] {
        assert_eq!(plain(b"\x80\xe9", label), wanted, "{label}");
    }
}

#[test]
fn an_unknown_charset_is_named() {
    assert_eq!(
        decode(b"a".to_vec(), "text/html; charset=Shift_JIS", true),
        Err("Shift_JIS".to_string())
    );
    assert_eq!(page(b"<meta charset=koi8-r>"), Err("koi8-r".to_string()));
    let long = ["x/y; charset=".to_string(), "z".repeat(100)].concat();
    assert_eq!(decode(b"a".to_vec(), &long, false), Err("z".repeat(40)));
    // The page is not asked where the header says something, nor where it is no page.
    assert!(
        decode(
            b"<meta charset=klingon>".to_vec(),
            "text/html; charset=utf-8",
            true
        )
        .is_ok()
    );
    assert!(decode(b"<meta charset=klingon>".to_vec(), "text/plain", false).is_ok());
}

#[test]
fn pages_declare_their_charset() {
    for declaration in [
        "<meta charset=latin1>",
        "<!DOCTYPE html><html><head><META\nCharSet = 'x'  name=y charset=\"ISO-8859-1\"/>",
        "<meta name=viewport content='width=device-width'><meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'>",
        "<script charset=klingon src=x></script><meta content=\"text/html;charset=windows-1252\" http-equiv=\"content-type\">",
    ] {
        let html = [declaration.as_bytes(), b"\xe9"].concat();
        assert_eq!(page(&html), Ok([declaration, "é"].concat()));
    }
    // What can be read byte by byte is not in UTF-16.
    assert_eq!(
        page("<meta charset=utf-16>é".as_bytes()).unwrap(),
        "<meta charset=utf-16>é"
    );
    let late = [" ".repeat(1010).as_str(), "<meta charset=latin1>é"].concat();
    assert_eq!(page(late.as_bytes()).unwrap(), late);
}

#[test]
fn windows_1252_has_letters_where_latin_1_has_controls() {
    assert_eq!(
        plain(&bytes(0x80, 0x9f), "latin1"),
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ"
    );
    let latin_1: String = (0xa0..=0xff).map(char::from).collect();
    assert_eq!(plain(&bytes(0xa0, 0xff), "latin1"), latin_1);
    let ascii: String = (0..0x80).map(char::from).collect();
    for label in ["latin1", "latin2", "latin5", "latin9", "cp1250"] {
        assert_eq!(plain(&bytes(0, 0x7f), label), ascii);
    }
}

#[test]
fn the_other_one_byte_charsets() {
    assert_eq!(
        plain(&bytes(0x80, 0xff), "iso-8859-9"),
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}\u{9e}Ÿ\
         \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ"
    );
    assert_eq!(
        plain(&bytes(0xa0, 0xbf), "iso-8859-15"),
        "\u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿"
    );
    let central = "ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";
    assert_eq!(
        plain(&bytes(0x80, 0xbf), "windows-1250"),
        "€\u{81}‚\u{83}„…†‡\u{88}‰Š‹ŚŤŽŹ\u{90}‘’“”•–—\u{98}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż"
    );
    assert_eq!(
        plain(&bytes(0xa0, 0xbf), "iso-8859-2"),
        "\u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žż"
    );
    for label in ["windows-1250", "iso-8859-2"] {
        assert_eq!(plain(&bytes(0xc0, 0xff), label), central);
    }
    let controls: String = (0x80..0xa0).map(char::from).collect();
    for label in ["iso-8859-2", "iso-8859-15"] {
        assert_eq!(plain(&bytes(0x80, 0x9f), label), controls);
    }
}

#[test]
fn utf_16_may_be_broken() {
    assert_eq!(plain(b"\x3d\xd8\x00\xdea\0", "utf-16"), "\u{1F600}a");
    assert_eq!(plain(b"\x3d\xd8a\0", "utf-16"), "\u{fffd}a");
    assert_eq!(plain(b"\x00\xdea\0\x3d\xd8", "utf-16"), "\u{fffd}a\u{fffd}");
    assert_eq!(plain(b"a\0b", "utf-16"), "a\u{fffd}");
    assert_eq!(plain(b"\x3d\xd8b", "utf-16"), "\u{fffd}\u{fffd}");
}

proptest! {
    #[test]
    fn any_utf_16_is_that_of_the_standard_library(units in proptest::collection::vec(prop_oneof![any::<u16>(), 0xd800..0xe000u16], 0..20)) {
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let wanted = String::from_utf16_lossy(&units);
        prop_assume!(!wanted.starts_with(['\u{feff}', '\u{fffe}']) && !little.starts_with(b"\xef\xbb\xbf") && !big.starts_with(b"\xef\xbb\xbf"));
        prop_assert_eq!(plain(&little, "utf-16"), wanted.clone());
        prop_assert_eq!(plain(&big, "utf-16be"), wanted);
    }

    #[test]
    fn any_bytes_are_a_body(body in proptest::collection::vec(any::<u8>(), 0..64), content_type in "(charset=)?[ -~]{0,12}", is_html: bool) {
        if let Err(label) = decode(body, &content_type, is_html) {
            prop_assert!(!label.is_empty() && label.len() <= 40);
        }
    }
}
