//! GrabCut: from a rough mask to one that follows colours and edges.

use super::distance::tidy;
use super::edges::{Edges, neighbours};
use super::lab::Lab;
use super::min_cut::cut;
use super::mixture::Mixture;
use super::morphology::Mask;

/// What an edge through even colour costs in the large picture. Half of the paper's 50, which is for
/// photos of full size: here a garment's edge is a few hundred pixels long. The small one's is half of
/// that, because an edge is half as long there and what it surrounds a quarter as large.
const SMOOTHNESS: f32 = 25.0;

/// Colours are fitted to one pixel of so many; the others would tell nothing new.
const EVERY: usize = 3;

/// How far from the edge that the small picture has the large one's may lie.
const BAND: usize = 8;

/// More than any colour can cost.
const FIXED: f32 = 65_535.0;

/// A picture in two sizes, and what cuts cost in each.
pub(crate) struct Levels<'a> {
    large: &'a Lab,
    small: Lab,
    large_edges: Edges,
    small_edges: Edges,
}

impl<'a> Levels<'a> {
    /// A picture and its half.
    pub(crate) fn of(large: &'a Lab) -> Self {
        let small = large.halved();
        Self {
            large_edges: edges(large, SMOOTHNESS),
            small_edges: edges(&small, 0.5 * SMOOTHNESS),
            large,
            small,
        }
    }
}

/// The mask after two rounds: in the small picture, and in the large one along the edge that was
/// found. The rough one where they leave nothing of it, or no background.
pub(crate) fn refine(levels: &Levels<'_>, rough: &Mask) -> Mask {
    refined(levels, rough)
        .and_then(|mask| tidy(&mask))
        .unwrap_or_else(|| rough.clone())
}

fn refined(levels: &Levels<'_>, rough: &Mask) -> Option<Mask> {
    let small = rough.halved();
    let found = round(&levels.small, &levels.small_edges, &small, &small, |_| None)?;
    let found = found.doubled(rough.height, rough.width);
    let (surely, perhaps) = (found.eroded(BAND), found.dilated(BAND));
    let known = |pixel: usize| match (surely.inside[pixel], perhaps.inside[pixel]) {
        (true, _) => Some(FIXED),
        (_, false) => Some(-FIXED),
        _ => None,
    };
    round(levels.large, &levels.large_edges, &found, rough, known)
}

/// Fits colours to both sides of `mask` and cuts between them. `known` has what being outside costs
/// more than being inside, where that is known already.
fn round(
    lab: &Lab,
    edges: &Edges,
    mask: &Mask,
    rough: &Mask,
    known: impl Fn(usize) -> Option<f32>,
) -> Option<Mask> {
    let colours = |wanted: bool| -> Vec<[f32; 3]> {
        let pixels = lab.pixels.iter().zip(&mask.inside);
        let wanted = pixels.filter(|(_, inside)| **inside == wanted);
        wanted.map(|(colour, _)| *colour).step_by(EVERY).collect()
    };
    let inside = Mixture::fit(&colours(true))?;
    let outside = Mixture::fit(&colours(false))?;
    let terminal = lab.pixels.iter().enumerate().map(|(index, &colour)| {
        // The picture's edge is background, unless the rough mask reaches it.
        if rough.at_edge(index) && !rough.inside[index] {
            return -FIXED;
        }
        known(index).unwrap_or_else(|| outside.cost(colour) - inside.cost(colour))
    });
    let terminal: Vec<f32> = terminal.collect();
    Some(Mask {
        inside: cut(edges, &terminal),
        ..*mask
    })
}

/// What cuts cost between the pixels of a picture: little along edges.
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

/// One over twice the mean squared difference of neighbours.
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
