//! JPEG layouts and endings against libjpeg-turbo as used by OpenCV. `tests/cases/README.md`
//! describes the files.

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

/// Largest difference between two pictures of the same shape.
#[track_caller]
fn deviation(found: &Picture, expected: &Picture) -> u8 {
    assert_eq!(found.shape, expected.shape);
    let pairs = found.pixels.iter().zip(&expected.pixels);
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Luma of an RGB picture, with the weights of JFIF.
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
fn sampling_and_scan_layouts_match_opencv() {
    let table = String::from_utf8(case("jpeg/references.csv")).expect("text");
    let mut count = 0;
    for line in table.lines().skip(1) {
        let (name, reference) = line.split_once(',').expect("two columns");
        let bytes = case(&format!("jpeg/{name}"));
        let expected = decode_rgb(&case(&format!("jpeg/{reference}"))).expect("a PNG");
        let colours = decode_rgb(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The decoders upsample chroma in another order than libjpeg.
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
fn accepts_missing_end_marker() {
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
        // A file that is cut elsewhere is damaged. (The last bytes of a scan may be padding.)
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
fn layouts_of_one_photo_agree() {
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
fn applies_orientation_as_long_or_after_pixels() {
    // Both store 140 rows of 200 columns and an orientation of a quarter turn.
    for name in ["photos/long6.jpg", "photos/late6.png"] {
        for picture in [decode_gray(&case(name)), decode_rgb(&case(name))] {
            let shape = picture.expect(name).shape;
            assert!(shape.height > shape.width, "{name}: {shape}");
        }
    }
}

#[test]
fn bmp_with_unset_alpha_is_opaque() {
    let mut bytes = case("photos/32v4-alpha0.bmp");
    let rgb = decode_rgb(&bytes).expect("a BMP");
    assert!(rgb.pixels.iter().any(|&value| value > 0));
    let over_white = |bytes: &[u8]| decode_over_white(bytes).expect("a BMP");
    let seen = over_white(&bytes);
    assert_eq!(seen.0.pixels, rgb.pixels);
    // The same picture with an opaque alpha channel.
    let offset = u32::from_le_bytes(bytes[10..14].try_into().expect("4 bytes")) as usize;
    for alpha in bytes[offset..].iter_mut().skip(3).step_by(4) {
        assert_eq!(*alpha, 0);
        *alpha = 255;
    }
    assert_eq!(over_white(&bytes), seen);
}

#[test]
fn reports_unsupported_features() {
    let error = decode_gray(&case("photos/arithmetic.jpg")).unwrap_err();
    let reason = "arithmetic coding is not supported".into();
    assert_eq!(
        error,
        Error::UnsupportedFeature {
            format: "JPEG",
            reason
        }
    );
    // Frame header of a file with 12 bits per sample.
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
fn detects_format_by_content() {
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
