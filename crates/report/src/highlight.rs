//! Placement of the label of a highlighted point.

use crate::plot_area::PlotArea;
use crate::scene::Point;

/// Pixels between two points of [`along`] at most.
const STEP: f64 = 2.0;

/// Points on a line through `points`, close to each other.
pub(crate) fn along(points: &[Point]) -> Vec<Point> {
    let mut all: Vec<Point> = points.first().copied().into_iter().collect();
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let steps = (width.hypot(height) / STEP).ceil().max(1.0) as u32;
        all.extend((1..=steps).map(|step| {
            let share = f64::from(step) / f64::from(steps);
            (from.0 + share * width, from.1 + share * height)
        }));
    }
    all
}

/// Center of a label of `half` its width and height for the point `(x, y)`: the nearest of the places in
/// `area` that cover the fewest of `drawn`. `unit` is the font size.
pub(crate) fn label_place(
    area: PlotArea,
    (x, y): Point,
    half: (f64, f64),
    unit: f64,
    drawn: &[Point],
) -> Point {
    let covered = |center: Point| {
        let inside = |point: &&Point| {
            (point.0 - center.0).abs() < half.0 && (point.1 - center.1).abs() < half.1
        };
        drawn.iter().filter(inside).count()
    };
    let mut places = Vec::new();
    for distance in [1.75, 2.7, 4.0, 6.0, 8.7].map(|distance| distance * unit) {
        for side in [0.0, -0.5, 0.5, -0.85, 0.85] {
            for vertical in [-distance, distance] {
                places.push((x + side * 2.0 * half.0, y + vertical));
            }
        }
    }
    places
        .into_iter()
        .filter(|&place| area.contains(place, half))
        .min_by_key(|&place| covered(place))
        .unwrap_or((x, y - 1.75 * unit))
}

/// Ends of a line from a point to its label, `gap` away from the point. `None` if the label is nearer
/// than `least`: a glance connects the two.
pub(crate) fn leader(
    (x, y): Point,
    label: Point,
    half_width: f64,
    gap: f64,
    least: f64,
) -> Option<[Point; 2]> {
    let end = (x.clamp(label.0 - half_width, label.0 + half_width), label.1);
    let distance = (end.0 - x).hypot(end.1 - y);
    let share = gap / distance;
    let start = (x + share * (end.0 - x), y + share * (end.1 - y));
    (distance > least).then_some([start, end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: PlotArea = PlotArea {
        left: 0.0,
        top: 0.0,
        right: 300.0,
        bottom: 200.0,
    };

    #[test]
    fn label_avoids_lines() {
        let half = (40.0, 7.0);
        let free = label_place(AREA, (150.0, 100.0), half, 10.0, &[]);
        assert_eq!(free, (150.0, 82.5));
        let line = along(&[(0.0, 82.0), (300.0, 82.0)]);
        let below = label_place(AREA, (150.0, 100.0), half, 10.0, &line);
        assert_eq!(below, (150.0, 117.5));
        let corner = label_place(AREA, (1.0, 1.0), half, 10.0, &[]);
        assert!(AREA.contains(corner, half), "{corner:?}");
    }

    #[test]
    fn leader_starts_outside_the_ring() {
        let half_width = 40.0;
        assert_eq!(
            leader((0.0, 0.0), (10.0, 20.0), half_width, 9.0, 30.0),
            None
        );
        let ends = leader((0.0, 0.0), (10.0, 60.0), half_width, 9.0, 30.0);
        assert_eq!(ends, Some([(0.0, 9.0), (0.0, 60.0)]));
    }

    #[test]
    fn along_steps_are_short() {
        let points = along(&[(0.0, 0.0), (3.0, 4.0)]);
        assert_eq!(points.len(), 4);
        assert_eq!(points[3], (3.0, 4.0));
        assert!(along(&[]).is_empty());
    }
}
