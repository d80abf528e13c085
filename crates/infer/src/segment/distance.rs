//! The mask by colour distance to the background.

use super::background::Background;
use super::lab::Lab;
use super::morphology::Mask;

/// What differs from the background; all of the picture where that is nearly nothing.
///
/// `blurred` is `lab` without its grain. Its colours run over edges, so that a pixel must differ by
/// itself too.
pub(crate) fn mask(lab: &Lab, blurred: &Lab, background: &Background) -> Mask {
    let distances: Vec<f32> = (0..lab.pixels.len())
        .map(|index| {
            let alone = background.distance(lab, index);
            background.distance(blurred, index).min(2.0 * alone)
        })
        .collect();
    // As much as the border's own grain is background; what is many times as far is not.
    let (least, most) = (2.0 + 2.5 * background.spread, 8.0 + 5.0 * background.spread);
    let threshold = otsu(&distances).clamp(least, most);
    let above = Mask {
        height: lab.height,
        width: lab.width,
        inside: distances.iter().map(|&d| d > threshold).collect(),
    };
    tidy(&above).unwrap_or_else(|| Mask::full(lab.height, lab.width))
}

/// Without specks, cracks, small holes and small pieces; none where nearly nothing is left.
pub(crate) fn tidy(mask: &Mask) -> Option<Mask> {
    /// Less than this share of a picture is no garment.
    const NOTHING: f32 = 0.01;
    /// Pieces smaller than this share of the largest are not of the garment.
    const PIECE: f32 = 0.15;
    let shape = mask.closed(1).opened(1);
    let hole = (shape.area() / 100).max(2);
    let tidied = shape.filled(hole).large_pieces(PIECE);
    (tidied.share() > NOTHING).then_some(tidied)
}

/// The threshold that parts values into two groups, each as much alike as can be (Otsu 1979).
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
