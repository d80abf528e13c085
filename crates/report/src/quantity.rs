//! Accuracy and loss of an epoch as charts over the epochs.

use modiste_core::four_decimals;
use modiste_metrics::EpochMetrics;

use crate::axis::{epoch_axis, value_axis};
use crate::chart::{Chart, Highlight, Mark, Series};

/// Values with a larger magnitude are gaps: they would leave no room for the others.
const LARGEST: f64 = 1e100;

/// A value that an epoch has for training and for validation.
pub(crate) struct Quantity {
    title: &'static str,
    pub(crate) name: &'static str,
    /// Upper bound. The lower bound is 0.
    max: f64,
    pub(crate) training: fn(&EpochMetrics) -> f64,
    pub(crate) validation: fn(&EpochMetrics) -> f64,
    is_better: fn(f64, f64) -> bool,
}

pub(crate) const ACCURACY: Quantity = Quantity {
    title: "Accuracy",
    name: "accuracy",
    max: 1.0,
    training: |epoch| epoch.accuracy,
    validation: |epoch| epoch.val_accuracy,
    is_better: |new, old| new > old,
};

pub(crate) const LOSS: Quantity = Quantity {
    title: "Loss",
    name: "loss",
    max: f64::INFINITY,
    training: |epoch| epoch.loss,
    validation: |epoch| epoch.val_loss,
    is_better: |new, old| new < old,
};

impl Quantity {
    /// A chart over the epochs of all histories, still without series. `None` without epochs.
    pub(crate) fn chart(&self, histories: &[&[EpochMetrics]]) -> Option<Chart> {
        let epochs = || histories.iter().copied().flatten();
        let first = epochs().map(|epoch| epoch.epoch).min()?;
        let last = epochs().map(|epoch| epoch.epoch).max()?;
        let values = epochs().flat_map(|epoch| [(self.training)(epoch), (self.validation)(epoch)]);
        Some(Chart::new(
            self.title,
            epoch_axis(first, last),
            value_axis(values.filter_map(drawable), 0.0..=self.max),
            ["epoch", self.name],
        ))
    }

    /// Series of the training values.
    pub(crate) fn training_series(
        &self,
        history: &[EpochMetrics],
        color: usize,
        dashed: bool,
    ) -> Series {
        Series {
            name: "training",
            color,
            dashed,
            mark: if dashed { Mark::Ring } else { Mark::Disc },
            points: points(history, self.training),
        }
    }

    /// Series of the validation values.
    pub(crate) fn validation_series(
        &self,
        history: &[EpochMetrics],
        color: usize,
        mark: Mark,
    ) -> Series {
        Series {
            name: "validation",
            color,
            dashed: false,
            mark,
            points: points(history, self.validation),
        }
    }

    /// Highlight of the first epoch with the best validation value, on the series of that number.
    pub(crate) fn best(&self, history: &[EpochMetrics], series: usize) -> Option<Highlight> {
        let mut best: Option<(usize, f64)> = None;
        for epoch in history {
            let Some(value) = drawable((self.validation)(epoch)) else {
                continue;
            };
            if best.is_none_or(|(_, old)| (self.is_better)(value, old)) {
                best = Some((epoch.epoch, value));
            }
        }
        best.map(|(epoch, value)| Highlight {
            point: (epoch as f64, value),
            label: format!("best {}, epoch {epoch}", four_decimals(value)),
            series,
        })
    }
}

fn points(history: &[EpochMetrics], value: fn(&EpochMetrics) -> f64) -> Vec<(f64, Option<f64>)> {
    let point = |epoch: &EpochMetrics| (epoch.epoch as f64, drawable(value(epoch)));
    history.iter().map(point).collect()
}

fn drawable(value: f64) -> Option<f64> {
    (value.abs() <= LARGEST).then_some(value)
}
