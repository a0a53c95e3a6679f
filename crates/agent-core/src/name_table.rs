//! Small sets of names that stand for numbers. Only hashes of the names are in the guest.

/// Of a slot, the bits of its number; the others are its hash's. No number is 0, which stands for an empty slot.
const NUMBER: u32 = 31;

/// A table of names, all those of a number in one text with a space between them. `SLOTS` is a power of two above their count.
pub(crate) const fn name_table<const SLOTS: usize>(names: &[(u8, &str)]) -> [u32; SLOTS] {
    let mut table = [0; SLOTS];
    let mut group = 0;
    while group < names.len() {
        let (number, mut rest) = (names[group].0, names[group].1.as_bytes());
        assert!(number > 0 && number as u32 <= NUMBER);
        while !rest.is_empty() {
            let mut length = 0;
            while length < rest.len() && rest[length] != b' ' {
                length += 1;
            }
            let (name, after) = rest.split_at(length);
            let hash = name_hash(name);
            let slot = slot(&table, hash);
            assert!(table[slot] == 0, "two names have the same hash");
            table[slot] = hash & !NUMBER | number as u32;
            rest = if after.is_empty() {
                after
            } else {
                after.split_at(1).1
            };
        }
        group += 1;
    }
    table
}

/// The number that a name stands for, by its hash, or 0. What is not a name of the table is taken for one in one of 2^27 cases.
pub(crate) fn number(table: &[u32], hash: u32) -> u8 {
    let found = table.get(slot(table, hash)).copied().unwrap_or_default();
    (found & NUMBER) as u8
}

/// The hash of a name of ASCII characters, the same in capitals: FNV-1a (RFC 9923) of 32 bits.
pub(crate) const fn name_hash(name: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ (name[at] | 0x20) as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// Where the name of a hash stands, or the empty slot where it would.
const fn slot(table: &[u32], hash: u32) -> usize {
    let mut at = (hash >> 16) as usize;
    loop {
        at &= table.len() - 1;
        if table[at] == 0 || table[at] & !NUMBER == hash & !NUMBER {
            return at;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // More than half full, so that names stand in slots of others.
    const TABLE: [u32; 8] = name_table(&[(1, "a b c"), (2, "name other-name"), (31, "last")]);

    #[test]
    fn names_are_found_in_either_case() {
        for (name, wanted) in [
            ("a", 1),
            ("c", 1),
            ("name", 2),
            ("OTHER-Name", 2),
            ("last", 31),
        ] {
            assert_eq!(number(&TABLE, name_hash(name.as_bytes())), wanted, "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in ["", "d", "nam", "names", "a b", "othername", "lastly"] {
            assert_eq!(number(&TABLE, name_hash(name.as_bytes())), 0, "{name}");
        }
    }
}
