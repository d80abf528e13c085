//! The one source of dropout's randomness, shared by the walk and the graph.

use modiste_dataset::Rng;
use rayon::prelude::*;

/// Fills `mask` with 1 where a value is kept, probability `1 - rate`, and 0 where it is dropped.
///
/// `rng` gives one number, from which the whole mask follows: pieces are drawn at the same time,
/// and the mask does not depend on how many threads there are.
pub(crate) fn fill_dropout_mask(rng: &mut Rng, rate: f32, mask: &mut [u8]) {
    const PIECE: usize = 16 * 1024;
    let start = Rng::new(rng.next_u64());
    // Of the 2^32 halves of a number, so many drop a value.
    let dropped = (f64::from(rate) * 4_294_967_296.0) as u64;
    mask.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(index, piece)| {
            let mut rng = start.clone();
            rng.skip((index * PIECE / 2) as u64);
            for pair in piece.chunks_mut(2) {
                let bits = rng.next_u64();
                for (keep, half) in pair.iter_mut().zip([bits >> 32, bits & 0xffff_ffff]) {
                    *keep = u8::from(half >= dropped);
                }
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_share_whatever_the_pieces() {
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
    fn a_rate_of_zero_keeps_all() {
        let mut mask = vec![0; 1000];
        fill_dropout_mask(&mut Rng::new(1), 0.0, &mut mask);
        assert!(mask.iter().all(|&keep| keep == 1));
    }
}
