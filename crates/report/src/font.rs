//! Text metrics and glyph outlines of the bundled font.

use tiny_skia::{Path, PathBuilder};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static FONT_FILE: &[u8] = include_bytes!("../assets/OpenSans-Regular-subset.ttf");

/// The font that is part of this crate. System fonts would make the bytes of a PNG depend on the machine.
pub(crate) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(crate) fn bundled() -> Self {
        let face = Face::parse(FONT_FILE, 0).expect("the bundled font is valid");
        Self { face }
    }

    /// Width of a text in the unit of the font size.
    pub(crate) fn width(&self, text: &str, size: f64) -> f64 {
        let advances = self.glyphs(text).map(|glyph| self.advance(glyph));
        advances.sum::<f64>() * self.scale(size)
    }

    /// Text that is at most `limit` wide: `text`, or its beginning and an ellipsis.
    pub(crate) fn shortened(&self, text: &str, size: f64, limit: f64) -> String {
        if self.width(text, size) <= limit {
            return text.to_owned();
        }
        let mut shown = String::new();
        for letter in text.chars() {
            let longer = format!("{shown}{letter}");
            if self.width(&longer, size) + self.width("\u{2026}", size) > limit {
                break;
            }
            shown = longer;
        }
        shown.trim_end().to_owned() + "\u{2026}"
    }

    /// Outlines of a text whose baseline starts at the origin, y pointing down. `None` if the text has no
    /// visible character.
    pub(crate) fn outline(&self, text: &str, size: f64) -> Option<Path> {
        let mut pen = Pen {
            path: PathBuilder::new(),
            x: 0.0,
            scale: self.scale(size) as f32,
        };
        let mut advance = 0.0;
        for glyph in self.glyphs(text) {
            pen.x = (advance * self.scale(size)) as f32;
            self.face.outline_glyph(glyph, &mut pen);
            advance += self.advance(glyph);
        }
        pen.path.finish()
    }

    /// Characters outside the font become its replacement glyph, number 0.
    fn glyphs(&self, text: &str) -> impl Iterator<Item = GlyphId> {
        text.chars()
            .map(|letter| self.face.glyph_index(letter).unwrap_or_default())
    }

    fn advance(&self, glyph: GlyphId) -> f64 {
        self.face.glyph_hor_advance(glyph).map_or(0.0, f64::from)
    }

    /// Pixels of a font unit.
    fn scale(&self, size: f64) -> f64 {
        size / f64::from(self.face.units_per_em())
    }
}

/// Adds outlines in font units, y pointing up, to a path in pixels.
struct Pen {
    path: PathBuilder,
    x: f32,
    scale: f32,
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2)) = (self.place(x1, y1), self.place(x2, y2));
        let (x, y) = self.place(x, y);
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outline_matches_metrics() {
        let font = Font::bundled();
        let bounds = font.outline("HIH", 100.0).expect("an outline").bounds();
        assert!(bounds.bottom().abs() < 0.1, "{bounds:?}");
        assert!((bounds.height() - 71.4).abs() < 0.1, "{bounds:?}");
        // As much space before the first as after the last letter.
        let width = font.width("HIH", 100.0) as f32;
        let margins = (bounds.left(), width - bounds.right());
        assert!(
            margins.0 > 5.0 && (margins.0 - margins.1).abs() < 0.5,
            "{bounds:?}"
        );
    }

    #[test]
    fn covers_latin_greek_and_cyrillic() {
        let font = Font::bundled();
        for letter in ('!'..='~').chain("éßŁőΩλЖї–“…€".chars()) {
            assert!(font.face.glyph_index(letter).is_some(), "{letter}");
            assert!(
                font.outline(&letter.to_string(), 20.0).is_some(),
                "{letter}"
            );
        }
        assert!(font.outline(" ", 20.0).is_none());
    }

    #[test]
    fn shortens_long_text() {
        let font = Font::bundled();
        let limit = font.width("ankle boo", 13.0);
        assert_eq!(font.shortened("ankle", 13.0, limit), "ankle");
        assert_eq!(font.shortened("ankle boots", 13.0, limit), "ankle b…");
        assert_eq!(font.shortened("WW", 13.0, 1.0), "…");
    }
}
