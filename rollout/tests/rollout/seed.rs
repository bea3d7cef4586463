//! The seed of a run's random choices.

use rand::{SeedableRng as _, rngs::StdRng};

/// Returns the seed of `ROLLOUT_SEED`, or a new one. Prints it.
pub fn seed() -> u64 {
    let seed = std::env::var("ROLLOUT_SEED").ok().map_or_else(rand::random, |seed| seed.parse().expect("a number"));
    println!("ROLLOUT_SEED={seed}");
    seed
}

/// Returns the random numbers of one actor of a run.
pub fn dice(seed: u64, actor: u64) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(actor))
}
