//! Ranges and ticks of axes.

use std::ops::RangeInclusive;

/// Visible range of an axis and its ticks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Value at the lower or left end.
    pub(crate) low: f64,
    /// Value at the upper or right end.
    pub(crate) high: f64,
    /// Values and their labels, in ascending order.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Relative position of a value: 0 at the low end, 1 at the high end.
    pub(crate) fn position(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Approximate maximum number of ticks.
const MOST_TICKS: f64 = 10.0;

/// An axis of whole numbers from the first to the last epoch.
pub(crate) fn epoch_axis(first: usize, last: usize) -> Axis {
    let span = last.saturating_sub(first);
    let margin = if span == 0 { 0.5 } else { 0.025 * span as f64 };
    // Epochs too large for a float to tell apart share a place, in a range that is not empty.
    let margin = margin.max(1e-9 * last as f64);
    let step = whole_step(span as f64 / MOST_TICKS);
    // The first epoch is labeled; an epoch that is too close to it is not.
    let round_epochs = (1..=MOST_TICKS as usize + 1)
        .map_while(|count| (first / step).checked_add(count)?.checked_mul(step))
        .take_while(|&epoch| epoch <= last)
        .filter(|epoch| step == 1 || epoch - first > step / 2);
    Axis {
        low: first as f64 - margin,
        high: last as f64 + margin,
        ticks: std::iter::once(first)
            .chain(round_epochs)
            .map(|epoch| (epoch as f64, epoch.to_string()))
            .collect(),
    }
}

/// The first of 1, 2, 5, 10, 20, 50, ... that is not below `least`.
fn whole_step(least: f64) -> usize {
    let mut power = 1usize;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step as f64 >= least || step == usize::MAX {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// An axis around values. It includes 0 only if the values are near it, and does not exceed `bounds`, the
/// range of the quantity.
pub(crate) fn value_axis(values: impl Iterator<Item = f64>, bounds: RangeInclusive<f64>) -> Axis {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    // Values that are equal, or differ by rounding only, still need a readable range.
    let magnitude = low.abs().max(high.abs());
    let least_span = if high - low <= 1e-6 * magnitude {
        0.01 * magnitude.max(1.0)
    } else {
        0.0
    };
    let widen = (least_span - (high - low)).max(0.0) / 2.0;
    let margin = 0.06 * (high - low).max(least_span);
    // A third of the margin keeps a mark on a bound inside the frame.
    let slack = margin / 3.0;
    let bounded_low = (low - widen - margin)
        .max(bounds.start() - slack)
        .min(low - slack);
    let bounded_high = (high + widen + margin)
        .min(bounds.end() + slack)
        .max(high + slack);
    Axis {
        low: bounded_low,
        high: bounded_high,
        ticks: value_ticks(bounded_low, bounded_high),
    }
}

fn value_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let least = (high - low) / MOST_TICKS;
    let mut exponent = least.log10().floor() as i32;
    let mut factor = [1, 2, 5]
        .into_iter()
        .find(|&factor| f64::from(factor) * 10f64.powi(exponent) >= least);
    if factor.is_none() {
        exponent += 1;
        factor = Some(1);
    }
    let step = f64::from(factor.unwrap_or(1)) * 10f64.powi(exponent);
    let first = (low / step).ceil();
    let count = ((high / step).floor() - first).clamp(0.0, 2.0 * MOST_TICKS) as usize;
    let large = low.abs().max(high.abs()) >= 1e5;
    (0..=count)
        .map(|index| {
            let value = (first + index as f64) * step;
            // Avoids the labels -0.00 and 0e0.
            let value = if value == 0.0 { 0.0 } else { value };
            let label = if large && value != 0.0 {
                let digits = value.abs().log10().floor() as i32 - exponent;
                format!("{value:.*e}", digits.max(0).unsigned_abs() as usize)
            } else {
                format!("{value:.*}", exponent.min(0).unsigned_abs() as usize)
            };
            (value, label)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: &Axis, expected: &str) {
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels.join(" "), expected);
        assert!(axis.low < axis.high, "{axis:?}");
        for (value, label) in &axis.ticks {
            let position = axis.position(*value);
            assert!((0.0..=1.0).contains(&position), "{label} at {position}");
        }
    }

    #[test]
    fn epoch_ticks_are_whole_numbers() {
        check(&epoch_axis(1, 1), "1");
        check(&epoch_axis(1, 2), "1 2");
        check(&epoch_axis(1, 10), "1 2 3 4 5 6 7 8 9 10");
        check(&epoch_axis(1, 12), "1 4 6 8 10 12");
        check(&epoch_axis(1, 200), "1 20 40 60 80 100 120 140 160 180 200");
        check(&epoch_axis(31, 40), "31 32 33 34 35 36 37 38 39 40");
        check(&epoch_axis(usize::MAX, usize::MAX), &usize::MAX.to_string());
        assert_eq!(epoch_axis(0, usize::MAX).ticks.len(), 10);
    }

    #[test]
    fn value_ticks_fit_the_values() {
        let axis = |values: &[f64]| value_axis(values.iter().copied(), 0.0..=1.0);
        check(&axis(&[0.9, 0.95]), "0.90 0.91 0.92 0.93 0.94 0.95");
        check(&axis(&[0.0, 1.0]), "0.0 0.2 0.4 0.6 0.8 1.0");
        check(&axis(&[]), "0.0 0.2 0.4 0.6 0.8 1.0");
        let constant = axis(&[1.0]);
        assert!(constant.high > 1.0 && constant.low < 1.0, "{constant:?}");
    }

    #[test]
    fn diverged_loss_has_ticks() {
        let axis = value_axis([2.3, 4e12].into_iter(), 0.0..=f64::INFINITY);
        check(
            &axis,
            "0 5e11 1.0e12 1.5e12 2.0e12 2.5e12 3.0e12 3.5e12 4.0e12",
        );
    }
}
