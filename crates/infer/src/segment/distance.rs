//! Mask by colour distance to the background.

use super::background::Background;
use super::lab::Lab;
use super::morphology::Mask;

/// Mask of the pixels that differ from the background; the whole picture if there are hardly any.
///
/// `blurred` is `lab` with less noise. Its colours bleed across edges, so the unblurred pixel must
/// differ too.
pub(crate) fn mask(lab: &Lab, blurred: &Lab, background: &Background) -> Mask {
    let distances: Vec<f32> = (0..lab.pixels.len())
        .map(|index| {
            let unblurred = background.distance(lab, index);
            background.distance(blurred, index).min(2.0 * unblurred)
        })
        .collect();
    // The bounds are multiples of the noise of the border.
    let (low, high) = (2.0 + 2.5 * background.spread, 8.0 + 5.0 * background.spread);
    let threshold = otsu(&distances).clamp(low, high);
    let above = Mask {
        height: lab.height,
        width: lab.width,
        inside: distances.iter().map(|&d| d > threshold).collect(),
    };
    cleaned(&above).unwrap_or_else(|| Mask::full(lab.height, lab.width))
}

/// Removes specks, cracks, small holes and small pieces. Returns `None` if hardly anything is left.
pub(crate) fn cleaned(mask: &Mask) -> Option<Mask> {
    /// Smallest fraction of the picture that a garment covers.
    const MIN_FRACTION: f32 = 0.01;
    /// Smallest size of a piece of the garment, as a fraction of the largest piece.
    const MIN_PIECE: f32 = 0.15;
    let shape = mask.closed(1).opened(1);
    let hole = (shape.area() / 100).max(2);
    let cleaned = shape.filled(hole).large_pieces(MIN_PIECE);
    (cleaned.fraction() > MIN_FRACTION).then_some(cleaned)
}

/// Threshold that separates values into two groups of minimal variance (Otsu 1979).
fn otsu(values: &[f32]) -> f32 {
    const BINS: usize = 128;
    let largest = values.iter().copied().fold(0.0, f32::max);
    if largest <= 0.0 {
        return 0.0;
    }
    let mut counts = [0.0; BINS];
    for value in values {
        counts[((value / largest * BINS as f32) as usize).min(BINS - 1)] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let sum: f64 = (0..)
        .zip(&counts)
        .map(|(bin, count)| f64::from(bin) * count)
        .sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut threshold) = (0.0, 0);
    for (bin, count) in counts.iter().enumerate() {
        below += count;
        sum_below += bin as f64 * count;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum_below / below - (sum - sum_below) / above;
        let variance = below * above * apart * apart;
        if variance > best {
            (best, threshold) = (variance, bin + 1);
        }
    }
    threshold as f32 / BINS as f32 * largest
}
