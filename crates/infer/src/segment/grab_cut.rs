//! GrabCut: refines a rough mask along colours and edges.

use super::distance::cleaned;
use super::edges::{Edges, neighbours};
use super::lab::Lab;
use super::min_cut::min_cut;
use super::mixture::Mixture;
use super::morphology::Mask;

/// Cost of an edge between equal colours in the large picture. The paper uses 50 for photos of full
/// size; here the outline of a garment has a few hundred pixels. The small picture uses half of
/// this value, because there the outline is half as long and the area a quarter as large.
const SMOOTHNESS: f32 = 25.0;

/// Stride of the pixels that the colour mixtures are fitted to, for speed.
const STRIDE: usize = 3;

/// Largest distance in pixels between the outline found in the small picture and that in the large one.
const BAND: usize = 8;

/// Terminal cost that fixes a pixel; it exceeds any colour cost.
const FIXED: f32 = 65_535.0;

/// Picture in two sizes, with the edge costs of each.
pub(crate) struct Levels<'a> {
    large: &'a Lab,
    small: Lab,
    large_edges: Edges,
    small_edges: Edges,
}

impl<'a> Levels<'a> {
    /// Prepares a picture and its half.
    pub(crate) fn new(large: &'a Lab) -> Self {
        let small = large.halved();
        Self {
            large_edges: edges(large, SMOOTHNESS),
            small_edges: edges(&small, 0.5 * SMOOTHNESS),
            large,
            small,
        }
    }
}

/// Refines a mask in two rounds: in the small picture, then in the large one along the outline that was
/// found. Returns `rough` if no garment or no background is left.
pub(crate) fn refine(levels: &Levels<'_>, rough: &Mask) -> Mask {
    refined(levels, rough)
        .and_then(|mask| cleaned(&mask))
        .unwrap_or_else(|| rough.clone())
}

fn refined(levels: &Levels<'_>, rough: &Mask) -> Option<Mask> {
    let small = rough.halved();
    let found = round(&levels.small, &levels.small_edges, &small, &small, |_| None)?;
    let found = found.doubled(rough.height, rough.width);
    let (inner, outer) = (found.eroded(BAND), found.dilated(BAND));
    let fixed = |pixel: usize| match (inner.inside[pixel], outer.inside[pixel]) {
        (true, _) => Some(FIXED),
        (_, false) => Some(-FIXED),
        _ => None,
    };
    round(levels.large, &levels.large_edges, &found, rough, fixed)
}

/// Fits colour mixtures to both sides of `mask` and computes the minimum cut between them. `fixed`
/// returns the terminal cost of pixels that are decided already. Returns `None` if a side has too
/// few pixels.
fn round(
    lab: &Lab,
    edges: &Edges,
    mask: &Mask,
    rough: &Mask,
    fixed: impl Fn(usize) -> Option<f32>,
) -> Option<Mask> {
    let colours = |wanted: bool| -> Vec<[f32; 3]> {
        let pixels = lab.pixels.iter().zip(&mask.inside);
        let wanted = pixels.filter(|(_, inside)| **inside == wanted);
        wanted.map(|(colour, _)| *colour).step_by(STRIDE).collect()
    };
    let inside = Mixture::fit(&colours(true))?;
    let outside = Mixture::fit(&colours(false))?;
    let terminal = lab.pixels.iter().enumerate().map(|(index, &colour)| {
        // The border of the picture is background unless the rough mask reaches it.
        if rough.at_edge(index) && !rough.inside[index] {
            return -FIXED;
        }
        fixed(index).unwrap_or_else(|| outside.cost(colour) - inside.cost(colour))
    });
    let terminal: Vec<f32> = terminal.collect();
    Some(Mask {
        inside: min_cut(edges, &terminal),
        ..*mask
    })
}

/// Edge costs of a picture: low between different colours.
fn edges(lab: &Lab, smoothness: f32) -> Edges {
    let contrast = contrast(lab);
    Edges::new(lab.height, lab.width, |pixel, neighbour, straight| {
        let distance = if straight {
            1.0
        } else {
            std::f32::consts::SQRT_2
        };
        let change = square(lab.pixels[pixel], lab.pixels[neighbour]);
        smoothness / distance * (-contrast * change).exp()
    })
}

/// Reciprocal of twice the mean squared difference of neighbours (beta in the paper).
fn contrast(lab: &Lab) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for index in 0..lab.pixels.len() {
        for (_, neighbour) in neighbours(lab.height, lab.width, index) {
            sum += square(lab.pixels[index], lab.pixels[neighbour]);
            count += 1.0;
        }
    }
    if sum > 0.0 { count / (2.0 * sum) } else { 0.0 }
}

fn square(left: [f32; 3], right: [f32; 3]) -> f32 {
    left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum()
}
