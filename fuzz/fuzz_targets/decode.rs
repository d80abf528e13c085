//! Arbitrary bytes as an image file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modiste_imaging::{Error, decode_gray, decode_rgb, image_warning};

fuzz_target!(|bytes: &[u8]| {
    for (picture, channels) in [(decode_gray(bytes), 1), (decode_rgb(bytes), 3)] {
        match picture {
            Ok(picture) => {
                assert_eq!(picture.shape.channels, channels);
                assert_eq!(picture.pixels.len(), picture.shape.size());
            }
            Err(error) => assert!(!matches!(error, Error::Panicked { .. }), "{error}"),
        }
    }
    image_warning(bytes);
});
