//! A file gives the same bytes in training and in prediction.

use std::fs;
use std::path::Path;

use modiste_core::{Fit, ImageShape};
use modiste_dataset::{CacheOptions, Color, ImageFolder};
use modiste_infer::{Preprocessing, explain, preprocess};

/// Gray, RGB, transparent, palette, 16-bit, rotated by EXIF, very small and very long images.
const FILES: [&str; 9] = [
    "gray-40x90.png",
    "gray16-33x29.png",
    "graymode-77x55.jpg",
    "large-612x408.jpg",
    "one-1x1.png",
    "palette-50x50.png",
    "rgba-64x48.png",
    "turned-exif6-120x80.jpg",
    "wide-37x900.png",
];

#[test]
fn dataset_and_prediction_decode_alike() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imaging/tests/opencv");
    let folder = tempfile::tempdir().expect("a folder");
    for (index, file) in FILES.iter().enumerate() {
        let class = folder.path().join(["a", "b"][index % 2]);
        fs::create_dir_all(&class).expect("a folder");
        fs::copy(samples.join(file), class.join(file)).expect("copied");
    }
    let source = ImageFolder::open(folder.path()).expect("two classes");
    for (color, channels) in [(Color::Gray, 1), (Color::Rgb, 3)] {
        for mode in [Fit::Pad, Fit::Crop, Fit::Stretch] {
            let source = source.clone().resized(48, 64).color(color).fitted(mode);
            let loaded = source.cached(CacheOptions::Off).load().expect("decoded");
            assert_eq!(loaded.images.len(), FILES.len(), "{:?}", loaded.bad);
            let steps = Preprocessing::images(mode);
            let shape = ImageShape::new(48, 64, channels);
            for (index, sample) in loaded.listing.samples.iter().enumerate() {
                let photo = fs::read(loaded.listing.file(sample)).expect("a file");
                let views = preprocess(&photo, &steps, shape).expect("decoded");
                let image = loaded.images.image(index).expect("in memory");
                let name = sample.path.display();
                assert_eq!((views.len(), &views[0][..]), (1, &*image), "{name}, {mode}");
            }
        }
    }
}

#[test]
fn fitted_view_keeps_its_place_in_the_photo() {
    let photo = include_bytes!("../../../imaging/tests/opencv/large-612x408.jpg");
    let shape = ImageShape::new(64, 64, 3);
    for (mode, rows, columns) in [
        // 612 rows of 408 pixels become 64 of 43, with 10 columns of padding before.
        (Fit::Pad, [0.0, 1.0], [-10.0 / 43.0, 54.0 / 43.0]),
        (Fit::Crop, [1.0 / 6.0, 5.0 / 6.0], [0.0, 1.0]),
        (Fit::Stretch, [0.0, 1.0], [0.0, 1.0]),
    ] {
        let results = explain(photo, &Preprocessing::images(mode), shape).expect("decoded");
        let window = results[1].views[0].window;
        for (found, expected) in [(window.rows, rows), (window.columns, columns)] {
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{mode}: {window:?}");
            }
        }
    }
}
