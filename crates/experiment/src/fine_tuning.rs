//! Fine-tuning: a plan that starts from a model.

use std::convert::Infallible;
use std::str::FromStr;

use modiste_model::{Metadata, NetworkPlan, transfer};

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::pretrained::{Pretrained, PretrainedModel};

/// Learning rate factor of the layers that are copied, if others are new.
const PRETRAINED_RATE: f64 = 0.1;

/// Layers that are not trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// The first layers. A residual block counts as one.
    First(usize),
    /// The layers up to this one, or up to the residual block that contains it.
    UpTo(String),
}

impl FromStr for Freeze {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(count) => Self::First(count),
            Err(_) => Self::UpTo(text.into()),
        })
    }
}

impl Freeze {
    /// Number of layers that are not trained.
    fn count(&self, plan: &NetworkPlan) -> Result<usize> {
        let name = match self {
            Self::First(count) => return Ok(*count),
            Self::UpTo(name) => name,
        };
        plan.layer_index(name)
            .map(|index| index + 1)
            .ok_or_else(|| {
                let names: Vec<&str> = plan.layers.iter().map(|layer| &*layer.name).collect();
                Error::unknown("layer", name, &names)
            })
    }
}

impl Plan {
    /// Starts the training of images with the classes `classes` from a model: variables of the same name and shape are
    /// copied, and the head only if the classes are the same. If a layer is new, those before it have a tenth of the
    /// learning rate. `freeze` names layers that are not trained. A dataset of the catalog takes the preprocessing of the
    /// model if its images have the model's shape.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if the network has nothing in common with the model, a layer to freeze
    /// does not exist, or it would be frozen with its initial weights.
    pub fn start_from(
        &mut self,
        model: &PretrainedModel,
        classes: &[String],
        freeze: Option<&Freeze>,
    ) -> Result<()> {
        let metadata = Metadata {
            classes: classes.to_vec(),
            ..Metadata::default()
        };
        let seed = self.config.train.seed;
        let (_, report) = transfer(&model.network, self.architecture.clone(), metadata, seed)?;
        let initialized: Vec<String> = report.initialized.into_iter().map(|new| new.name).collect();
        if report.copied.is_empty() {
            return Err(Error::setting(format!(
                "{} and the network {} have no layer of the same name and size: nothing would be copied",
                model.name(),
                self.architecture.name
            )));
        }
        let layers = self.architecture.plan()?;
        let new = layers.variables.iter();
        let new = new.filter(|variable| initialized.contains(&variable.name));
        let new_layers = new.filter_map(|variable| layers.layer_index(variable.layer()));
        let first_new = new_layers.min();
        let copied_layers = first_new.unwrap_or(layers.layers.len());
        let train = &mut self.config.train;
        train.pretrained_layers = copied_layers;
        train.pretrained_rate = first_new.map_or(1.0, |_| PRETRAINED_RATE);
        train.frozen_layers = freeze.map_or(Ok(0), |freeze| freeze.count(&layers))?;
        if let Some(first_new) = first_new
            && train.frozen_layers > first_new
        {
            let name = &layers.layers[first_new].name;
            return Err(Error::setting(format!(
                "layer {name} is not copied from {} and has to be trained: freeze at most {first_new} layers",
                model.name()
            )));
        }
        let source = &model.network;
        if self.own_images.is_none()
            && source.architecture.input == self.architecture.input
            && let Some(preprocessing) = &source.metadata.preprocessing
        {
            self.preprocessing = preprocessing.clone();
        }
        self.pretrained = Some(Pretrained {
            model: model.path.clone(),
            sha256: model.sha256.clone(),
            copied: report.copied.len(),
            initialized,
        });
        Ok(())
    }
}
