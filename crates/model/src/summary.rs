//! The table that Keras prints for a network.

use std::fmt;

use serde::Serialize;

use crate::architecture::Architecture;
use crate::resolve::ArchitectureError;
use crate::resolved::{Operation, Resolved, ResolvedLayer};

/// A network's layers and totals. It displays as a table and serialises as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The architecture's name.
    pub architecture: String,
    /// Height, width, channels.
    pub input_shape: Vec<usize>,
    /// First to last; a block's layers come before the block.
    pub layers: Vec<LayerSummary>,
    /// All numbers of the network.
    pub total_parameters: usize,
    /// Those that the optimiser changes.
    pub trainable_parameters: usize,
    /// Batch norm's moving statistics.
    pub non_trainable_parameters: usize,
    /// Size of the parameters as f32.
    pub bytes: usize,
    /// Multiplications, each with an addition, of one forward pass over one image.
    pub multiply_adds: usize,
}

/// One row of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// `conv2d_1`.
    pub name: String,
    /// `Conv2D`.
    pub kind: &'static str,
    /// The axes without the batch.
    pub output_shape: Vec<usize>,
    /// Trainable or not.
    pub parameters: usize,
    /// Multiplications, each with an addition, for one image.
    pub multiply_adds: usize,
}

impl Architecture {
    /// The summary of this architecture.
    ///
    /// # Errors
    /// Those of [`Architecture::resolve`].
    ///
    /// ```
    /// let summary = modiste_model::zoo::vgg().summary()?;
    /// // The lecture's slide: 64 * (3 * 3 + 1).
    /// assert_eq!(summary.layers[0].parameters, 640);
    /// // Its text says 7 * 7 * 256; the network gives 6 * 6 * 256.
    /// assert_eq!(summary.layers[6].output_shape, [9216]);
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    pub fn summary(&self) -> Result<Summary, ArchitectureError> {
        let resolved = self.resolve()?;
        let mut layers = Vec::new();
        add_rows(&resolved, &resolved.layers, &mut layers);
        let trainable = resolved.trainable_len();
        let total = trainable + resolved.statistics_len();
        Ok(Summary {
            architecture: self.name.clone(),
            input_shape: self.input.to_vec(),
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            layers,
            total_parameters: total,
            trainable_parameters: trainable,
            non_trainable_parameters: resolved.statistics_len(),
            bytes: total * size_of::<f32>(),
        })
    }
}

fn add_rows(resolved: &Resolved, layers: &[ResolvedLayer], rows: &mut Vec<LayerSummary>) {
    for layer in layers {
        if let Operation::Residual { layers } = &layer.operation {
            add_rows(resolved, layers, rows);
        }
        let prefix = format!("{}/", layer.name);
        let variables = resolved.variables.iter();
        rows.push(LayerSummary {
            name: layer.name.clone(),
            kind: layer.kind,
            output_shape: layer.output.dimensions(),
            parameters: variables
                .filter(|variable| variable.name.starts_with(&prefix))
                .map(|variable| variable.range.len())
                .sum(),
            multiply_adds: layer.multiply_adds,
        });
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input: Vec<String> = self.input_shape.iter().map(usize::to_string).collect();
        writeln!(
            f,
            "Model: \"{}\", input {}",
            self.architecture,
            input.join("x")
        )?;
        let row = |f: &mut fmt::Formatter<'_>, cells: [&str; 4]| {
            let [layer, shape, parameters, products] = cells;
            writeln!(f, "{layer:<46}{shape:<20}{parameters:>14}{products:>16}")
        };
        row(
            f,
            [
                "Layer (type)",
                "Output shape",
                "Parameters",
                "Multiply-adds",
            ],
        )?;
        writeln!(f, "{}", "=".repeat(96))?;
        for layer in &self.layers {
            let shape: Vec<String> = layer.output_shape.iter().map(usize::to_string).collect();
            row(
                f,
                [
                    &format!("{} ({})", layer.name, layer.kind),
                    &format!("(None, {})", shape.join(", ")),
                    &grouped(layer.parameters),
                    &grouped(layer.multiply_adds),
                ],
            )?;
        }
        writeln!(f, "{}", "=".repeat(96))?;
        writeln!(
            f,
            "Total parameters: {} ({:.2} MiB)",
            grouped(self.total_parameters),
            self.bytes as f64 / f64::from(1 << 20)
        )?;
        writeln!(
            f,
            "Trainable parameters: {}",
            grouped(self.trainable_parameters)
        )?;
        writeln!(
            f,
            "Non-trainable parameters: {}",
            grouped(self.non_trainable_parameters)
        )?;
        writeln!(
            f,
            "Multiply-adds per image: {}",
            grouped(self.multiply_adds)
        )
    }
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
