//! Random damage of files.

/// Returns the bytes with one to eight random changes; few are more probable than many.
pub(super) fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let most = 1 + random.below(8);
    for _ in 0..=random.below(most) {
        if bytes.is_empty() {
            break;
        }
        // Half of the changes are near the beginning: headers matter more than data.
        let reach = if random.below(2) == 0 {
            bytes.len().min(700)
        } else {
            bytes.len()
        };
        let at = random.below(reach);
        let end = bytes.len().min(at + 1 + random.below(16));
        match random.below(6) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at..end].fill([0, 0xff][random.below(2)]),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ if random.below(4) == 0 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

/// SplitMix64 generator: its fixed seed makes failures repeatable.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Returns a number from 0 up to, but not including, `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_repeatable() {
        let bytes: Vec<u8> = (0..200).collect();
        let all = |seed| {
            let mut random = Random(seed);
            (0..50)
                .map(|_| damaged(&bytes, &mut random))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        let changed = all(1).iter().filter(|damaged| **damaged != bytes).count();
        assert!(changed > 40, "{changed}");
    }
}
