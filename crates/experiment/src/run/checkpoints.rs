//! The last two checkpoints of a run. Each file is complete at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use modiste_core::{shown, write_atomic};
use modiste_train::{Checkpoint, CheckpointError};

use super::temporary::remove_temporary_files;
use crate::error::{Error, Result};
use crate::warning::Warning;

/// Folder of the checkpoints in the folder of a run.
const FOLDER: &str = "checkpoints";

/// Names of the files, the newest first.
const NAMES: [&str; 2] = ["last.safetensors", "previous.safetensors"];

/// Name of a new checkpoint before it replaces the last one.
const NEW: &str = "new.safetensors";

/// Checkpoints of one run.
#[derive(Debug)]
pub(super) struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Checkpoints of the run in `run`.
    pub(super) fn of(run: &Path) -> Self {
        Self {
            folder: run.join(FOLDER),
        }
    }

    /// Saves a checkpoint as the last one; the last one becomes the previous one. At any time, one of them is
    /// complete. If saving fails, the existing checkpoints are unchanged.
    ///
    /// # Errors
    /// Returns [`Error::File`] if it cannot be written.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        let [last, previous] = NAMES.map(|name| self.folder.join(name));
        let new = self.folder.join(NEW);
        fs::create_dir_all(&self.folder).map_err(Error::file(&self.folder))?;
        write_atomic(&new, &checkpoint.to_bytes()).map_err(Error::file(&last))?;
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(Error::file(to));
        if last.exists() {
            rename(&last, &previous)?;
        }
        rename(&new, &last)
    }

    /// Reads the newest intact checkpoint; `None` if there is none. A damaged one is reported, and removed if an
    /// older one is intact: it would otherwise replace that one as the previous checkpoint.
    ///
    /// # Errors
    /// Returns [`Error::File`] if a file cannot be read and [`Error::Contents`] if another version of Modiste
    /// wrote it.
    pub(super) fn newest(&self, on_warning: &mut dyn FnMut(Warning)) -> Result<Option<Checkpoint>> {
        let mut damaged: Vec<PathBuf> = Vec::new();
        for name in [NEW, NAMES[0], NAMES[1]] {
            let path = self.folder.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::file(&path)(error)),
            };
            match Checkpoint::from_bytes(&bytes) {
                Ok(checkpoint) => {
                    for path in damaged {
                        fs::remove_file(&path).map_err(Error::file(&path))?;
                    }
                    return Ok(Some(checkpoint));
                }
                Err(error @ CheckpointError::Damaged { .. }) => {
                    on_warning(Warning::DamagedCheckpoint {
                        path: path.clone(),
                        reason: error.to_string(),
                    });
                    damaged.push(path);
                }
                Err(error) => {
                    return Err(Error::Contents {
                        path,
                        reason: error.to_string(),
                    });
                }
            }
        }
        Ok(None)
    }

    /// Removes the oldest checkpoint, to free space on a full disk; the newest is kept if `keep_newest`. Returns
    /// whether one was removed.
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

    /// Removes all checkpoints, after the run has finished.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove {}", shown(&self.folder));
        }
    }

    /// Removes temporary files of a killed process.
    pub(super) fn remove_temporary_files(&self) {
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
    fn keeps_two_and_falls_back_from_damaged_one() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        let seed = || {
            let newest = checkpoints.newest(&mut |_| {}).expect("readable");
            newest.map(|checkpoint| checkpoint.config.seed)
        };
        assert_eq!(seed(), None);
        for number in 1..=3 {
            checkpoints.save(&checkpoint(number)).expect("saved");
            assert_eq!(seed(), Some(number));
        }
        let [last, previous] = NAMES.map(|name| run.path().join(FOLDER).join(name));
        let bytes = fs::read(&last).expect("the last");
        fs::write(&last, &bytes[..bytes.len() / 2]).expect("cut");
        assert_eq!(seed(), Some(2));
        // The next checkpoint does not replace the intact one by the damaged one.
        checkpoints.save(&checkpoint(4)).expect("saved");
        fs::write(&last, &bytes[..bytes.len() / 2]).expect("cut");
        assert_eq!(seed(), Some(2));
        fs::write(&previous, b"").expect("cut");
        assert_eq!(seed(), None);
        checkpoints.remove();
        assert_eq!(run.path().read_dir().expect("a folder").count(), 0);
    }

    #[test]
    fn removes_oldest_for_room() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        assert!(!checkpoints.remove_oldest(false));
        for number in 1..=2 {
            checkpoints.save(&checkpoint(number)).expect("saved");
        }
        assert!(checkpoints.remove_oldest(true));
        let newest = checkpoints
            .newest(&mut |_| {})
            .expect("readable")
            .expect("there");
        assert_eq!(newest.config.seed, 2);
        assert!(!checkpoints.remove_oldest(true));
        assert!(checkpoints.remove_oldest(false));
        assert!(checkpoints.newest(&mut |_| {}).expect("readable").is_none());
    }

    #[test]
    fn survives_kill_between_renames() {
        let run = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::of(run.path());
        for number in 1..=2 {
            checkpoints.save(&checkpoint(number)).expect("saved");
        }
        let file = |name: &str| run.path().join(FOLDER).join(name);
        // State after a kill between the two renames.
        fs::write(file(NEW), checkpoint(3).to_bytes()).expect("written");
        fs::rename(file(NAMES[0]), file(NAMES[1])).expect("renamed");
        let newest = checkpoints
            .newest(&mut |_| {})
            .expect("readable")
            .expect("there");
        assert_eq!(newest.config.seed, 3);
    }
}
