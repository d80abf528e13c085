//! Seeded random number generator.

/// SplitMix64 random number generator (Steele, Lea, Flood 2014).
///
/// Initializers, shuffles, augmentation and dropout masks all use this generator, so a seed determines a
/// training run. The state is one `u64`, which checkpoints store.
///
/// ```
/// use modiste_core::Rng;
///
/// let mut rng = Rng::new(7);
/// let mut same = Rng::new(7);
/// assert_eq!(rng.next_u64(), same.next_u64());
/// assert!((0.0..1.0).contains(&rng.uniform()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

/// Increment of the state: 2^64 divided by the golden ratio, rounded to an odd number.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Rng {
    /// Creates a generator with a seed, or with a saved [`state`](Self::state).
    #[inline]
    pub fn new(state: u64) -> Self {
        Self { state }
    }

    /// Creates the generator of an independent stream of `seed`. The initial state is a hash of
    /// both numbers, so streams do not overlap in practice.
    #[inline]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self::new(mix(
            mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA)
        ))
    }

    /// Current state. `Rng::new(rng.state())` continues the sequence.
    #[inline]
    pub fn state(&self) -> u64 {
        self.state
    }

    /// Skips `count` outputs in constant time, so that parts of a sequence can be drawn in parallel.
    #[inline]
    pub fn skip(&mut self, count: u64) {
        self.state = self.state.wrapping_add(GAMMA.wrapping_mul(count));
    }

    /// Returns 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// Returns a number in `[0, 1)` with 53 random bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number below `bound` (Lemire's multiplication), uniform to within 2^-64; 0 if
    /// `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Output function of SplitMix64.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_reference_sequence() {
        // First outputs of Vigna's reference program from state 1234567.
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn shuffle_is_a_seeded_permutation() {
        let shuffled = |seed| {
            let mut items: Vec<usize> = (0..100).collect();
            Rng::new(seed).shuffle(&mut items);
            items
        };
        let mut sorted = shuffled(1);
        assert_eq!(sorted, shuffled(1));
        assert_ne!(sorted, shuffled(2));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn skip_equals_drawing() {
        let (mut drawn, mut skipped) = (Rng::new(9), Rng::new(9));
        for _ in 0..5 {
            drawn.next_u64();
        }
        skipped.skip(5);
        assert_eq!(drawn, skipped);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Rng::stream(1, 0).next_u64(), Rng::stream(1, 1).next_u64());
        assert_ne!(Rng::stream(0, 1).next_u64(), Rng::stream(1, 0).next_u64());
    }
}
