//! The engine's randomness: `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
//! Good enough for tie-breaks, and the whole run is a function of its seed.

#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, or 0 if that is 0. The bias of a remainder does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

impl Random {
    /// Leaves so many of the items, by chance.
    pub(crate) fn choose<T>(&mut self, items: &mut Vec<T>, count: usize) {
        while items.len() > count {
            let at = usize::try_from(self.below(items.len() as u64)).unwrap_or(0);
            items.swap_remove(at);
        }
    }

    /// Puts the items into a random order (Fisher, Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for left in (2..=items.len()).rev() {
            let at = usize::try_from(self.below(left as u64)).unwrap_or(0);
            items.swap(left - 1, at);
        }
    }
}

/// The output function of `SplitMix64`: a bijection whose output bits all depend on all input bits.
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
