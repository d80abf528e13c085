//! Choice of some of many, evenly spread.

use modiste_dataset::Images;

/// Returns at most `count` numbers below `len`, evenly spread, in ascending order.
pub(crate) fn spread(len: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(len);
    (0..count).map(move |place| place * len / count)
}

/// Returns at most `count` images, evenly spread. Unlike the first ones, they are of all classes if the images are
/// sorted by class.
pub(crate) fn spread_images(images: &Images, count: usize) -> Images {
    let indices: Vec<usize> = spread(images.len(), count).collect();
    images.subset(&indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_evenly_spread() {
        for (len, count, expected) in [
            (10, 3, &[0, 3, 6][..]),
            (3, 10, &[0, 1, 2]),
            (4, 4, &[0, 1, 2, 3]),
            (0, 3, &[]),
            (3, 0, &[]),
        ] {
            assert_eq!(spread(len, count).collect::<Vec<_>>(), expected);
        }
    }
}
