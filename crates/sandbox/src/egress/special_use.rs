//! Which addresses are special-use: not public servers, but this machine, its networks, or nothing at all.
//!
//! Sources: IANA's registries of IPv4 and of IPv6 special-purpose addresses (RFC 6890) and its IPv6 address space registry.
//! Addresses that the registries call globally reachable inside a special block are held to be as special as the block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What is special of IPv4, and of the part of IPv6 that is given out.
const BLOCKS: [(&str, &str); 19] = [
    ("0.0.0.0/8", "an address of this machine"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "a shared address (carrier-grade NAT)"),
    ("127.0.0.0/8", "a loopback address"),
    // Not IANA's but Microsoft's, for the services that Azure gives a virtual machine.
    (
        "168.63.129.16/32",
        "an address of the cloud platform itself",
    ),
    (
        "169.254.0.0/16",
        "a link-local address (cloud metadata is there)",
    ),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "a documentation address"),
    // Once relays of 6to4.
    ("192.88.99.0/24", "a reserved address"),
    ("192.168.0.0/16", "a private address"),
    // Benchmarks.
    ("198.18.0.0/15", "a reserved address"),
    ("198.51.100.0/24", "a documentation address"),
    ("203.0.113.0/24", "a documentation address"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
    // IETF protocol assignments, with Teredo among them.
    ("2001::/23", "a reserved address"),
    ("2001:db8::/32", "a documentation address"),
    ("3fff::/20", "a documentation address"),
];

/// What kind of special-use address this is; `None` for a public one. An address that stands for an IPv4 address is
/// judged by that one.
///
/// An IPv4 address inside an IPv4-mapped, a NAT64 or a 6to4 address decides for it; Teredo and IPv4-compatible addresses are
/// special whatever is inside.
pub fn special_use(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(_) => in_a_block(address),
        IpAddr::V6(six) => of_v6(six),
    }
}

fn of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match [a, b, c, d, e, f] {
        // IPv4-mapped, and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => in_a_block(v4(g, h)),
        // 6to4 (RFC 3056).
        [0x2002, ..] => in_a_block(v4(b, c)),
        // 2000::/3 is what is given out for the public.
        [0x2000..=0x3fff, ..] => in_a_block(IpAddr::V6(address)),
        _ if address.is_loopback() => Some("a loopback address"),
        _ if address.is_unspecified() => Some("an address of this machine"),
        _ if address.is_unicast_link_local() => Some("a link-local address"),
        _ if address.is_unique_local() => Some("a private address"),
        _ if address.is_multicast() => Some("a multicast address"),
        _ => Some("a reserved address"),
    }
}

fn in_a_block(address: IpAddr) -> Option<&'static str> {
    BLOCKS.iter().find_map(|(block, kind)| {
        let block: IpNet = block.parse().ok()?;
        block.contains(&address).then_some(*kind)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(address: &str) -> Option<&'static str> {
        special_use(address.parse().unwrap())
    }

    #[test]
    fn every_block_is_one() {
        for (block, _) in BLOCKS {
            let block: IpNet = block.parse().unwrap();
            assert_eq!(block.addr(), block.network(), "{block}");
        }
    }

    #[test]
    fn blocks_end_where_their_registry_says() {
        for (before, first, last, behind) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            (
                "100.63.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "100.128.0.0",
            ),
            (
                "126.255.255.255",
                "127.0.0.0",
                "127.255.255.255",
                "128.0.0.0",
            ),
            (
                "168.63.129.15",
                "168.63.129.16",
                "168.63.129.16",
                "168.63.129.17",
            ),
            (
                "169.253.255.255",
                "169.254.0.0",
                "169.254.255.255",
                "169.255.0.0",
            ),
            (
                "172.15.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "172.32.0.0",
            ),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            (
                "192.88.98.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.88.100.0",
            ),
            (
                "192.167.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "192.169.0.0",
            ),
            (
                "198.17.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.20.0.0",
            ),
            (
                "198.51.99.255",
                "198.51.100.0",
                "198.51.100.255",
                "198.51.101.0",
            ),
            (
                "203.0.112.255",
                "203.0.113.0",
                "203.0.113.255",
                "203.0.114.0",
            ),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", ""),
            ("", "::", "1fff:ffff::", "2000::"),
            ("", "2001::", "2001:1ff:ffff::", "2001:200::"),
            (
                "2001:db7:ffff::",
                "2001:db8::",
                "2001:db8:ffff::",
                "2001:db9::",
            ),
            ("3ffe:ffff::", "3fff::", "3fff:fff:ffff::", "3fff:1000::"),
            ("", "4000::", "ffff:ffff::", ""),
        ] {
            for public in [before, behind] {
                assert!(public.is_empty() || kind(public).is_none(), "{public}");
            }
            for special in [first, last] {
                assert!(kind(special).is_some(), "{special}");
            }
        }
    }

    #[test]
    fn the_other_parts_of_ipv6_have_their_names() {
        for (address, wanted) in [
            ("::", "an address of this machine"),
            ("::1", "a loopback address"),
            ("::8.8.8.8", "a reserved address"),
            ("64:ff9b:1::8.8.8.8", "a reserved address"),
            ("fd00:ec2::254", "a private address"),
            ("fe80::1", "a link-local address"),
            ("fec0::1", "a reserved address"),
            ("ff02::1", "a multicast address"),
        ] {
            assert_eq!(kind(address), Some(wanted), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_decides() {
        for (inside, special) in [
            ([10, 1, 2, 3], true),
            ([169, 254, 169, 254], true),
            ([8; 4], false),
        ] {
            let [high, low] = [0, 2].map(|at| u16::from_be_bytes([inside[at], inside[at + 1]]));
            for around in [
                [0, 0, 0, 0, 0, 0xffff, high, low],
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],
                [0x2002, high, low, 0, 0, 0, 0, 1],
            ] {
                let address = IpAddr::V6(around.into());
                assert_eq!(special_use(address).is_some(), special, "{address}");
            }
        }
    }

    /// Addresses around the edges of blocks, and any.
    fn v4() -> impl Strategy<Value = Ipv4Addr> {
        let edges = prop::sample::select(&BLOCKS[..16]).prop_flat_map(|(block, _)| {
            let block: IpNet = block.parse().unwrap();
            let edge = |address: IpAddr| match address {
                IpAddr::V4(address) => u32::from(address),
                IpAddr::V6(_) => 0,
            };
            let (first, last) = (edge(block.network()), edge(block.broadcast()));
            (prop::sample::select(vec![first, last]), -2i32..=2)
                .prop_map(|(edge, step)| Ipv4Addr::from(edge.wrapping_add_signed(step)))
        });
        prop_oneof![edges, any::<u32>().prop_map(Ipv4Addr::from)]
    }

    /// What the standard library knows of, and what it knows and does not yet tell.
    fn std_says_special(address: Ipv4Addr) -> bool {
        let [a, b, c, d] = address.octets();
        address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_multicast()
            || a == 0
            || a >= 240
            || (a == 100 && b & 0xc0 == 64)
            || (a == 192 && b == 0 && c == 0)
            || (a == 192 && b == 88 && c == 99)
            || (a == 198 && b & 0xfe == 18)
            || [a, b, c, d] == [168, 63, 129, 16]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn ipv4_is_as_the_standard_library_has_it(address in v4()) {
            prop_assert_eq!(special_use(address.into()).is_some(), std_says_special(address), "{}", address);
        }

        #[test]
        fn what_stands_for_an_ipv4_address_is_never_less_special(address in v4(), rest: u64) {
            let special = std_says_special(address);
            let [a, b, c, d] = address.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let [e, f, g, h] = [48, 32, 16, 0].map(|shift| (rest >> shift) as u16);
            let of = |segments: [u16; 8]| special_use(IpAddr::V6(segments.into()));
            for judged in [
                [0, 0, 0, 0, 0, 0xffff, high, low],
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],
                [0x2002, high, low, e, f, g, h, 1],
            ] {
                prop_assert_eq!(of(judged).is_some(), special, "{:x?}", judged);
            }
            for always in [
                // IPv4-compatible; IPv4-translated; Teredo, whose client's address is inverted; NAT64 of local use.
                [0, 0, 0, 0, 0, 0, high, low],
                [0, 0, 0, 0, 0xffff, 0, high, low],
                [0x2001, 0, e, f, g, h, !high, !low],
                [0x64, 0xff9b, 1, e, f, g, high, low],
            ] {
                prop_assert!(of(always).is_some(), "{:x?}", always);
            }
        }

        #[test]
        fn ipv6_is_public_only_in_what_is_given_out(
            first in prop_oneof![any::<u16>(), 0x1ffe_u16..=0x2003, 0x3ffe_u16..=0x4001, 0xfbff_u16..=0xff01],
            second in prop_oneof![any::<u16>(), 0u16..=0x201, 0xdb7_u16..=0xdb9],
            rest: [u16; 6],
        ) {
            let [c, d, e, f, g, h] = rest;
            let address = Ipv6Addr::from([first, second, c, d, e, f, g, h]);
            let public = special_use(address.into()).is_none();
            let given_out: IpNet = "2000::/3".parse().unwrap();
            if public && first != 0x64 {
                prop_assert!(given_out.contains(&IpAddr::V6(address)), "{}", address);
            }
            prop_assert!(!(public && (address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address.is_loopback()
                || address.is_unspecified())), "{}", address);
        }
    }
}
