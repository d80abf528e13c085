//! One `.safetensors` file is a whole model.
//!
//! # Format
//! A file of the [safetensors](https://huggingface.co/docs/safetensors) format. Its tensors are the
//! network's variables, all f32 or all f16, named and shaped as Keras does: `conv2d/kernel` is
//! `[height, width, in, out]`, `dense/kernel` `[in, out]` with the inputs of a flattened image in
//! the order height, width, channels; `batch_normalization/gamma`, `beta`, `moving_mean`,
//! `moving_variance`. Its metadata has one entry, `modiste`, a JSON object:
//!
//! | key | value |
//! |---|---|
//! | `format_version` | 1 |
//! | `architecture` | the [`Architecture`] |
//! | `dataset` | the name of the dataset it was trained on |
//! | `classes` | a name per logit |
//! | `preprocessing` | the steps of [`Preprocessing`], or `null` |
//! | `training` | how it was trained |
//! | `temperature` | what logits are divided by before they become probabilities; 1 where absent |
//!
//! One entry, because a map of several would be written in another order each time, and the same
//! training must give the same bytes.

mod error;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use half::f16;
use modiste_core::require_memory;
use safetensors::tensor::{Dtype, Metadata as Header, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::architecture::Architecture;
use crate::network::{Metadata, Network, Precision};
use crate::parameters::{BadNumber, Parameters};
use crate::preprocessing::Preprocessing;
use crate::resolve::ArchitectureError;
use crate::resolved::Resolved;
use error::{foreign, io_error};

pub use error::FileError;

/// The version that [`Network::save`] writes and the newest that [`Network::load`] reads.
pub const FORMAT_VERSION: u64 = 1;

/// A header is names and shapes: more than this is no model of ours.
const MAX_HEADER: u64 = 4 << 20;

/// The JSON under the header's one key.
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

/// The header's one key.
const KEY: &str = "modiste";

impl Network {
    /// The bytes of this network's file. The same network gives the same bytes.
    ///
    /// # Errors
    /// [`ArchitectureError`] where the layers do not make a network.
    ///
    /// # Panics
    /// Where the parameters are another architecture's.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArchitectureError> {
        let resolved = self.architecture.resolve()?;
        let description = Description {
            format_version: FORMAT_VERSION,
            architecture: self.architecture.clone(),
            metadata: self.metadata.clone(),
        };
        let description = serde_json::to_string(&description).expect("plain data becomes JSON");
        let buffers: Vec<Vec<u8>> = resolved
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
        let views = resolved
            .variables
            .iter()
            .zip(&buffers)
            .map(|(variable, bytes)| {
                let view = TensorView::new(dtype(self.precision), variable.shape.clone(), bytes);
                (&variable.name, view.expect("as many bytes as numbers take"))
            });
        let metadata = HashMap::from([(KEY.to_string(), description)]);
        Ok(safetensors::serialize(views, Some(metadata)).expect("consistent views"))
    }

    /// Writes the network to one file, whole or not at all. What [`Network::load`] would refuse is not
    /// written.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be written, [`FileError::Architecture`] if the layers
    /// do not make a network, [`FileError::Number`] or [`FileError::Temperature`] if a number of it
    /// cannot be computed with.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let architecture = |reason| FileError::Architecture {
            path: path.into(),
            reason,
        };
        let resolved = self.architecture.resolve().map_err(architecture)?;
        check_temperature(path, self.metadata.temperature)?;
        check_numbers(path, &self.parameters, &resolved)?;
        let bytes = self.to_bytes().map_err(architecture)?;
        modiste_core::write_atomic(path, &bytes).map_err(io_error(path))
    }

    /// Reads a network from its file, or from a FIFO. Every name, type and shape is checked against the
    /// architecture, and the file's length against both, before the numbers are read; then that every
    /// number is finite and no variance negative.
    ///
    /// # Errors
    /// [`FileError`]: which file, and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let mut file = File::open(path).map_err(io_error(path))?;
        let information = file.metadata().map_err(io_error(path))?;
        if information.is_dir() {
            return Err(foreign(path, "it is a folder"));
        }
        let length = information.is_file().then_some(information.len());
        let mut bytes = read_start(path, &mut file)?;
        let header = Checked::new(path, &bytes, length)?;
        // The bytes, the numbers that are made of them (twice as long, if they are f16), and one copy.
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

    /// Reads a network from the bytes of its file; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let start = read_start(path, &mut &*bytes)?;
        Checked::new(path, &start, Some(bytes.len() as u64))?.network(path, bytes)
    }
}

/// What the beginning of a file says, checked against itself.
struct Checked {
    description: Description,
    resolved: Resolved,
    precision: Precision,
    /// Bytes that the file must have.
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
            .map_err(|error| foreign(path, &format!("its tensors are damaged ({error})")))?;
        let mut parameters = Parameters::zeros(&self.resolved);
        for variable in &self.resolved.variables {
            let tensor = tensors
                .tensor(&variable.name)
                .map_err(|error| foreign(path, &error.to_string()))?;
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
        check_numbers(path, &parameters, &self.resolved)?;
        Ok(Network {
            architecture: self.description.architecture,
            parameters,
            metadata: self.description.metadata,
            precision: self.precision,
        })
    }
}

/// The bytes in which the header's length is told.
const SIZE: usize = 8;

/// Reads all that comes before the numbers: the header's length and the header.
fn read_start(path: &Path, file: &mut impl Read) -> Result<Vec<u8>, FileError> {
    let mut start = Vec::new();
    let mut read = |count, start: &mut Vec<u8>| file.take(count).read_to_end(start);
    read(SIZE as u64, &mut start).map_err(io_error(path))?;
    let Ok(size) = start.as_slice().try_into().map(u64::from_le_bytes) else {
        return Err(foreign(path, &format!("it has only {} bytes", start.len())));
    };
    if size > MAX_HEADER {
        return Err(foreign(path, "it does not begin like a safetensors file"));
    }
    read(size, &mut start).map_err(io_error(path))?;
    let expected = SIZE as u64 + size;
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
    /// Checks all but the numbers, and that the file has the right `length`, if it is known.
    fn new(path: &Path, start: &[u8], length: Option<u64>) -> Result<Self, FileError> {
        let header: Header = serde_json::from_slice(&start[SIZE..]).map_err(|error| {
            foreign(
                path,
                &format!("its header is no safetensors header ({error})"),
            )
        })?;
        let description = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| foreign(path, "its metadata has no entry `modiste`"))?;
        let damaged = |error: serde_json::Error| {
            foreign(path, &format!("its description is damaged ({error})"))
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
        let resolved =
            description
                .architecture
                .resolve()
                .map_err(|reason| FileError::Architecture {
                    path: path.into(),
                    reason,
                })?;
        // Whichever the first variable has, all must have.
        let first = resolved.variables.first().map(|variable| &variable.name);
        let half = first
            .and_then(|name| header.info(name))
            .is_some_and(|info| info.dtype == Dtype::F16);
        let precision = if half { Precision::F16 } else { Precision::F32 };
        check_variables(path, &header, &resolved, dtype(precision))?;
        let classes = description.metadata.classes.len();
        if classes != resolved.classes() {
            let reason = format!("{classes} class names for {} logits", resolved.classes());
            return Err(foreign(path, &reason));
        }
        check_temperature(path, description.metadata.temperature)?;
        let numbers = (resolved.trainable_len() + resolved.statistics_len()) as u64;
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
            resolved,
            precision,
            length: expected,
        })
    }
}

/// Every variable is there with its type and shape, and nothing else is.
fn check_variables(
    path: &Path,
    header: &Header,
    resolved: &Resolved,
    dtype: Dtype,
) -> Result<(), FileError> {
    let tensors = header.tensors();
    for variable in &resolved.variables {
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
    let known = |name: &String| resolved.variables.iter().any(|v| v.name == *name);
    match tensors.keys().filter(|name| !known(name)).min() {
        Some(name) => Err(FileError::Variable {
            path: path.into(),
            variable: name.clone(),
            expected: "absent from this architecture".into(),
            found: "there".into(),
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
    resolved: &Resolved,
) -> Result<(), FileError> {
    let refuse = |bad: BadNumber| FileError::Number {
        path: path.into(),
        variable: bad.variable,
        index: bad.index,
        value: bad.value,
    };
    parameters.check(resolved).map_err(refuse)
}

fn dtype(precision: Precision) -> Dtype {
    match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    }
}
