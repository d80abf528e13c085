//! Flags for starting from a model.

use std::path::PathBuf;

use anyhow::Result;
use modiste_experiment::{Freeze, Plan, PretrainedModel};

/// Flags for starting from a model.
#[derive(clap::Args, Default)]
pub(crate) struct FineTuningFlags {
    /// Start from the weights of a model: a file, the folder of a run, or built-in. Network, size, colour and
    /// preprocessing are the model's unless they are given.
    #[arg(long, value_name = "FILE|RUN")]
    pub(super) from: Option<PathBuf>,
    /// Do not train the first N layers, or the layers up to LAYER, as `modiste summary` lists them.
    #[arg(long, value_name = "N|LAYER", requires = "from")]
    freeze: Option<Freeze>,
    /// Factor of the learning rate for the layers that are copied [default: 0.1 if others are new, else 1].
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        requires = "from"
    )]
    pretrained_rate: Option<f64>,
}

impl FineTuningFlags {
    /// Reads the model to start from.
    ///
    /// # Errors
    /// If it cannot be read as a model.
    pub(super) fn model(&self) -> Result<Option<PretrainedModel>> {
        let model = self.from.as_deref().map(PretrainedModel::load);
        Ok(model.transpose()?)
    }

    /// Starts a plan, whose images have the classes `classes`, from the model.
    ///
    /// # Errors
    /// If the model does not fit the network, or a layer to freeze does not exist.
    pub(super) fn apply(
        &self,
        plan: &mut Plan,
        model: Option<&PretrainedModel>,
        classes: &[String],
    ) -> Result<()> {
        if let Some(model) = model {
            plan.start_from(model, classes, self.freeze.as_ref())?;
        }
        if let Some(rate) = self.pretrained_rate {
            plan.config.train.pretrained_rate = rate;
        }
        Ok(())
    }
}
