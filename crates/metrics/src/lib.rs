//! Metrics of classifiers: pure functions of scores and labels.
//!
//! - [`argmax`], [`rank`], [`count_correct`], [`top_k_accuracy`],
//!   [`balanced_accuracy`]: accuracy.
//! - [`Confusion`]: confusion matrix with precision, recall and F1 per class.
//! - [`reliability`], [`calibration_error`]: calibration.
//! - [`EpochMetrics`], [`best_epoch`]: training history.
//! - [`find_label_issues`]: probably wrong labels.
//! - [`wilson_interval`], [`mcnemar`]: confidence interval and significance test.

mod accuracy;
mod calibration;
mod confusion;
mod epoch;
mod interval;
mod label_issues;
mod mcnemar;

pub use accuracy::{argmax, balanced_accuracy, count_correct, rank, top_k_accuracy};
pub use calibration::{ReliabilityBin, calibration_error, reliability};
pub use confusion::{ClassResult, Confusion};
pub use epoch::{EpochMetrics, best_epoch};
pub use interval::wilson_interval;
pub use label_issues::{LabelIssue, find_label_issues};
pub use mcnemar::mcnemar;

/// Examples of the crate's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
