//! What an object lies on.

use std::f64::consts::TAU;

use modiste_core::Rng;
use modiste_dataset::Images;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Plane, between, chance};

/// The chances of backgrounds; the rest is black.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredBackgrounds")]
pub struct Backgrounds {
    /// One gray.
    pub plain: f64,
    /// From one gray to another.
    pub graded: f64,
    /// A part of a picture.
    pub picture: f64,
    /// Black but for a piece of another background: what is left where an object was cut out badly.
    pub leftover: f64,
}

/// [`Backgrounds`] in files, which may also name the source of the pictures: a setting of the run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBackgrounds {
    #[serde(default, rename = "pictures")]
    _pictures: IgnoredAny,
    plain: f64,
    graded: f64,
    picture: f64,
    leftover: f64,
}

impl From<StoredBackgrounds> for Backgrounds {
    fn from(stored: StoredBackgrounds) -> Self {
        Self {
            plain: stored.plain,
            graded: stored.graded,
            picture: stored.picture,
            leftover: stored.leftover,
        }
    }
}

impl Backgrounds {
    /// The chance that it is not black.
    pub(super) fn any(&self) -> f64 {
        self.plain + self.graded + self.picture + self.leftover
    }
}

/// A kind of background.
pub(super) enum Background {
    Black,
    Plain,
    Graded,
    Picture,
    Leftover,
}

impl Background {
    pub(super) fn draw(chances: &Backgrounds, rng: &mut Rng) -> Self {
        let mut drawn = rng.uniform();
        for (chance, kind) in [
            (chances.plain, Self::Plain),
            (chances.graded, Self::Graded),
            (chances.picture, Self::Picture),
            (chances.leftover, Self::Leftover),
        ] {
            if drawn < chance {
                return kind;
            }
            drawn -= chance;
        }
        Self::Black
    }

    /// Fills what the object does not cover.
    pub(super) fn lay_under(
        &self,
        plane: Plane,
        pictures: Option<&Images>,
        gray: &mut [f32],
        cover: &[f32],
        rng: &mut Rng,
    ) {
        let ground = match self {
            Self::Black => return,
            Self::Plain => vec![between(rng, [0.02, 0.9]) as f32; gray.len()],
            Self::Graded => graded(plane, rng),
            Self::Picture => cut_out(plane, pictures, rng),
            Self::Leftover => leftover(plane, pictures, cover, rng),
        };
        for ((value, cover), ground) in gray.iter_mut().zip(cover).zip(ground) {
            *value += (1.0 - cover) * ground;
        }
    }
}

/// From one gray to another, in some direction.
fn graded(plane: Plane, rng: &mut Rng) -> Vec<f32> {
    let (from, to) = (between(rng, [0.0, 0.9]), between(rng, [0.0, 0.9]));
    let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
    let reach = sine.abs() + cosine.abs();
    pixels(plane)
        .map(|(row, column)| {
            let along = 0.5 + (row * sine + column * cosine) / reach;
            (from + (to - from) * along) as f32
        })
        .collect()
}

/// A part of a picture, larger or smaller, brighter or darker, with more or less contrast.
fn cut_out(plane: Plane, pictures: Option<&Images>, rng: &mut Rng) -> Vec<f32> {
    let Some(pictures) = pictures.filter(|pictures| !pictures.is_empty()) else {
        return graded(plane, rng);
    };
    let shape = pictures.shape();
    let picture = pictures.image(rng.below(pictures.len()));
    let zoom = between(rng, [0.4, 1.0]);
    let [top, left] = [shape.height, shape.width].map(|side| {
        let side = side as f64 - 1.0;
        side * (1.0 - zoom) * rng.uniform()
    });
    let mirrored = chance(rng, 0.5);
    let contrast = between(rng, [0.25, 1.0]);
    let offset = (1.0 - contrast) * rng.uniform();
    pixels(plane)
        .map(|(row, column)| {
            let column = if mirrored { -column } else { column };
            let y = top + (row + 0.5) * zoom * (shape.height as f64 - 1.0);
            let x = left + (column + 0.5) * zoom * (shape.width as f64 - 1.0);
            let value = bilinear(picture, shape.height, shape.width, y, x);
            (offset + contrast * value) as f32
        })
        .collect()
}

/// Another background, seen in a half, in a spot, or as a seam around the object.
fn leftover(plane: Plane, pictures: Option<&Images>, cover: &[f32], rng: &mut Rng) -> Vec<f32> {
    let mut ground = match rng.below(4) {
        0 => vec![between(rng, [0.1, 0.9]) as f32; plane.height * plane.width],
        1 => graded(plane, rng),
        _ => cut_out(plane, pictures, rng),
    };
    match rng.below(3) {
        0 => {
            let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
            let edge = between(rng, [0.0, 0.45]);
            for (value, (row, column)) in ground.iter_mut().zip(pixels(plane)) {
                if row * sine + column * cosine < edge {
                    *value = 0.0;
                }
            }
        }
        1 => {
            let centre = [(); 2].map(|()| between(rng, [-0.5, 0.5]));
            let radii = [(); 2].map(|()| between(rng, [0.08, 0.35]));
            for (value, (row, column)) in ground.iter_mut().zip(pixels(plane)) {
                let [y, x] = [
                    (row - centre[0]) / radii[0],
                    (column - centre[1]) / radii[1],
                ];
                if y * y + x * x > 1.0 {
                    *value = 0.0;
                }
            }
        }
        _ => {
            let reach = 1 + rng.below(3);
            for (value, near) in ground.iter_mut().zip(nearby(plane, cover, reach)) {
                if !near {
                    *value = 0.0;
                }
            }
        }
    }
    ground
}

/// Whether the object is at most `reach` rows or columns away.
fn nearby(plane: Plane, cover: &[f32], reach: usize) -> Vec<bool> {
    let Plane { height, width } = plane;
    let covered = |row: usize, column: usize| cover[row * width + column] > 0.5;
    let mut near = Vec::with_capacity(cover.len());
    for row in 0..height {
        let rows = row.saturating_sub(reach)..(row + reach + 1).min(height);
        for column in 0..width {
            let columns = column.saturating_sub(reach)..(column + reach + 1).min(width);
            near.push(rows.clone().any(|r| columns.clone().any(|c| covered(r, c))));
        }
    }
    near
}

/// The pixels' centres, rows and columns from -0.5 to 0.5.
fn pixels(plane: Plane) -> impl Iterator<Item = (f64, f64)> {
    let along = |index: usize, side: usize| (index as f64 + 0.5) / side as f64 - 0.5;
    (0..plane.height * plane.width).map(move |index| {
        let (row, column) = (index / plane.width, index % plane.width);
        (along(row, plane.height), along(column, plane.width))
    })
}

/// The gray of a point of a picture, 0 to 1.
fn bilinear(picture: &[u8], height: usize, width: usize, y: f64, x: f64) -> f64 {
    let (y, x) = (
        y.clamp(0.0, height as f64 - 1.0),
        x.clamp(0.0, width as f64 - 1.0),
    );
    let (top, left) = (y as usize, x as usize);
    let (down, right) = (y - top as f64, x - left as f64);
    let (bottom, end) = ((top + 1).min(height - 1), (left + 1).min(width - 1));
    let at = |row: usize, column: usize| f64::from(picture[row * width + column]) / 255.0;
    let upper = at(top, left) * (1.0 - right) + at(top, end) * right;
    let lower = at(bottom, left) * (1.0 - right) + at(bottom, end) * right;
    upper * (1.0 - down) + lower * down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_between_pixels_is_their_mean() {
        let picture = [0, 51, 102, 153, 204, 255];
        let at = |y, x| bilinear(&picture, 2, 3, y, x);
        assert_eq!(at(0.0, 2.0), 0.4);
        assert!((at(0.5, 0.0) - 0.3).abs() < 1e-12);
        assert!((at(1.0, 1.5) - 0.9).abs() < 1e-12);
        assert_eq!((at(-3.0, -1.0), at(9.0, 9.0)), (0.0, 1.0));
    }
}
