//! Random masks for dropout, shared by both engines.

use modiste_core::Rng;
use rayon::prelude::*;

/// Fills `mask` with 1 (keep the value, probability `1 - rate`) and 0 (drop the value).
///
/// The whole mask follows from one number of `rng`. Pieces are filled in parallel, and the mask does
/// not depend on the number of threads.
pub(crate) fn fill_dropout_mask(rng: &mut Rng, rate: f32, mask: &mut [u8]) {
    const PIECE: usize = 16 * 1024;
    let start = Rng::new(rng.next_u64());
    // One 64-bit number decides four values, 16 bits each: this many of the 2^16 patterns drop a value.
    let dropped = (f64::from(rate) * 65_536.0).round() as u64;
    mask.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(index, piece)| {
            let mut rng = start.clone();
            rng.skip((index * PIECE / 4) as u64);
            let (fours, rest) = piece.as_chunks_mut();
            for four in fours {
                *four = keep_mask(rng.next_u64(), dropped);
            }
            rest.copy_from_slice(&keep_mask(rng.next_u64(), dropped)[..rest.len()]);
        });
}

/// Mask of four values from 64 random bits.
fn keep_mask(bits: u64, dropped: u64) -> [u8; 4] {
    [bits, bits >> 16, bits >> 32, bits >> 48].map(|bits| u8::from(bits & 0xffff >= dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_probability_and_prefix_stability() {
        let mut mask = vec![9; 100_000];
        fill_dropout_mask(&mut Rng::new(1), 0.25, &mut mask);
        let kept = mask.iter().filter(|&&keep| keep == 1).count();
        assert!(mask.iter().all(|&keep| keep <= 1));
        // The standard deviation is 137.
        assert!((74_300..75_700).contains(&kept), "{kept} of 100,000");
        let mut shorter = vec![9; 20_000];
        fill_dropout_mask(&mut Rng::new(1), 0.25, &mut shorter);
        assert_eq!(shorter, mask[..20_000]);
    }

    #[test]
    fn rate_zero_keeps_everything() {
        let mut mask = vec![0; 1000];
        fill_dropout_mask(&mut Rng::new(1), 0.0, &mut mask);
        assert!(mask.iter().all(|&keep| keep == 1));
    }
}
