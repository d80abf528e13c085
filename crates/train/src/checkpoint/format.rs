//! File format of checkpoints.

use std::collections::HashMap;

use modiste_dataset::sha256;
use modiste_metrics::EpochMetrics;
use modiste_model::Parameters;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Position};
use crate::config::TrainConfig;

/// Newest format version that [`Checkpoint::to_bytes`] writes and [`Checkpoint::from_bytes`] reads.
const FORMAT_VERSION: u64 = 3;

/// Fields of a stored configuration in format version 2.
const VERSION_2_CONFIG: [&str; 10] = [
    "epochs",
    "batch_size",
    "learning_rate",
    "schedule",
    "momentum",
    "nesterov",
    "weight_decay",
    "mirror",
    "augmentation",
    "seed",
];

/// Tensors of the current weights and running statistics.
const WEIGHTS: [&str; 2] = ["trainable", "statistics"];

/// Tensors of the averages.
const AVERAGES: [&str; 2] = ["average_trainable", "average_statistics"];

/// Tensors of the best epoch.
const BEST: [&str; 2] = ["best_trainable", "best_statistics"];

/// Error of [`Checkpoint::from_bytes`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes are truncated, modified, or not a checkpoint.
    #[error("the checkpoint is damaged: {reason}")]
    Damaged {
        /// Problem with the bytes.
        reason: String,
    },
    /// The checkpoint has the format of another version of Modiste.
    #[error(
        "the checkpoint has format version {found}, but this version of Modiste reads up to \
         {FORMAT_VERSION}: resume the run with the version that started it"
    )]
    Version {
        /// Format version of the checkpoint.
        found: u64,
    },
}

/// JSON object of the metadata entry `state`.
#[derive(Serialize, Deserialize)]
struct State {
    format_version: u64,
    config: TrainConfig,
    training_images: usize,
    position: Position,
    history: Vec<EpochMetrics>,
    weights_sha256: String,
    #[serde(alias = "velocities_sha256")]
    optimizer_state_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    averages_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best_sha256: Option<String>,
}

/// Part of the JSON object that every format version has.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: u64,
}

impl Checkpoint {
    /// Serializes the checkpoint to the bytes of its file.
    ///
    /// ```
    /// use modiste_model::{Parameters, zoo};
    /// use modiste_train::{Checkpoint, TrainConfig};
    ///
    /// let parameters = Parameters::initialize(&zoo::closet().plan()?, 1);
    /// let checkpoint = Checkpoint::start(&TrainConfig::default(), &parameters, 60_000);
    /// let bytes = checkpoint.to_bytes();
    /// assert_eq!(Checkpoint::from_bytes(&bytes)?, checkpoint);
    /// assert!(Checkpoint::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let optimizer_state = bytes_of(&self.optimizer_state);
        let weights = parameter_bytes(&self.parameters);
        let [averages, best] =
            [&self.averages, &self.best].map(|kept| kept.as_ref().map(parameter_bytes));
        let hash = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| sha256([&**bytes]));
        let state = State {
            format_version: self.format_version(),
            config: self.config.clone(),
            training_images: self.training_images,
            position: self.position,
            history: self.history.clone(),
            weights_sha256: sha256([&*weights]),
            optimizer_state_sha256: sha256([&*optimizer_state]),
            averages_sha256: hash(&averages),
            best_sha256: hash(&best),
        };
        let state = serde_json::to_string(&state).expect("plain data becomes JSON");
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let trainable_bytes = 4 * self.parameters.trainable.len();
        let mut views = vec![("optimizer_state", &*optimizer_state)];
        let kept = [(AVERAGES, &averages), (BEST, &best)];
        let kept = kept.map(|(names, bytes)| (names, bytes.as_deref()));
        for (names, bytes) in [(WEIGHTS, Some(&*weights))].into_iter().chain(kept) {
            if let Some((trainable, running_stats)) = bytes.map(|b| b.split_at(trainable_bytes)) {
                views.extend([(names[0], trainable), (names[1], running_stats)]);
            }
        }
        let views = views.into_iter().map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            (name, view.expect("4 bytes per number"))
        });
        safetensors::serialize(views, Some(metadata)).expect("consistent views")
    }

    /// Format version that can represent the checkpoint.
    fn format_version(&self) -> u64 {
        let config = serde_json::to_value(&self.config).expect("plain data becomes JSON");
        let fields = config.as_object().into_iter().flatten();
        let mut names = fields.map(|(name, _)| name.as_str());
        match names.all(|name| VERSION_2_CONFIG.contains(&name)) {
            true => 2,
            false => FORMAT_VERSION,
        }
    }

    /// Reads a checkpoint from the bytes of its file. Hashes and the file format detect damage
    /// to any byte.
    ///
    /// # Errors
    /// Returns [`CheckpointError::Damaged`] if a byte is missing or modified, or a number is NaN or infinite,
    /// and [`CheckpointError::Version`] if the format version is not supported.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let unreadable = |error: &dyn std::fmt::Display| damaged(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(&error))?;
        let entry = |name: &str| {
            let metadata = header.metadata().as_ref();
            let entry = metadata.and_then(|entries| entries.get(name));
            entry.ok_or_else(|| damaged(format!("its metadata has no entry `{name}`")))
        };
        let state = entry("state")?;
        if sha256([state.as_bytes()]) != *entry("sha256")? {
            return Err(damaged("the hash of its state does not match"));
        }
        let version: VersionOnly =
            serde_json::from_str(state).map_err(|error| unreadable(&error))?;
        if !(1..=FORMAT_VERSION).contains(&version.format_version) {
            return Err(CheckpointError::Version {
                found: version.format_version,
            });
        }
        let state: State = serde_json::from_str(state).map_err(|error| unreadable(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| unreadable(&error))?;
        let data = |name: &str| match tensors.tensor(name) {
            Ok(tensor) if tensor.dtype() == Dtype::F32 => Ok(tensor.data()),
            Ok(_) => Err(damaged(format!("`{name}` is not f32"))),
            Err(error) => Err(unreadable(&error)),
        };
        let parameters = |names: [&str; 2], kind: &str, hash: &str| {
            let [trainable, running_stats] = [data(names[0])?, data(names[1])?];
            match sha256([trainable, running_stats]) == hash {
                true => Ok(Parameters {
                    trainable: numbers_of(trainable),
                    running_stats: numbers_of(running_stats),
                }),
                false => Err(damaged(format!("the hash of its {kind} does not match"))),
            }
        };
        let weights = parameters(WEIGHTS, "weights", &state.weights_sha256)?;
        let averages = state.averages_sha256.as_ref();
        let averages = averages.map(|hash| parameters(AVERAGES, "averaged weights", hash));
        let best = state.best_sha256.as_ref();
        let best = best.map(|hash| parameters(BEST, "best epoch's weights", hash));
        let (averages, best) = (averages.transpose()?, best.transpose()?);
        let optimizer_state = data(match version.format_version {
            1 => "velocities",
            _ => "optimizer_state",
        })?;
        if sha256([optimizer_state]) != state.optimizer_state_sha256 {
            return Err(damaged("the hash of its optimizer state does not match"));
        }
        let optimizer_state = numbers_of(optimizer_state);
        let kept = [averages.as_ref(), best.as_ref()].into_iter().flatten();
        for parameters in [&weights].into_iter().chain(kept) {
            check_finite("weight", &parameters.trainable)?;
            check_finite("running statistic", &parameters.running_stats)?;
        }
        check_finite("value of the optimizer state", &optimizer_state)?;
        Ok(Self {
            config: state.config,
            training_images: state.training_images,
            position: state.position,
            history: state.history,
            parameters: weights,
            optimizer_state,
            averages,
            best,
        })
    }
}

fn damaged(reason: impl Into<String>) -> CheckpointError {
    let reason = reason.into();
    CheckpointError::Damaged { reason }
}

/// Checks that all numbers are finite.
fn check_finite(kind: &str, numbers: &[f32]) -> Result<(), CheckpointError> {
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => Err(damaged(format!("a {kind} is {number}"))),
        None => Ok(()),
    }
}

/// Bytes of the weights, then of the running statistics.
pub(super) fn parameter_bytes(parameters: &Parameters) -> Vec<u8> {
    let mut bytes = bytes_of(&parameters.trainable);
    bytes.extend(bytes_of(&parameters.running_stats));
    bytes
}

/// Little-endian bytes of `numbers`.
fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4 * numbers.len()];
    for (four, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
        *four = number.to_le_bytes();
    }
    bytes
}

/// Numbers from little-endian bytes.
fn numbers_of(bytes: &[u8]) -> Vec<f32> {
    let fours = bytes.as_chunks().0.iter();
    fours.map(|four| f32::from_le_bytes(*four)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Position;
    use crate::optimizer::Optimizer;

    fn checkpoint() -> Checkpoint {
        let epoch = |epoch| EpochMetrics {
            epoch,
            // Values without a short decimal representation: all 53 bits must survive the JSON.
            loss: 1.0 / 3.0,
            accuracy: 0.1 + 0.2,
            val_loss: 5e-324,
            val_accuracy: 1.0 - f64::EPSILON / 2.0,
            learning_rate: 0.06,
            seconds: 1e10 / 7.0,
        };
        Checkpoint {
            config: TrainConfig {
                learning_rate: 0.1 + 0.2,
                seed: u64::MAX,
                ..TrainConfig::default()
            },
            training_images: 70,
            position: Position {
                epochs_done: 2,
                steps_done: 3,
                images: 48,
                loss: 2.0 / 3.0,
                correct: 40,
                seconds: 0.3,
                dropout: u64::MAX - 1,
            },
            history: vec![epoch(1), epoch(2)],
            parameters: Parameters {
                trainable: vec![1.5, -0.0, f32::MIN_POSITIVE / 2.0],
                running_stats: vec![],
            },
            optimizer_state: vec![f32::MAX, 0.1, -3.0],
            averages: None,
            best: None,
        }
    }

    #[test]
    fn round_trips_bit_for_bit() {
        let before = checkpoint();
        let bytes = before.to_bytes();
        let after = Checkpoint::from_bytes(&bytes).expect("a checkpoint");
        assert_eq!(after, before);
        assert_eq!(
            after.parameters.trainable[1].to_bits(),
            (-0.0_f32).to_bits()
        );
        assert_eq!(after.weights_sha256(), before.weights_sha256());
        let mut other = before.clone();
        other.parameters.trainable[1] = 0.0;
        assert_ne!(other.weights_sha256(), before.weights_sha256());
    }

    /// A checkpoint with averaged weights and those of the best epoch.
    fn version_3() -> Checkpoint {
        let mut checkpoint = checkpoint();
        checkpoint.config.optimizer = Optimizer::adamw(0.01);
        checkpoint.config.ema_decay = Some(0.99);
        checkpoint.config.patience = Some(3);
        let parameters = |first| Parameters {
            trainable: vec![first, 2.5, -1.0],
            running_stats: vec![],
        };
        Checkpoint {
            optimizer_state: vec![1.0; 7],
            averages: Some(parameters(0.5)),
            best: Some(parameters(0.25)),
            ..checkpoint
        }
    }

    #[test]
    fn version_is_the_oldest_that_has_the_settings() {
        for (checkpoint, version) in [(checkpoint(), 2), (version_3(), 3)] {
            let bytes = checkpoint.to_bytes();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let state = text
                .find("format_version")
                .expect("the state has a version");
            let expected = format!("format_version\\\":{version},");
            assert!(text[state..].starts_with(&expected));
            assert_eq!(Checkpoint::from_bytes(&bytes), Ok(checkpoint));
        }
    }

    #[test]
    fn rejects_non_finite_numbers() {
        let check = |change: fn(&mut Checkpoint), expected: &str| {
            let mut checkpoint = version_3();
            change(&mut checkpoint);
            let error = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect_err("rejected");
            assert!(error.to_string().ends_with(expected), "{error}");
        };
        check(|c| c.parameters.trainable[1] = f32::NAN, "a weight is NaN");
        check(
            |c| c.parameters.running_stats.push(f32::INFINITY),
            "a running statistic is inf",
        );
        check(
            |c| c.optimizer_state[2] = f32::NEG_INFINITY,
            "a value of the optimizer state is -inf",
        );
        check(
            |c| c.averages.as_mut().expect("averages").trainable[0] = f32::NAN,
            "a weight is NaN",
        );
    }

    #[test]
    fn rejects_truncation_and_bit_flips() {
        detects_damage(&checkpoint());
        detects_damage(&version_3());
    }

    #[track_caller]
    fn detects_damage(before: &Checkpoint) {
        let bytes = before.to_bytes();
        for length in 0..bytes.len() {
            let truncated = Checkpoint::from_bytes(&bytes[..length]);
            assert!(truncated.is_err(), "{length} of {} bytes", bytes.len());
        }
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                if let Ok(after) = Checkpoint::from_bytes(&flipped) {
                    assert_eq!(&after, before, "bit {bit} of byte {index}");
                }
            }
        }
    }

    #[test]
    fn reads_version_1() {
        let now = checkpoint();
        let bytes = now.to_bytes();
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a file");
        let state = &header.metadata().as_ref().expect("metadata")["state"];
        let state = state
            .replace("optimizer_state_sha256", "velocities_sha256")
            .replace("\"format_version\":2", "\"format_version\":1")
            .replace(
                "\"mirror\":false",
                "\"mirror\":false,\"validation\":\"split:0.25\"",
            );
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let tensors = SafeTensors::deserialize(&bytes).expect("a file");
        let views = tensors.tensors().into_iter().map(|(name, view)| {
            let name = name.replace("optimizer_state", "velocities");
            (name, view)
        });
        let before = safetensors::serialize(views, Some(metadata)).expect("a file");
        assert_eq!(Checkpoint::from_bytes(&before), Ok(now));
    }

    #[test]
    fn rejects_newer_version() {
        let newer = VersionOnly { format_version: 4 };
        let state = format!("{{\"format_version\":{}}}", newer.format_version);
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let none: [(&str, TensorView<'_>); 0] = [];
        let bytes = safetensors::serialize(none, Some(metadata)).expect("a file");
        let result = Checkpoint::from_bytes(&bytes);
        assert_eq!(result, Err(CheckpointError::Version { found: 4 }));
    }
}
