//! Agreement between formats, limits, and invalid input.

use image::ImageFormat;
use modiste_core::ImageShape;
use modiste_imaging::{
    Error, Interpolation, Picture, decode_gray, decode_opaque, decode_over_white, decode_rgb,
    image_size, resize,
};
use proptest::prelude::*;

use crate::samples::{colours, deviation, encoded, opencv};

#[test]
fn formats_agree_on_colours() {
    let gray = decode_gray(&encoded(colours(), ImageFormat::Png)).expect("a PNG");
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Tiff,
    ] {
        let bytes = encoded(colours(), format);
        let rgb = decode_rgb(&bytes).expect("what was just encoded");
        assert_eq!(rgb.shape, ImageShape::new(5, 7, 3), "{format:?}");
        let palette = if format == ImageFormat::Gif { 8 } else { 0 };
        assert!(
            deviation(&rgb.pixels, colours().as_raw()) <= palette,
            "{format:?}"
        );
        let found = decode_gray(&bytes).expect("what was just encoded");
        assert!(
            deviation(&found.pixels, &gray.pixels) <= 1 + palette,
            "{format:?}"
        );
    }
}

#[test]
fn png_gamma_converts_in_linear_light() {
    let with_gamma = |gamma| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Rgb);
        if let Some(gamma) = gamma {
            encoder.set_source_gamma(png::ScaledFloat::new(gamma));
        }
        let mut writer = encoder.write_header().expect("a header");
        writer
            .write_image_data(&[255, 0, 0, 80, 80, 80])
            .expect("two pixels");
        writer.finish().expect("an end");
        decode_gray(&bytes).expect("a PNG").pixels
    };
    assert_eq!(with_gamma(None), [76, 80]);
    // OpenCV 4.11 gives the same for this file.
    assert_eq!(with_gamma(Some(0.45455)), [147, 80]);
}

#[test]
fn rejects_oversized_images_before_decoding() {
    let mut png = encoded(colours(), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]); // 20,000 x 20,000
    let sum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    let mut bmp = encoded(colours(), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&20_000i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000i32.to_le_bytes());
    let mut gif = encoded(colours(), ImageFormat::Gif);
    gif[6..10].fill(0xff);
    let mut jpeg = encoded(colours(), ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .expect("a baseline frame");
    jpeg[frame + 5..frame + 9].fill(0xff);
    for (name, bytes) in [("png", png), ("bmp", bmp), ("gif", gif), ("jpeg", jpeg)] {
        for result in [decode_gray(&bytes), decode_rgb(&bytes)] {
            assert!(
                matches!(result, Err(Error::TooManyPixels { .. })),
                "{name}: {result:?}"
            );
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn names_unsupported_content() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let error = decode_gray(bytes).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(decode_rgb(bytes), Err(error));
    }
    check(b"", "the file is empty; supported formats are PNG");
    check(b"epoch,loss", "unsupported image format");
    check(b"II*\0\x08\0\0\0", "the TIFF image is damaged");
    let png = encoded(colours(), ImageFormat::Png);
    check(&png[..png.len() / 2], "the PNG image is damaged");
    check(&[0xff, 0xd8, 0xff, 0xe0], "the JPEG image is damaged");
}

/// Checks that decoding returns an error or a consistent picture.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    for (picture, channels) in [(decode_gray(bytes), 1), (decode_rgb(bytes), 3)] {
        if let Ok(picture) = picture {
            prop_assert_eq!(picture.shape.channels, channels);
            prop_assert_eq!(picture.pixels.len(), picture.shape.size());
            let small = resize(&picture, 3, 2, Interpolation::Area);
            prop_assert_eq!(small.map(|small| small.pixels.len()), Ok(6 * channels));
        }
    }
    Ok(())
}

fn samples() -> Vec<Vec<u8>> {
    let mut samples: Vec<Vec<u8>> = [
        "rgba-64x48.png",
        "palette-50x50.png",
        "gray16-33x29.png",
        "turned-exif6-120x80.jpg",
        "graymode-77x55.jpg",
    ]
    .map(opencv)
    .into();
    for format in [
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        samples.push(encoded(colours(), format));
    }
    samples
}

#[test]
fn header_has_the_size_of_the_upright_picture() {
    for sample in samples() {
        let shape = decode_rgb(&sample).expect("a sample").shape;
        assert_eq!(image_size(&sample), Ok([shape.height, shape.width]));
    }
    assert!(image_size(b"\x89PNG\r\n\x1a\n no more").is_err());
}

#[test]
fn opaque_pictures_are_over_white() {
    for sample in samples() {
        let rgb = decode_opaque(&sample, 3).expect("a sample");
        assert_eq!(
            Ok(&rgb),
            decode_over_white(&sample)
                .map(|(picture, _)| picture)
                .as_ref()
        );
        // Gray follows the format, within the rounding of its conversion.
        let gray = decode_opaque(&sample, 1).expect("a sample");
        let luma = rgb.pixels.chunks_exact(3).map(|pixel| {
            let [red, green, blue] = [0, 1, 2].map(|channel| u32::from(pixel[channel]));
            ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
        });
        assert!(deviation(&gray.pixels, &luma.collect::<Vec<u8>>()) <= 1);
    }
    // A transparent pixel is white, whatever its colour.
    let transparent = image::RgbaImage::from_pixel(3, 2, image::Rgba([10, 20, 30, 0]));
    let mut png = std::io::Cursor::new(Vec::new());
    transparent
        .write_to(&mut png, ImageFormat::Png)
        .expect("encoded");
    for channels in [1, 3] {
        let picture = decode_opaque(png.get_ref(), channels).expect("a PNG");
        assert_eq!(picture.pixels, vec![255; 6 * channels]);
    }
    assert!(decode_opaque(png.get_ref(), 4).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn random_bytes_do_not_panic(
        magic in prop::sample::select(vec![
            &b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBPVP8 ", b"GIF89a", b"BM", b"II*\0\x08\0\0\0", b"",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(&[magic, &rest].concat())?;
    }

    #[test]
    fn damaged_images_do_not_panic(
        mut bytes in prop::sample::select(samples()),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        survives(&bytes)?;
    }

    #[test]
    fn resizes_any_size_to_any_size(
        from in (1usize..40, 1usize..40, prop::sample::select(vec![1usize, 3])),
        to in (1usize..40, 1usize..40),
        interpolation in prop::sample::select(vec![
            Interpolation::Nearest, Interpolation::Linear, Interpolation::Area,
        ]),
        value in any::<u8>(),
    ) {
        let shape = ImageShape::new(from.0, from.1, from.2);
        let even = Picture { shape, pixels: vec![value; shape.size()] };
        let resized = resize(&even, to.0, to.1, interpolation).expect("sides above 0");
        prop_assert_eq!(resized.shape, ImageShape::new(to.0, to.1, from.2));
        // An even picture stays even, because the weights sum to one.
        prop_assert_eq!(resized.pixels, vec![value; to.0 * to.1 * from.2]);
    }
}
