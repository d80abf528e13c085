//! Random colours.

use modiste_core::Rng;

use crate::augment::random::{between, chance};

/// Colour: red, green and blue, 0 to 1.
pub(super) type Color = [f32; 3];

/// Draws a colour as clothes have them: about half are nearly gray, from black to white.
pub(super) fn garment_color(rng: &mut Rng) -> Color {
    match chance(rng, 0.45) {
        true => tinted(between(rng, [0.03, 0.97]), 0.05, rng),
        false => hsv(
            rng.uniform(),
            between(rng, [0.2, 0.95]),
            between(rng, [0.12, 0.95]),
        ),
    }
}

/// Draws the colour of a wall or a floor: of low saturation, warm more often than cold.
pub(super) fn room_color(rng: &mut Rng) -> Color {
    let hue = match chance(rng, 0.7) {
        true => between(rng, [0.02, 0.16]),
        false => rng.uniform(),
    };
    hsv(hue, between(rng, [0.0, 0.45]), between(rng, [0.1, 0.98]))
}

/// Draws white or light gray.
pub(super) fn shop_color(rng: &mut Rng) -> Color {
    match chance(rng, 0.5) {
        true => [1.0; 3],
        false => tinted(between(rng, [0.82, 1.0]), 0.02, rng),
    }
}

/// Gray with a tint: each channel differs from it by at most `tint`.
fn tinted(value: f64, tint: f64, rng: &mut Rng) -> Color {
    [(); 3].map(|()| (value + between(rng, [-tint, tint])).clamp(0.0, 1.0) as f32)
}

/// Luma of a colour (ITU-R BT.601).
pub(super) fn luma([red, green, blue]: Color) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// Draws the colours of the darkest and of the lightest shade of an object.
pub(super) fn shades(two_colors: f64, rng: &mut Rng) -> [Color; 2] {
    let color = garment_color(rng);
    if chance(rng, two_colors) {
        let other = garment_color(rng);
        return match luma(color) < luma(other) {
            true => [color, other],
            false => [other, color],
        };
    }
    let (dark, light) = (
        between(rng, [0.15, 0.7]) as f32,
        between(rng, [0.1, 0.6]) as f32,
    );
    [
        color.map(|value| value * dark),
        color.map(|value| value + (1.0 - value) * light),
    ]
}

/// Colour of a hue, a saturation and a value, each 0 to 1 (Smith 1978).
fn hsv(hue: f64, saturation: f64, value: f64) -> Color {
    [5.0, 3.0, 1.0].map(|offset| {
        let place = (offset + 6.0 * hue) % 6.0;
        let strength = place.min(4.0 - place).clamp(0.0, 1.0);
        (value * (1.0 - saturation * strength)) as f32
    })
}

/// Colour between two colours, at `at` from 0 to 1.
pub(super) fn blend(from: Color, to: Color, at: f32) -> Color {
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsv_gives_the_corners_of_the_cube() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(hsv(0.5, 1.0, 1.0), [0.0, 1.0, 1.0]);
        let green = hsv(1.0 / 3.0, 1.0, 0.5);
        assert!(
            green[0] < 1e-6 && green[2] < 1e-6 && green[1] == 0.5,
            "{green:?}"
        );
        assert_eq!(hsv(0.7, 0.0, 0.25), [0.25; 3]);
    }

    #[test]
    fn colors_are_in_range() {
        let mut rng = Rng::new(4);
        for _ in 0..2000 {
            let [dark, light] = shades(0.3, &mut rng);
            let all = [dark, light, garment_color(&mut rng), room_color(&mut rng)];
            for value in all.concat().into_iter().chain(shop_color(&mut rng)) {
                assert!((0.0..=1.0).contains(&value), "{value}");
            }
        }
    }
}
