//! Text as a set of inked pixels. (plotters can draw text with the same library, but sets every
//! letter without the space before it, so that some touch.)

use ab_glyph::{Font, FontRef, InvalidFont, PxScale, ScaleFont, point};

static FONT_FILE: &[u8] = include_bytes!("../assets/OpenSans-Regular-ascii.ttf");

/// The height of Open Sans' capitals in units of the font size.
const CAPITALS: f32 = 0.714;

/// The font of the curves.
pub(crate) struct Letters {
    font: FontRef<'static>,
}

/// A pixel that text covers, wholly (1) or in part, right of the beginning of the text and below
/// half the height of its capitals.
pub(crate) struct Ink {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) cover: f32,
}

impl Letters {
    /// The font that is part of this crate.
    pub(crate) fn load() -> Result<Self, InvalidFont> {
        let font = FontRef::try_from_slice(FONT_FILE)?;
        Ok(Self { font })
    }

    /// How wide a text is, in the unit of `size`: the font size.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        let font = self.font.as_scaled(self.scale(size));
        text.chars()
            .map(|letter| font.h_advance(font.glyph_id(letter)))
            .sum()
    }

    /// The pixels that a text covers; `size` is the font size in pixels.
    pub(crate) fn ink(&self, text: &str, size: f32) -> Vec<Ink> {
        let font = self.font.as_scaled(self.scale(size));
        let mut pixels = Vec::new();
        let mut pen = 0.0;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            let place = point(pen, size * CAPITALS / 2.0);
            let glyph = id.with_scale_and_position(font.scale(), place);
            pen += font.h_advance(id);
            // A space has no outline.
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
            outline.draw(|x, y, cover| {
                pixels.push(Ink {
                    x: left + x as i32,
                    y: top + y as i32,
                    cover: cover.clamp(0.0, 1.0),
                });
            });
        }
        pixels
    }

    /// ab_glyph measures fonts by their line height.
    fn scale(&self, size: f32) -> PxScale {
        let em = self.font.units_per_em().unwrap_or(1.0);
        PxScale::from(size * self.font.height_unscaled() / em)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_centred_and_text_is_as_wide_as_it_says() {
        let letters = Letters::load().expect("the font of the crate");
        let ink = letters.ink("HIH", 100.0);
        let dark = |pixel: &&Ink| pixel.cover > 0.5;
        let rows = || ink.iter().filter(dark).map(|pixel| pixel.y);
        let (top, bottom) = (rows().min().expect("ink"), rows().max().expect("ink"));
        assert!((top + bottom).abs() <= 1, "{top} to {bottom}");
        assert!((bottom - top - 71).abs() <= 1, "{top} to {bottom}");
        let columns = || ink.iter().filter(dark).map(|pixel| pixel.x);
        let (left, right) = (columns().min().expect("ink"), columns().max().expect("ink"));
        // As much space before the first as after the last letter.
        let width = letters.width("HIH", 100.0);
        assert!(left > 5 && (width - (left + right) as f32).abs() < 3.0);
    }

    #[test]
    fn every_printable_letter_of_ascii_is_there() {
        let letters = Letters::load().expect("the font of the crate");
        for letter in '!'..='~' {
            assert!(
                !letters.ink(&letter.to_string(), 20.0).is_empty(),
                "{letter}"
            );
        }
    }
}
