//! Backgrounds and shadows.

use std::f64::consts::TAU;
use std::ops::Range;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;

use super::color::{Color, blend, room_color, shop_color};
use super::object::Object;
use super::settings::Scenery;
use crate::augment::clothes::Plane;
use crate::augment::random::{between, chance};

/// Draws a background: a colour per pixel, `[row, column]`. `pictures` have 1 or 3 channels.
pub(super) fn background(
    scenery: &Scenery,
    plane: Plane,
    pictures: Option<&Images>,
    rng: &mut Rng,
) -> Vec<Color> {
    let count = plane.height * plane.width;
    let mut drawn = rng.uniform();
    let mut is = |probability: f64| {
        drawn -= probability;
        drawn < 0.0
    };
    if is(scenery.white) {
        vec![shop_color(rng); count]
    } else if is(scenery.plain) {
        vec![room_color(rng); count]
    } else if is(scenery.graded) {
        graded(plane, rng)
    } else if is(scenery.picture) {
        match pictures.filter(|pictures| !pictures.is_empty()) {
            Some(pictures) => part_of_picture(plane, pictures, rng),
            None => graded(plane, rng),
        }
    } else {
        vec![[0.0; 3]; count]
    }
}

/// Linear gradient between two colours in a random direction.
fn graded(plane: Plane, rng: &mut Rng) -> Vec<Color> {
    let [from, to] = [(); 2].map(|()| room_color(rng));
    let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
    let reach = sine.abs() + cosine.abs();
    plane
        .centers()
        .map(|(row, column)| {
            let at = 0.5 + (row * sine + column * cosine) / reach;
            blend(from, to, at as f32)
        })
        .collect()
}

/// Part of a random picture, from one of its corners, where the floor or the wall is more often than the object;
/// enlarged, turned by right angles, and of another brightness.
fn part_of_picture(plane: Plane, pictures: &Images, rng: &mut Rng) -> Vec<Color> {
    let ImageShape {
        width, channels, ..
    } = pictures.shape();
    let picture = pictures.image(rng.below(pictures.len()));
    let picture = picture.expect("`fit` reads the pictures into memory");
    let [rows, columns] = without_padding(&picture, pictures.shape());
    let zoom = between(rng, [0.25, 0.6]);
    let at_end = [chance(rng, 0.5), chance(rng, 0.5)];
    let (swap, brightness) = (chance(rng, 0.5), between(rng, [0.75, 1.25]) as f32);
    let flips = [chance(rng, 0.5), chance(rng, 0.5)];
    let along = |axis: usize, count: usize, range: &Range<usize>| -> Vec<Between> {
        let start = if at_end[axis] { 1.0 - zoom } else { 0.0 };
        let places = (0..count).map(|index| (index as f64 + 0.5) / count as f64);
        places
            .map(|at| {
                let at = if flips[axis] { 1.0 - at } else { at };
                let place = ((start + zoom * at) * range.len() as f64 - 0.5)
                    .clamp(0.0, range.len() as f64 - 1.0);
                let first = range.start + place as usize;
                Between {
                    ends: [first, (first + 1).min(range.end - 1)],
                    at: place.fract() as f32,
                }
            })
            .collect()
    };
    let [along_rows, along_columns] = match swap {
        false => [
            along(0, plane.height, &rows),
            along(1, plane.width, &columns),
        ],
        // Rows of the background are columns of the picture.
        true => [
            along(0, plane.width, &rows),
            along(1, plane.height, &columns),
        ],
    };
    let pixel = |row: usize, column: usize| -> Color {
        let start = (row * width + column) * channels;
        [0, 1, 2].map(|channel: usize| f32::from(picture[start + channel.min(channels - 1)]))
    };
    let scale = brightness / 255.0;
    (0..plane.height * plane.width)
        .map(|index| {
            let (row, column) = (index / plane.width, index % plane.width);
            let (down, aside) = match swap {
                false => (&along_rows[row], &along_columns[column]),
                true => (&along_rows[column], &along_columns[row]),
            };
            let [top, bottom] = down.ends.map(|row| {
                let [left, right] = aside.ends.map(|column| pixel(row, column));
                blend(left, right, aside.at)
            });
            blend(top, bottom, down.at).map(|value| (value * scale).min(1.0))
        })
        .collect()
}

/// Place between two pixels of a picture.
struct Between {
    ends: [usize; 2],
    /// Distance from the first one, 0 to 1.
    at: f32,
}

/// Rows and columns of a picture without black padding at its edges: all of them if everything is black.
fn without_padding(picture: &[u8], shape: ImageShape) -> [Range<usize>; 2] {
    let row_len = shape.width * shape.channels;
    let is_light = |value: &u8| *value > 0;
    let is_row = |row: &usize| {
        picture[row * row_len..(row + 1) * row_len]
            .iter()
            .any(is_light)
    };
    let is_column = |column: &usize| {
        let mut rows = picture.chunks_exact(row_len);
        let start = column * shape.channels;
        rows.any(|row| row[start..start + shape.channels].iter().any(is_light))
    };
    let range = |side: usize, is_lit: &dyn Fn(&usize) -> bool| {
        let first = (0..side).find(|place| is_lit(place)).unwrap_or(0);
        let last = (0..side).rfind(|place| is_lit(place)).unwrap_or(side - 1);
        first..last + 1
    };
    [range(shape.height, &is_row), range(shape.width, &is_column)]
}

/// Darkens a background by the soft shadow of an object.
pub(super) fn cast_shadow(object: &Object, background: &mut [Color], rng: &mut Rng) {
    let plane = object.plane;
    let side = plane.height.min(plane.width) as f64;
    let offset = [(); 2].map(|()| (between(rng, [-0.06, 0.06]) * side).round() as i64);
    let radius = (between(rng, [0.02, 0.08]) * side).round().max(1.0) as usize;
    let depth = between(rng, [0.15, 0.6]) as f32;
    let mut soft = object.cover.clone();
    // Two box blurs are a triangle, nearly a Gaussian.
    for _ in 0..2 {
        blur_rows(&mut soft, plane.width, radius);
        blur_columns(&mut soft, plane.width, radius);
    }
    let (height, width) = (plane.height as i64, plane.width as i64);
    for (index, color) in background.iter_mut().enumerate() {
        let row = (index as i64 / width - offset[0]).clamp(0, height - 1);
        let column = (index as i64 % width - offset[1]).clamp(0, width - 1);
        let light = 1.0 - depth * soft[(row * width + column) as usize];
        *color = color.map(|value| value * light);
    }
}

/// Box blur along the rows; pixels beyond the edges are 0.
fn blur_rows(values: &mut [f32], width: usize, radius: usize) {
    let scale = 1.0 / (2 * radius + 1) as f32;
    let mut sums = vec![0.0; width + 1];
    for row in values.chunks_exact_mut(width) {
        for (column, value) in row.iter().enumerate() {
            sums[column + 1] = sums[column] + value;
        }
        for (column, value) in row.iter_mut().enumerate() {
            let (from, to) = (
                column.saturating_sub(radius),
                (column + radius + 1).min(width),
            );
            *value = (sums[to] - sums[from]) * scale;
        }
    }
}

/// Box blur along the columns; pixels beyond the edges are 0.
fn blur_columns(values: &mut [f32], width: usize, radius: usize) {
    let scale = 1.0 / (2 * radius + 1) as f32;
    let height = values.len() / width;
    // Sums of the rows before each row.
    let mut sums = vec![0.0; values.len() + width];
    for (index, value) in values.iter().enumerate() {
        sums[index + width] = sums[index] + value;
    }
    for (row, values) in values.chunks_exact_mut(width).enumerate() {
        let from = row.saturating_sub(radius) * width;
        let to = (row + radius + 1).min(height) * width;
        let ends = sums[to..to + width].iter().zip(&sums[from..from + width]);
        for (value, (to, from)) in values.iter_mut().zip(ends) {
            *value = (to - from) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANE: Plane = Plane {
        height: 6,
        width: 8,
    };

    const NOTHING: Scenery = Scenery {
        white: 0.0,
        plain: 0.0,
        graded: 0.0,
        picture: 0.0,
    };

    #[test]
    fn parts_of_a_picture_have_its_colors() {
        let shape = ImageShape::new(4, 4, 3);
        let pictures = Images::new(shape, [0, 100, 0].repeat(16), vec![0]).expect("one picture");
        let scenery = Scenery {
            picture: 1.0,
            ..NOTHING
        };
        let mut rng = Rng::new(1);
        for _ in 0..20 {
            let found = background(&scenery, PLANE, Some(&pictures), &mut rng);
            assert_eq!(found.len(), 48);
            for color in found {
                assert!(color[0] == 0.0 && color[2] == 0.0, "{color:?}");
                assert!((0.29..0.5).contains(&color[1]), "{color:?}");
            }
        }
    }

    #[test]
    fn padding_is_left_out_of_backgrounds() {
        let shape = ImageShape::new(4, 5, 3);
        let mut picture = vec![0; shape.size()];
        // Rows 1 to 2, columns 2 to 3, with a black pixel.
        for pixel in [7, 8, 12] {
            picture[3 * pixel + 1] = 9;
        }
        assert_eq!(without_padding(&picture, shape), [1..3, 2..4]);
        assert_eq!(without_padding(&[0; 60], shape), [0..4, 0..5]);
    }

    #[test]
    fn kinds_have_their_probabilities() {
        let mut rng = Rng::new(2);
        let scenery = Scenery {
            white: 0.5,
            plain: 0.1,
            ..NOTHING
        };
        let mut counts = [0; 2];
        for _ in 0..1000 {
            let found = background(&scenery, PLANE, None, &mut rng);
            assert!(found.iter().all(|color| *color == found[0]));
            counts[0] += usize::from(found[0] == [0.0; 3]);
            counts[1] += usize::from(found[0].iter().all(|value| *value > 0.79));
        }
        assert!((350..450).contains(&counts[0]), "{counts:?}");
        assert!((480..640).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn shadow_darkens_near_the_object_only() {
        let plane = Plane {
            height: 40,
            width: 50,
        };
        let mut cover = vec![0.0; 2000];
        (15..25).for_each(|row| cover[row * 50 + 20..row * 50 + 30].fill(1.0));
        let object = Object {
            plane,
            gray: cover.clone(),
            cover,
        };
        let mut rng = Rng::new(3);
        for _ in 0..10 {
            let mut light = vec![[1.0; 3]; 2000];
            cast_shadow(&object, &mut light, &mut rng);
            assert!(light[20 * 50 + 25][0] < 0.95);
            assert!(light[0][0] > 0.999 && light[1999][0] > 0.999);
        }
    }
}
