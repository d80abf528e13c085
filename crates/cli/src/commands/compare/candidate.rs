//! Which of the paths to compare are runs that have a model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use modiste_metrics::EpochMetrics;
use modiste_model::Network;

use super::Compared;
use crate::compute::Chosen;
use crate::loading::Loading;
use crate::measured::{Measured, TestArguments};
use crate::messages::say;
use crate::run::{MODEL, Record, read_history};
use modiste_core::shown;

/// A run that has a model.
pub(super) struct Candidate {
    path: PathBuf,
    record: Record,
    history: Vec<EpochMetrics>,
    network: Network,
}

/// The runs with a model among `paths`. The others are skipped, each with a line on standard error.
///
/// # Errors
/// If a path does not exist, or fewer than two runs remain.
pub(super) fn candidates(paths: &[PathBuf]) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    let mut skipped = Vec::new();
    for path in paths {
        // A slip of the keyboard, which no pattern of the shell makes; a link that leads nowhere it does.
        ensure!(
            path.symlink_metadata().is_ok(),
            "there is no run {}",
            shown(path)
        );
        match Candidate::read(path) {
            Ok(candidate) => candidates.push(candidate),
            Err(error) => skipped.push(format!("{error:#}")),
        }
    }
    if candidates.len() < 2 {
        bail!(
            "two runs with a model are needed to compare, and there is {}; skipped:\n  {}",
            match candidates.first() {
                Some(only) => format!("only {}", shown(&only.path)),
                None => "none".into(),
            },
            skipped.join("\n  ")
        );
    }
    for reason in skipped {
        say(format_args!("skipped: {reason}"));
    }
    Ok(candidates)
}

impl Candidate {
    fn read(path: &Path) -> Result<Self> {
        ensure!(path.is_dir(), "{} is no folder of a run", shown(path));
        let record = Record::read(path)?;
        let model = path.join(MODEL);
        ensure!(
            model.exists(),
            "{} has no model ({})",
            shown(path),
            record.state.name()
        );
        Ok(Self {
            network: Network::load(&model)?,
            history: read_history(path)?,
            path: path.into(),
            record,
        })
    }

    /// Measures the run on its test images.
    ///
    /// # Errors
    /// If they cannot be had, or do not fit the network.
    pub(super) fn compared(self, loading: &Loading, chosen: &Chosen) -> Result<Compared> {
        let test = TestArguments {
            limit: self.record.limit,
            ..TestArguments::default()
        };
        let loading = self.record.loading(loading);
        Ok(Compared {
            name: self.path.display().to_string(),
            measured: Measured::new(&self.network, &test, &loading, chosen)
                .with_context(|| shown(&self.path))?,
            history: self.history,
            record: self.record,
        })
    }
}
