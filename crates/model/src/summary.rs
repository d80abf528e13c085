//! Layer-by-layer summary of an architecture, as Keras prints it.

use std::fmt;

use serde::Serialize;

use crate::architecture::Architecture;
use crate::network_plan::{NetworkPlan, Operation, PlannedLayer};
use crate::shape_inference::ArchitectureError;

/// Layers and totals of an architecture. It displays as a table and serializes to JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the architecture.
    pub architecture: String,
    /// Height, width and channels of an input image.
    pub input_shape: Vec<usize>,
    /// Layers, first to last; the layers of a residual block precede the block.
    pub layers: Vec<LayerSummary>,
    /// Number of all parameters.
    pub total_parameters: usize,
    /// Number of parameters that the optimizer updates.
    pub trainable_parameters: usize,
    /// Number of running statistics of batch norm.
    pub non_trainable_parameters: usize,
    /// Size of all parameters as f32, in bytes.
    pub bytes: usize,
    /// Multiply-adds of one forward pass over one image.
    pub multiply_adds: usize,
}

/// One row of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// Name of the layer, such as `conv2d_1`.
    pub name: String,
    /// Keras's class name, such as `Conv2D`.
    pub kind: &'static str,
    /// Output shape without the batch axis.
    pub output_shape: Vec<usize>,
    /// Number of parameters, trainable or not.
    pub parameters: usize,
    /// Multiply-adds of one forward pass over one image.
    pub multiply_adds: usize,
}

impl Architecture {
    /// Summarizes the architecture.
    ///
    /// # Errors
    /// Returns [`ArchitectureError`] if a layer does not fit its input: see [`Architecture::plan`].
    ///
    /// ```
    /// let summary = modiste_model::zoo::vgg().summary()?;
    /// // 64 filters, each with 3 * 3 weights and a bias.
    /// assert_eq!(summary.layers[0].parameters, 640);
    /// // 6 * 6 * 256.
    /// assert_eq!(summary.layers[6].output_shape, [9216]);
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    pub fn summary(&self) -> Result<Summary, ArchitectureError> {
        let plan = self.plan()?;
        let mut layers = Vec::new();
        add_rows(&plan, &plan.layers, &mut layers);
        let trainable = plan.trainable_len();
        let total = trainable + plan.running_stats_len();
        Ok(Summary {
            architecture: self.name.clone(),
            input_shape: self.input.to_vec(),
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            layers,
            total_parameters: total,
            trainable_parameters: trainable,
            non_trainable_parameters: plan.running_stats_len(),
            bytes: total * size_of::<f32>(),
        })
    }
}

fn add_rows(plan: &NetworkPlan, layers: &[PlannedLayer], rows: &mut Vec<LayerSummary>) {
    for layer in layers {
        if let Operation::Residual { layers, shortcut } = &layer.operation {
            add_rows(plan, layers, rows);
            add_rows(plan, shortcut, rows);
        }
        let prefix = format!("{}/", layer.name);
        let variables = plan.variables.iter();
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
            let layer = format!("{layer:<45} ");
            // A long name takes its space from the shape.
            let width = 66_usize.saturating_sub(layer.len());
            writeln!(f, "{layer}{shape:<width$}{parameters:>14}{products:>16}")
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

/// Formats a number with a comma between groups of three digits.
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
