//! Preprocessing of photos: segmentation, borders, transparency, orientation.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use modiste_core::ImageShape;
use modiste_infer::{Preprocessing, Segmentation, Step, StepResult, View, explain, preprocess};
use proptest::prelude::*;

use crate::samples::encoded;

const INPUT: ImageShape = ImageShape::new(28, 28, 1);

/// Shape of a shirt, a body and two sleeves, in the middle of 120x100 pixels.
fn is_shirt(x: u32, y: u32) -> bool {
    let body = (35..65).contains(&x) && (25..100).contains(&y);
    let sleeves = (15..85).contains(&x) && (25..45).contains(&y);
    body || sleeves
}

/// Photo of a shirt of one colour on a background.
fn shirt(colour: [u8; 3], background: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
    RgbImage::from_fn(100, 120, |x, y| {
        Rgb(if is_shirt(x, y) {
            colour
        } else {
            background(x, y)
        })
    })
}

/// Views after the step with this stored name.
fn after<'a>(results: &'a [StepResult], name: &str) -> &'a [View] {
    let result = results.iter().find(|result| result.step.name() == name);
    &result.unwrap_or_else(|| panic!("no step {name}")).views
}

/// Intersection over union of each mask of `preprocessing` with the shirt.
fn overlaps(photo: &RgbImage, preprocessing: &Preprocessing) -> Vec<f64> {
    let bytes = encoded(photo.clone(), ImageFormat::Png);
    let results = explain(&bytes, preprocessing, INPUT).expect("a photo");
    let overlap = |view: &View| {
        let mask = view.mask.as_ref().expect("a mask");
        let (mut both, mut either) = (0.0, 0.0);
        for (index, &coverage) in mask.iter().enumerate() {
            let index = index as u32;
            let shirt = is_shirt(index % 100, index / 100);
            let inside = coverage > 127;
            both += f64::from(u8::from(shirt && inside));
            either += f64::from(u8::from(shirt || inside));
        }
        both / either
    };
    after(&results, "mask").iter().map(overlap).collect()
}

#[track_caller]
fn check(photo: &RgbImage, min_overlap: f64) {
    let found = overlaps(photo, &Preprocessing::fashion());
    assert!(
        found.iter().all(|overlap| *overlap > min_overlap),
        "{found:?}"
    );
}

#[test]
fn segments_garment_from_background() {
    let white = |_, _| [255, 255, 255];
    check(&shirt([30, 30, 40], white), 0.9);
    check(&shirt([232, 228, 225], white), 0.9);
    check(&shirt([200, 190, 60], |_, _| [20, 20, 25]), 0.9);
    check(&shirt([180, 60, 60], |_, _| [70, 120, 180]), 0.9);
    // Light from one side.
    let ramp = |x: u32, y: u32| [90 + x as u8, 80 + y as u8 / 2, 100];
    check(&shirt([30, 160, 90], ramp), 0.9);
    // A chequered blanket.
    let checks = |x: u32, y: u32| match (x / 8 + y / 8) % 2 {
        0 => [200, 180, 150],
        _ => [150, 130, 110],
    };
    check(&shirt([30, 60, 160], checks), 0.85);
}

#[test]
fn crops_border() {
    let framed = RgbImage::from_fn(140, 160, |x, y| {
        match (20..120).contains(&x) && (20..140).contains(&y) {
            true => *shirt([40, 40, 160], |_, _| [190, 185, 180]).get_pixel(x - 20, y - 20),
            false => Rgb([255, 255, 255]),
        }
    });
    let bytes = encoded(framed, ImageFormat::Png);
    let results = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    let inside = &after(&results, "unframe")[0].picture.shape;
    assert_eq!((inside.height, inside.width), (120, 100));
    // The white around a garment is not a border.
    let plain = encoded(shirt([40, 40, 160], |_, _| [255; 3]), ImageFormat::Png);
    let results = explain(&plain, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert_eq!(after(&results, "unframe")[0].picture.shape.height, 120);
}

#[test]
fn alpha_is_the_mask() {
    // White on transparent white: only alpha separates them.
    let picture = RgbaImage::from_fn(100, 120, |x, y| {
        Rgba([255, 255, 255, if is_shirt(x, y) { 255 } else { 0 }])
    });
    check_transparent(DynamicImage::from(picture.clone()));
    let wide = DynamicImage::from(picture).into_rgba16();
    check_transparent(DynamicImage::from(wide));
}

#[test]
fn rounded_corners_are_not_a_mask() {
    let picture = RgbaImage::from_fn(100, 120, |x, y| {
        let corner = x.min(99 - x) + y.min(119 - y) < 8;
        let [red, green, blue] = if is_shirt(x, y) { [30; 3] } else { [220; 3] };
        Rgba([red, green, blue, if corner { 0 } else { 255 }])
    });
    let bytes = encoded(DynamicImage::from(picture), ImageFormat::Png);
    let results = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert_eq!(after(&results, "colours")[0].mask, None);
    assert_eq!(after(&results, "mask").len(), 2);
}

#[track_caller]
fn check_transparent(picture: DynamicImage) {
    let bytes = encoded(picture, ImageFormat::Png);
    let results = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    let masks = after(&results, "mask");
    assert_eq!(masks.len(), 1);
    let mask = masks[0].mask.as_ref().expect("a mask");
    let seen = (0..120 * 100)
        .filter(|&i| is_shirt(i % 100, i / 100))
        .count();
    assert_eq!(
        mask.iter().filter(|coverage| **coverage == 255).count(),
        seen
    );
    // The white shirt is light on black, not inverted to black.
    let views = preprocess(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert!(views[0][14 * 28 + 14] > 60 && views[0][27 * 28] == 0);
}

#[test]
fn centres_garment_in_three_sizes() {
    let photo = shirt([30, 30, 40], |_, _| [255; 3]);
    let bytes = encoded(photo, ImageFormat::Png);
    let views = preprocess(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    // Two masks, three sizes, each with its mirror image.
    assert_eq!(views.len(), 12);
    for (view, size) in views.iter().zip([28, 28, 26, 26, 23, 23].repeat(2)) {
        let lit = |row: &[u8]| row.iter().any(|&value| value > 60);
        let rows: Vec<bool> = view.chunks_exact(28).map(lit).collect();
        let count = rows.iter().filter(|lit| **lit).count();
        assert!(count.abs_diff(size) <= 1, "{count} rows, not {size}");
        let above = rows.iter().take_while(|lit| !**lit).count();
        let below = rows.iter().rev().take_while(|lit| !**lit).count();
        assert!(above.abs_diff(below) <= 1, "{above} above, {below} below");
    }
    // The shirt is symmetric.
    let apart = views[0]
        .iter()
        .zip(&views[1])
        .map(|(l, r)| l.abs_diff(*r))
        .max();
    assert!(apart < Some(90), "{apart:?}");
}

#[test]
fn applies_exif_orientation() {
    let turned = include_bytes!("../../../imaging/tests/opencv/turned-exif6-120x80.jpg");
    let results = explain(turned, &Preprocessing::fashion(), INPUT).expect("a photo");
    let shape = after(&results, "colours")[0].picture.shape;
    assert_eq!((shape.height, shape.width), (80, 120));
}

#[test]
fn rejects_invalid_steps_and_shapes() {
    let png = encoded(shirt([0; 3], |_, _| [255; 3]), ImageFormat::Png);
    let rejected = |steps: Vec<Step>, shape, expected: &str| {
        let name = "short".into();
        let preprocessing = Preprocessing { name, steps };
        let error = preprocess(&png, &preprocessing, shape).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(explain(&png, &preprocessing, shape), Err(error));
    };
    rejected(vec![], INPUT, "the first step must decode the photo");
    rejected(vec![Step::Mirror], INPUT, "step 1, mirror");
    rejected(vec![Step::Read], INPUT, "but the network takes");
    let fashion = Preprocessing::fashion().steps;
    for shape in [
        ImageShape::new(0, 28, 1),
        ImageShape::new(28, usize::MAX, 1),
    ] {
        rejected(fashion.clone(), shape, "no pixels, or too many");
    }
    rejected(fashion, ImageShape::new(28, 28, 3), "but the network takes");
}

/// Preprocessing with all segmentation methods.
fn all_methods() -> Preprocessing {
    let mut preprocessing = Preprocessing::fashion();
    for step in &mut preprocessing.steps {
        if let Step::Segment { methods } = step {
            *methods = vec![
                Segmentation::Distance,
                Segmentation::GrabCut,
                Segmentation::Centre,
                Segmentation::Whole,
            ];
        }
    }
    preprocessing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_picture_gives_an_input(
        height in 1u32..60,
        width in 1u32..60,
        kind in 0..4,
        seed in any::<u64>(),
    ) {
        let mut rng = modiste_core::Rng::new(seed);
        let picture = RgbaImage::from_fn(width, height, |x, _| match kind {
            0 => Rgba([127, 127, 127, 255]),
            1 => Rgba([rng.next_u64() as u8, rng.next_u64() as u8, 0, 255]),
            2 => Rgba([x as u8, 0, 0, rng.next_u64() as u8]),
            _ => Rgba([255, 255, 255, 0]),
        });
        let bytes = encoded(DynamicImage::from(picture), ImageFormat::Png);
        let views = preprocess(&bytes, &all_methods(), INPUT).expect("a picture");
        prop_assert!(!views.is_empty() && views.iter().all(|view| view.len() == 28 * 28));
    }

    #[test]
    fn damaged_photos_do_not_panic(
        start in any::<prop::sample::Index>(),
        length in 1usize..64,
        fill in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = include_bytes!("../../../imaging/tests/opencv/large-612x408.jpg").to_vec();
        let start = start.index(bytes.len());
        if cut {
            bytes.truncate(start);
        } else {
            let end = (start + length).min(bytes.len());
            bytes[start..end].fill(fill);
        }
        if let Ok(views) = preprocess(&bytes, &Preprocessing::fashion(), INPUT) {
            prop_assert!(views.iter().all(|view| view.len() == 28 * 28));
        }
    }
}
