//! Mixup and CutMix: images of a batch that are blended with each other.

use modiste_core::{ImageShape, Rng};
use modiste_dataset::MixedLabel;
use rayon::prelude::*;

use super::image::{ImageAugmentation, Mixing};
use super::random::symmetric_beta;
use super::rectangle::Rectangle;

/// Denominator of the weights of mixup.
const WEIGHT_ONE: u32 = 256;

/// Image that another one is mixed with.
struct Partner {
    /// Position in the batch.
    place: usize,
    method: Method,
}

enum Method {
    /// Weight of the first image in units of `1 / WEIGHT_ONE`.
    Mixup(u32),
    /// Rectangle of the second image.
    CutMix(Rectangle),
}

/// Second labels of a batch whose images are not mixed.
pub(super) fn unmixed(labels: &[u16]) -> Vec<MixedLabel> {
    let labels = labels.iter().enumerate();
    labels
        .map(|(place, &label)| MixedLabel::unmixed(place, label))
        .collect()
}

/// Mixes images of a batch, `[image, row, column, channel]`, in place, and returns the second label of each.
///
/// `rng` returns the generator of the image at a position of the batch. The other image of each is one that is not mixed
/// itself; both are augmented. A batch of one image does not change.
pub(super) fn mix(
    settings: &ImageAugmentation,
    shape: ImageShape,
    labels: &[u16],
    pixels: &mut [u8],
    rng: impl Fn(usize) -> Rng,
) -> Vec<MixedLabel> {
    let mut mixed = unmixed(labels);
    let partners: Vec<Option<Partner>> = (0..labels.len())
        .map(|place| Partner::draw(settings, shape, place, labels.len(), &mut rng(place)))
        .collect();
    if partners.iter().all(Option::is_none) {
        return mixed;
    }
    let size = shape.size();
    let originals = pixels.to_vec();
    pixels
        .par_chunks_mut(size)
        .zip(&mut mixed)
        .zip(partners)
        .for_each(|((image, mixed), partner)| {
            if let Some(Partner { place, method }) = partner {
                mixed.other = labels[place];
                mixed.place = place;
                mixed.weight = method.apply(shape, image, &originals[place * size..][..size]);
            }
        });
    mixed
}

impl Partner {
    /// Draws whether and how the image at `place` of a batch of `count` images is mixed.
    fn draw(
        settings: &ImageAugmentation,
        shape: ImageShape,
        place: usize,
        count: usize,
        rng: &mut Rng,
    ) -> Option<Self> {
        let mut drawn = rng.uniform();
        let mut chosen = |mixing: &Option<Mixing>| {
            let mixing = mixing.as_ref()?;
            let is_chosen = (0.0..mixing.probability).contains(&drawn);
            drawn -= mixing.probability;
            is_chosen.then_some(mixing.alpha)
        };
        let (mixup, cutmix) = (chosen(&settings.mixup), chosen(&settings.cutmix));
        let alpha = mixup.or(cutmix)?;
        if count < 2 {
            return None;
        }
        // One of the others.
        let other = rng.below(count - 1);
        let other = other + usize::from(other >= place);
        let weight = symmetric_beta(rng, alpha);
        let weight = weight.max(1.0 - weight);
        let method = match mixup {
            Some(_) => Method::Mixup((weight * f64::from(WEIGHT_ONE)).round() as u32),
            None => Method::CutMix(Rectangle::draw(shape, [(1.0 - weight).sqrt(); 2], rng)),
        };
        Some(Self {
            place: other,
            method,
        })
    }
}

impl Method {
    /// Mixes `other` into `image`, and returns the weight of `image`.
    fn apply(&self, shape: ImageShape, image: &mut [u8], other: &[u8]) -> f32 {
        match self {
            Self::Mixup(weight) => {
                for (value, &other) in image.iter_mut().zip(other) {
                    let sum = weight * u32::from(*value) + (WEIGHT_ONE - weight) * u32::from(other);
                    *value = ((sum + WEIGHT_ONE / 2) / WEIGHT_ONE) as u8;
                }
                *weight as f32 / WEIGHT_ONE as f32
            }
            Self::CutMix(rectangle) => {
                for range in rectangle.rows(shape) {
                    image[range.clone()].copy_from_slice(&other[range]);
                }
                let area = shape.height * shape.width;
                (area - rectangle.area()) as f32 / area as f32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(6, 10, 3);
    const COUNT: usize = 200;

    fn rng(place: usize) -> Rng {
        Rng::stream(4, place as u64)
    }

    /// Images of one gray level each, which are also their labels.
    fn batch() -> (Vec<u16>, Vec<u8>) {
        let labels: Vec<u16> = (0..COUNT as u16).collect();
        let pixels = labels
            .iter()
            .flat_map(|&label| vec![label as u8; SHAPE.size()]);
        (labels.clone(), pixels.collect())
    }

    fn mixing(probability: f64) -> Option<Mixing> {
        Some(Mixing {
            probability,
            alpha: 1.0,
        })
    }

    #[test]
    fn mixup_is_the_rounded_convex_sum() {
        let settings = ImageAugmentation {
            mixup: mixing(1.0),
            ..ImageAugmentation::default()
        };
        let (labels, mut pixels) = batch();
        let mixed = mix(&settings, SHAPE, &labels, &mut pixels, rng);
        let mut weights = 0.0;
        for ((image, &label), mixed) in pixels.chunks(SHAPE.size()).zip(&labels).zip(&mixed) {
            assert_ne!(mixed.other, label, "an image is not mixed with itself");
            assert!((0.5..=1.0).contains(&mixed.weight));
            let sum =
                mixed.weight * f32::from(label) + (1.0 - mixed.weight) * f32::from(mixed.other);
            // Exact, because weights are multiples of 1/256.
            assert!(
                image
                    .iter()
                    .all(|&value| f32::from(value) == (sum + 0.5).floor())
            );
            weights += f64::from(mixed.weight) / COUNT as f64;
        }
        // Uniform from 0.5 to 1; the standard error is 0.01.
        assert!((weights - 0.75).abs() < 0.04, "{weights}");
    }

    #[test]
    fn cutmix_weight_is_the_visible_area() {
        let settings = ImageAugmentation {
            cutmix: mixing(1.0),
            ..ImageAugmentation::default()
        };
        let (labels, mut pixels) = batch();
        let mixed = mix(&settings, SHAPE, &labels, &mut pixels, rng);
        let mut pasted_images = 0;
        for ((image, &label), mixed) in pixels.chunks(SHAPE.size()).zip(&labels).zip(&mixed) {
            let of = |label: u16| {
                image
                    .iter()
                    .filter(|&&value| u16::from(value) == label)
                    .count()
            };
            let (visible, pasted) = (of(label), of(mixed.other));
            assert_eq!(visible + pasted, SHAPE.size());
            assert_eq!(mixed.weight, visible as f32 / SHAPE.size() as f32);
            pasted_images += usize::from(pasted > 0);
        }
        assert!(pasted_images > 150, "{pasted_images} of 200");
    }

    #[test]
    fn mixup_and_cutmix_have_their_probabilities() {
        let settings = ImageAugmentation {
            mixup: mixing(0.25),
            cutmix: mixing(0.5),
            ..ImageAugmentation::default()
        };
        let mut counts = [0; 3];
        for place in 0..2000 {
            match Partner::draw(&settings, SHAPE, place, 2000, &mut rng(place)) {
                Some(Partner {
                    method: Method::Mixup(_),
                    ..
                }) => counts[0] += 1,
                Some(Partner {
                    method: Method::CutMix(_),
                    ..
                }) => counts[1] += 1,
                None => counts[2] += 1,
            }
        }
        // Standard deviations are 22 at most.
        for (count, expected) in counts.iter().zip([500_i32, 1000, 500]) {
            assert!((count - expected).abs() < 100, "{counts:?}");
        }
    }

    #[test]
    fn second_labels_are_those_of_their_places() {
        let settings = ImageAugmentation {
            mixup: mixing(0.3),
            cutmix: mixing(0.3),
            ..ImageAugmentation::default()
        };
        let labels: Vec<u16> = (0..60).collect();
        let mut pixels = vec![5; 60 * SHAPE.size()];
        let mixed = mix(&settings, SHAPE, &labels, &mut pixels, rng);
        let of_places = mixed.iter().map(|mixed| labels[mixed.place]);
        assert!(of_places.eq(mixed.iter().map(|mixed| mixed.other)));
        let other = mixed.iter().zip(&labels);
        assert!(
            other
                .filter(|(mixed, label)| mixed.other != **label)
                .count()
                > 20
        );
    }

    #[test]
    fn a_single_image_is_not_mixed() {
        let settings = ImageAugmentation {
            mixup: mixing(0.5),
            cutmix: mixing(0.5),
            ..ImageAugmentation::default()
        };
        let mut pixels = vec![5; SHAPE.size()];
        let mixed = mix(&settings, SHAPE, &[3], &mut pixels, rng);
        assert_eq!(mixed, [MixedLabel::unmixed(0, 3)]);
        assert_eq!(pixels, vec![5; SHAPE.size()]);
    }
}
