//! Pseudo-random numbers that are the same on every machine: a test that fails can be repeated with its seed.

/// The variable that gives another seed.
pub const SEED: &str = "WHYBLOCKED_SEED";

/// The splitmix64 generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator that starts from what [`SEED`] says, or else from `usual`; and the seed.
    pub fn seeded(usual: u64) -> (Self, u64) {
        let seed = std::env::var(SEED).ok().map_or(usual, |text| {
            text.parse().unwrap_or_else(|_| panic!("{SEED}: '{text}' is not a whole number"))
        });
        (Self::new(seed), seed)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        // From the generator's reference implementation, for seed 0.
        assert_eq!(Random::new(0).next(), 0xe220_a839_7b1d_cdaf);
        let (mut one, mut other) = (Random::new(7), Random::new(7));
        assert!((0..100).all(|_| one.below(10) == other.below(10)));
    }
}
