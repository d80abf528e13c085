//! The model file: one `.safetensors` file contains a whole model.
//!
//! # Format
//! A model is a file in the [safetensors](https://huggingface.co/docs/safetensors) format. Its tensors
//! are the variables of the network, all f32 or all f16, with Keras's names and shapes:
//! `conv2d/kernel` is `[height, width, in, out]`; `dense/kernel` is `[in, out]`, where the inputs of a
//! flattened image are in the order height, width, channels; batch norm has
//! `batch_normalization/gamma`, `beta`, `moving_mean` and `moving_variance`. The metadata has one entry,
//! `modiste`, a JSON object:
//!
//! | key | value |
//! |---|---|
//! | `format_version` | 1 |
//! | `architecture` | the [`Architecture`] |
//! | `dataset` | name of the training dataset |
//! | `classes` | class names, one per logit |
//! | `preprocessing` | steps of [`Preprocessing`], or `null` |
//! | `training` | record of the training run |
//! | `temperature` | temperature of the softmax; 1 if absent |
//! | `threshold` | lowest score of an image that belongs to one of the classes; none if absent |
//! | `set_thresholds` | smallest probability of a class in a prediction set, for coverages of 1 to 99 percent |
//!
//! There is only one entry because the safetensors crate writes the entries of a map in random order,
//! and the same training must give the same bytes.

mod error;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use half::f16;
use modiste_core::require_memory;
use modiste_metrics::COVERAGES;
use safetensors::tensor::{Dtype, Metadata as Header, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::architecture::Architecture;
use crate::network::{Metadata, Network, Precision};
use crate::network_plan::NetworkPlan;
use crate::parameters::{InvalidValue, Parameters};
use crate::preprocessing::Preprocessing;
use crate::shape_inference::ArchitectureError;
use error::{io_error, not_a_model};

pub use error::FileError;

/// Format version that [`Network::save`] writes, and the newest that [`Network::load`] reads.
pub const FORMAT_VERSION: u64 = 1;

/// Maximum length of the header in bytes. It contains names and shapes only, so a longer one is not a
/// model's.
const MAX_HEADER_LEN: u64 = 4 << 20;

/// JSON object of the metadata entry.
#[derive(Serialize, Deserialize)]
struct Description {
    format_version: u64,
    architecture: Architecture,
    #[serde(flatten)]
    metadata: Metadata,
}

/// Parts that are checked before the rest, because a later version may have extended them.
#[derive(Deserialize)]
struct Preamble {
    format_version: u64,
    #[serde(default)]
    preprocessing: Value,
}

/// Name of the metadata entry.
const KEY: &str = "modiste";

impl Network {
    /// Serializes the network to the bytes of its file. Equal networks give equal bytes.
    ///
    /// # Errors
    /// Returns [`ArchitectureError`] if the architecture is invalid.
    ///
    /// # Panics
    /// If the parameters belong to another architecture.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArchitectureError> {
        let plan = self.architecture.plan()?;
        let description = Description {
            format_version: FORMAT_VERSION,
            architecture: self.architecture.clone(),
            metadata: self.metadata.clone(),
        };
        let description = serde_json::to_string(&description).expect("plain data becomes JSON");
        let buffers: Vec<Vec<u8>> = plan
            .variables
            .iter()
            .map(|variable| {
                let values = self.parameters.values(variable).iter();
                match self.precision {
                    Precision::F32 => values.flat_map(|value| value.to_le_bytes()).collect(),
                    Precision::F16 => values
                        .flat_map(|&value| f16::from_f32(value).to_le_bytes())
                        .collect(),
                }
            })
            .collect();
        let views = plan
            .variables
            .iter()
            .zip(&buffers)
            .map(|(variable, bytes)| {
                let view = TensorView::new(dtype(self.precision), variable.shape.clone(), bytes);
                (&variable.name, view.expect("the buffer matches the shape"))
            });
        let metadata = HashMap::from([(KEY.to_string(), description)]);
        Ok(safetensors::serialize(views, Some(metadata)).expect("consistent views"))
    }

    /// Writes the network to a file, atomically. A network that [`Network::load`] would reject is not
    /// written.
    ///
    /// # Errors
    /// Returns [`FileError::Io`] if the file cannot be written, [`FileError::Architecture`] if the
    /// architecture is invalid, and [`FileError::Number`] or [`FileError::Temperature`] if a number is
    /// not finite or out of range.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let architecture = |reason| FileError::Architecture {
            path: path.into(),
            reason,
        };
        let plan = self.architecture.plan().map_err(architecture)?;
        check_temperature(path, self.metadata.temperature)?;
        check_thresholds(path, &self.metadata)?;
        check_numbers(path, &self.parameters, &plan)?;
        let bytes = self.to_bytes().map_err(architecture)?;
        modiste_core::write_atomic(path, &bytes).map_err(io_error(path))
    }

    /// Reads a network from a file or a FIFO.
    ///
    /// Names, types and shapes of all tensors and the length of the file are checked against the
    /// architecture before the parameters are read. Every parameter must be finite, and no variance
    /// negative.
    ///
    /// # Errors
    /// Returns [`FileError`], which names the file, if it cannot be read or is not a valid model.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let mut file = File::open(path).map_err(io_error(path))?;
        let information = file.metadata().map_err(io_error(path))?;
        if information.is_dir() {
            return Err(not_a_model(path, "it is a folder"));
        }
        let length = information.is_file().then_some(information.len());
        let mut bytes = read_start(path, &mut file)?;
        let header = Checked::new(path, &bytes, length)?;
        // The bytes, the parameters (twice as long if the file has f16), and one copy of these.
        require_memory(header.length.saturating_mul(5)).map_err(|memory| FileError::Memory {
            path: path.into(),
            memory,
        })?;
        let rest = header.length + 1 - bytes.len() as u64;
        file.take(rest)
            .read_to_end(&mut bytes)
            .map_err(io_error(path))?;
        header.network(path, &bytes)
    }

    /// Reads a network from the bytes of its file. Errors name it as `path`.
    ///
    /// # Errors
    /// Returns [`FileError`] if the bytes are not a valid model: see [`Network::load`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let start = read_start(path, &mut &*bytes)?;
        Checked::new(path, &start, Some(bytes.len() as u64))?.network(path, bytes)
    }
}

/// Validated header of a model file.
struct Checked {
    description: Description,
    plan: NetworkPlan,
    precision: Precision,
    /// Length that the file must have, in bytes.
    length: u64,
}

impl Checked {
    fn network(self, path: &Path, bytes: &[u8]) -> Result<Network, FileError> {
        if bytes.len() as u64 != self.length {
            return Err(FileError::Length {
                path: path.into(),
                expected: self.length,
                found: bytes.len() as u64,
            });
        }
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| not_a_model(path, &format!("its tensors are damaged ({error})")))?;
        let mut parameters = Parameters::zeros(&self.plan);
        for variable in &self.plan.variables {
            let tensor = tensors
                .tensor(&variable.name)
                .map_err(|error| not_a_model(path, &error.to_string()))?;
            let values = parameters.values_mut(variable).iter_mut();
            match self.precision {
                Precision::F32 => {
                    for (value, bytes) in values.zip(tensor.data().chunks_exact(4)) {
                        *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                    }
                }
                Precision::F16 => {
                    for (value, bytes) in values.zip(tensor.data().chunks_exact(2)) {
                        *value = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
                    }
                }
            }
        }
        check_numbers(path, &parameters, &self.plan)?;
        Ok(Network {
            architecture: self.description.architecture,
            parameters,
            metadata: self.description.metadata,
            precision: self.precision,
        })
    }
}

/// Length of the field before the header, which contains the header's length.
const SIZE_LEN: usize = 8;

/// Reads the part of a file before the tensors: the header's length and the header.
fn read_start(path: &Path, file: &mut impl Read) -> Result<Vec<u8>, FileError> {
    let mut start = Vec::new();
    let mut read = |count, start: &mut Vec<u8>| file.take(count).read_to_end(start);
    read(SIZE_LEN as u64, &mut start).map_err(io_error(path))?;
    let Ok(size) = start.as_slice().try_into().map(u64::from_le_bytes) else {
        return Err(not_a_model(
            path,
            &format!("it has only {} bytes", start.len()),
        ));
    };
    if size > MAX_HEADER_LEN {
        return Err(not_a_model(
            path,
            "it does not begin like a safetensors file",
        ));
    }
    read(size, &mut start).map_err(io_error(path))?;
    let expected = SIZE_LEN as u64 + size;
    match start.len() as u64 {
        found if found < expected => Err(FileError::Length {
            path: path.into(),
            expected,
            found,
        }),
        _ => Ok(start),
    }
}

impl Checked {
    /// Validates everything except the parameters, and the `length` of the file if it is known.
    fn new(path: &Path, start: &[u8], length: Option<u64>) -> Result<Self, FileError> {
        let header: Header = serde_json::from_slice(&start[SIZE_LEN..]).map_err(|error| {
            not_a_model(
                path,
                &format!("its header is not a safetensors header ({error})"),
            )
        })?;
        let description = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| not_a_model(path, "its metadata has no entry `modiste`"))?;
        let damaged = |error: serde_json::Error| {
            not_a_model(path, &format!("its description is damaged ({error})"))
        };
        let preamble: Preamble = serde_json::from_str(description).map_err(damaged)?;
        if preamble.format_version > FORMAT_VERSION {
            return Err(FileError::Version {
                path: path.into(),
                found: preamble.format_version,
            });
        }
        check_preprocessing(path, preamble.preprocessing)?;
        let description: Description = serde_json::from_str(description).map_err(damaged)?;
        let plan = description
            .architecture
            .plan()
            .map_err(|reason| FileError::Architecture {
                path: path.into(),
                reason,
            })?;
        // All variables must have the type of the first one.
        let first = plan.variables.first().map(|variable| &variable.name);
        let half = first
            .and_then(|name| header.info(name))
            .is_some_and(|info| info.dtype == Dtype::F16);
        let precision = if half { Precision::F16 } else { Precision::F32 };
        check_variables(path, &header, &plan, dtype(precision))?;
        let classes = description.metadata.classes.len();
        if classes != plan.classes() {
            let reason = format!("{classes} class names for {} logits", plan.classes());
            return Err(not_a_model(path, &reason));
        }
        check_temperature(path, description.metadata.temperature)?;
        check_thresholds(path, &description.metadata)?;
        let numbers = (plan.trainable_len() + plan.running_stats_len()) as u64;
        let expected = start.len() as u64 + precision.bytes() * numbers;
        if let Some(found) = length.filter(|&length| length != expected) {
            return Err(FileError::Length {
                path: path.into(),
                expected,
                found,
            });
        }
        Ok(Checked {
            description,
            plan,
            precision,
            length: expected,
        })
    }
}

/// Checks that the file contains every variable with its type and shape, and nothing else.
fn check_variables(
    path: &Path,
    header: &Header,
    plan: &NetworkPlan,
    dtype: Dtype,
) -> Result<(), FileError> {
    let tensors = header.tensors();
    for variable in &plan.variables {
        let found = match tensors.get(&variable.name) {
            Some(info) if info.dtype == dtype && info.shape == variable.shape => continue,
            Some(info) => format!("{:?} {:?}", info.dtype, info.shape),
            None => "missing".into(),
        };
        return Err(FileError::Variable {
            path: path.into(),
            variable: variable.name.clone(),
            expected: format!("{dtype:?} {:?}", variable.shape),
            found,
        });
    }
    let known = |name: &String| plan.variables.iter().any(|v| v.name == *name);
    match tensors.keys().filter(|name| !known(name)).min() {
        Some(name) => Err(FileError::Variable {
            path: path.into(),
            variable: name.clone(),
            expected: "absent from this architecture".into(),
            found: "present".into(),
        }),
        None => Ok(()),
    }
}

fn check_preprocessing(path: &Path, stored: Value) -> Result<(), FileError> {
    if stored.is_null() {
        return Ok(());
    }
    let found = stored.to_string();
    match Preprocessing::try_from(stored) {
        Ok(_) => Ok(()),
        Err(reason) => Err(FileError::Preprocessing {
            path: path.into(),
            found,
            reason,
        }),
    }
}

/// Checks the numbers that decide what is known.
fn check_thresholds(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    let thresholds = &metadata.set_thresholds;
    let is_probability = |value: &f32| (0.0..=1.0).contains(value);
    if !(thresholds.is_empty() || thresholds.len() == COVERAGES)
        || !thresholds.iter().all(is_probability)
    {
        let reason = format!("`set_thresholds` are not {COVERAGES} probabilities");
        return Err(not_a_model(path, &reason));
    }
    match metadata.threshold {
        Some(threshold) if !threshold.is_finite() => {
            Err(not_a_model(path, &format!("`threshold` is {threshold}")))
        }
        _ => Ok(()),
    }
}

fn check_temperature(path: &Path, temperature: f32) -> Result<(), FileError> {
    match temperature.is_finite() && temperature > 0.0 {
        true => Ok(()),
        false => Err(FileError::Temperature {
            path: path.into(),
            value: temperature,
        }),
    }
}

fn check_numbers(
    path: &Path,
    parameters: &Parameters,
    plan: &NetworkPlan,
) -> Result<(), FileError> {
    let error = |invalid: InvalidValue| FileError::Number {
        path: path.into(),
        variable: invalid.variable,
        index: invalid.index,
        value: invalid.value,
    };
    parameters.check(plan).map_err(error)
}

fn dtype(precision: Precision) -> Dtype {
    match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    }
}
