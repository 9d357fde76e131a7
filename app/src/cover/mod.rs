//! Covers: pictures of games, decoded off the window's thread, kept in bounded memory, faded in; and generated ones
//! for games without a picture.

mod cache;
mod generated;

pub use cache::{Cover, CoverKey, Covers};
pub use generated::{draw, hue, initials};

/// FNV-1a, 32 bits: the same name looks the same on every PC.
fn fnv_1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv_1a(""), 0x811c_9dc5);
        assert_eq!(fnv_1a("a"), 0xe40c_292c);
        assert_eq!(fnv_1a("foobar"), 0xbf9c_f968);
    }
}
