//! Random erasing (Zhong et al. 2017).

use modiste_core::{ImageShape, Rng};

use super::settings::Erasing;
use crate::augment::random::{between, chance, log_between};
use crate::augment::rectangle::Rectangle;

/// Fills a random rectangle of an image with random bytes, with the probability of the settings.
pub(super) fn apply(erasing: &Erasing, shape: ImageShape, image: &mut [u8], rng: &mut Rng) {
    if !chance(rng, erasing.probability) {
        return;
    }
    let area = between(rng, erasing.area);
    // A rectangle of this area is in the image if its ratio is from `area` to `1 / area`.
    let aspect = erasing.aspect.map(|aspect| aspect.clamp(area, 1.0 / area));
    let aspect = log_between(rng, aspect);
    let sides = [(area / aspect).sqrt(), (area * aspect).sqrt()];
    let rectangle = Rectangle::draw(shape, sides, rng);
    for range in rectangle.rows(shape) {
        for bytes in image[range].chunks_mut(8) {
            let random = rng.next_u64().to_le_bytes();
            bytes.copy_from_slice(&random[..bytes.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erased_area_and_aspect_are_in_range() {
        let shape = ImageShape::new(60, 80, 3);
        let erasing = Erasing {
            probability: 0.5,
            area: [0.1, 0.3],
            aspect: [0.5, 2.0],
        };
        let (mut erased, mut sizes) = (0, Vec::new());
        for seed in 0..300 {
            // No random byte is 0 in all channels of the corners, as a rule.
            let mut image = vec![0; shape.size()];
            apply(&erasing, shape, &mut image, &mut Rng::stream(seed, 9));
            let changed = |index: &usize| image[3 * index..3 * index + 3] != [0; 3];
            let changed: Vec<usize> = (0..60 * 80).filter(changed).collect();
            let Some((first, last)) = changed.first().zip(changed.last()) else {
                continue;
            };
            erased += 1;
            let (rows, columns) = (last / 80 - first / 80 + 1, last % 80 - first % 80 + 1);
            assert!(changed.len() > rows * columns - 5, "a filled rectangle");
            let [height, width] = [rows as f64 / 60.0, columns as f64 / 80.0];
            // Sides are rounded to whole pixels.
            let slack = 0.5 * (height / 80.0 + width / 60.0) + 1e-3;
            let area = height * width;
            assert!((0.1 - slack..0.3 + slack).contains(&area), "{area}");
            let aspect = width / height;
            assert!((0.45..2.2).contains(&aspect), "{aspect}");
            sizes.push(area);
        }
        assert!((110..190).contains(&erased), "{erased} of 300");
        let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
        assert!((mean - 0.2).abs() < 0.02, "{mean}");
    }

    #[test]
    fn whole_image_can_be_erased() {
        let shape = ImageShape::new(3, 5, 1);
        let erasing = Erasing {
            probability: 1.0,
            area: [1.0, 1.0],
            aspect: [0.3, 3.0],
        };
        let mut image = vec![0; 15];
        apply(&erasing, shape, &mut image, &mut Rng::new(1));
        assert!(image.iter().filter(|&&value| value != 0).count() > 12);
        let none = Erasing {
            area: [0.0, 0.0],
            ..erasing
        };
        let mut image = vec![9; 15];
        apply(&none, shape, &mut image, &mut Rng::new(1));
        assert_eq!(image, [9; 15]);
    }
}
