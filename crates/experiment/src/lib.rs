//! Resumable, reproducible training runs.
//!
//! - [`train()`] trains a network in memory.
//! - A [`Plan`] contains dataset, network and configuration of a run; [`recipes`] are tested combinations of these
//!   that a plan starts from.
//! - A [`Run`] executes a plan and keeps its files in one folder: `run.json`, history, event log, checkpoints, model.
//!   [`Run::resume`] continues a run that was stopped or killed; the resulting model is bit-identical.
//! - [`reproduce`] repeats a run and compares it bit by bit. [`compare`] compares several runs.
//! - [`measure`] computes all metrics on a dataset's test images. [`classify_files`] classifies photos.
//! - [`pages`] builds HTML reports.
//!
//! Functions return data. Warnings and progress go to callbacks; nothing is printed.
//!
//! ```no_run
//! use modiste_experiment::{Plan, Run, RunOptions, find_recipe};
//! use modiste_train::Next;
//!
//! let plan = Plan::new(&find_recipe("fashion")?, None, None)?;
//! let run = Run::start(&plan, &RunOptions::default(), &mut |warning| eprintln!("{warning}"))?;
//! let record = run.train(&mut |_| Next::Continue)?;
//! println!("{:?}", record.test);
//! # Ok::<(), modiste_experiment::Error>(())
//! ```

mod augmentation;
mod bench;
mod class_map;
mod classify;
mod clock;
mod compare;
mod composition;
mod compute;
mod config;
mod data;
mod datasets;
mod epoch_line;
mod error;
mod fine_tuning;
mod inspect;
mod json;
mod label_issues;
mod machine;
mod measure;
mod model;
mod names;
mod own_images;
mod own_test;
pub mod pages;
mod photos;
mod plan;
mod predictions;
mod pretrained;
mod recipe;
mod reproduce;
mod run;
mod spread;
mod table;
mod threads;
mod train;
mod unreadable;
mod validation;
mod views;
mod warning;

/// Version of Modiste.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Commit that this crate was built from; `None` if it was not built from a checkout.
pub const COMMIT: Option<&str> = option_env!("MODISTE_COMMIT");

pub use augmentation::set_augmentation;
pub use bench::{BenchReport, bench};
pub use class_map::ClassMap;
pub use classify::{Classified, classify_files};
pub use compare::{Comparison, Difference, Pair, RunResult, compare};
pub use compute::{AUTO, ComputeChoice, ComputeRecord, ComputeSetup, EngineChoice, kernel_options};
pub use config::{RunConfig, SYNTHETIC};
pub use data::{DATA_VARIABLE, DataSource, Fetch, check_data_folder, default_data_folder};
pub use datasets::{
    DatasetFile, DatasetListing, VerifiedFile, datasets_table, list_datasets, verify_dataset,
};
pub use epoch_line::epoch_line;
pub use error::{Error, Result};
pub use fine_tuning::Freeze;
pub use inspect::{ClassCount, DataReport, DataSample, Finding, Inspection, inspect};
pub use json::{pretty_json, read_json};
pub use label_issues::{DEFAULT_FOLDS, FoldProgress, LabelReport, SuspectLabel, find_wrong_labels};
pub use machine::{Machine, peak_resident_mib};
pub use measure::{ClassReport, Measurement, MetricsReport, TestOptions, measure, measure_images};
pub use model::{find_architecture, fitted_architecture, load_model};
pub use own_images::{ImageFiles, OnProgress, OwnImages};
pub use photos::{
    AnswerSummary, FailedPhoto, OtherPhoto, OtherSummary, PhotoAnswer, PhotoClassSummary,
    PhotoEvent, PhotosReport, PhotosSummary, classify_photos, photo_paths,
};
pub use plan::Plan;
pub use predictions::{predictions_csv, predictions_header};
pub use pretrained::{Pretrained, PretrainedModel};
pub use recipe::{Recipe, RecipeImages, find_recipe, recipes};
pub use reproduce::{EpochDifference, ModelDifference, Reproduction, reproduce};
pub use run::{
    BestResult, ClassCounts, DatasetRecord, DivergenceAdvice, MODEL, OnEvent, OutlierResult,
    OwnImagesRecord, PhotosResult, RUNS, Record, Run, RunEvent, RunOptions, RunSummary, State,
    TestResult, list_runs, read_history, runs_table,
};
pub use table::table;
pub use threads::{start_threads, start_threads_with_current};
pub use train::train;
pub use unreadable::UnreadableFile;
pub use validation::Validation;
pub use views::FileViews;
pub use warning::Warning;

/// Examples of the crate's README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
