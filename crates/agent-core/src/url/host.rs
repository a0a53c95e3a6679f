//! Hosts of URLs, with or without a port: names and addresses.

use alloc::string::String;

use dewclaw_platform::has;

use super::address::{ends_in_number, number, push_v4, push_v6, read_v4, read_v6};
use super::special_use::Kind;
use super::{cut, special_use};

/// A host, in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name: ASCII letters in lower case, digits, `-` and `_`, in parts between dots, and no dot at its end.
    Name(String),
    /// An IPv4 address.
    V4([u8; 4]),
    /// An IPv6 address.
    V6([u16; 8]),
}

impl Host {
    /// The kind of special-use host that this is, such as "a private address"; `None` for a public one.
    ///
    /// A name is judged by itself and not by what it resolves to.
    pub fn special_use(&self) -> Option<&'static str> {
        let kind = match self {
            Host::Name(name) => special_use::of_name(name),
            Host::V4(address) => special_use::of_v4(u32::from_be_bytes(*address)),
            Host::V6(address) => special_use::of_v6(address),
        };
        kind.map(Kind::text)
    }

    pub(super) fn push(&self, out: &mut String) {
        match self {
            Host::Name(name) => out.push_str(name),
            Host::V4(address) => push_v4(out, u32::from_be_bytes(*address)),
            Host::V6(address) => push_v6(out, address),
        }
    }
}

const BRACKETS: &str = "needs its IPv6 address in brackets, without zone id, like [2001:db8::1]";

/// Takes the port off: 0 where there is none.
pub(super) fn split_port(text: &[u8]) -> Result<(&[u8], u16), &'static str> {
    if has(text, b'@') {
        return Err("holds a user name or password before an @: leave them out");
    }
    let (host, port) = if let [b'[', ..] = text {
        let length = cut(text, b']').0.len() + 1;
        text.split_at_checked(length).ok_or(BRACKETS)?
    } else {
        text.split_at(cut(text, b':').0.len())
    };
    let [colon, digits @ ..] = port else {
        return Ok((host, 0));
    };
    if *colon != b':' || has(digits, b':') {
        return Err(BRACKETS);
    }
    match number(digits, 10) {
        Some(port @ 1..=0xffff) => Ok((host, port as u16)),
        _ => Err("needs a port from 1 to 65535 behind its colon"),
    }
}

/// Reads a host without a port.
pub(super) fn read_host(text: &[u8]) -> Result<Host, &'static str> {
    if let [b'[', address @ .., b']'] = text {
        read_v6(address).map(Host::V6).ok_or(BRACKETS)
    } else {
        read_name(text)
    }
}

/// Reads a name or an IPv4 address.
fn read_name(text: &[u8]) -> Result<Host, &'static str> {
    let text = match text {
        [text @ .., b'.'] => text,
        text => text,
    };
    if text.is_empty() {
        return Err("names no host: write one, like example.org");
    }
    let mut name = String::new();
    let mut label = 0;
    let mut fits = text.len() <= 253;
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            b'.' => {
                fits &= label > 0;
                label = 0;
            }
            0x80.. => return Err("has a host that is not ASCII: write it in its xn-- form"),
            _ => {
                return Err(
                    "has a character in its host other than letters, digits, - and dots: write it without",
                );
            }
        }
        fits &= label < 64;
        name.push(char::from(byte.to_ascii_lowercase()));
    }
    if !fits || label == 0 {
        return Err("has a host that is too long, or with an empty part between dots");
    }
    if !ends_in_number(name.as_bytes()) {
        return Ok(Host::Name(name));
    }
    let address = read_v4(name.as_bytes());
    address
        .map(|address| Host::V4(address.to_be_bytes()))
        .ok_or("has a host that ends in a number and is no IPv4 address: write it like 192.0.2.1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;
    use proptest::prelude::*;

    fn host_and_port(text: &str) -> Result<(Host, u16), &'static str> {
        let (host, port) = split_port(text.as_bytes())?;
        Ok((read_host(host)?, port))
    }

    fn read(text: &str) -> Option<Host> {
        let (host, port) = host_and_port(text).ok()?;
        assert_eq!(port, 0, "{text} has no port");
        Some(host)
    }

    fn written(host: &Host) -> String {
        let mut out = String::new();
        host.push(&mut out);
        out
    }

    #[test]
    fn ipv4_addresses_are_known_in_every_spelling() {
        for spelling in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0X7F.0x1",
            "0x7f000001",
            "0x000000000000000000000007f000001",
            "0x7f.0x0.0x0.0x1",
            "2130706433",
            "2130706433.",
            "017700000001",
            "0177.0.0.1",
            "0177.0x0.1",
            "00000000000000000000177.0.0.1",
            "127.0x.0x.0x1",
        ] {
            assert_eq!(read(spelling), Some(Host::V4([127, 0, 0, 1])), "{spelling}");
        }
        assert_eq!(read("0"), Some(Host::V4([0, 0, 0, 0])));
        assert_eq!(read("0x"), Some(Host::V4([0, 0, 0, 0])));
        assert_eq!(read("0xffffffff"), Some(Host::V4([255; 4])));
        assert_eq!(read("1.0xffffff"), Some(Host::V4([1, 255, 255, 255])));
    }

    #[test]
    fn a_host_that_ends_in_a_number_is_an_ipv4_address_or_nothing() {
        for wrong in [
            "256.0.0.1",
            "127.0.0.256",
            "1.2.3.4.5",
            "1.2.3.4.5.",
            "127.0.0.08",
            "09",
            "example.1",
            "example.com.0x7f",
            "example.0x",
            "4294967296",
            "0x100000000",
            "040000000000",
            "99999999999999999999999999999999",
            "0xffffffffffffffffffffffffffffffff",
            "1.16777216",
            "1.2.65536",
            "a.b.c.1",
            "1..2",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for name in ["1.example", "1a", "127.0.0.1.nip.io", "0x7f.1.a", "08.a"] {
            assert_eq!(read(name), Some(Host::Name(name.into())), "{name}");
        }
    }

    #[test]
    fn names_are_ascii_in_lower_case_without_a_dot_at_the_end() {
        assert_eq!(read("EXAMPLE.Org."), Some(Host::Name("example.org".into())));
        assert_eq!(
            read("a_b-c.xn--p1ai"),
            Some(Host::Name("a_b-c.xn--p1ai".into()))
        );
        let label = "a".repeat(63);
        assert!(read(&[label.as_str(), ".org"].concat()).is_some());
        assert!(read(&["a", label.as_str(), ".org"].concat()).is_none());
        let longest = [&"a.".repeat(125), "org"].concat();
        assert_eq!(longest.len(), 253);
        assert!(read(&longest).is_some());
        assert!(read(&["a", longest.as_str()].concat()).is_none());
        for wrong in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "localhost..",
            "a b",
            "a*b",
            "*",
            "a!",
            "a,b",
            "[a]",
            "a]",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn ports_are_numbers_from_1_to_65535() {
        for (text, port) in [
            ("a.org:1", 1),
            ("a.org:65535", 65535),
            ("127.1:0080", 80),
            ("[::1]:443", 443),
        ] {
            assert_eq!(host_and_port(text).unwrap().1, port, "{text}");
        }
        for wrong in [
            "a.org:",
            "a.org:0",
            "a.org:65536",
            "a.org:+1",
            "a.org:-1",
            "a.org:0x50",
            "a.org:80:80",
            "[::1]:",
            "a.org:99999999999999999999999999",
            "[::1]x:1",
            "[::1]80",
            "[::1]]",
            "[::1",
            "::1",
            "::1]",
            "a.org: 80",
        ] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    /// The spellings of one part that stands for `bytes` bytes.
    fn spelled(value: u32) -> impl Strategy<Value = String> {
        (0..4, 0..3usize).prop_map(move |(form, zeros)| {
            let zeros = "0".repeat(zeros);
            match form {
                0 => alloc::format!("{value}"),
                1 => alloc::format!("0{zeros}{value:o}"),
                2 => alloc::format!("0x{zeros}{value:x}"),
                _ => alloc::format!("0X{zeros}{value:X}"),
            }
        })
    }

    fn spellings(address: u32) -> impl Strategy<Value = String> {
        (1..=4usize, any::<bool>()).prop_flat_map(move |(count, dot)| {
            let mut parts = alloc::vec::Vec::new();
            for index in 0..count - 1 {
                parts.push(spelled(address >> (24 - 8 * index) & 255));
            }
            let rest = u64::from(u32::MAX) >> (8 * (count - 1));
            parts.push(spelled(address & rest as u32));
            parts.prop_map(move |parts| parts.join(".") + if dot { "." } else { "" })
        })
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_ipv4_address_is_that_address(
            (address, text) in any::<u32>().prop_flat_map(|address| (Just(address), spellings(address)))
        ) {
            let wanted = Ipv4Addr::from(address);
            let host = read(&text);
            prop_assert_eq!(&host, &Some(Host::V4(wanted.octets())), "{}", text);
            prop_assert_eq!(written(&host.unwrap()), alloc::format!("{wanted}"));
        }

        #[test]
        fn what_the_standard_library_takes_for_ipv4_is_taken(text in "[0-9]{1,3}(\\.[0-9]{1,3}){3}") {
            if let Ok(address) = text.parse::<Ipv4Addr>() {
                prop_assert_eq!(read(&text), Some(Host::V4(address.octets())));
            }
        }
    }
}
