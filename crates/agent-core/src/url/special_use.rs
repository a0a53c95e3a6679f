//! Which hosts are special-use: not public servers, but this machine, its networks, or nothing at all.
//!
//! Sources: IANA's registries of IPv4 and of IPv6 special-purpose addresses (RFC 6890), its IPv6 address space registry
//! and its registry of special-use domain names (RFC 6761), with RFC 6762 for `.local` and the private names of its
//! appendix G, RFC 7686 for `.onion`, RFC 8375 for `home.arpa` and RFC 9476 for `.alt`; ICANN's reservation of
//! `.internal` of 2024. Addresses that the registries call globally reachable inside a special block are held to be as
//! special as the block.

use dewclaw_platform::{has, part};

use self::Kind::*;
use super::address::v4_in;
use crate::word_list;

/// Why a host is special-use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ThisMachine,
    Loopback,
    Private,
    Shared,
    LinkLocal,
    Platform,
    Documentation,
    Multicast,
    Reserved,
    LocalName,
    ReservedName,
}

const KIND_TEXTS: &str = "\
    an address of this machine\n\
    a loopback address\n\
    a private address\n\
    a shared address (carrier-grade NAT)\n\
    a link-local address (cloud metadata is there)\n\
    an address of the cloud platform itself\n\
    a documentation address\n\
    a multicast address\n\
    a reserved address\n\
    a local name\n\
    a reserved name";

impl Kind {
    pub(super) fn text(self) -> &'static str {
        part(KIND_TEXTS, b'\n', self as usize)
    }
}

/// A block's first bits, how many count, and its kind.
type Block = (u32, u8, Kind);

const V4_BLOCKS: [Block; 16] = [
    (0x0000_0000, 8, ThisMachine),
    (0x0a00_0000, 8, Private),
    // 100.64.0.0/10.
    (0x6440_0000, 10, Shared),
    (0x7f00_0000, 8, Loopback),
    // 168.63.129.16. Not IANA's but Microsoft's, for the services that Azure gives a virtual machine.
    (0xa83f_8110, 32, Platform),
    (0xa9fe_0000, 16, LinkLocal),
    (0xac10_0000, 12, Private),
    // 192.0.0.0/24, IETF protocol assignments.
    (0xc000_0000, 24, Reserved),
    (0xc000_0200, 24, Documentation),
    // 192.88.99.0/24, once relays of 6to4.
    (0xc058_6300, 24, Reserved),
    (0xc0a8_0000, 16, Private),
    // 198.18.0.0/15, benchmarks.
    (0xc612_0000, 15, Reserved),
    (0xc633_6400, 24, Documentation),
    (0xcb00_7100, 24, Documentation),
    (0xe000_0000, 4, Multicast),
    (0xf000_0000, 4, Reserved),
];

const V6_BLOCKS: [Block; 10] = [
    (0xfe80_0000, 10, LinkLocal),
    // fc00::/7, unique local addresses, and fec0::/10, the site-local ones before them.
    (0xfc00_0000, 7, Private),
    (0xfec0_0000, 10, Private),
    (0xff00_0000, 8, Multicast),
    (0x2001_0db8, 32, Documentation),
    (0x3fff_0000, 20, Documentation),
    // 2001::/23, IETF protocol assignments, with Teredo among them.
    (0x2001_0000, 23, Reserved),
    // 2000::/3 is what is given out for the public. All else is reserved, with 64:ff9b:1::/48, 100::/64 and 5f00::/16
    // among it.
    (0x0000_0000, 3, Reserved),
    (0x4000_0000, 2, Reserved),
    (0x8000_0000, 1, Reserved),
];

fn find(blocks: &[Block], address: u32) -> Option<Kind> {
    let holds = |block: &&Block| (address ^ block.0) >> (32 - block.1) == 0;
    blocks.iter().find(holds).map(|block| block.2)
}

pub(super) fn of_v4(address: u32) -> Option<Kind> {
    find(&V4_BLOCKS, address)
}

/// An address that stands for an IPv4 address is judged by that one.
pub(super) fn of_v6(address: &[u16; 8]) -> Option<Kind> {
    let [a, b, c, d, e, f, g, h] = *address;
    let inside = v4_in(g, h);
    match (v4_in(a, b), v4_in(c, d), v4_in(e, f)) {
        (0, 0, 0) if inside == 1 => Some(Loopback),
        // IPv4-compatible, which nobody uses any more. `::` is among them.
        (0, 0, 0) => of_v4(inside).or(Some(Reserved)),
        // IPv4-mapped and NAT64 (RFC 6052).
        (0, 0, 0xffff) | (0x0064_ff9b, 0, 0) => of_v4(inside),
        // 6to4 (RFC 3056).
        (0x2002_0000..=0x2002_ffff, ..) => of_v4(v4_in(b, c)),
        (first, ..) => find(&V6_BLOCKS, first),
    }
}

/// `localdomain` is what hosts files commonly have a name of 127.0.0.1 in. All of `arpa` is infrastructure; `home.arpa`
/// is the part for homes. `svc` is of Kubernetes.
const LOCAL_DOMAINS: &str =
    "localhost local internal lan intranet corp home private arpa localdomain svc";

const RESERVED_DOMAINS: &str = "test invalid example onion alt";

pub(super) fn of_name(name: &str) -> Option<Kind> {
    // A name without a dot is completed by the resolver.
    let single = !has(name.as_bytes(), b'.');
    of_domain(name).or(single.then_some(LocalName))
}

/// Of a name by the domain that it is in.
pub(super) fn of_domain(name: &str) -> Option<Kind> {
    let dot = name.bytes().rposition(|byte| byte == b'.');
    let domain = name.get(dot.map_or(0, |dot| dot + 1)..).unwrap_or_default();
    if word_list::place(LOCAL_DOMAINS, domain).is_some() {
        Some(LocalName)
    } else if word_list::place(RESERVED_DOMAINS, domain).is_some() {
        Some(ReservedName)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::super::host::read_host;
    use super::*;

    const ALL: [Kind; 11] = [
        ThisMachine,
        Loopback,
        Private,
        Shared,
        LinkLocal,
        Platform,
        Documentation,
        Multicast,
        Reserved,
        LocalName,
        ReservedName,
    ];

    fn kind(host: &str) -> Option<Kind> {
        let text = read_host(host.as_bytes()).unwrap().special_use();
        let kind = ALL.into_iter().find(|kind| Some(kind.text()) == text);
        assert_eq!(kind.is_some(), text.is_some());
        kind
    }

    #[test]
    fn each_ipv4_block_ends_where_its_registry_says() {
        for (before, first, last, behind, wanted) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0", ThisMachine),
            (
                "9.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "11.0.0.0",
                Private,
            ),
            (
                "100.63.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "100.128.0.0",
                Shared,
            ),
            (
                "126.255.255.255",
                "127.0.0.0",
                "127.255.255.255",
                "128.0.0.0",
                Loopback,
            ),
            (
                "168.63.129.15",
                "168.63.129.16",
                "168.63.129.16",
                "168.63.129.17",
                Platform,
            ),
            (
                "169.253.255.255",
                "169.254.0.0",
                "169.254.255.255",
                "169.255.0.0",
                LinkLocal,
            ),
            (
                "172.15.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "172.32.0.0",
                Private,
            ),
            (
                "191.255.255.255",
                "192.0.0.0",
                "192.0.0.255",
                "192.0.1.0",
                Reserved,
            ),
            (
                "192.0.1.255",
                "192.0.2.0",
                "192.0.2.255",
                "192.0.3.0",
                Documentation,
            ),
            (
                "192.88.98.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.88.100.0",
                Reserved,
            ),
            (
                "192.167.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "192.169.0.0",
                Private,
            ),
            (
                "198.17.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.20.0.0",
                Reserved,
            ),
            (
                "198.51.99.255",
                "198.51.100.0",
                "198.51.100.255",
                "198.51.101.0",
                Documentation,
            ),
            (
                "203.0.112.255",
                "203.0.113.0",
                "203.0.113.255",
                "203.0.114.0",
                Documentation,
            ),
            (
                "223.255.255.255",
                "224.0.0.0",
                "239.255.255.255",
                "",
                Multicast,
            ),
            ("", "240.0.0.0", "255.255.255.255", "", Reserved),
        ] {
            for public in [before, behind] {
                assert!(public.is_empty() || kind(public).is_none(), "{public}");
            }
            for special in [first, last] {
                assert_eq!(kind(special), Some(wanted), "{special}");
            }
        }
    }

    #[test]
    fn ipv6_addresses_are_special_outside_what_is_given_out_and_in_its_special_blocks() {
        for (address, wanted) in [
            ("::", ThisMachine),
            ("::1", Loopback),
            ("::2", ThisMachine),
            ("::127.0.0.1", Loopback),
            ("::8.8.8.8", Reserved),
            ("::ffff:0:8.8.8.8", Reserved),
            ("64:ff9b:1::8.8.8.8", Reserved),
            ("64:ff9b:0:1::8.8.8.8", Reserved),
            ("100::1", Reserved),
            ("1fff:ffff::", Reserved),
            ("2001::1", Reserved),
            ("2001:0:ffff::", Reserved),
            ("2001:2::1", Reserved),
            ("2001:20::1", Reserved),
            ("2001:1ff:ffff::", Reserved),
            ("2001:db8::", Documentation),
            ("2001:db8:ffff::", Documentation),
            ("3fff::1", Documentation),
            ("3fff:fff:ffff::", Documentation),
            ("4000::", Reserved),
            ("5f00::1", Reserved),
            ("fc00::1", Private),
            ("fd00:ec2::254", Private),
            ("fdff::1", Private),
            ("fe00::1", Reserved),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", Private),
            ("feff::1", Private),
            ("ff00::", Multicast),
            ("ff02::1", Multicast),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Multicast),
        ] {
            assert_eq!(
                kind(&["[", address, "]"].concat()),
                Some(wanted),
                "{address}"
            );
        }
        for public in [
            "2000::",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7::1",
            "2001:db9::1",
            "2606:4700:4700::1111",
            "2a00::1",
            "3fff:1000::1",
        ] {
            assert_eq!(kind(&["[", public, "]"].concat()), None, "{public}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_decides() {
        for (inside, wanted) in [
            ([169, 254, 169, 254], Some(LinkLocal)),
            ([127, 0, 0, 1], Some(Loopback)),
            ([10, 1, 2, 3], Some(Private)),
            ([8, 8, 8, 8], None),
        ] {
            let [high, low] = [0, 2].map(|at| u16::from_be_bytes([inside[at], inside[at + 1]]));
            for around in [
                [0, 0, 0, 0, 0, 0xffff, high, low],
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],
                [0x2002, high, low, 0, 0, 0, 0, 1],
            ] {
                assert_eq!(
                    Host::V6(around).special_use(),
                    wanted.map(Kind::text),
                    "{around:x?}"
                );
            }
        }
    }

    #[test]
    fn names_are_judged_by_the_domain_that_they_are_in() {
        for (name, wanted) in [
            ("localhost", LocalName),
            ("LocalHost.", LocalName),
            ("api.localhost", LocalName),
            ("localhost.localdomain", LocalName),
            ("printer.local", LocalName),
            ("metadata.google.internal", LocalName),
            ("METADATA.GOOGLE.INTERNAL.", LocalName),
            ("router.lan", LocalName),
            ("wiki.intranet", LocalName),
            ("mail.corp", LocalName),
            ("nas.home", LocalName),
            ("a.private", LocalName),
            ("nas.home.arpa", LocalName),
            ("home.arpa", LocalName),
            ("ipv4only.arpa", LocalName),
            ("kubernetes.default.svc", LocalName),
            ("router", LocalName),
            ("metadata", LocalName),
            ("com", LocalName),
            ("a.test", ReservedName),
            ("a.invalid", ReservedName),
            ("a.example", ReservedName),
            ("example", ReservedName),
            ("a.onion", ReservedName),
            ("a.alt", ReservedName),
        ] {
            assert_eq!(kind(name), Some(wanted), "{name}");
        }
        for public in [
            "example.com",
            "example.org",
            "localhost.example.com",
            "local.example.com",
            "notlocal.net",
            "a.xlocal",
            "internal.dev",
            "arpa.com",
            "test.org",
            "xn--mnchen-3ya.de",
        ] {
            assert_eq!(kind(public), None, "{public}");
        }
    }
}
