//! Scenes as pixels, with the bundled font.
//!
//! The rasterizer computes in plain `f32` without vector instructions, and no system font is read: the
//! pixels are the same on every machine.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};

use crate::font::Font;
use crate::scene::{Anchor, Paint, Point, Scene, Shape};

/// Red, green, blue.
pub(crate) type Rgb = [u8; 3];

/// Colors of a PNG file.
pub(crate) struct Palette<'a> {
    pub(crate) ink: Rgb,
    pub(crate) soft: Rgb,
    pub(crate) grid: Rgb,
    pub(crate) paper: Rgb,
    /// Colors of the series, which start over after the last.
    pub(crate) series: &'a [Rgb],
}

impl Palette<'_> {
    fn rgb(&self, paint: Paint) -> Rgb {
        match paint {
            Paint::Ink => self.ink,
            Paint::Soft => self.soft,
            Paint::Grid => self.grid,
            Paint::Paper => self.paper,
            Paint::Series(number) => self.series[number % self.series.len()],
        }
    }
}

/// Draws a scene on paper: `[row, column, red-green-blue]`.
pub(crate) fn rasterize(scene: &Scene, palette: &Palette<'_>) -> Vec<u8> {
    let pixmap = Pixmap::new(scene.width, scene.height).expect("a scene has an area");
    let mut canvas = Canvas {
        pixmap,
        palette,
        font: Font::bundled(),
    };
    canvas.pixmap.fill(color(palette.paper));
    for shape in &scene.shapes {
        canvas.draw(shape);
    }
    // On opaque paper every pixel is opaque, so that premultiplied colors are the colors.
    let pixels = canvas.pixmap.pixels().iter();
    pixels
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect()
}

fn color([red, green, blue]: Rgb) -> Color {
    Color::from_rgba8(red, green, blue, u8::MAX)
}

struct Canvas<'a> {
    pixmap: Pixmap,
    palette: &'a Palette<'a>,
    font: Font,
}

impl Canvas<'_> {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Line {
                points,
                paint,
                width,
                dashes,
            } => {
                let dashes = dashes.map(|lengths| lengths.map(|length| length as f32).to_vec());
                let stroke = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Round,
                    line_join: LineJoin::Round,
                    dash: dashes.and_then(|dashes| StrokeDash::new(dashes, 0.0)),
                    ..Stroke::default()
                };
                if let Some(path) = polyline(points) {
                    self.stroke(&path, *paint, &stroke);
                }
            }
            Shape::Circle {
                center,
                radius,
                fill,
                stroke,
            } => {
                let (x, y) = (center.0 as f32, center.1 as f32);
                let Some(path) = PathBuilder::from_circle(x, y, *radius as f32) else {
                    return;
                };
                if let Some(paint) = fill {
                    self.fill(&path, *paint, Transform::identity());
                }
                if let Some((paint, width)) = stroke {
                    let width = *width as f32;
                    let stroke = Stroke {
                        width,
                        ..Stroke::default()
                    };
                    self.stroke(&path, *paint, &stroke);
                }
            }
            Shape::Rectangle {
                corner,
                size,
                paint,
                tooltip: _,
            } => {
                let [x, y] = [corner.0, corner.1].map(|place| place as f32);
                let [width, height] = [size.0, size.1].map(|length| length as f32);
                if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
                    let path = PathBuilder::from_rect(rectangle);
                    self.fill(&path, *paint, Transform::identity());
                }
            }
            Shape::Text {
                text,
                baseline,
                anchor,
                size,
                paint,
                upward,
            } => {
                let Some(path) = self.font.outline(text, *size) else {
                    return;
                };
                let before = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => self.font.width(text, *size) / 2.0,
                    Anchor::End => self.font.width(text, *size),
                };
                let (x, y) = (baseline.0 as f32, baseline.1 as f32);
                // A quarter turn counterclockwise is written out: its sines are exact.
                let turn = match upward {
                    true => Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y),
                    false => Transform::from_translate(x, y),
                };
                self.fill(&path, *paint, turn.pre_translate(-before as f32, 0.0));
            }
        }
    }

    fn paint(&self, paint: Paint) -> tiny_skia::Paint<'static> {
        let mut ink = tiny_skia::Paint::default();
        ink.set_color(color(self.palette.rgb(paint)));
        ink
    }

    fn fill(&mut self, path: &Path, paint: Paint, transform: Transform) {
        let ink = self.paint(paint);
        self.pixmap
            .fill_path(path, &ink, FillRule::Winding, transform, None);
    }

    fn stroke(&mut self, path: &Path, paint: Paint, stroke: &Stroke) {
        let ink = self.paint(paint);
        self.pixmap
            .stroke_path(path, &ink, stroke, Transform::identity(), None);
    }
}

fn polyline(points: &[Point]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let (x, y) = (x as f32, y as f32);
        match index {
            0 => path.move_to(x, y),
            _ => path.line_to(x, y),
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALETTE: Palette<'_> = Palette {
        ink: [0, 0, 0],
        soft: [100; 3],
        grid: [200; 3],
        paper: [255; 3],
        series: &[[128, 0, 128]],
    };

    fn drawn(shapes: Vec<Shape>) -> Vec<u8> {
        let scene = Scene {
            width: 7,
            height: 5,
            shapes,
        };
        rasterize(&scene, &PALETTE)
    }

    #[test]
    fn rectangle_covers_its_pixels() {
        let pixels = drawn(vec![Shape::Rectangle {
            corner: (2.0, 1.0),
            size: (3.0, 2.5),
            paint: Paint::Series(0),
            tooltip: None,
        }]);
        for (index, pixel) in pixels.chunks(3).enumerate() {
            let (row, column) = (index / 7, index % 7);
            let inside = (2..5).contains(&column);
            match row {
                1 | 2 if inside => assert_eq!(pixel, [128, 0, 128], "{row} {column}"),
                // Half covered.
                3 if inside => assert!((190..194).contains(&pixel[0]), "{pixel:?}"),
                _ => assert_eq!(pixel, [255; 3], "{row} {column}"),
            }
        }
    }

    #[test]
    fn upward_text_runs_up() {
        let line = |upward| Shape::Text {
            text: "----".into(),
            baseline: (3.0, 2.5),
            anchor: Anchor::Middle,
            size: 9.0,
            paint: Paint::Ink,
            upward,
        };
        let dark = |pixels: Vec<u8>| -> Vec<(usize, usize)> {
            let pixels = pixels.chunks(3).enumerate();
            let dark = pixels.filter(|(_, pixel)| pixel[0] < 200);
            dark.map(|(index, _)| (index / 7, index % 7)).collect()
        };
        let (across, up) = (
            dark(drawn(vec![line(false)])),
            dark(drawn(vec![line(true)])),
        );
        // Hyphens are above the baseline, which for upward text is to its left.
        assert!(
            !across.is_empty() && across.iter().all(|&(row, _)| row < 2),
            "{across:?}"
        );
        assert!(
            !up.is_empty() && up.iter().all(|&(_, column)| column < 3),
            "{up:?}"
        );
    }
}
