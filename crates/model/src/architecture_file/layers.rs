//! Layers in JSON, with Keras's defaults.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ArchitectureFileError, suggestion};
use super::fields::{Document, Fields};
use crate::layer::{Activation, Initializer, Layer, Padding};
use crate::shape_inference::MAX_LAYERS;

/// Maximum depth of nested residual blocks.
const MAX_DEPTH: usize = 16;

/// Units of a last layer that leaves their number to the data.
const DEFAULT_CLASSES: usize = 10;

/// Kinds of layers, as [`Architecture::to_json`](crate::Architecture::to_json) writes them.
const KINDS: [&str; 12] = [
    "conv2d",
    "depthwise_conv2d",
    "batch_norm",
    "activation",
    "max_pool2d",
    "average_pool2d",
    "global_average_pool2d",
    "zero_padding2d",
    "dropout",
    "flatten",
    "dense",
    "residual",
];

const ACTIVATIONS: [(&str, Activation); 8] = [
    ("linear", Activation::Linear),
    ("relu", Activation::Relu),
    ("relu6", Activation::Relu6),
    ("silu", Activation::Silu),
    ("gelu", Activation::Gelu),
    ("hard_swish", Activation::HardSwish),
    // Keras's other names.
    ("swish", Activation::Silu),
    ("hard_silu", Activation::HardSwish),
];

const PADDINGS: [(&str, Padding); 2] = [("same", Padding::Same), ("valid", Padding::Valid)];

const INITIALIZERS: [(&str, Initializer); 2] = [
    ("glorot_uniform", Initializer::GlorotUniform),
    ("he_uniform", Initializer::HeUniform),
];

/// A whole number, or a height and a width.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pair {
    One(usize),
    Two([usize; 2]),
}

/// Zeros on all four sides, above and below or left and right, or on each side.
#[derive(Deserialize)]
#[serde(untagged)]
enum Zeros {
    All(usize),
    Axes([usize; 2]),
    Sides([[usize; 2]; 2]),
}

type Result<T> = std::result::Result<T, ArchitectureFileError>;

/// Reader of layers. It counts them as shape inference does.
pub(super) struct Reader<'a> {
    document: Document<'a>,
    depth: usize,
    /// Line of each layer read so far.
    pub(super) lines: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: Document<'a>) -> Self {
        Self {
            document,
            depth: 0,
            lines: Vec::new(),
        }
    }

    /// Reads a list of layers. `outermost` is true for those of the architecture itself.
    pub(super) fn layers(
        &mut self,
        layers: Vec<&'a RawValue>,
        outermost: bool,
    ) -> Result<Vec<Layer>> {
        let count = layers.len();
        let read = |(index, raw)| self.layer(raw, outermost && index + 1 == count);
        layers.into_iter().enumerate().map(read).collect()
    }

    fn layer(&mut self, raw: &'a RawValue, is_last: bool) -> Result<Layer> {
        let line = self.document.line(raw);
        self.lines.push(line);
        let number = self.lines.len();
        if number > MAX_LAYERS {
            return Err(ArchitectureFileError::Size {
                line,
                problem: format!("more than {MAX_LAYERS} layers"),
            });
        }
        let mut fields = Fields::new(self.document, raw, format!("layer {number}"))?;
        let Some(written) = fields.text("kind")? else {
            return Err(fields.missing("kind"));
        };
        let kind = self.kind(raw, number, &written)?;
        fields.rename(format!("layer {number} `{kind}`"));
        fields.alias("stride", "strides");
        fields.alias("initializer", "kernel_initializer");
        fields.alias("initializer", "depthwise_initializer");
        let layer = match kind {
            "conv2d" => Layer::Conv2d {
                filters: required(&mut fields, "filters", "a whole number")?,
                kernel_size: required_pair(&mut fields, "kernel_size")?,
                stride: pair(&mut fields, "stride")?.unwrap_or([1, 1]),
                padding: one_of(&mut fields, "padding", &PADDINGS)?.unwrap_or(Padding::Valid),
                use_bias: fields.value("use_bias", "true or false")?.unwrap_or(true),
                activation: activation(&mut fields)?.unwrap_or(Activation::Linear),
                initializer: initializer(&mut fields)?,
            },
            "depthwise_conv2d" => Layer::DepthwiseConv2d {
                kernel_size: required_pair(&mut fields, "kernel_size")?,
                stride: pair(&mut fields, "stride")?.unwrap_or([1, 1]),
                padding: one_of(&mut fields, "padding", &PADDINGS)?.unwrap_or(Padding::Valid),
                use_bias: fields.value("use_bias", "true or false")?.unwrap_or(true),
                activation: activation(&mut fields)?.unwrap_or(Activation::Linear),
                initializer: initializer(&mut fields)?,
            },
            "batch_norm" => Layer::BatchNorm {
                momentum: fields.value("momentum", "a number")?.unwrap_or(0.9),
                epsilon: fields.value("epsilon", "a number")?.unwrap_or(1e-3),
            },
            "activation" => match activation(&mut fields)? {
                Some(activation) => Layer::Activation { activation },
                None => return Err(fields.missing("activation")),
            },
            "max_pool2d" => Layer::MaxPool2d {
                pool_size: pair(&mut fields, "pool_size")?.unwrap_or([2, 2]),
                stride: pair(&mut fields, "stride")?,
                padding: one_of(&mut fields, "padding", &PADDINGS)?.unwrap_or(Padding::Valid),
            },
            "average_pool2d" => Layer::AveragePool2d {
                pool_size: pair(&mut fields, "pool_size")?.unwrap_or([2, 2]),
                stride: pair(&mut fields, "stride")?,
                padding: one_of(&mut fields, "padding", &PADDINGS)?.unwrap_or(Padding::Valid),
            },
            "global_average_pool2d" => Layer::GlobalAveragePool2d,
            "zero_padding2d" => {
                let expected = "a whole number, a pair, or two pairs, `[[1, 1], [1, 1]]`";
                let zeros = fields.value("padding", expected)?.unwrap_or(Zeros::All(1));
                Layer::ZeroPadding2d {
                    padding: match zeros {
                        Zeros::All(side) => [[side; 2]; 2],
                        Zeros::Axes([rows, columns]) => [[rows; 2], [columns; 2]],
                        Zeros::Sides(sides) => sides,
                    },
                }
            }
            "dropout" => Layer::Dropout {
                rate: required(&mut fields, "rate", "a number")?,
            },
            "flatten" => Layer::Flatten,
            "dense" => Layer::Dense {
                units: match fields.value("units", "a whole number")? {
                    Some(units) => units,
                    None if is_last => DEFAULT_CLASSES,
                    None => return Err(fields.missing("units")),
                },
                activation: activation(&mut fields)?.unwrap_or(Activation::Linear),
                initializer: initializer(&mut fields)?,
            },
            _ => {
                let Some(layers) = fields.list("layers")? else {
                    return Err(fields.missing("layers"));
                };
                let shortcut = fields.list("shortcut")?.unwrap_or_default();
                self.residual(line, layers, shortcut)?
            }
        };
        fields.finish()?;
        Ok(layer)
    }

    fn residual(
        &mut self,
        line: usize,
        layers: Vec<&'a RawValue>,
        shortcut: Vec<&'a RawValue>,
    ) -> Result<Layer> {
        if self.depth == MAX_DEPTH {
            return Err(ArchitectureFileError::Size {
                line,
                problem: format!("residual blocks are nested more than {MAX_DEPTH} deep"),
            });
        }
        self.depth += 1;
        let layer = Layer::Residual {
            layers: self.layers(layers, false)?,
            shortcut: self.layers(shortcut, false)?,
        };
        self.depth -= 1;
        Ok(layer)
    }

    /// Name of a kind of layer, from its own name or Keras's.
    fn kind(&self, raw: &RawValue, number: usize, written: &str) -> Result<&'static str> {
        let name = match written {
            "Conv2D" => "conv2d",
            "DepthwiseConv2D" => "depthwise_conv2d",
            "BatchNormalization" | "batch_normalization" => "batch_norm",
            "Activation" => "activation",
            "MaxPooling2D" | "max_pooling2d" => "max_pool2d",
            "AveragePooling2D" | "average_pooling2d" => "average_pool2d",
            "GlobalAveragePooling2D" | "global_average_pooling2d" => "global_average_pool2d",
            "ZeroPadding2D" => "zero_padding2d",
            "Dropout" => "dropout",
            "Flatten" => "flatten",
            "Dense" => "dense",
            other => other,
        };
        match KINDS.iter().find(|kind| **kind == name) {
            Some(kind) => Ok(kind),
            None => Err(ArchitectureFileError::Unknown {
                line: self.document.line(raw),
                place: format!("layer {number}"),
                what: "known kind",
                found: written.chars().take(64).collect(),
                suggestion: suggestion(written, &KINDS),
                expected: KINDS.to_vec(),
            }),
        }
    }
}

fn required<T: serde::de::DeserializeOwned>(
    fields: &mut Fields<'_>,
    name: &'static str,
    expected: &str,
) -> Result<T> {
    match fields.value(name, expected)? {
        Some(value) => Ok(value),
        None => Err(fields.missing(name)),
    }
}

fn pair(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<[usize; 2]>> {
    let expected = "a whole number, or a pair of whole numbers, height and width";
    Ok(fields.value(name, expected)?.map(|pair| match pair {
        Pair::One(side) => [side; 2],
        Pair::Two(pair) => pair,
    }))
}

fn required_pair(fields: &mut Fields<'_>, name: &'static str) -> Result<[usize; 2]> {
    match pair(fields, name)? {
        Some(pair) => Ok(pair),
        None => Err(fields.missing(name)),
    }
}

fn activation(fields: &mut Fields<'_>) -> Result<Option<Activation>> {
    one_of(fields, "activation", &ACTIVATIONS)
}

fn initializer(fields: &mut Fields<'_>) -> Result<Initializer> {
    let initializer = one_of(fields, "initializer", &INITIALIZERS)?;
    Ok(initializer.unwrap_or(Initializer::GlorotUniform))
}

/// Value of a field that is one of `names`.
fn one_of<T: Copy>(
    fields: &mut Fields<'_>,
    name: &'static str,
    names: &[(&'static str, T)],
) -> Result<Option<T>> {
    let Some(raw) = fields.take(name) else {
        return Ok(None);
    };
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    let found = names
        .iter()
        .find(|(name, _)| Some(*name) == text.as_deref());
    match found {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let listed: Vec<String> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
            let mut expected = format!("one of {}", listed.join(", "));
            if text.as_deref() == Some("softmax") {
                expected += " (the softmax is part of the loss)";
            }
            Err(fields.invalid(name, raw, expected))
        }
    }
}
