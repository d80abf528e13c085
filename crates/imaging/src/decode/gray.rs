//! Conversion to gray with the arithmetic of the libraries behind OpenCV's `imread`.
//!
//! All three forms are `0.299 R + 0.587 G + 0.114 B` and differ by at most 1 in 255, unless a PNG states
//! its gamma. The form depends on the format because libpng converts PNG for OpenCV, and OpenCV converts
//! the other formats itself.

use std::array;

use image::{DynamicImage, ImageBuffer, Pixel};

/// Fixed-point arithmetic of a gray conversion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum GrayRule {
    /// libpng: 15 bits, truncated; in linear light if the file states its gamma.
    Png {
        /// Exponent from linear light to stored values, 0.45455 for sRGB.
        gamma: Option<f64>,
    },
    /// OpenCV's decoders for BMP and CMYK JPEG: 14 bits, rounded.
    OpenCv14,
    /// OpenCV's `cvtColor`: 15 bits, rounded.
    OpenCv15,
}

/// Weights of libpng: 0.299 and 0.587 in 15 bits, and the remainder.
const LIBPNG: [u32; 3] = [9797, 19234, 3737];

/// libpng ignores a gamma that differs from 1 by less.
const GAMMA_THRESHOLD: f64 = 0.05;

/// Converts an image to gray. Alpha is ignored, and 16-bit results are reduced to their high byte.
pub(crate) fn gray_plane(image: DynamicImage, rule: GrayRule) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(gray) => gray.into_raw(),
        DynamicImage::ImageLumaA8(gray) => gray.chunks_exact(2).map(|pixel| pixel[0]).collect(),
        DynamicImage::ImageLuma16(gray) => gray.iter().map(|&value| high_byte(value)).collect(),
        DynamicImage::ImageLumaA16(gray) => gray
            .chunks_exact(2)
            .map(|pixel| high_byte(pixel[0]))
            .collect(),
        DynamicImage::ImageRgb8(colours) => map_pixels(colours.as_raw(), 3, gray_function(rule)),
        DynamicImage::ImageRgba8(colours) => map_pixels(colours.as_raw(), 4, gray_function(rule)),
        DynamicImage::ImageRgb16(colours) => {
            map_pixels(colours.as_raw(), 3, gray_function_16(rule))
        }
        DynamicImage::ImageRgba16(colours) => {
            map_pixels(colours.as_raw(), 4, gray_function_16(rule))
        }
        // No supported format decodes to floats.
        other => map_pixels(other.to_rgb8().as_raw(), 3, gray_function(rule)),
    }
}

/// Reduces 16-bit channels to their high byte. Alpha is kept.
pub(crate) fn high_bytes(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma16(wide) => DynamicImage::ImageLuma8(narrowed(wide)),
        DynamicImage::ImageLumaA16(wide) => DynamicImage::ImageLumaA8(narrowed(wide)),
        DynamicImage::ImageRgb16(wide) => DynamicImage::ImageRgb8(narrowed(wide)),
        DynamicImage::ImageRgba16(wide) => DynamicImage::ImageRgba8(narrowed(wide)),
        other => other,
    }
}

fn narrowed<W, N>(wide: ImageBuffer<W, Vec<u16>>) -> ImageBuffer<N, Vec<u8>>
where
    W: Pixel<Subpixel = u16>,
    N: Pixel<Subpixel = u8>,
{
    let (width, height) = wide.dimensions();
    let pixels = wide.into_raw().into_iter().map(high_byte).collect();
    ImageBuffer::from_raw(width, height, pixels).unwrap_or_default()
}

fn high_byte(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

fn map_pixels<T: Copy>(values: &[T], channels: usize, gray: impl Fn([T; 3]) -> u8) -> Vec<u8> {
    values
        .chunks_exact(channels)
        .map(|pixel| gray([pixel[0], pixel[1], pixel[2]]))
        .collect()
}

fn fixed_point(colour: [u32; 3], weights: [u32; 3], bits: u32, rounding: u32) -> u32 {
    let [red, green, blue] = array::from_fn(|channel| colour[channel] * weights[channel]);
    (red + green + blue + rounding) >> bits
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn gray_function(rule: GrayRule) -> Box<dyn Fn([u8; 3]) -> u8> {
    match rule {
        GrayRule::OpenCv14 => Box::new(|colour| {
            let colour = colour.map(u32::from);
            byte(fixed_point(colour, [4899, 9617, 1868], 14, 1 << 13))
        }),
        GrayRule::OpenCv15 => Box::new(|colour| {
            let colour = colour.map(u32::from);
            byte(fixed_point(colour, [9798, 19235, 3735], 15, 1 << 14))
        }),
        GrayRule::Png { gamma } => match significant(gamma) {
            None => Box::new(|colour| byte(fixed_point(colour.map(u32::from), LIBPNG, 15, 0))),
            Some(gamma) => {
                let to_light = power_table(1.0 / gamma);
                let from_light = power_table(gamma);
                Box::new(move |colour| {
                    if colour == [colour[0]; 3] {
                        return colour[0];
                    }
                    let light = colour.map(|value| u32::from(to_light[usize::from(value)]));
                    let light = byte(fixed_point(light, LIBPNG, 15, 1 << 14));
                    from_light[usize::from(light)]
                })
            }
        },
    }
}

fn gray_function_16(rule: GrayRule) -> Box<dyn Fn([u16; 3]) -> u8> {
    let gamma = match rule {
        GrayRule::Png { gamma } => significant(gamma),
        GrayRule::OpenCv14 | GrayRule::OpenCv15 => None,
    };
    let narrow = |value: u32| byte(value >> 8);
    match gamma {
        None => {
            Box::new(move |colour| narrow(fixed_point(colour.map(u32::from), LIBPNG, 15, 1 << 14)))
        }
        // libpng's 16-bit tables are coarser, so results may differ by a few levels.
        Some(gamma) => Box::new(move |colour| {
            if colour == [colour[0]; 3] {
                return high_byte(colour[0]);
            }
            let light: f64 = (0..3)
                .map(|channel| {
                    let value = f64::from(colour[channel]) / 65535.0;
                    f64::from(LIBPNG[channel]) / 32768.0 * value.powf(1.0 / gamma)
                })
                .sum();
            narrow((light.powf(gamma) * 65535.0).round() as u32)
        }),
    }
}

/// Returns the gamma if it is a valid exponent and differs enough from 1.
fn significant(gamma: Option<f64>) -> Option<f64> {
    gamma.filter(|gamma| gamma.is_finite() && *gamma > 0.0 && (gamma - 1.0).abs() > GAMMA_THRESHOLD)
}

fn power_table(exponent: f64) -> [u8; 256] {
    array::from_fn(|value| (255.0 * (value as f64 / 255.0).powf(exponent) + 0.5) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: GrayRule, colour: [u8; 3], expected: u8) {
        assert_eq!(
            gray_function(rule)(colour),
            expected,
            "{colour:?} with {rule:?}"
        );
    }

    #[test]
    fn rounds_like_each_library() {
        let plain = GrayRule::Png { gamma: None };
        for gray in 0..=255 {
            check(plain, [gray; 3], gray);
            check(GrayRule::OpenCv14, [gray; 3], gray);
            check(GrayRule::OpenCv15, [gray; 3], gray);
        }
        // 0.299 * 10 + 0.587 * 20 + 0.114 * 250 = 43.23, and * 254 = 43.686.
        check(plain, [10, 20, 250], 43);
        check(plain, [10, 20, 254], 43);
        check(GrayRule::OpenCv14, [10, 20, 254], 44);
        check(GrayRule::OpenCv15, [10, 20, 254], 44);
    }

    #[test]
    fn gamma_converts_in_linear_light() {
        let srgb = GrayRule::Png {
            gamma: Some(0.45455),
        };
        check(srgb, [77, 77, 77], 77);
        // In linear light the result is brighter than the mean of the stored values.
        check(srgb, [255, 0, 0], 147);
        check(GrayRule::Png { gamma: Some(1.04) }, [255, 0, 0], 76);
        check(GrayRule::Png { gamma: Some(0.0) }, [255, 0, 0], 76);
    }

    #[test]
    fn sixteen_bits_keep_high_byte() {
        let gray = image::ImageBuffer::from_raw(2, 1, vec![0x12ff_u16, 0xff00]).expect("2 pixels");
        let image = DynamicImage::ImageLuma16(gray);
        assert_eq!(
            gray_plane(image.clone(), GrayRule::OpenCv15),
            [0x12, 0xff],
            "not rounded"
        );
        assert_eq!(high_bytes(image).as_bytes(), [0x12, 0xff]);
    }
}
