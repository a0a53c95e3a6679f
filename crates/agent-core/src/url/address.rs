//! IPv4 and IPv6 addresses: read in all the spellings that clients take, written in one.

use alloc::string::String;

use dewclaw_platform::has;

use super::{cut, last_label};
use crate::json::decimal;

/// Whether a name can only be an IPv4 address, as the WHATWG URL standard has it: its last label is a number. All that
/// begins with `0x` is taken for one here. Names and their parts are in lower case.
pub(super) fn ends_in_number(name: &[u8]) -> bool {
    let label = last_label(name);
    matches!(label, [b'0', b'x', ..]) || label.iter().all(u8::is_ascii_digit)
}

/// Reads an IPv4 address of one to four parts, as inet_aton and the WHATWG URL standard have it: the last part fills
/// what the others leave. An empty part is taken for 0.
pub(super) fn read_v4(text: &[u8]) -> Option<u32> {
    let (mut address, mut last, mut count) = (0u64, 0, 0);
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (part, after) = cut(text, b'.');
        rest = after;
        if last > 255 || count == 4 {
            return None;
        }
        address = address << 8 | last;
        last = v4_part(part)?;
        count += 1;
    }
    let filled = 40 - 8 * count;
    (last >> filled == 0).then_some((address << filled | last) as u32)
}

/// A part of an IPv4 address: decimal, octal behind a `0`, or hexadecimal behind `0x`. `0x` alone is 0.
fn v4_part(part: &[u8]) -> Option<u64> {
    match part {
        [b'0', b'x', digits @ ..] => number(digits, 16),
        [b'0', digits @ ..] => number(digits, 8),
        digits => number(digits, 10),
    }
}

/// The number of these digits, 0 for none, and 2³² for all that are not below. `None` for what is no digit.
pub(crate) fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let mut number = 0u64;
    for byte in digits {
        let digit = char::from(*byte)
            .to_digit(16)
            .filter(|digit| *digit < radix)?;
        number = (number * u64::from(radix) + u64::from(digit)).min(1 << 32);
    }
    Some(number)
}

/// Reads an IPv6 address as RFC 4291, section 2.2, has it.
pub(super) fn read_v6(text: &[u8]) -> Option<[u16; 8]> {
    let mut groups = [0; 8];
    let mut count = 0;
    // How many groups stand in front of the `::`.
    let mut in_front = None;
    let mut rest = text;
    if let [b':', b':', after @ ..] = rest {
        in_front = Some(0);
        rest = after;
    }
    while !rest.is_empty() {
        let (group, after) = cut(rest, b':');
        if after.is_none() && has(group, b'.') {
            let inside = read_v4(group)?;
            // Here an IPv4 address has but one spelling, the one that is written.
            let mut written = String::new();
            push_v4(&mut written, inside);
            if written.as_bytes() != group {
                return None;
            }
            *groups.get_mut(count)? = (inside >> 16) as u16;
            *groups.get_mut(count + 1)? = inside as u16;
            count += 2;
            break;
        }
        if !matches!(group.len(), 1..=4) {
            return None;
        }
        *groups.get_mut(count)? = number(group, 16)? as u16;
        count += 1;
        rest = match after {
            None => break,
            // A single colon can't end an address.
            Some([]) => return None,
            Some([b':', after @ ..]) if in_front.is_none() => {
                in_front = Some(count);
                after
            }
            Some(after) => after,
        };
    }
    match in_front {
        Some(in_front) if count < 8 => {
            // What stands behind the `::` goes to the end.
            for from in (in_front..count).rev() {
                groups[from + 8 - count] = groups[from];
                groups[from] = 0;
            }
            Some(groups)
        }
        None if count == 8 => Some(groups),
        _ => None,
    }
}

/// Appends four decimal numbers.
pub(super) fn push_v4(out: &mut String, address: u32) {
    let mut shift = 32;
    while shift > 0 {
        if shift < 32 {
            out.push('.');
        }
        shift -= 8;
        out.push_str(&decimal(u64::from(address >> shift & 255)));
    }
}

/// Appends the text of RFC 5952, in brackets: lower case, no zeros in front, the first longest run of zero groups as
/// `::`, and an IPv4-mapped address with its IPv4 address in dots.
pub(super) fn push_v6(out: &mut String, groups: &[u16; 8]) {
    out.push('[');
    if let [0, 0, 0, 0, 0, 0xffff, high, low] = groups {
        out.push_str("::ffff:");
        push_v4(out, v4_in(*high, *low));
    } else {
        push_groups(out, groups);
    }
    out.push(']');
}

fn push_groups(out: &mut String, groups: &[u16; 8]) {
    let (mut start, mut longest, mut run) = (8, 1, 0);
    for (index, group) in groups.iter().enumerate() {
        run = if *group == 0 { run + 1 } else { 0 };
        if run > longest {
            longest = run;
            start = index + 1 - run;
        }
    }
    let mut index = 0;
    while let Some(group) = groups.get(index) {
        if index == start {
            out.push_str("::");
            index += longest;
            continue;
        }
        if index > 0 && index != start + longest {
            out.push(':');
        }
        index += 1;
        let mut shift = 16;
        while shift > 0 {
            shift -= 4;
            let rest = group >> shift;
            if rest > 0 || shift == 0 {
                out.push(char::from(b"0123456789abcdef"[usize::from(rest & 15)]));
            }
        }
    }
}

/// The IPv4 address in two groups of an IPv6 address.
pub(super) fn v4_in(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::net::Ipv6Addr;
    use proptest::prelude::*;

    fn written(groups: [u16; 8]) -> String {
        let mut out = String::new();
        push_v6(&mut out, &groups);
        out
    }

    #[test]
    fn ipv6_addresses_are_written_as_rfc_5952_has_it() {
        for (text, wanted) in [
            ("0:0:0:0:0:0:0:0", "[::]"),
            ("0:0:0:0:0:0:0:1", "[::1]"),
            ("2001:0DB8::0001", "[2001:db8::1]"),
            ("2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]"),
            ("2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]"),
            ("2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]"),
            ("1::", "[1::]"),
            ("::FFFF:169.254.169.254", "[::ffff:169.254.169.254]"),
            ("::ffff:a9fe:a9fe", "[::ffff:169.254.169.254]"),
            ("::127.0.0.1", "[::7f00:1]"),
            ("1:2:3:4:5:6:7.8.9.10", "[1:2:3:4:5:6:708:90a]"),
        ] {
            assert_eq!(
                read_v6(text.as_bytes()).map(written).as_deref(),
                Some(wanted),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_ipv6_address_is_refused() {
        for wrong in [
            "",
            ":",
            ":::",
            "1",
            "1:",
            ":1",
            "1::2::3",
            "1:::2",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8::",
            "12345::",
            "g::",
            "::1.2.3",
            "::1.2.3.4.5",
            "::1.2.3.256",
            "::01.2.3.4",
            "::0x7f.1",
            "::1.2.3.4:5",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1.2.3.4",
            "1.2.3.4::",
            "::1%eth0",
            " ::1",
        ] {
            assert_eq!(read_v6(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn ipv6_texts_are_read_as_the_standard_library_reads_them(
            text in prop_oneof!["[0-9a-fA-F:]{0,12}", "([0-9a-f]{0,4}:){0,8}[0-9a-f]{0,5}", "(0?:|1:){1,9}1?",
                "(::|:|[0-9a-f]{1,4}){1,8}(25[0-9]|[01]?[0-9])(\\.(1[0-9]{0,2}|0?[0-9])){2,4}"]
        ) {
            let wanted = text.parse::<Ipv6Addr>().ok().map(|address| address.segments());
            prop_assert_eq!(read_v6(text.as_bytes()), wanted, "{}", text);
        }

        #[test]
        fn ipv6_addresses_are_written_as_the_standard_library_writes_them(
            groups in prop::array::uniform8(prop_oneof![2 => Just(0u16), 1 => any::<u16>(), 1 => Just(0xffff)])
        ) {
            let text = Ipv6Addr::from(groups).to_string();
            prop_assert_eq!(written(groups), ["[", &text, "]"].concat());
            prop_assert_eq!(read_v6(text.as_bytes()), Some(groups));
        }
    }
}
