//! One seed for all that is random: each consumer draws from a stream of its own, so that a change in one does not shift
//! the others.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream that belongs to `name` under `seed`.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(fnv1a(name.as_bytes()));
    rng
}

/// The hash of Fowler, Noll and Vo, variant 1a, 64 bits: fixed for all time, unlike the standard library's.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A seed for a run that was given none: from the operating system's randomness, small enough to type.
pub fn fresh() -> u64 {
    let state = std::collections::hash_map::RandomState::new();
    std::hash::BuildHasher::hash_one(&state, std::process::id()) % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn a_stream_is_fixed_and_its_own() {
        let draw = |seed, name: &str| stream(seed, name).random::<u64>();
        assert_eq!(draw(1, "schedule"), draw(1, "schedule"));
        assert_ne!(draw(1, "schedule"), draw(1, "workload"));
        assert_ne!(draw(1, "schedule"), draw(2, "schedule"));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
