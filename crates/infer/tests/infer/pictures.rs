//! Network inputs against OpenCV's for the same files.

use std::collections::BTreeMap;

use image::ImageFormat;
use modiste_core::{ImageShape, Interpolation};
use modiste_imaging::decode_gray;
use modiste_infer::{Preprocessing, preprocess};
use serde::Deserialize;

use crate::samples::{colours, deviation, encoded, opencv};

#[derive(Deserialize)]
struct Golden {
    images: BTreeMap<String, GoldenPicture>,
}

#[derive(Deserialize)]
struct GoldenPicture {
    gray_height_width: [usize; 2],
    gray_sum: u64,
    gray_first_8: Vec<u8>,
    gray_last_8: Vec<u8>,
    invert_nearest_28: Vec<u8>,
    invert_linear_28: Vec<u8>,
    invert_area_28: Vec<u8>,
}

#[test]
fn inputs_match_opencv() {
    let golden: Golden =
        serde_json::from_slice(&opencv("golden.json")).expect("golden.json has this form");
    assert_eq!(golden.images.len(), 12);
    let mut table = String::new();
    let mut agrees = true;
    for (name, expected) in &golden.images {
        let bytes = opencv(name);
        let gray = decode_gray(&bytes).expect(name);
        let is_jpeg = name.ends_with(".jpg");

        let [height, width] = expected.gray_height_width;
        assert_eq!(gray.shape, ImageShape::new(height, width, 1), "{name}");
        let ends = expected.gray_first_8.len();
        let first = deviation(&gray.pixels[..ends], &expected.gray_first_8);
        let last = deviation(
            &gray.pixels[gray.pixels.len() - ends..],
            &expected.gray_last_8,
        );
        let sum: u64 = gray.pixels.iter().map(|&value| u64::from(value)).sum();
        let mean = sum.abs_diff(expected.gray_sum) as f64 / gray.pixels.len() as f64;

        let resized = |interpolation, expected: &[u8]| {
            let preprocessing = Preprocessing::notebook(interpolation);
            let found = preprocess(&bytes, &preprocessing, ImageShape::new(28, 28, 1)).expect(name);
            deviation(&found[0], expected)
        };
        let nearest = resized(Interpolation::Nearest, &expected.invert_nearest_28);
        let linear = resized(Interpolation::Linear, &expected.invert_linear_28);
        let area = resized(Interpolation::Area, &expected.invert_area_28);

        // Measured: 0 on PNG and 1 on JPEG. Versions of libjpeg differ by 1 among themselves.
        agrees &= if is_jpeg {
            first.max(last) <= 2 && mean < 0.5 && nearest.max(linear).max(area) <= 3
        } else {
            first.max(last) == 0
                && sum == expected.gray_sum
                && nearest == 0
                && linear.max(area) <= 1
        };
        table += &format!(
            "{name}: gray {} (mean {mean:.4}), nearest {nearest}, linear {linear}, area {area}\n",
            first.max(last)
        );
    }
    assert!(agrees, "largest deviations:\n{table}");
}

#[test]
fn rgb_network_gets_upright_colours() {
    let bytes = encoded(colours(), ImageFormat::Png);
    let same =
        preprocess(&bytes, &Preprocessing::default(), ImageShape::new(5, 7, 3)).expect("a PNG");
    assert_eq!(same, [colours().into_raw()]);
    let area = Preprocessing::notebook(Interpolation::Area);
    let input = preprocess(&bytes, &area, ImageShape::new(32, 32, 3)).expect("a PNG");
    assert_eq!(input[0].len(), 32 * 32 * 3);
    assert_eq!(input[0][..3], colours().as_raw()[..3]);
}
