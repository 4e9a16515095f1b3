//! The kernel's description of its own types (`/sys/kernel/btf/vmlinux`), as far as it takes to know where in a
//! structure a member lies.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>.

use std::fs;

/// `BTF_MAGIC`, little-endian.
const MAGIC: u16 = 0xeb9f;
/// `BTF_KIND_STRUCT`.
const STRUCT: u32 = 4;

/// The description.
pub(super) struct Btf {
    data: Vec<u8>,
    types: (usize, usize),
    strings: usize,
}

/// This kernel's description, if it has one.
pub(super) fn read() -> Option<Btf> {
    Btf::parse(fs::read("/sys/kernel/btf/vmlinux").ok()?)
}

impl Btf {
    fn parse(data: Vec<u8>) -> Option<Self> {
        let word = |at| word(&data, at);
        if word(0)? & 0xffff != u32::from(MAGIC) {
            return None;
        }
        // Magic, version and flags; then the header's length, and offset and length of types and of strings.
        let header = word(4)? as usize;
        let start = header + word(8)? as usize;
        let end = start.checked_add(word(12)? as usize)?;
        let strings = header + word(16)? as usize;
        Some(Self { data, types: (start, end), strings })
    }

    /// Where, in bytes, a member lies in the structure.
    pub(super) fn offset(&self, structure: &str, member: &str) -> Option<u32> {
        let mut at = self.types.0;
        while at < self.types.1 {
            let (name, info) = (self.word(at)?, self.word(at + 4)?);
            let (kind, count) = (info >> 24 & 31, (info & 0xffff) as usize);
            if kind == STRUCT && self.name(name)? == structure.as_bytes() {
                let found = (0..count).map(|place| at + 12 + 12 * place).find(|place| {
                    self.word(*place).and_then(|name| self.name(name)) == Some(member.as_bytes())
                });
                if let Some(place) = found {
                    // The lower 24 bits where the member may be a bit field, and those are never so many.
                    return Some((self.word(place + 8)? & 0xff_ffff) / 8);
                }
            }
            at += 12 + following(kind, count)?;
        }
        None
    }

    fn word(&self, at: usize) -> Option<u32> {
        word(&self.data, at)
    }

    fn name(&self, offset: u32) -> Option<&[u8]> {
        self.data.get(self.strings + offset as usize..)?.split(|byte| *byte == 0).next()
    }
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// How many bytes follow a type's first twelve.
fn following(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        // INT, VAR, DECL_TAG
        1 | 14 | 17 => 4,
        // ARRAY
        3 => 12,
        // STRUCT, UNION, DATASEC, ENUM64
        4 | 5 | 15 | 19 => 12 * count,
        // ENUM, FUNC_PROTO
        6 | 13 => 8 * count,
        // PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two structures and an integer: `struct a { x; y; }`, `int`, `struct b { z; }`.
    fn description() -> Vec<u8> {
        let strings = b"\0a\0x\0y\0int\0b\0z\0";
        let types: [u32; 3 + 6 + 4 + 3 + 3] =
            [1, 4 << 24 | 2, 16, 3, 2, 0, 5, 2, 64, 7, 1 << 24, 4, 32, 11, 4 << 24 | 1, 8, 13, 2, 8 * 12];
        let header =
            [0x0001_eb9f, 24, 0, types.len() as u32 * 4, types.len() as u32 * 4, strings.len() as u32];
        let words = header.iter().chain(&types).flat_map(|word| word.to_le_bytes());
        words.chain(strings.iter().copied()).collect()
    }

    #[test]
    fn members_are_found_in_their_structures() {
        let btf = Btf::parse(description()).unwrap();
        assert_eq!(btf.offset("a", "x"), Some(0));
        assert_eq!(btf.offset("a", "y"), Some(8));
        assert_eq!(btf.offset("b", "z"), Some(12));
        assert_eq!(btf.offset("b", "x"), None);
        assert_eq!(btf.offset("c", "x"), None);
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(at in 0usize..120, byte in any::<u8>(), length in 0usize..140) {
            let mut data = description();
            if let Some(place) = data.get_mut(at) {
                *place = byte;
            }
            data.truncate(length);
            if let Some(btf) = Btf::parse(data) {
                let _ = btf.offset("b", "z");
            }
        }
    }
}
