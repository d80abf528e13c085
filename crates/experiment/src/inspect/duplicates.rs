//! Groups of equal and of similar images.

use std::collections::BTreeMap;

use modiste_imaging::ImageSignature;
use rayon::prelude::*;

/// Groups of two or more indices with equal keys, in the order of their first index.
pub(super) fn groups_of_equal<K: Ord>(keys: impl Iterator<Item = Option<K>>) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (index, key) in keys.enumerate() {
        if let Some(key) = key {
            groups.entry(key).or_default().push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_unstable();
    groups
}

/// First images of the pairs that are in memory at a time.
const FIRST_IMAGES: usize = 256;

/// Groups of two or more images that are near duplicates, directly or by way of others in the group.
///
/// Every pair is compared, which takes a few seconds for 100,000 images.
pub(super) fn groups_of_near(signatures: &[Option<ImageSignature>]) -> Vec<Vec<usize>> {
    let near = |first: usize| {
        let rest = signatures[first + 1..].iter().zip(first + 1..);
        let signature = signatures[first].as_ref();
        rest.filter_map(move |(other, second)| {
            let is_near = signature?.is_near(other.as_ref()?);
            is_near.then_some([first, second])
        })
    };
    let indices: Vec<usize> = (0..signatures.len()).collect();
    let mut roots = indices.clone();
    // Chunk by chunk, because the pairs of many similar images would not fit into memory.
    for chunk in indices.chunks(FIRST_IMAGES) {
        let pairs: Vec<[usize; 2]> = chunk.par_iter().copied().flat_map_iter(near).collect();
        for [first, second] in pairs {
            let [first, second] = [first, second].map(|index| root(&mut roots, index));
            let (lower, upper) = (first.min(second), first.max(second));
            roots[upper] = lower;
        }
    }
    let found = (0..roots.len()).map(|index| Some(root(&mut roots, index)));
    groups_of_equal(found.collect::<Vec<_>>().into_iter())
}

/// Root of a tree of a union-find forest, with path halving.
fn root(roots: &mut [usize], mut index: usize) -> usize {
    while roots[index] != index {
        roots[index] = roots[roots[index]];
        index = roots[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use modiste_core::{ImageShape, Rng};
    use modiste_imaging::Picture;

    use super::*;

    #[test]
    fn groups_equal_keys() {
        let keys = [Some(5), None, Some(3), Some(5), None, Some(3), Some(9)];
        assert_eq!(groups_of_equal(keys.into_iter()), [[0, 3], [2, 5]]);
    }

    #[test]
    fn groups_brighter_and_darker_versions() {
        let mut rng = Rng::new(3);
        let mut noise = || -> Vec<u8> { (0..400).map(|_| rng.below(120) as u8).collect() };
        let [one, other] = [noise(), noise()];
        let brighter = |pixels: &[u8], by: u8| pixels.iter().map(|value| value + by).collect();
        let images: [Vec<u8>; 5] = [
            one.clone(),
            other.clone(),
            brighter(&one, 40),
            vec![7; 400],
            brighter(&one, 90),
        ];
        let signatures = images.map(|pixels| {
            let picture = Picture {
                shape: ImageShape::new(20, 20, 1),
                pixels,
            };
            ImageSignature::of(&picture).ok()
        });
        assert_eq!(groups_of_near(&signatures), [[0, 2, 4]]);
    }
}
