//! Area interpolation for downscaling: OpenCV's `INTER_AREA`.

use modiste_core::ImageShape;

use crate::picture::Picture;

/// Resizes to the mean of the source pixels that each target pixel covers. Neither side may grow.
pub(crate) fn area(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let from = picture.shape;
    if from.height.is_multiple_of(to.height) && from.width.is_multiple_of(to.width) {
        whole_blocks(picture, to)
    } else {
        weighted_blocks(picture, to)
    }
}

/// Means of blocks of whole source pixels, for integer scales.
fn whole_blocks(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let from = picture.shape;
    let (rows, columns) = (from.height / to.height, from.width / to.width);
    let mut pixels = Vec::with_capacity(to.size());
    for row in 0..to.height {
        for column in 0..to.width {
            for channel in 0..from.channels {
                let mut sum = 0u64;
                for y in row * rows..(row + 1) * rows {
                    for x in column * columns..(column + 1) * columns {
                        sum += u64::from(
                            picture.pixels[(y * from.width + x) * from.channels + channel],
                        );
                    }
                }
                pixels.push(match (rows, columns) {
                    // OpenCV rounds halves up in this case only.
                    (2, 2) => ((sum + 2) >> 2) as u8,
                    _ => (sum as f32 * (1.0 / (rows * columns) as f32)).round_ties_even() as u8,
                });
            }
        }
    }
    pixels
}

/// Source pixels that one target pixel covers along an axis, with their weights.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    start: usize,
    weights: Vec<f32>,
}

fn spans(from: usize, to: usize) -> Vec<Span> {
    /// Smallest covered fraction of a source pixel that counts.
    const SLIVER: f64 = 1e-3;
    let scale = scale(from, to);
    (0..to)
        .map(|index| {
            let begin = index as f64 * scale;
            let end = begin + scale;
            let covered = scale.min(from as f64 - begin);
            let whole_end = (end.floor() as usize).min(from - 1);
            let whole_begin = (begin.ceil() as usize).min(whole_end);
            let mut start = whole_begin;
            let mut weights = Vec::new();
            let before = whole_begin as f64 - begin;
            if before > SLIVER {
                start -= 1;
                weights.push((before / covered) as f32);
            }
            weights.resize(
                weights.len() + (whole_end - whole_begin),
                (1.0 / covered) as f32,
            );
            let after = end - whole_end as f64;
            if after > SLIVER {
                weights.push((after.min(1.0).min(covered) / covered) as f32);
            }
            Span { start, weights }
        })
        .collect()
}

/// Weighted means, for scales that are not integers.
fn weighted_blocks(picture: &Picture, to: ImageShape) -> Vec<u8> {
    match picture.shape.channels {
        1 => weighted_blocks_of::<1>(picture, to),
        3 => weighted_blocks_of::<3>(picture, to),
        channels => {
            // No decoder gives such pictures, so this case may be slow: one channel at a time.
            let mut pixels = vec![0; to.size()];
            for channel in 0..channels {
                let values = picture.pixels.iter().skip(channel).step_by(channels);
                let plane = Picture {
                    shape: ImageShape {
                        channels: 1,
                        ..picture.shape
                    },
                    pixels: values.copied().collect(),
                };
                let mixed = weighted_blocks_of::<1>(&plane, to);
                let places = pixels.iter_mut().skip(channel).step_by(channels);
                for (pixel, mixed) in places.zip(mixed) {
                    *pixel = mixed;
                }
            }
            pixels
        }
    }
}

fn weighted_blocks_of<const CHANNELS: usize>(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let row_length = picture.shape.width * CHANNELS;
    let columns = spans(picture.shape.width, to.width);
    let mut pixels = Vec::with_capacity(to.height * to.width * CHANNELS);
    let mut sums = vec![[0f32; CHANNELS]; to.width];
    for rows in spans(picture.shape.height, to.height) {
        sums.fill([0.0; CHANNELS]);
        for (row, &row_weight) in (rows.start..).zip(&rows.weights) {
            let source = &picture.pixels[row * row_length..(row + 1) * row_length];
            let (source, _) = source.as_chunks::<CHANNELS>();
            for (sums, span) in sums.iter_mut().zip(&columns) {
                let mut mixed = [0f32; CHANNELS];
                for (pixel, &weight) in source[span.start..].iter().zip(&span.weights) {
                    for (mixed, &value) in mixed.iter_mut().zip(pixel) {
                        *mixed += f32::from(value) * weight;
                    }
                }
                for (sum, mixed) in sums.iter_mut().zip(mixed) {
                    *sum += row_weight * mixed;
                }
            }
        }
        let sums = sums.as_flattened().iter();
        pixels.extend(sums.map(|sum| sum.round_ties_even() as u8));
    }
    pixels
}

/// Source pixels per target pixel. The two divisions are those of OpenCV: an index at a pixel boundary
/// depends on the last bit.
pub(crate) fn scale(from: usize, to: usize) -> f64 {
    1.0 / (to as f64 / from as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_weights_sum_to_one() {
        for from in 28..200 {
            let spans = spans(from, 28);
            for span in &spans {
                let sum: f32 = span.weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-2, "{from}: {span:?}");
                assert!(span.start + span.weights.len() <= from, "{from}: {span:?}");
            }
        }
    }
}
