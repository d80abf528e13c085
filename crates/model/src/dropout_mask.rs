//! The one source of dropout's randomness, shared by the walk and the graph.

use modiste_core::Rng;
use rayon::prelude::*;

/// Fills `mask` with 1 where a value is kept, probability `1 - rate`, and 0 where it is dropped.
///
/// `rng` gives one number, from which the whole mask follows: pieces are drawn at the same time,
/// and the mask does not depend on how many threads there are.
pub(crate) fn fill_dropout_mask(rng: &mut Rng, rate: f32, mask: &mut [u8]) {
    const PIECE: usize = 16 * 1024;
    let start = Rng::new(rng.next_u64());
    // Four values from each number, 16 bits for each: so many of their 2^16 values drop one.
    let dropped = (f64::from(rate) * 65_536.0).round() as u64;
    mask.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(index, piece)| {
            let mut rng = start.clone();
            rng.skip((index * PIECE / 4) as u64);
            let (fours, rest) = piece.as_chunks_mut();
            for four in fours {
                *four = keep(rng.next_u64(), dropped);
            }
            rest.copy_from_slice(&keep(rng.next_u64(), dropped)[..rest.len()]);
        });
}

/// Whether four values are kept.
fn keep(bits: u64, dropped: u64) -> [u8; 4] {
    [bits, bits >> 16, bits >> 32, bits >> 48].map(|bits| u8::from(bits & 0xffff >= dropped))
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
