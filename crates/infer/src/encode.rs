//! A picture as a file, for people to look at.

/// A gray picture as PNG: a byte per pixel, row by row.
///
/// # Panics
/// Where there are no pixels, or not `height * width` of them.
///
/// ```
/// let png = modiste_infer::gray_png(&[0, 255, 128, 7, 9, 30], 2, 3);
/// assert_eq!(modiste_infer::decode_gray(&png)?.pixels, [0, 255, 128, 7, 9, 30]);
/// # Ok::<(), modiste_infer::Error>(())
/// ```
pub fn gray_png(pixels: &[u8], height: usize, width: usize) -> Vec<u8> {
    assert!(
        !pixels.is_empty() && pixels.len() == height * width,
        "{} pixels are no {height}x{width} picture",
        pixels.len()
    );
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels))
        .expect("memory takes every byte");
    bytes
}
