//! Photos on their way to 28x28: masks, frames, transparency, which way up.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use modiste_core::ImageShape;
use modiste_infer::{Cut, Preprocessing, Stage, Step, View, explain, preprocess};
use proptest::prelude::*;

use crate::samples::encoded;

const INPUT: ImageShape = ImageShape::new(28, 28, 1);

/// A shirt of a sort: a body and two sleeves, in the middle of 120 x 100 pixels.
fn is_shirt(x: u32, y: u32) -> bool {
    let body = (35..65).contains(&x) && (25..100).contains(&y);
    let sleeves = (15..85).contains(&x) && (25..45).contains(&y);
    body || sleeves
}

/// It, of one colour, on a ground that a function gives.
fn shirt(colour: [u8; 3], ground: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
    RgbImage::from_fn(100, 120, |x, y| {
        Rgb(if is_shirt(x, y) { colour } else { ground(x, y) })
    })
}

/// The views after the step of this name.
fn after<'a>(stages: &'a [Stage], name: &str) -> &'a [View] {
    let stage = stages.iter().find(|stage| stage.step.name() == name);
    &stage.unwrap_or_else(|| panic!("no step {name}")).views
}

/// Intersection over union of each mask of `preprocessing` with the shirt.
fn overlaps(photo: &RgbImage, preprocessing: &Preprocessing) -> Vec<f64> {
    let bytes = encoded(photo.clone(), ImageFormat::Png);
    let stages = explain(&bytes, preprocessing, INPUT).expect("a photo");
    let overlap = |view: &View| {
        let cover = view.cover.as_ref().expect("a mask");
        let (mut both, mut either) = (0.0, 0.0);
        for (index, &cover) in cover.iter().enumerate() {
            let index = index as u32;
            let shirt = is_shirt(index % 100, index / 100);
            let inside = cover > 127;
            both += f64::from(u8::from(shirt && inside));
            either += f64::from(u8::from(shirt || inside));
        }
        both / either
    };
    after(&stages, "mask").iter().map(overlap).collect()
}

#[track_caller]
fn check(photo: &RgbImage, least: f64) {
    let found = overlaps(photo, &Preprocessing::fashion());
    assert!(found.iter().all(|share| *share > least), "{found:?}");
}

#[test]
fn a_garment_is_told_from_what_it_lies_on() {
    let white = |_, _| [255, 255, 255];
    check(&shirt([30, 30, 40], white), 0.9);
    check(&shirt([232, 228, 225], white), 0.9);
    check(&shirt([200, 190, 60], |_, _| [20, 20, 25]), 0.9);
    check(&shirt([180, 60, 60], |_, _| [70, 120, 180]), 0.9);
    // Light that falls from one side.
    let ramp = |x: u32, y: u32| [90 + x as u8, 80 + y as u8 / 2, 100];
    check(&shirt([30, 160, 90], ramp), 0.9);
    // Checks, as of a blanket.
    let checks = |x: u32, y: u32| match (x / 8 + y / 8) % 2 {
        0 => [200, 180, 150],
        _ => [150, 130, 110],
    };
    check(&shirt([30, 60, 160], checks), 0.85);
}

#[test]
fn a_frame_is_cut_off() {
    let framed = RgbImage::from_fn(140, 160, |x, y| {
        match (20..120).contains(&x) && (20..140).contains(&y) {
            true => *shirt([40, 40, 160], |_, _| [190, 185, 180]).get_pixel(x - 20, y - 20),
            false => Rgb([255, 255, 255]),
        }
    });
    let bytes = encoded(framed, ImageFormat::Png);
    let stages = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    let inside = &after(&stages, "unframe")[0].picture.shape;
    assert_eq!((inside.height, inside.width), (120, 100));
    // A garment on white is no frame around one.
    let plain = encoded(shirt([40, 40, 160], |_, _| [255; 3]), ImageFormat::Png);
    let stages = explain(&plain, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert_eq!(after(&stages, "unframe")[0].picture.shape.height, 120);
}

#[test]
fn transparency_is_the_mask() {
    // White on transparent white: nothing but alpha tells them apart.
    let picture = RgbaImage::from_fn(100, 120, |x, y| {
        Rgba([255, 255, 255, if is_shirt(x, y) { 255 } else { 0 }])
    });
    check_transparent(DynamicImage::from(picture.clone()));
    let wide = DynamicImage::from(picture).into_rgba16();
    check_transparent(DynamicImage::from(wide));
}

#[test]
fn rounded_corners_are_no_mask() {
    let picture = RgbaImage::from_fn(100, 120, |x, y| {
        let corner = x.min(99 - x) + y.min(119 - y) < 8;
        let [red, green, blue] = if is_shirt(x, y) { [30; 3] } else { [220; 3] };
        Rgba([red, green, blue, if corner { 0 } else { 255 }])
    });
    let bytes = encoded(DynamicImage::from(picture), ImageFormat::Png);
    let stages = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert_eq!(after(&stages, "colours")[0].cover, None);
    assert_eq!(after(&stages, "mask").len(), 2);
}

#[track_caller]
fn check_transparent(picture: DynamicImage) {
    let bytes = encoded(picture, ImageFormat::Png);
    let stages = explain(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    let masks = after(&stages, "mask");
    assert_eq!(masks.len(), 1);
    let cover = masks[0].cover.as_ref().expect("a mask");
    let seen = (0..120 * 100)
        .filter(|&i| is_shirt(i % 100, i / 100))
        .count();
    assert_eq!(cover.iter().filter(|cover| **cover == 255).count(), seen);
    // The shirt is seen on black, though it is white.
    let views = preprocess(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    assert!(views[0][14 * 28 + 14] > 60 && views[0][27 * 28] == 0);
}

#[test]
fn a_garment_is_centred_and_as_large_as_it_should_be() {
    let photo = shirt([30, 30, 40], |_, _| [255; 3]);
    let bytes = encoded(photo, ImageFormat::Png);
    let views = preprocess(&bytes, &Preprocessing::fashion(), INPUT).expect("a photo");
    // Two masks, three sizes, each as it is and mirrored.
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
    // The shirt is its own mirror image.
    let apart = views[0]
        .iter()
        .zip(&views[1])
        .map(|(l, r)| l.abs_diff(*r))
        .max();
    assert!(apart < Some(90), "{apart:?}");
}

#[test]
fn exif_turns_the_photo() {
    let turned = include_bytes!("../../../imaging/tests/opencv/turned-exif6-120x80.jpg");
    let stages = explain(turned, &Preprocessing::fashion(), INPUT).expect("a photo");
    let shape = after(&stages, "colours")[0].picture.shape;
    assert_eq!((shape.height, shape.width), (80, 120));
}

#[test]
fn steps_that_lead_nowhere_are_refused() {
    let png = encoded(shirt([0; 3], |_, _| [255; 3]), ImageFormat::Png);
    let refused = |steps: Vec<Step>, shape, expected: &str| {
        let name = "short".into();
        let preprocessing = Preprocessing { name, steps };
        let error = preprocess(&png, &preprocessing, shape).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(explain(&png, &preprocessing, shape), Err(error));
    };
    refused(vec![], INPUT, "the first step reads the photo");
    refused(vec![Step::Mirror], INPUT, "step 1, mirror");
    refused(vec![Step::Read], INPUT, "do not lead there");
    let fashion = Preprocessing::fashion().steps;
    for shape in [
        ImageShape::new(0, 28, 1),
        ImageShape::new(28, usize::MAX, 1),
    ] {
        refused(fashion.clone(), shape, "no pixels, or too many");
    }
    refused(fashion, ImageShape::new(28, 28, 3), "do not lead there");
}

/// Every way there is, for pictures of any size.
fn thorough() -> Preprocessing {
    let mut preprocessing = Preprocessing::fashion();
    for step in &mut preprocessing.steps {
        if let Step::Mask { cuts } = step {
            *cuts = vec![Cut::Distance, Cut::GrabCut, Cut::Centre, Cut::Whole];
        }
    }
    preprocessing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_picture_becomes_an_input(
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
        let views = preprocess(&bytes, &thorough(), INPUT).expect("a picture");
        prop_assert!(!views.is_empty() && views.iter().all(|view| view.len() == 28 * 28));
    }

    #[test]
    fn damaged_photos_never_panic(
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
