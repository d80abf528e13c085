//! CSV round trips, and pixels of the curves.

use std::io::Cursor;

use modiste_metrics::EpochMetrics;
use modiste_report::{
    CURVE_HEIGHT, CURVE_WIDTH, Error, HISTORY_HEADER, accuracy_curve, history_csv, loss_curve,
    parse_history_csv,
};
use proptest::prelude::*;

const PURPLE: [u8; 3] = [128, 0, 128];
const BLUE: [u8; 3] = [30, 100, 230];
const GREEN: [u8; 3] = [0, 128, 0];
const RED: [u8; 3] = [220, 20, 30];
const WHITE: [u8; 3] = [255; 3];

struct Picture {
    pixels: Vec<u8>,
}

impl Picture {
    fn decode(png: &[u8]) -> Self {
        let decoder = png::Decoder::new(Cursor::new(png));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        let info = reader.next_frame(&mut pixels).expect("a whole PNG");
        assert_eq!((info.width, info.height), (CURVE_WIDTH, CURVE_HEIGHT));
        assert_eq!((CURVE_WIDTH, CURVE_HEIGHT), (960, 640));
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self { pixels }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * CURVE_WIDTH as usize + x) * 3;
        [0, 1, 2].map(|channel| self.pixels[start + channel])
    }

    /// Rows below the legend in which column `x` has the color.
    fn rows_of(&self, color: [u8; 3], x: usize) -> Vec<usize> {
        (50..CURVE_HEIGHT as usize)
            .filter(|&y| self.at(x, y) == color)
            .collect()
    }

    /// Columns below the legend that contain the color.
    fn columns_of(&self, color: [u8; 3]) -> Vec<usize> {
        (0..CURVE_WIDTH as usize)
            .filter(|&x| !self.rows_of(color, x).is_empty())
            .collect()
    }

    fn count(&self, color: [u8; 3]) -> usize {
        self.pixels
            .chunks_exact(3)
            .filter(|pixel| *pixel == color)
            .count()
    }
}

fn record(epoch: usize, accuracy: f64, val_accuracy: f64) -> EpochMetrics {
    EpochMetrics {
        epoch,
        loss: 2.0 * (1.0 - accuracy),
        accuracy,
        val_loss: 2.0 * (1.0 - val_accuracy),
        val_accuracy,
        learning_rate: 0.01,
        seconds: 12.5,
    }
}

fn ten_epochs() -> Vec<EpochMetrics> {
    (1..=10)
        .map(|epoch| {
            let share = epoch as f64 / 10.0;
            let validation = if epoch == 10 {
                0.80
            } else {
                0.75 + 0.1 * share
            };
            record(epoch, 0.7 + 0.25 * share, validation)
        })
        .collect()
}

#[test]
fn curves_have_their_colors_and_are_deterministic() {
    for (draw, colors) in [
        (
            accuracy_curve as fn(&[EpochMetrics]) -> Result<Vec<u8>, Error>,
            [PURPLE, BLUE],
        ),
        (loss_curve, [GREEN, RED]),
    ] {
        let png = draw(&ten_epochs()).expect("ten epochs");
        assert_eq!(draw(&ten_epochs()), Ok(png.clone()));
        let picture = Picture::decode(&png);
        for color in colors {
            // The plot area ends 30 pixels before the right side, the lines a little before it.
            let columns = picture.columns_of(color);
            assert!(columns.len() > 500, "{color:?} in {}", columns.len());
            assert!(columns[0] > 60 && columns[columns.len() - 1] < 930);
        }
        for color in [PURPLE, BLUE, GREEN, RED] {
            let seen = picture.count(color) > 0;
            assert_eq!(seen, colors.contains(&color), "{color:?}");
        }
    }
}

#[test]
fn pixels_are_the_same_on_every_machine() {
    let curves = [accuracy_curve(&ten_epochs()), loss_curve(&ten_epochs())];
    let checksums = curves.map(|png| {
        let picture = Picture::decode(&png.expect("ten epochs"));
        crc32c::crc32c(&picture.pixels)
    });
    assert_eq!(
        checksums,
        [241_206_581, 4_054_394_045],
        "look at the charts before updating this"
    );
}

#[test]
fn line_runs_through_its_values() {
    // Training rises from 0 to 1 in a straight line; validation stays at a half.
    let history: Vec<EpochMetrics> = (1..=5)
        .map(|epoch| record(epoch, (epoch - 1) as f64 / 4.0, 0.5))
        .collect();
    let picture = Picture::decode(&accuracy_curve(&history).expect("five epochs"));
    let columns = picture.columns_of(PURPLE);
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    let middle = |rows: Vec<usize>| rows.iter().sum::<usize>() as f64 / rows.len() as f64;
    let half = middle(picture.rows_of(BLUE, (3 * left + right) / 4));
    // A quarter of the way the training line is as far below a half as it is above it after
    // three quarters; 0 and 1 are 2 % of the range inside the plot area (62 to 570).
    let low = middle(picture.rows_of(PURPLE, (7 * left + right) / 8));
    let high = middle(picture.rows_of(PURPLE, (left + 7 * right) / 8));
    assert!((half - 316.0).abs() <= 1.0, "{half}");
    let expected = 508.0 / 1.04 * 3.0 / 8.0;
    assert!((low - half - expected).abs() <= 3.0, "{low} {half}");
    assert!((half - high - expected).abs() <= 3.0, "{high} {half}");
}

#[test]
fn best_epoch_has_a_ring() {
    // Epoch 2 of 3 is best, in the middle between the others.
    let history = [
        record(1, 0.1, 0.2),
        record(2, 0.1, 0.9),
        record(3, 0.1, 0.3),
    ];
    let picture = Picture::decode(&accuracy_curve(&history).expect("three epochs"));
    let columns = picture.columns_of(PURPLE);
    let middle = (columns[0] + columns[columns.len() - 1]) / 2;
    let rows = picture.rows_of(BLUE, middle);
    let top = rows[0];
    // Top of the ring, paper, the mark inside.
    assert!(
        rows.iter().any(|&row| (8..=10).contains(&(row - top))),
        "{rows:?}"
    );
    let inside = (top + 2..top + 5).map(|row| picture.at(middle, row));
    assert!(inside.clone().any(|pixel| pixel == WHITE), "{inside:?}");
}

#[test]
fn single_epoch_is_visible() {
    let picture = Picture::decode(&accuracy_curve(&[record(7, 0.5, 0.6)]).expect("an epoch"));
    for color in [PURPLE, BLUE] {
        let columns = picture.columns_of(color);
        assert!((4..=24).contains(&columns.len()), "{columns:?}");
    }
}

#[test]
fn values_that_are_not_finite_leave_gaps() {
    let whole = ten_epochs();
    let mut broken = whole.clone();
    broken[4].accuracy = f64::NAN;
    broken[4].loss = f64::INFINITY;
    for (draw, color) in [
        (
            accuracy_curve as fn(&[EpochMetrics]) -> Result<Vec<u8>, Error>,
            PURPLE,
        ),
        (loss_curve, GREEN),
    ] {
        let columns = |history: &[EpochMetrics]| {
            let picture = Picture::decode(&draw(history).expect("ten epochs"));
            picture.columns_of(color).len()
        };
        // Two of the nine segments are missing.
        let (whole, broken) = (columns(&whole), columns(&broken));
        assert!(
            broken * 100 > whole * 65 && broken * 100 < whole * 85,
            "{whole} {broken}"
        );
    }
    let nothing = [
        record(1, f64::NAN, f64::NAN),
        record(2, f64::INFINITY, f64::NAN),
    ];
    let picture = Picture::decode(&accuracy_curve(&nothing).expect("an empty chart"));
    assert!(picture.columns_of(PURPLE).is_empty());
}

#[test]
fn rejects_empty_history() {
    assert_eq!(accuracy_curve(&[]), Err(Error::NoEpochs));
    assert_eq!(loss_curve(&[]), Err(Error::NoEpochs));
}

#[test]
fn margins_are_blank() {
    let mut large = ten_epochs();
    large[3].val_loss = 1.23e45;
    for history in [ten_epochs(), large, vec![record(123_456, 0.1, 0.2)]] {
        for png in [accuracy_curve(&history), loss_curve(&history)] {
            let picture = Picture::decode(&png.expect("a curve"));
            let (width, height) = (CURVE_WIDTH as usize, CURVE_HEIGHT as usize);
            for x in 0..width {
                assert_eq!(
                    (picture.at(x, 4), picture.at(x, height - 5)),
                    (WHITE, WHITE)
                );
            }
            for y in 0..height {
                assert_eq!((picture.at(8, y), picture.at(width - 9, y)), (WHITE, WHITE));
            }
        }
    }
}

fn any_record() -> impl Strategy<Value = EpochMetrics> {
    (any::<usize>(), prop::array::uniform6(prop::num::f64::ANY)).prop_map(|(epoch, values)| {
        let [
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds,
        ] = values;
        EpochMetrics {
            epoch,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds,
        }
    })
}

/// Bits of a record, with one NaN for all.
fn bits(record: &EpochMetrics) -> (usize, [u64; 6]) {
    let values = [
        record.loss,
        record.accuracy,
        record.val_loss,
        record.val_accuracy,
        record.learning_rate,
        record.seconds,
    ];
    let same_nan = |value: f64| if value.is_nan() { f64::NAN } else { value };
    (record.epoch, values.map(|value| same_nan(value).to_bits()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_round_trip(history in prop::collection::vec(any_record(), 0..8)) {
        let back = parse_history_csv(&history_csv(&history)).expect("valid CSV");
        let bits = |history: &[EpochMetrics]| history.iter().map(bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(&history));
    }

    #[test]
    fn parsing_never_panics(text in "\\PC*", lines in "[0-9a-zA-Z,.\n\r -]*") {
        let _ = parse_history_csv(&text);
        let _ = parse_history_csv(&format!("{HISTORY_HEADER}\n{lines}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn draws_any_history(history in prop::collection::vec(any_record(), 1..12)) {
        for png in [accuracy_curve(&history), loss_curve(&history)] {
            Picture::decode(&png.expect("some epochs"));
        }
    }
}
