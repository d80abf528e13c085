//! Stratified random splits.

use std::collections::BTreeMap;

use modiste_core::Rng;

use crate::images::Images;

/// Stream of [`Rng::stream`] that splits draw from.
const SPLIT_STREAM: u64 = 3;

impl Images {
    /// Splits the images at random into two slices, class by class: `fraction` of the images of each class, 0 to 1,
    /// go to the second slice.
    ///
    /// A class of two or more images has at least one in either slice, unless `fraction` of all images rounds to no
    /// image or to all of them, which leaves one slice empty. Both slices keep the order of the images. The same seed
    /// gives the same split.
    ///
    /// ```
    /// use modiste_dataset::{ImageShape, Images};
    ///
    /// // Six images of class 0, then four of class 1.
    /// let labels = [vec![0; 6], vec![1; 4]].concat();
    /// let images = Images::new(ImageShape::new(1, 1, 1), (0..10).collect(), labels)?;
    /// let (train, validation) = images.split_stratified(0.5, 1);
    /// assert_eq!(train.labels(), [0, 0, 0, 1, 1]);
    /// assert_eq!(validation.labels(), [0, 0, 0, 1, 1]);
    /// # Ok::<(), modiste_dataset::ImagesError>(())
    /// ```
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> (Self, Self) {
        match (self.len() as f64 * fraction).round() as usize {
            0 => return self.split_at(self.len()),
            all if all >= self.len() => return self.split_at(0),
            _ => {}
        }
        let mut classes: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (index, &label) in self.labels().iter().enumerate() {
            classes.entry(label).or_default().push(index);
        }
        let mut rng = Rng::stream(seed, SPLIT_STREAM);
        let mut held_out = vec![false; self.len()];
        for indices in classes.values_mut() {
            rng.shuffle(indices);
            let wanted = (indices.len() as f64 * fraction).round() as usize;
            let count = match indices.len() {
                0 | 1 => 0,
                len => wanted.clamp(1, len - 1),
            };
            for &index in &indices[..count] {
                held_out[index] = true;
            }
        }
        let (second, first): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&index| held_out[index]);
        (self.subset(&first), self.subset(&second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modiste_core::ImageShape;

    #[test]
    fn split_keeps_every_class_in_both_parts() {
        // Ordered by class, as images from folders are: 40, 10, 3 and 1 of a class.
        let labels = [vec![0; 40], vec![1; 10], vec![2; 3], vec![3; 1]].concat();
        let images = Images::new(ImageShape::new(1, 1, 1), (0..54).collect(), labels);
        let images = images.expect("a byte each");
        let (train, held_out) = images.split_stratified(0.1, 7);
        let count =
            |images: &Images, class| images.labels().iter().filter(|&&l| l == class).count();
        let counts = |images| [0, 1, 2, 3].map(|class| count(images, class));
        assert_eq!(counts(&train), [36, 9, 2, 1]);
        assert_eq!(counts(&held_out), [4, 1, 1, 0]);
        let bytes = [&train, &held_out].map(|part| part.to_contiguous().expect("in memory"));
        let mut all = bytes.concat();
        all.sort_unstable();
        assert_eq!(all, (0..54).collect::<Vec<u8>>());
        assert_eq!(images.split_stratified(0.1, 7).1, held_out);
        assert_ne!(images.split_stratified(0.1, 8).1, held_out);
    }

    #[test]
    fn split_of_a_view_selects_from_the_view() {
        let labels = (0..20).map(|index| index % 2).collect();
        let images = Images::new(ImageShape::new(1, 1, 1), (0..20).collect(), labels);
        let even = images.expect("a byte each").subset(&[2, 4, 6, 8, 10, 12]);
        let (train, held_out) = even.split_stratified(0.5, 3);
        let bytes = [&train, &held_out].map(|part| part.to_contiguous().expect("in memory"));
        let mut all = bytes.concat();
        all.sort_unstable();
        assert_eq!(all, [2, 4, 6, 8, 10, 12]);
        assert_eq!((train.len(), held_out.len()), (3, 3));
    }
}
