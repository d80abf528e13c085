//! Checkpoints: the complete state of a training run between two steps.
//!
//! # Format
//! [`Checkpoint::to_bytes`] writes a file in the
//! [safetensors](https://huggingface.co/docs/safetensors) format with three flat f32 tensors,
//! `trainable`, `statistics` and `optimizer_state`, in the layout of
//! [`NetworkPlan::variables`](modiste_model::NetworkPlan::variables). The metadata has two entries:
//! `state`, a JSON object with everything else, including the SHA-256 of the weights (`trainable`, then
//! `statistics`) and of the optimizer state; and `sha256`, the SHA-256 of `state`. In version 1 the last
//! tensor is called `velocities`.

use std::collections::HashMap;

use modiste_core::Rng;
use modiste_dataset::sha256;
use modiste_model::Parameters;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use modiste_metrics::EpochMetrics;

/// Format version that [`Checkpoint::to_bytes`] writes, and the newest that [`Checkpoint::from_bytes`]
/// reads.
const FORMAT_VERSION: u64 = 2;

/// Stream of [`Rng::stream`] for dropout.
const DROPOUT_STREAM: u64 = 2;

/// State of a training run between two steps. With the same images, [`resume`](crate::resume) continues
/// from it as if the run had not been interrupted.
///
/// The order of images, their augmentation and the learning rate are functions of the configuration and
/// the position, so they need no state of their own.
///
/// ```
/// use modiste_model::{Parameters, zoo};
/// use modiste_train::{Checkpoint, TrainConfig};
///
/// let parameters = Parameters::initialize(&zoo::closet().plan()?, 1);
/// let checkpoint = Checkpoint::start(&TrainConfig::default(), &parameters, 60_000);
/// assert_eq!((checkpoint.position.epochs_done, checkpoint.position.steps_done), (0, 0));
/// assert_eq!(Checkpoint::from_bytes(&checkpoint.to_bytes())?, checkpoint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Configuration of the run.
    pub config: TrainConfig,
    /// Number of training images.
    pub training_images: usize,
    /// Progress of the run.
    pub position: Position,
    /// Metrics of the complete epochs.
    pub history: Vec<EpochMetrics>,
    /// Weights and running statistics.
    pub parameters: Parameters,
    /// State of the optimizer, such as SGD's velocities, in the order of the trainable parameters.
    pub optimizer_state: Vec<f32>,
}

/// Progress of a training run. All fields but the first and the last are sums over the completed steps of
/// the current epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Number of complete epochs.
    pub epochs_done: usize,
    /// Number of completed steps.
    pub steps_done: usize,
    /// Number of images.
    pub images: usize,
    /// Sum of the losses of the images.
    pub loss: f64,
    /// Number of correctly classified images.
    pub correct: usize,
    /// Duration in seconds.
    pub seconds: f64,
    /// State of the generator of dropout masks.
    pub dropout: u64,
}

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
}

/// Part of the JSON object that every format version has.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: u64,
}

impl Checkpoint {
    /// Checkpoint at the start of a run, before its first step.
    pub fn start(config: &TrainConfig, parameters: &Parameters, training_images: usize) -> Self {
        Self {
            config: config.clone(),
            training_images,
            position: Position {
                dropout: Rng::stream(config.seed, DROPOUT_STREAM).state(),
                ..Position::default()
            },
            history: Vec::new(),
            parameters: parameters.clone(),
            optimizer_state: vec![0.0; parameters.trainable.len()],
        }
    }

    /// Total duration of the run so far, in seconds.
    pub fn seconds(&self) -> f64 {
        let epochs = self.history.iter().map(|epoch| epoch.seconds);
        epochs.fold(self.position.seconds, |sum, epoch| sum + epoch)
    }

    /// SHA-256 of the weights and running statistics. Equal hashes mean bit-identical weights and
    /// statistics.
    pub fn weights_sha256(&self) -> String {
        sha256([&*self.weight_bytes()])
    }

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
        let weights = self.weight_bytes();
        let optimizer_state = bytes_of(&self.optimizer_state);
        let state = State {
            format_version: FORMAT_VERSION,
            config: self.config.clone(),
            training_images: self.training_images,
            position: self.position,
            history: self.history.clone(),
            weights_sha256: sha256([&*weights]),
            optimizer_state_sha256: sha256([&*optimizer_state]),
        };
        let state = serde_json::to_string(&state).expect("plain data becomes JSON");
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let (trainable, running_stats) = weights.split_at(4 * self.parameters.trainable.len());
        let views = [
            ("trainable", trainable),
            ("statistics", running_stats),
            ("optimizer_state", &optimizer_state),
        ];
        let views = views.map(|(name, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            (name, view.expect("4 bytes per number"))
        });
        safetensors::serialize(views, Some(metadata)).expect("consistent views")
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
        let [trainable, running_stats] = [data("trainable")?, data("statistics")?];
        let optimizer_state = data(match version.format_version {
            1 => "velocities",
            _ => "optimizer_state",
        })?;
        if sha256([trainable, running_stats]) != state.weights_sha256 {
            return Err(damaged("the hash of its weights does not match"));
        }
        if sha256([optimizer_state]) != state.optimizer_state_sha256 {
            return Err(damaged("the hash of its optimizer state does not match"));
        }
        let [trainable, running_stats, optimizer_state] =
            [trainable, running_stats, optimizer_state].map(numbers_of);
        for (kind, numbers) in [
            ("weight", &trainable),
            ("running statistic", &running_stats),
            ("value of the optimizer state", &optimizer_state),
        ] {
            if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                return Err(damaged(format!("a {kind} is {number}")));
            }
        }
        Ok(Self {
            config: state.config,
            training_images: state.training_images,
            position: state.position,
            history: state.history,
            parameters: Parameters {
                trainable,
                running_stats,
            },
            optimizer_state,
        })
    }

    fn weight_bytes(&self) -> Vec<u8> {
        let mut bytes = bytes_of(&self.parameters.trainable);
        bytes.extend(bytes_of(&self.parameters.running_stats));
        bytes
    }
}

fn damaged(reason: impl Into<String>) -> CheckpointError {
    let reason = reason.into();
    CheckpointError::Damaged { reason }
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

    #[test]
    fn rejects_non_finite_numbers() {
        let check = |change: fn(&mut Checkpoint), expected: &str| {
            let mut checkpoint = checkpoint();
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
    }

    #[test]
    fn rejects_truncation_and_bit_flips() {
        let before = checkpoint();
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
                    assert_eq!(after, before, "bit {bit} of byte {index}");
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
        let text = String::from_utf8_lossy(&checkpoint().to_bytes()).into_owned();
        let state = text
            .find("format_version")
            .expect("the state has a version");
        assert!(text[state..].starts_with("format_version\\\":2,"));
        let newer = VersionOnly { format_version: 3 };
        let state = format!("{{\"format_version\":{}}}", newer.format_version);
        let metadata = HashMap::from([
            ("sha256".to_owned(), sha256([state.as_bytes()])),
            ("state".to_owned(), state),
        ]);
        let none: [(&str, TensorView<'_>); 0] = [];
        let bytes = safetensors::serialize(none, Some(metadata)).expect("a file");
        let result = Checkpoint::from_bytes(&bytes);
        assert_eq!(result, Err(CheckpointError::Version { found: 3 }));
    }
}
