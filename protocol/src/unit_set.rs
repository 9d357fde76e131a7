//! [`UnitSet`]: which units of a manifest a peer has.

use serde::{Deserialize, Serialize};

use crate::UnitIndex;

/// A set of unit indices as a bitmap, 1 bit a unit: 25 KiB for a 50 GB game. Grows as needed, so that a set that came
/// from the wire is as large as it was sent and no larger; units beyond the manifest are harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitSet {
    words: Vec<u64>,
}

impl UnitSet {
    pub fn new() -> Self {
        Self::default()
    }

    /// All of the first `count` units.
    pub fn full(count: usize) -> Self {
        let mut words = vec![u64::MAX; count / 64];
        if !count.is_multiple_of(64) {
            words.push((1 << (count % 64)) - 1);
        }
        Self { words }
    }

    pub fn contains(&self, unit: UnitIndex) -> bool {
        self.words.get(unit.as_usize() / 64).is_some_and(|word| word & (1 << (unit.0 % 64)) != 0)
    }

    /// Adds a unit; whether it was new.
    pub fn insert(&mut self, unit: UnitIndex) -> bool {
        let (word, bit) = (unit.as_usize() / 64, 1 << (unit.0 % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let was_there = self.words[word] & bit != 0;
        self.words[word] |= bit;
        !was_there
    }

    /// Removes a unit; whether it was there.
    pub fn remove(&mut self, unit: UnitIndex) -> bool {
        let (word, bit) = (unit.as_usize() / 64, 1 << (unit.0 % 64));
        match self.words.get_mut(word) {
            Some(word) => {
                let was_there = *word & bit != 0;
                *word &= !bit;
                was_there
            }
            None => false,
        }
    }

    /// How many words of 64 units the set takes, on the wire too.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// How many units are in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = UnitIndex> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| UnitIndex(at * 64 + bit))
        })
    }
}

impl Extend<UnitIndex> for UnitSet {
    fn extend<T: IntoIterator<Item = UnitIndex>>(&mut self, units: T) {
        for unit in units {
            self.insert(unit);
        }
    }
}

impl FromIterator<UnitIndex> for UnitSet {
    fn from_iter<T: IntoIterator<Item = UnitIndex>>(units: T) -> Self {
        let mut set = Self::new();
        set.extend(units);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = UnitSet::new();
        assert!(set.insert(UnitIndex(3)) && set.insert(UnitIndex(64)) && !set.insert(UnitIndex(3)));
        assert!(
            set.contains(UnitIndex(64)) && !set.contains(UnitIndex(65)) && !set.contains(UnitIndex(9999))
        );
        assert_eq!(set.iter().collect::<Vec<_>>(), [UnitIndex(3), UnitIndex(64)]);
        assert!(set.remove(UnitIndex(3)) && !set.remove(UnitIndex(3)) && !set.remove(UnitIndex(9999)));
        assert_eq!(set.len(), 1);
        for count in [0, 1, 63, 64, 65, 200] {
            assert_eq!(UnitSet::full(count).len(), count);
            assert_eq!(UnitSet::full(count), (0..u32::try_from(count).unwrap()).map(UnitIndex).collect());
        }
    }
}
