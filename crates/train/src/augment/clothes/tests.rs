use super::*;
use crate::augment::{Augmentation, Augmenter};

const SIDE: usize = 28;

/// `count` images with a box of increasing brightness.
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

/// Settings that change nothing.
fn none() -> ClothesAugmentation {
    let mut none = ClothesAugmentation::photos();
    none.probability = 1.0;
    none.final_epochs = 0.0;
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
    none.check().expect("valid settings");
    none
}

/// The first `count` boxes, augmented in epoch 3 of 10.
fn augmented(settings: &ClothesAugmentation, seed: u64, count: usize) -> Vec<u8> {
    let pictures = synthetic_pictures(20, 1);
    let augmenter = Augmenter {
        augmentation: &Augmentation::Clothes(settings.clone()),
        shape: ImageShape::new(SIDE, SIDE, 1),
        pictures: Some(&pictures),
        seed,
        epoch: 3,
        epochs: 10,
    };
    let mut pixels = boxes(count);
    let indices: Vec<usize> = (0..count).collect();
    augmenter.augment(&indices, &mut pixels);
    pixels
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn bytes_never_change() {
    // Runs of earlier versions can be reproduced. Other platforms may round transcendental functions differently.
    let photos = augmented(&ClothesAugmentation::photos(), 7, 100);
    let hash = modiste_dataset::sha256([&photos[..]]);
    assert_eq!(
        hash,
        "5bac0d3aab536f9c17d6272958030e069018240276179556ca4a50edf9470d7c"
    );
}

#[test]
fn probability_zero_changes_nothing() {
    assert_eq!(augmented(&none(), 1, 20), boxes(20));
    let never = ClothesAugmentation {
        probability: 0.0,
        final_epochs: 0.0,
        ..ClothesAugmentation::photos()
    };
    assert_eq!(augmented(&never, 1, 20), boxes(20));
}

#[test]
fn final_epochs_have_final_probability() {
    let photos = ClothesAugmentation::photos();
    assert_eq!(photos.probability_in(8, 10), photos.final_probability);
    assert_eq!(photos.probability_in(7, 10), photos.probability);
    let none = ClothesAugmentation {
        final_epochs: 0.0,
        ..photos
    };
    assert_eq!(none.probability_in(9, 10), none.probability);
}

/// First and last row, first and last column that are not black.
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
fn shift_and_scale_stay_in_range() {
    let moving = ClothesAugmentation {
        shift: 3.0,
        ..none()
    };
    let growing = ClothesAugmentation {
        scale: [1.2, 1.3],
        ..none()
    };
    let mut moved = 0;
    for image in augmented(&moving, 1, 50).chunks_exact(SIDE * SIDE) {
        let [top, bottom, left, right] = extent(image);
        assert!((5..=11).contains(&top) && (16..=23).contains(&bottom));
        assert!((7..=13).contains(&left) && (14..=21).contains(&right));
        moved += usize::from([top, left] != [8, 10]);
    }
    assert!(moved > 30, "{moved} of 50");
    for image in augmented(&growing, 1, 50).chunks_exact(SIDE * SIDE) {
        let [top, bottom, ..] = extent(image);
        assert!((14..=18).contains(&(bottom + 1 - top)), "{top} to {bottom}");
    }
}

/// One image of 20 rows and 12 columns, a ramp on black, before and after augmentation.
fn tall(settings: &ClothesAugmentation, seed: u64) -> [Vec<u8>; 2] {
    let shape = ImageShape::new(20, 12, 1);
    let inside = |row: usize, column: usize| (4..16).contains(&row) && (3..9).contains(&column);
    let before: Vec<u8> = (0..shape.size())
        .map(|index| match (index / 12, index % 12) {
            (row, column) if inside(row, column) => 60 + 8 * row as u8,
            _ => 0,
        })
        .collect();
    let augmenter = Augmenter {
        augmentation: &Augmentation::Clothes(settings.clone()),
        shape,
        pictures: None,
        seed,
        epoch: 0,
        epochs: 10,
    };
    let mut after = before.clone();
    augmenter.augment(&[0], &mut after);
    [before, after]
}

#[test]
fn erase_respects_height_and_width() {
    let erasing = ClothesAugmentation {
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
fn inverts_tone() {
    let mut inverting = none();
    inverting.tone.change = 1.0;
    inverting.tone.invert = 1.0;
    inverting.tone.contrast = 1.0;
    inverting.tone.gamma = 1.0;
    inverting.tone.mean = [0.5, 0.5];
    let [before, after] = tall(&inverting, 1);
    let (upper, lower) = (5 * 12 + 5, 14 * 12 + 5);
    assert!(before[upper] < before[lower] && after[upper] > after[lower]);
    // The mean of the ramp is 0.5 now; the difference over 9 rows is the same as before.
    let gap = i32::from(after[upper]) - i32::from(after[lower]);
    assert!((gap - 72).abs() <= 2, "{gap}");
}

#[test]
fn blur_and_noise_statistics() {
    let sum = |image: &[u8]| image.iter().map(|&value| f64::from(value)).sum::<f64>();
    let blurring = ClothesAugmentation {
        blur: 1.0,
        ..none()
    };
    let [before, after] = tall(&blurring, 3);
    assert_ne!(before, after);
    assert!((sum(&before) / sum(&after) - 1.0).abs() < 0.02);
    let noisy = ClothesAugmentation {
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
    // The deviation is uniform in [0, 10], so the mean square is 100 / 3.
    let deviation = f64::sqrt(squares / count);
    assert!((deviation - 5.77).abs() < 0.5, "{deviation}");
}

#[test]
fn rotates_by_ninety_degrees() {
    // Angles are uniform in [-90, 90]: the largest of many is close to 90.
    let turning = ClothesAugmentation {
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
    // 12 rows of 6 columns become 6 rows of 12 columns.
    assert!(widest <= Some(8), "{widest:?} rows");
}

#[test]
fn background_preserves_object() {
    let mut settings = none();
    for (kind, min_lit) in [(0, 0.99), (1, 0.9), (2, 0.9), (3, 0.02)] {
        let backgrounds = &mut settings.background;
        let [plain, graded, picture, leftover] =
            [0, 1, 2, 3].map(|index| f64::from(u8::from(index == kind)));
        (backgrounds.plain, backgrounds.graded) = (plain, graded);
        (backgrounds.picture, backgrounds.leftover) = (picture, leftover);
        let (mut lit, mut total) = (0, 0);
        for (before, after) in boxes(40).into_iter().zip(augmented(&settings, 1, 40)) {
            if before > 0 {
                assert_eq!(before, after);
            } else {
                total += 1;
                lit += usize::from(after > 0);
            }
        }
        let fraction = f64::from(lit as u32) / f64::from(total);
        assert!(fraction > min_lit, "background {kind}: {fraction} is lit");
    }
}
