//! Random backgrounds behind an object.

use std::f64::consts::TAU;

use modiste_core::Rng;
use modiste_dataset::Images;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Plane;
use crate::augment::random::{between, chance};

/// Probabilities of the kinds of background. With the remaining probability the background is black.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredBackgrounds")]
pub struct Backgrounds {
    /// Probability of one uniform gray, 0 to 1.
    pub plain: f64,
    /// Probability of a linear gradient between two grays, 0 to 1.
    pub graded: f64,
    /// Probability of a crop of a picture, 0 to 1.
    pub picture: f64,
    /// Probability of black with a piece of another background, as a poor segmentation leaves it, 0
    /// to 1.
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
    /// Probability of any background but black.
    pub(super) fn total(&self) -> f64 {
        self.plain + self.graded + self.picture + self.leftover
    }
}

/// Kind of background.
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

    /// Fills the pixels that the object does not cover.
    pub(super) fn fill(
        &self,
        plane: Plane,
        pictures: Option<&Images>,
        gray: &mut [f32],
        cover: &[f32],
        rng: &mut Rng,
    ) {
        let background = match self {
            Self::Black => return,
            Self::Plain => vec![between(rng, [0.02, 0.9]) as f32; gray.len()],
            Self::Graded => gradient(plane, rng),
            Self::Picture => crop(plane, pictures, rng),
            Self::Leftover => leftover(plane, pictures, cover, rng),
        };
        for ((value, cover), background) in gray.iter_mut().zip(cover).zip(background) {
            *value += (1.0 - cover) * background;
        }
    }
}

/// Linear gradient between two grays, in a random direction.
fn gradient(plane: Plane, rng: &mut Rng) -> Vec<f32> {
    let (from, to) = (between(rng, [0.0, 0.9]), between(rng, [0.0, 0.9]));
    let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
    let reach = sine.abs() + cosine.abs();
    plane
        .centers()
        .map(|(row, column)| {
            let along = 0.5 + (row * sine + column * cosine) / reach;
            (from + (to - from) * along) as f32
        })
        .collect()
}

/// Random crop of a random picture, with random contrast and brightness, mirrored half of the time.
fn crop(plane: Plane, pictures: Option<&Images>, rng: &mut Rng) -> Vec<f32> {
    let Some(pictures) = pictures.filter(|pictures| !pictures.is_empty()) else {
        return gradient(plane, rng);
    };
    let shape = pictures.shape();
    let picture = pictures.image(rng.below(pictures.len()));
    let picture = picture.expect("`fit` reads the pictures into memory");
    let zoom = between(rng, [0.4, 1.0]);
    let [top, left] = [shape.height, shape.width].map(|side| {
        let side = side as f64 - 1.0;
        side * (1.0 - zoom) * rng.uniform()
    });
    let mirrored = chance(rng, 0.5);
    let contrast = between(rng, [0.25, 1.0]);
    let offset = (1.0 - contrast) * rng.uniform();
    plane
        .centers()
        .map(|(row, column)| {
            let column = if mirrored { -column } else { column };
            let y = top + (row + 0.5) * zoom * (shape.height as f64 - 1.0);
            let x = left + (column + 0.5) * zoom * (shape.width as f64 - 1.0);
            let value = bilinear(&picture, shape.height, shape.width, y, x);
            (offset + contrast * value) as f32
        })
        .collect()
}

/// Another background, visible in a half plane, in an ellipse, or along the edge of the object.
fn leftover(plane: Plane, pictures: Option<&Images>, cover: &[f32], rng: &mut Rng) -> Vec<f32> {
    let mut background = match rng.below(4) {
        0 => vec![between(rng, [0.1, 0.9]) as f32; plane.height * plane.width],
        1 => gradient(plane, rng),
        _ => crop(plane, pictures, rng),
    };
    match rng.below(3) {
        0 => {
            let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
            let edge = between(rng, [0.0, 0.45]);
            for (value, (row, column)) in background.iter_mut().zip(plane.centers()) {
                if row * sine + column * cosine < edge {
                    *value = 0.0;
                }
            }
        }
        1 => {
            let centre = [(); 2].map(|()| between(rng, [-0.5, 0.5]));
            let radii = [(); 2].map(|()| between(rng, [0.08, 0.35]));
            for (value, (row, column)) in background.iter_mut().zip(plane.centers()) {
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
            for (value, near) in background.iter_mut().zip(dilated(plane, cover, reach)) {
                if !near {
                    *value = 0.0;
                }
            }
        }
    }
    background
}

/// Dilation of the object: `true` for pixels at most `reach` rows and columns away from it.
fn dilated(plane: Plane, cover: &[f32], reach: usize) -> Vec<bool> {
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

/// Bilinear interpolation of a picture at the point `(y, x)`; the result is 0 to 1.
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
    fn bilinear_interpolates_and_clamps() {
        let picture = [0, 51, 102, 153, 204, 255];
        let at = |y, x| bilinear(&picture, 2, 3, y, x);
        assert_eq!(at(0.0, 2.0), 0.4);
        assert!((at(0.5, 0.0) - 0.3).abs() < 1e-12);
        assert!((at(1.0, 1.5) - 0.9).abs() < 1e-12);
        assert_eq!((at(-3.0, -1.0), at(9.0, 9.0)), (0.0, 1.0));
    }
}
