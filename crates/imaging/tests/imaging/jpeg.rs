//! JPEG layouts and endings against libjpeg-turbo, as OpenCV uses it. The files are described in
//! `tests/cases/README.md`.

use std::fs;
use std::path::PathBuf;

use modiste_core::ImageShape;
use modiste_imaging::{
    Error, Picture, decode_gray, decode_over_white, decode_rgb, image_warning, is_image,
};

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

#[track_caller]
fn case(name: &str) -> Vec<u8> {
    let path = cases().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The largest difference between two pictures of the same shape.
#[track_caller]
fn deviation(found: &Picture, expected: &Picture) -> u8 {
    assert_eq!(found.shape, expected.shape);
    let pairs = found.pixels.iter().zip(&expected.pixels);
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Luma as libjpeg computes it from what it decodes to red, green and blue.
fn luma(colours: &Picture) -> Picture {
    let luma = |pixel: &[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(f64::from);
        (0.299 * red + 0.587 * green + 0.114 * blue).round() as u8
    };
    Picture {
        shape: ImageShape {
            channels: 1,
            ..colours.shape
        },
        pixels: colours.pixels.chunks_exact(3).map(luma).collect(),
    }
}

#[test]
fn every_sampling_and_scan_layout_decodes_as_in_opencv() {
    let table = String::from_utf8(case("jpeg/references.csv")).expect("text");
    let mut count = 0;
    for line in table.lines().skip(1) {
        let (name, reference) = line.split_once(',').expect("two columns");
        let bytes = case(&format!("jpeg/{name}"));
        let expected = decode_rgb(&case(&format!("jpeg/{reference}"))).expect("a PNG");
        let colours = decode_rgb(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Chroma that is half as fine is interpolated in another order than libjpeg's.
        let difference = deviation(&colours, &expected);
        assert!(difference <= 4, "{name}: colours differ by {difference}");
        let gray = decode_gray(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let difference = deviation(&gray, &luma(&expected));
        assert!(difference <= 3, "{name}: gray differs by {difference}");
        assert_eq!(image_warning(&bytes), None, "{name}");
        count += 1;
    }
    assert_eq!(count, 67);
}

#[test]
fn a_jpeg_without_its_end_marker_is_whole() {
    let table = String::from_utf8(case("jpeg/references.csv")).expect("text");
    for line in table.lines().skip(1) {
        let (name, _) = line.split_once(',').expect("two columns");
        let whole = case(&format!("jpeg/{name}"));
        let expected = decode_gray(&whole).expect(name);
        // Without the marker, and with half of it.
        for missing in [2, 1] {
            let bytes = &whole[..whole.len() - missing];
            let gray = decode_gray(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(deviation(&gray, &expected), 0, "{name} without {missing}");
            assert!(image_warning(bytes).is_some(), "{name}");
        }
        // One that is cut anywhere else is not: the last bytes of a scan may be no more than its filling.
        for kept in [whole.len() - 12, whole.len() * 3 / 4, whole.len() / 2, 400] {
            let found = decode_gray(&whole[..kept]);
            assert!(
                matches!(found, Err(Error::Damaged { format: "JPEG", .. })),
                "{name}, {kept} of {} bytes",
                whole.len()
            );
        }
    }
    assert!(decode_gray(&case("photos/no_eoi.jpg")).is_ok());
    assert!(decode_gray(&case("photos/trunc_half.jpg")).is_err());
}

#[test]
fn the_same_boot_in_every_layout() {
    let boot = |name: &str| decode_gray(&case(&format!("photos/boot-{name}.jpg"))).expect(name);
    for [one, other] in [
        ["420-one-scan", "420-one-scan-each"],
        ["420-one-scan", "440-one-scan-each"],
        ["440-baseline", "440-progressive"],
    ] {
        assert!(deviation(&boot(one), &boot(other)) <= 1, "{one}, {other}");
    }
}

#[test]
fn an_orientation_as_long_or_behind_the_pixels_is_applied() {
    // Both are 140 rows of 200 columns, turned by a quarter.
    for name in ["photos/long6.jpg", "photos/late6.png"] {
        for picture in [decode_gray(&case(name)), decode_rgb(&case(name))] {
            let shape = picture.expect(name).shape;
            assert!(shape.height > shape.width, "{name}: {shape}");
        }
    }
}

#[test]
fn a_bmp_whose_alpha_is_nowhere_set_is_opaque() {
    let mut bytes = case("photos/32v4-alpha0.bmp");
    let rgb = decode_rgb(&bytes).expect("a BMP");
    assert!(rgb.pixels.iter().any(|&value| value > 0));
    let over_white = |bytes: &[u8]| decode_over_white(bytes).expect("a BMP");
    let seen = over_white(&bytes);
    assert_eq!(seen.0.pixels, rgb.pixels);
    // The same picture whose alpha says that it is opaque.
    let offset = u32::from_le_bytes(bytes[10..14].try_into().expect("4 bytes")) as usize;
    for alpha in bytes[offset..].iter_mut().skip(3).step_by(4) {
        assert_eq!(*alpha, 0);
        *alpha = 255;
    }
    assert_eq!(over_white(&bytes), seen);
}

#[test]
fn what_is_not_supported_is_not_called_damaged() {
    let error = decode_gray(&case("photos/arithmetic.jpg")).unwrap_err();
    let reason = "arithmetic coding is not supported".into();
    assert_eq!(
        error,
        Error::UnsupportedFeature {
            format: "JPEG",
            reason
        }
    );
    // Twelve bits per value, as the frame's header says.
    let mut bytes = case("photos/jfif.jfif");
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .expect("a frame");
    bytes[frame + 4] = 12;
    assert!(matches!(
        decode_rgb(&bytes),
        Err(Error::UnsupportedFeature { .. })
    ));
}

#[test]
fn formats_are_told_by_content() {
    for name in ["jfif.jfif", "t.tiff", "white.png", "1x1.png"] {
        let bytes = case(&format!("photos/{name}"));
        assert!(is_image(&bytes) && decode_rgb(&bytes).is_ok(), "{name}");
    }
    for (name, format) in [("t.heic", "HEIC"), ("t.avif", "AVIF")] {
        let bytes = case(&format!("photos/{name}"));
        assert!(is_image(&bytes), "{name}");
        let error = decode_gray(&bytes).unwrap_err().to_string();
        let expected = format!("this is a {format} image, which cannot be decoded: convert it to");
        assert!(error.contains(&expected), "{error}");
    }
    for text in [
        &b"BMI of 20 patients, as measured"[..],
        b"file,label\n",
        b"",
    ] {
        assert!(!is_image(text));
    }
    let page = b"\n<!DOCTYPE html><html>";
    let error = decode_gray(page).unwrap_err().to_string();
    assert!(
        error.starts_with("this is an HTML page, not an image"),
        "{error}"
    );
}
