//! Architectures as JSON files that people write.
//!
//! ```json
//! {
//!   "version": 1,
//!   "name": "tiny",
//!   "input": [64, 64, 3],
//!   "layers": [
//!     {"kind": "conv2d", "filters": 16, "kernel_size": 3, "stride": 2, "padding": "same", "use_bias": false},
//!     {"kind": "batch_norm"},
//!     {"kind": "activation", "activation": "relu"},
//!     {"kind": "residual", "layers": [
//!       {"kind": "depthwise_conv2d", "kernel_size": 3, "padding": "same"},
//!       {"kind": "conv2d", "filters": 16, "kernel_size": 1}
//!     ]},
//!     {"kind": "global_average_pool2d"},
//!     {"kind": "dense"}
//!   ]
//! }
//! ```
//!
//! | key | value |
//! |---|---|
//! | `version` | 1 |
//! | `name` | name of the architecture; `custom` if absent |
//! | `input` | height, width and channels; 32, 32, 3 if absent. [`Architecture::fitted`] replaces it by the shape of a dataset's images |
//! | `layers` | layers, first to last |
//!
//! A layer is an object with a `kind` and the fields of this kind. Names and defaults are Keras's, except
//! the momentum of batch norm, which is 0.9: with Keras's 0.99, the running statistics need hundreds of
//! steps.
//!
//! | kind | fields, with defaults |
//! |---|---|
//! | `conv2d` | `filters`, `kernel_size`, `stride` 1, `padding` `valid`, `use_bias` true, `activation` `linear`, `initializer` `glorot_uniform` |
//! | `depthwise_conv2d` | `kernel_size`, `stride` 1, `padding` `valid`, `use_bias` true, `activation` `linear`, `initializer` `glorot_uniform` |
//! | `batch_norm` | `momentum` 0.9, `epsilon` 0.001 |
//! | `activation` | `activation` |
//! | `max_pool2d`, `average_pool2d` | `pool_size` 2, `stride` `pool_size`, `padding` `valid` |
//! | `global_average_pool2d` | |
//! | `zero_padding2d` | `padding` 1: a number; a pair, rows and columns; or two pairs, `[[above, below], [left, right]]` |
//! | `dropout` | `rate` |
//! | `flatten` | |
//! | `dense` | `units`, `activation` `linear`, `initializer` `glorot_uniform` |
//! | `residual` | `layers`, `shortcut` `[]` |
//!
//! - `kernel_size`, `stride` and `pool_size` are a whole number, or a pair, height and width.
//! - `padding` of other layers is `same` or `valid`. `activation` is `linear`, `relu`, `relu6`, `silu`,
//!   `gelu` or `hard_swish`. `initializer` is `glorot_uniform` or `he_uniform`.
//! - The last layer is `dense`. Its `units` may be absent, since [`Architecture::fitted`] sets them to the
//!   number of classes. It computes logits: the softmax is part of the loss.
//! - Keras's other names are accepted as well: `max_pooling2d`, `batch_normalization`, `Conv2D`,
//!   `kernel_initializer`, `strides`.
//!
//! Unknown kinds and fields are errors. [`Architecture::to_json`] writes this format.

mod error;
mod fields;
mod layers;
mod writer;

pub use error::ArchitectureFileError;

use serde_json::value::RawValue;

use crate::architecture::Architecture;
use fields::{Document, Fields};
use layers::Reader;

/// Version of the format that [`Architecture::to_json`] writes and [`Architecture::from_json`] reads.
pub const ARCHITECTURE_VERSION: u64 = 1;

/// Input shape of a file without one.
const DEFAULT_INPUT: [usize; 3] = [32, 32, 3];

impl Architecture {
    /// Reads an architecture from the JSON format of [`mod@crate::architecture_file`].
    ///
    /// If the file states its input, all shapes are inferred as well. If it does not, [`Architecture::plan`]
    /// reports layers that do not fit, once the input is known; [`layer_line`] returns their lines.
    ///
    /// # Errors
    /// Returns [`ArchitectureFileError`], which states the line, and the number and kind of the layer.
    ///
    /// ```
    /// use modiste_model::Architecture;
    ///
    /// let text = r#"{"version": 1, "layers": [{"kind": "flatten"},
    ///                {"kind": "dense", "unit": 5}]}"#;
    /// let error = Architecture::from_json(text).expect_err("a misspelled field");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "line 2: layer 2 `dense` has no field `unit`: did you mean `units`?"
    /// );
    /// ```
    pub fn from_json(text: &str) -> Result<Self, ArchitectureFileError> {
        let (architecture, lines, has_input) = read(text)?;
        if has_input && let Err(error) = architecture.plan() {
            let line = error
                .index
                .checked_sub(1)
                .and_then(|index| lines.get(index));
            return Err(ArchitectureFileError::Shape {
                line: line.copied().unwrap_or(1),
                reason: error,
            });
        }
        Ok(architecture)
    }

    /// Writes the architecture in the JSON format of [`mod@crate::architecture_file`], with one layer per
    /// line.
    ///
    /// ```
    /// use modiste_model::{Architecture, zoo};
    ///
    /// let text = zoo::mobile().to_json();
    /// assert_eq!(Architecture::from_json(&text).expect("the format is its own"), zoo::mobile());
    /// ```
    pub fn to_json(&self) -> String {
        writer::write(self)
    }
}

/// Line, from 1, of the layer number `index` in the JSON text of an architecture, where layers are counted
/// as in [`ArchitectureError`](crate::ArchitectureError). Returns `None` if the text is not valid or has
/// fewer layers.
///
/// ```
/// let text = "{\"version\": 1, \"layers\": [\n{\"kind\": \"flatten\"},\n{\"kind\": \"dense\"}]}";
/// assert_eq!(modiste_model::layer_line(text, 2), Some(3));
/// ```
pub fn layer_line(text: &str, index: usize) -> Option<usize> {
    let (_, lines, _) = read(text).ok()?;
    lines.get(index.checked_sub(1)?).copied()
}

/// Architecture, line of each layer, and `true` if the text states the input.
fn read(text: &str) -> Result<(Architecture, Vec<usize>, bool), ArchitectureFileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document(text);
    let root: &RawValue =
        serde_json::from_str(text).map_err(|error| ArchitectureFileError::Syntax {
            line: error.line(),
            reason: error.to_string(),
        })?;
    let mut fields = Fields::new(document, root, "an architecture".into())?;
    check_version(document, root, &mut fields)?;
    let name = fields.text("name")?.unwrap_or_else(|| "custom".into());
    let input = fields.value("input", "three whole numbers: height, width and channels")?;
    let mut reader = Reader::new(document);
    let layers = match fields.list("layers")? {
        Some(layers) => reader.layers(layers, true)?,
        None => return Err(fields.missing("layers")),
    };
    fields.finish()?;
    let architecture = Architecture {
        name,
        input: input.unwrap_or(DEFAULT_INPUT),
        layers,
    };
    Ok((architecture, reader.lines, input.is_some()))
}

fn check_version(
    document: Document<'_>,
    root: &RawValue,
    fields: &mut Fields<'_>,
) -> Result<(), ArchitectureFileError> {
    let found = fields.take("version");
    match found {
        Some(version) if version.get() == ARCHITECTURE_VERSION.to_string() => Ok(()),
        _ => Err(ArchitectureFileError::Version {
            line: document.line(found.unwrap_or(root)),
            found: found.map(|version| version.get().to_owned()),
        }),
    }
}
