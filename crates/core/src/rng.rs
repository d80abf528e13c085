//! The one generator that every random choice draws from.

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, one multiplication chain per number.
///
/// Initialisers, shuffles and dropout masks all draw from it, so a seed decides a run. The state
/// is one `u64`, which a checkpoint can hold.
///
/// ```
/// use modiste_core::Rng;
///
/// let mut rng = Rng::new(7);
/// let mut again = Rng::new(7);
/// assert_eq!(rng.next_u64(), again.next_u64());
/// assert!((0.0..1.0).contains(&rng.uniform()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

/// The increment of SplitMix64's state: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Rng {
    /// A generator that starts at `state`.
    pub fn new(state: u64) -> Self {
        Self { state }
    }

    /// A generator for one purpose of one run: streams of the same seed do not overlap in practice,
    /// because the start is hashed from both numbers.
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self::new(mix(
            mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA)
        ))
    }

    /// The present state; `Rng::new(rng.state())` goes on where `rng` is.
    pub fn state(&self) -> u64 {
        self.state
    }

    /// Goes past `count` outputs at once, so that parts of one sequence can be drawn in parallel.
    pub fn skip(&mut self, count: u64) {
        self.state = self.state.wrapping_add(GAMMA.wrapping_mul(count));
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// The next number in `[0, 1)`, with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `bound`, each equally likely to within 2^-64 (Lemire's multiplication).
    ///
    /// Returns 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// SplitMix64's output function.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_sequence() {
        // The first outputs of SplitMix64 from state 1234567, as in Vigna's reference program.
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
    fn shuffle_is_a_permutation_that_the_seed_decides() {
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
    fn skipping_is_drawing_and_forgetting() {
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
