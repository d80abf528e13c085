//! The two last checkpoints of a run, each file whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use modiste_core::shown;
use modiste_core::write_atomic;
use modiste_train::{Checkpoint, CheckpointError};

use super::temporary::remove_temporary_files;
use crate::messages::say;

/// Where they lie in a run's folder.
const FOLDER: &str = "checkpoints";

/// Their names, the newer first.
const NAMES: [&str; 2] = ["last.safetensors", "previous.safetensors"];

/// The name of one that is not yet the last.
const NEW: &str = "new.safetensors";

/// The checkpoints of one run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those of the run in `run`.
    pub(super) fn of(run: &Path) -> Self {
        Self {
            folder: run.join(FOLDER),
        }
    }

    /// Keeps a checkpoint as the last one, and the one that was as the previous one. At any instant
    /// one of them is whole, and where this fails both stay.
    ///
    /// # Errors
    /// What the file system says, with the path.
    pub(crate) fn keep(&self, checkpoint: &Checkpoint) -> Result<()> {
        let [last, previous] = NAMES.map(|name| self.folder.join(name));
        let new = self.folder.join(NEW);
        fs::create_dir_all(&self.folder).with_context(|| shown(&self.folder))?;
        write_atomic(&new, &checkpoint.to_bytes()).with_context(|| shown(&last))?;
        let rename = |from: &Path, to: &Path| {
            fs::rename(from, to).with_context(|| format!("{} to {}", shown(from), shown(to)))
        };
        if last.exists() {
            rename(&last, &previous)?;
        }
        rename(&new, &last)
    }

    /// The newest checkpoint that is whole. One that is damaged is told, and removed where an older one
    /// stands in for it: it would take that one's place. `None` where there is none.
    ///
    /// # Errors
    /// Where a file is there and cannot be read, or another version of Modiste wrote it.
    pub(crate) fn newest(&self) -> Result<Option<Checkpoint>> {
        let mut damaged: Vec<PathBuf> = Vec::new();
        for name in [NEW, NAMES[0], NAMES[1]] {
            let path = self.folder.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| shown(&path)),
            };
            match Checkpoint::from_bytes(&bytes) {
                Ok(checkpoint) => {
                    for path in damaged {
                        fs::remove_file(&path).with_context(|| shown(&path))?;
                    }
                    return Ok(Some(checkpoint));
                }
                Err(error @ CheckpointError::Damaged { .. }) => {
                    say(format_args!(
                        "warning: {}: {error}; going back to what was kept before it",
                        shown(&path)
                    ));
                    damaged.push(path);
                }
                Err(error) => return Err(error).with_context(|| shown(&path)),
            }
        }
        Ok(None)
    }

    /// Removes the oldest, to make room on a full disk; the newest is kept if `keep_newest`. Returns
    /// whether there was one to remove.
    pub(super) fn remove_oldest(&self, keep_newest: bool) -> bool {
        let files = [NAMES[1], NAMES[0], NEW].map(|name| self.folder.join(name));
        let files: Vec<&PathBuf> = files.iter().filter(|path| path.exists()).collect();
        match files.first() {
            Some(oldest) if files.len() > usize::from(keep_newest) => {
                fs::remove_file(oldest).is_ok()
            }
            _ => false,
        }
    }

    /// Removes them: a finished run goes on from nowhere.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "{} stays", shown(&self.folder));
        }
    }

    /// Removes what a process that was killed has left of a file that it was writing.
    pub(super) fn remove_remains(&self) {
        remove_temporary_files(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use modiste_model::{Parameters, zoo};
    use modiste_train::TrainConfig;

    use super::*;

    fn checkpoint(seed: u64) -> Checkpoint {
        let resolved = zoo::closet().plan().expect("a network of the zoo");
        let config = TrainConfig {
            seed,
            ..TrainConfig::default()
        };
        Checkpoint::start(&config, &Parameters::zeros(&resolved), 10)
    }

    #[test]
    fn two_are_kept_and_the_older_stands_in_for_a_damaged_one() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        let seed = || {
            let newest = checkpoints.newest().expect("readable");
            newest.map(|checkpoint| checkpoint.config.seed)
        };
        assert_eq!(seed(), None);
        for number in 1..=3 {
            checkpoints.keep(&checkpoint(number)).expect("kept");
            assert_eq!(seed(), Some(number));
        }
        let [last, previous] = NAMES.map(|name| run.path().join(FOLDER).join(name));
        let bytes = fs::read(&last).expect("the last");
        fs::write(&last, &bytes[..bytes.len() / 2]).expect("cut");
        assert_eq!(seed(), Some(2));
        // What is kept next does not put the damaged one in the place of the one that is whole.
        checkpoints.keep(&checkpoint(4)).expect("kept");
        fs::write(&last, &bytes[..bytes.len() / 2]).expect("cut");
        assert_eq!(seed(), Some(2));
        fs::write(&previous, b"").expect("cut");
        assert_eq!(seed(), None);
        checkpoints.remove();
        assert_eq!(run.path().read_dir().expect("a folder").count(), 0);
    }

    #[test]
    fn oldest_makes_room() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        assert!(!checkpoints.remove_oldest(false));
        for number in 1..=2 {
            checkpoints.keep(&checkpoint(number)).expect("kept");
        }
        assert!(checkpoints.remove_oldest(true));
        let newest = checkpoints.newest().expect("readable").expect("there");
        assert_eq!(newest.config.seed, 2);
        assert!(!checkpoints.remove_oldest(true));
        assert!(checkpoints.remove_oldest(false));
        assert!(checkpoints.newest().expect("readable").is_none());
    }

    #[test]
    fn none_is_lost_between_the_renames() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        for number in 1..=2 {
            checkpoints.keep(&checkpoint(number)).expect("kept");
        }
        let file = |name: &str| run.path().join(FOLDER).join(name);
        // As a process leaves it that ends after the first of two renames.
        fs::write(file(NEW), checkpoint(3).to_bytes()).expect("written");
        fs::rename(file(NAMES[0]), file(NAMES[1])).expect("renamed");
        let newest = checkpoints.newest().expect("readable").expect("there");
        assert_eq!(newest.config.seed, 3);
    }
}
