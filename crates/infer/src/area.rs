//! Shrinking by the mean of the covered area, `INTER_AREA` of OpenCV.

use modiste_dataset::ImageShape;

use crate::decode::Picture;
use crate::resize::scale;

/// The mean of the pixels that each target pixel covers; no side may grow.
pub(crate) fn area(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let from = picture.shape;
    if from.height.is_multiple_of(to.height) && from.width.is_multiple_of(to.width) {
        whole_blocks(picture, to)
    } else {
        weighted_blocks(picture, to)
    }
}

/// Means of blocks of whole pixels.
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
                    // Halves are rounded up in this case only.
                    (2, 2) => ((sum + 2) >> 2) as u8,
                    _ => (sum as f32 * (1.0 / (rows * columns) as f32)).round_ties_even() as u8,
                });
            }
        }
    }
    pixels
}

/// The source pixels that one target pixel covers along an axis, and what each counts.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    start: usize,
    weights: Vec<f32>,
}

fn spans(from: usize, to: usize) -> Vec<Span> {
    /// A pixel that is covered less than this does not count.
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

/// Means of areas that cut through pixels.
fn weighted_blocks(picture: &Picture, to: ImageShape) -> Vec<u8> {
    let from = picture.shape;
    let channels = from.channels;
    let row_length = from.width * channels;
    let columns = spans(from.width, to.width);
    let mut pixels = Vec::with_capacity(to.size());
    for rows in spans(from.height, to.height) {
        let mut sums = vec![0f32; to.width * channels];
        for (row, &row_weight) in (rows.start..).zip(&rows.weights) {
            let source = &picture.pixels[row * row_length..(row + 1) * row_length];
            for (column, span) in columns.iter().enumerate() {
                for channel in 0..channels {
                    let mut sum = 0f32;
                    for (x, &weight) in (span.start..).zip(&span.weights) {
                        sum += f32::from(source[x * channels + channel]) * weight;
                    }
                    sums[column * channels + channel] += row_weight * sum;
                }
            }
        }
        pixels.extend(sums.iter().map(|sum| sum.round_ties_even() as u8));
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_an_area_add_up_to_one() {
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
