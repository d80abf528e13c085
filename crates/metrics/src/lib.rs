//! Metrics of classifiers: pure functions of scores and labels.
//!
//! - [`argmax`], [`rank`], [`count_correct`], [`top_k_accuracy`],
//!   [`balanced_accuracy`]: accuracy.
//! - [`Confusion`]: confusion matrix with precision, recall and F1 per class.
//! - [`reliability`], [`calibration_error`]: calibration.
//! - [`EpochMetrics`], [`best_epoch`]: training history.
//! - [`find_label_issues`]: probably wrong labels.
//! - [`auroc`], [`score_reached_by`]: rejection of images that belong to no class.
//! - [`conformal_thresholds`]: sets of classes with a guaranteed coverage.
//! - [`wilson_interval`], [`mcnemar`]: confidence interval and significance test.

mod accuracy;
mod calibration;
mod conformal;
mod confusion;
mod epoch;
mod interval;
mod label_issues;
mod mcnemar;
mod rejection;

pub use accuracy::{argmax, balanced_accuracy, count_correct, rank, top_k_accuracy};
pub use calibration::{ReliabilityBin, calibration_error, reliability};
pub use conformal::{COVERAGES, conformal_thresholds};
pub use confusion::{ClassResult, Confusion};
pub use epoch::{EpochMetrics, best_epoch};
pub use interval::wilson_interval;
pub use label_issues::{LabelIssue, find_label_issues};
pub use mcnemar::mcnemar;
pub use rejection::{auroc, score_reached_by};

/// Examples of the crate's README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
