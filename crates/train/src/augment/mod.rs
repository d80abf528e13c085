//! Training images varied at random, so that a network also knows photos: moved, turned, lit
//! otherwise, laid on something.

mod background;
mod filter;
mod geometry;
mod pictures;
mod settings;
mod tone;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;
use rayon::prelude::*;

use background::Background;
use geometry::Placement;

pub use background::Backgrounds;
pub use pictures::made_up_pictures;
pub use settings::{Augmentation, Tone};

/// The stream of [`Rng::stream`] that image 0 of epoch 0 draws from; the epoch is counted in bits 32
/// to 47, the image in the bits below.
const AUGMENT_STREAM: u64 = 1 << 48;

/// One epoch's variations of images of one shape.
pub(crate) struct Variations<'a> {
    pub(crate) augmentation: &'a Augmentation,
    pub(crate) shape: ImageShape,
    /// What a background can be cut out of: gray pictures, of any size.
    pub(crate) pictures: Option<&'a Images>,
    pub(crate) seed: u64,
    pub(crate) epoch: usize,
    pub(crate) epochs: usize,
}

impl Variations<'_> {
    /// Varies the images of one batch, which are those of these `indices`.
    pub(crate) fn vary(&self, indices: &[usize], pixels: &mut [u8]) {
        let size = self.shape.size();
        pixels
            .par_chunks_mut(size)
            .zip(indices)
            .for_each(|(image, &index)| {
                let stream = AUGMENT_STREAM + ((self.epoch as u64) << 32) + index as u64;
                let mut rng = Rng::stream(self.seed, stream);
                if chance(&mut rng, self.augmentation.share(self.epoch, self.epochs)) {
                    self.vary_image(image, &mut rng);
                }
            });
    }

    fn vary_image(&self, image: &mut [u8], rng: &mut Rng) {
        let augmentation = self.augmentation;
        let plane = Plane {
            height: self.shape.height,
            width: self.shape.width,
        };
        let mut gray: Vec<f32> = image.iter().map(|&v| f32::from(v) / 255.0).collect();
        let mut cover = geometry::object(plane, &gray);
        tone::change(&augmentation.tone, plane, &mut gray, &cover, rng);
        for (value, cover) in gray.iter_mut().zip(&cover) {
            *value *= cover;
        }
        let placement = Placement::draw(augmentation, plane, rng);
        gray = placement.apply(plane, &gray);
        cover = placement.apply(plane, &cover);
        let background = Background::draw(&augmentation.background, rng);
        background.lay_under(plane, self.pictures, &mut gray, &cover, rng);
        filter::apply(augmentation, plane, &mut gray, rng);
        for (byte, value) in image.iter_mut().zip(gray) {
            *byte = (255.0 * value).round().clamp(0.0, 255.0) as u8;
        }
    }
}

/// Rows and columns of a gray picture.
#[derive(Clone, Copy)]
struct Plane {
    height: usize,
    width: usize,
}

fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.uniform() < probability
}

/// A number between two.
fn between(rng: &mut Rng, [from, to]: [f64; 2]) -> f64 {
    from + (to - from) * rng.uniform()
}

/// A factor from `1 / most` to `most`, as often below one as above.
fn factor(rng: &mut Rng, most: f64) -> f64 {
    most.powf(between(rng, [-1.0, 1.0]))
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;

    const SIDE: usize = 28;

    /// Images with a bright box in the middle, of `count` shades.
    fn boxes(count: usize) -> Vec<u8> {
        let inside = |index: usize| {
            let (row, column) = (index / SIDE, index % SIDE);
            (8..20).contains(&row) && (10..18).contains(&column)
        };
        (0..count * SIDE * SIDE)
            .map(|index| match inside(index % (SIDE * SIDE)) {
                true => 100 + (index / (SIDE * SIDE)) as u8,
                false => 0,
            })
            .collect()
    }

    /// Nothing changes.
    fn none() -> Augmentation {
        let mut none = Augmentation::photos();
        none.share = 1.0;
        none.tail = 0.0;
        none.scale = [1.0, 1.0];
        none.background = Backgrounds {
            plain: 0.0,
            graded: 0.0,
            picture: 0.0,
            leftover: 0.0,
        };
        let tone = &mut none.tone;
        let zeros = [
            &mut none.shift,
            &mut none.stretch,
            &mut none.rotation,
            &mut none.blur,
            &mut none.sharpen,
            &mut none.noise,
            &mut none.erase,
            &mut tone.change,
            &mut tone.invert,
            &mut tone.pattern,
            &mut tone.light,
        ];
        for zero in zeros {
            *zero = 0.0;
        }
        none.check().expect("all of it can be drawn with");
        none
    }

    /// The first `count` boxes in epoch 3 of 10, varied.
    fn varied(augmentation: &Augmentation, seed: u64, count: usize) -> Vec<u8> {
        let pictures = made_up_pictures(20, 1);
        let variations = Variations {
            augmentation,
            shape: ImageShape::new(SIDE, SIDE, 1),
            pictures: Some(&pictures),
            seed,
            epoch: 3,
            epochs: 10,
        };
        let mut pixels = boxes(count);
        let indices: Vec<usize> = (0..count).collect();
        variations.vary(&indices, &mut pixels);
        pixels
    }

    #[test]
    fn what_an_image_becomes_hangs_on_seed_epoch_and_image_alone() {
        let photos = Augmentation::photos();
        let once = varied(&photos, 7, 40);
        let one_thread = ThreadPoolBuilder::new().num_threads(1).build();
        let again = one_thread
            .expect("a thread")
            .install(|| varied(&photos, 7, 40));
        assert_eq!(once, again);
        assert_ne!(once, varied(&photos, 8, 40));
        // Nor on what else is in the batch.
        assert_eq!(once[..5 * SIDE * SIDE], varied(&photos, 7, 5));
    }

    #[test]
    fn chances_of_zero_change_nothing() {
        assert_eq!(varied(&none(), 1, 20), boxes(20));
        let never = Augmentation {
            share: 0.0,
            tail: 0.0,
            ..Augmentation::photos()
        };
        assert_eq!(varied(&never, 1, 20), boxes(20));
    }

    #[test]
    fn the_last_epochs_are_milder() {
        let photos = Augmentation::photos();
        assert_eq!(photos.share(8, 10), photos.tail_share);
        assert_eq!(photos.share(7, 10), photos.share);
        let none = Augmentation {
            tail: 0.0,
            ..photos
        };
        assert_eq!(none.share(9, 10), none.share);
    }

    /// Rows and columns that are not black: first and last of each.
    fn extent(image: &[u8]) -> [usize; 4] {
        let lit = |index: &usize| image[*index] > 0;
        let lit: Vec<usize> = (0..image.len()).filter(lit).collect();
        let rows = lit.iter().map(|index| index / SIDE);
        let columns = lit.iter().map(|index| index % SIDE);
        [
            rows.clone().min().expect("lit"),
            rows.max().expect("lit"),
            columns.clone().min().expect("lit"),
            columns.max().expect("lit"),
        ]
    }

    #[test]
    fn an_object_moves_and_grows_within_its_range() {
        let moving = Augmentation {
            shift: 3.0,
            ..none()
        };
        let growing = Augmentation {
            scale: [1.2, 1.3],
            ..none()
        };
        let mut moved = 0;
        for image in varied(&moving, 1, 50).chunks_exact(SIDE * SIDE) {
            let [top, bottom, left, right] = extent(image);
            assert!((5..=11).contains(&top) && (16..=23).contains(&bottom));
            assert!((7..=13).contains(&left) && (14..=21).contains(&right));
            moved += usize::from([top, left] != [8, 10]);
        }
        assert!(moved > 30, "{moved} of 50");
        for image in varied(&growing, 1, 50).chunks_exact(SIDE * SIDE) {
            let [top, bottom, ..] = extent(image);
            assert!((14..=18).contains(&(bottom + 1 - top)), "{top} to {bottom}");
        }
    }

    /// One image that is not square, varied: 20 rows of 12 columns, a ramp on black within a margin.
    fn tall(augmentation: &Augmentation, seed: u64) -> [Vec<u8>; 2] {
        let shape = ImageShape::new(20, 12, 1);
        let inside = |row: usize, column: usize| (4..16).contains(&row) && (3..9).contains(&column);
        let before: Vec<u8> = (0..shape.size())
            .map(|index| match (index / 12, index % 12) {
                (row, column) if inside(row, column) => 60 + 8 * row as u8,
                _ => 0,
            })
            .collect();
        let variations = Variations {
            augmentation,
            shape,
            pictures: None,
            seed,
            epoch: 0,
            epochs: 10,
        };
        let mut after = before.clone();
        variations.vary(&[0], &mut after);
        [before, after]
    }

    #[test]
    fn rows_and_columns_do_not_change_places() {
        let erasing = Augmentation {
            erase: 1.0,
            ..none()
        };
        let mut changed_rows = 0;
        for seed in 0..30 {
            let [before, after] = tall(&erasing, seed);
            let changed: Vec<usize> = (0..before.len())
                .filter(|&index| before[index] != after[index])
                .collect();
            let Some((first, last)) = changed.first().zip(changed.last()) else {
                continue;
            };
            let rows = last / 12 - first / 12 + 1;
            assert!(rows <= 8, "{rows} of 20 rows, at most two fifths");
            changed_rows = changed_rows.max(rows);
            let columns = changed.iter().map(|index| index % 12);
            let columns = columns.clone().max().expect("some") - columns.min().expect("some") + 1;
            assert!(columns <= 4, "{columns} of 12 columns, at most two fifths");
        }
        assert!(changed_rows > 4, "{changed_rows}");
    }

    #[test]
    fn light_and_dark_change_places_where_asked_to() {
        let mut inverting = none();
        inverting.tone.change = 1.0;
        inverting.tone.invert = 1.0;
        inverting.tone.contrast = 1.0;
        inverting.tone.gamma = 1.0;
        inverting.tone.mean = [0.5, 0.5];
        let [before, after] = tall(&inverting, 1);
        let (upper, lower) = (5 * 12 + 5, 14 * 12 + 5);
        assert!(before[upper] < before[lower] && after[upper] > after[lower]);
        // The mean of the ramp is a half now; a gap of 9 rows is as large as before.
        let gap = i32::from(after[upper]) - i32::from(after[lower]);
        assert!((gap - 72).abs() <= 2, "{gap}");
    }

    #[test]
    fn blur_keeps_the_sum_and_noise_its_deviation() {
        let sum = |image: &[u8]| image.iter().map(|&value| f64::from(value)).sum::<f64>();
        let blurring = Augmentation {
            blur: 1.0,
            ..none()
        };
        let [before, after] = tall(&blurring, 3);
        assert_ne!(before, after);
        assert!((sum(&before) / sum(&after) - 1.0).abs() < 0.02);
        let noisy = Augmentation {
            noise: 1.0,
            noise_sigma: 10.0,
            ..none()
        };
        let (mut squares, mut count) = (0.0, 0.0);
        for seed in 0..200 {
            let [before, after] = tall(&noisy, seed);
            for (before, after) in before.iter().zip(&after).filter(|(before, _)| **before > 0) {
                squares += (f64::from(*after) - f64::from(*before)).powi(2);
                count += 1.0;
            }
        }
        // The deviation is drawn evenly up to 10, so the mean square is 100 / 3.
        let deviation = f64::sqrt(squares / count);
        assert!((deviation - 5.77).abs() < 0.5, "{deviation}");
    }

    #[test]
    fn a_turn_by_ninety_degrees_turns_the_object() {
        // Drawn evenly from -90 to 90: the largest of many is nearly that.
        let turning = Augmentation {
            rotation: 90.0,
            ..none()
        };
        let widest = (0..60)
            .map(|seed| {
                let [_, after] = tall(&turning, seed);
                let lit: Vec<usize> = (0..after.len()).filter(|&i| after[i] > 30).collect();
                lit.last().expect("lit") / 12 - lit[0] / 12 + 1
            })
            .min();
        // 12 rows of 6 columns: turned, 6 rows of 12 columns.
        assert!(widest <= Some(8), "{widest:?} rows");
    }

    #[test]
    fn a_background_leaves_the_object_alone() {
        let mut laid = none();
        for (chance, least_dark) in [(0, 0.99), (1, 0.9), (2, 0.9), (3, 0.02)] {
            let grounds = &mut laid.background;
            let [plain, graded, picture, leftover] =
                [0, 1, 2, 3].map(|kind| f64::from(u8::from(kind == chance)));
            (grounds.plain, grounds.graded) = (plain, graded);
            (grounds.picture, grounds.leftover) = (picture, leftover);
            let (mut lit, mut ground) = (0, 0);
            for (before, after) in boxes(40).into_iter().zip(varied(&laid, 1, 40)) {
                if before > 0 {
                    assert_eq!(before, after);
                } else {
                    ground += 1;
                    lit += usize::from(after > 0);
                }
            }
            let share = f64::from(lit as u32) / f64::from(ground);
            assert!(share > least_dark, "background {chance}: {share} is lit");
        }
    }
}
