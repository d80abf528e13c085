//! `run.json`: what was trained, on what, where, and what came of it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use modiste_dataset::file_hashes;
use modiste_model::Architecture;
use modiste_train::TrainConfig;
use serde::Serialize;

use super::photos::PhotosResult;
use super::plan::Plan;
use crate::compute::Chosen;

/// The record of a run. Written when it starts and again when it ends.
#[derive(Serialize)]
pub(crate) struct Record {
    format_version: u32,
    pub(crate) state: State,
    /// The version of Modiste.
    modiste: &'static str,
    recipe: &'static str,
    dataset: DatasetRecord,
    architecture: Architecture,
    config: TrainConfig,
    /// Images that were used at most, of training and test images each.
    pub(crate) limit: Option<usize>,
    engine: String,
    device: String,
    threads: usize,
    machine: Machine,
    /// Seconds since 1970-01-01, UTC.
    started_unix: u64,
    /// How long training took.
    pub(crate) seconds: Option<f64>,
    /// Whole epochs.
    pub(crate) epochs: usize,
    /// The final weights on the test images.
    pub(crate) test: Option<TestResult>,
    /// The final weights on the photos that were named.
    pub(crate) photos: Option<PhotosResult>,
    /// Why the run failed.
    pub(crate) error: Option<String>,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Running,
    Finished,
    Interrupted,
    Failed,
}

/// What the final weights make of the test images.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct TestResult {
    pub(crate) images: usize,
    pub(crate) loss: f64,
    /// 0 to 1.
    pub(crate) accuracy: f64,
}

#[derive(Serialize)]
struct DatasetRecord {
    name: &'static str,
    files: Vec<FileRecord>,
}

#[derive(Serialize)]
struct FileRecord {
    file: &'static str,
    /// Of the bytes after decompression.
    sha256: String,
    official: bool,
}

#[derive(Serialize)]
struct Machine {
    os: &'static str,
    arch: &'static str,
    cpu: Option<String>,
    cores: usize,
    avx2: bool,
    avx512f: bool,
}

impl Record {
    /// The record of a run that starts now.
    ///
    /// # Errors
    /// Where the dataset's files cannot be read.
    pub(crate) fn new(plan: &Plan, chosen: &Chosen, data: &Path) -> Result<Self> {
        let files = file_hashes(plan.dataset, data)?
            .into_iter()
            .map(|hash| FileRecord {
                file: hash.file,
                sha256: hash.sha256,
                official: hash.official,
            });
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self {
            format_version: 1,
            state: State::Running,
            modiste: env!("CARGO_PKG_VERSION"),
            recipe: plan.recipe,
            dataset: DatasetRecord {
                name: plan.dataset,
                files: files.collect(),
            },
            architecture: plan.architecture.clone(),
            config: plan.config.clone(),
            limit: None,
            engine: chosen.compute.engine.on(&chosen.compute.device).to_string(),
            device: chosen.selected.name(),
            threads: chosen.threads,
            machine: machine(),
            started_unix: now.map_or(0, |since| since.as_secs()),
            seconds: None,
            epochs: 0,
            test: None,
            photos: None,
            error: None,
        })
    }
}

fn machine() -> Machine {
    Machine {
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        cpu: cpu_name(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        #[cfg(target_arch = "x86_64")]
        avx2: std::is_x86_feature_detected!("avx2"),
        #[cfg(not(target_arch = "x86_64"))]
        avx2: false,
        #[cfg(target_arch = "x86_64")]
        avx512f: std::is_x86_feature_detected!("avx512f"),
        #[cfg(not(target_arch = "x86_64"))]
        avx512f: false,
    }
}

/// The processor's name, where Linux tells it.
fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
