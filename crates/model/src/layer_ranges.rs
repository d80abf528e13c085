//! Ranges of layers, their parameters, and frozen layers.

use std::ops::Range;

use crate::network_plan::{NetworkPlan, Operation, PlannedLayer};

impl NetworkPlan {
    /// Range of the trainable parameters of the layers before `layer`, an index of
    /// [`layers`](Self::layers): everything if `layer` is their number. A residual block is one layer.
    ///
    /// ```
    /// let plan = modiste_model::zoo::compact().plan()?;
    /// assert_eq!(plan.trainable_before(1), 0..3 * 3 * 32 + 32);
    /// assert_eq!(plan.trainable_before(plan.layers.len()), 0..plan.trainable_len());
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    pub fn trainable_before(&self, layer: usize) -> Range<usize> {
        let mut names = Vec::new();
        self.layers[..layer.min(self.layers.len())]
            .iter()
            .for_each(|layer| add_names(layer, &mut names));
        let ends = self
            .variables
            .iter()
            .filter(|variable| variable.trainable && names.contains(&variable.layer()))
            .map(|variable| variable.range.end);
        0..ends.max().unwrap_or(0)
    }

    /// Freezes the first `layers` of [`layers`](Self::layers), or all if there are fewer, for training by
    /// either engine. They run in inference mode, as in Keras: dropout is the identity, and batch norm uses
    /// its running statistics and does not update them. No gradient passes through them, and those of their
    /// parameters are zero.
    ///
    /// ```
    /// let plan = modiste_model::zoo::resnet().plan()?;
    /// let head = plan.layer_index("global_average_pooling2d").expect("a layer of resnet");
    /// let plan = plan.with_frozen_layers(head);
    /// assert_eq!(plan.trainable_len() - plan.frozen_range().end, (128 + 1) * 10);
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    #[must_use]
    pub fn with_frozen_layers(mut self, layers: usize) -> Self {
        self.frozen_layers = layers.min(self.layers.len());
        self
    }

    /// Number of frozen layers, 0 unless [`with_frozen_layers`](Self::with_frozen_layers) set it.
    pub fn frozen_layers(&self) -> usize {
        self.frozen_layers
    }

    /// Range of the trainable parameters of the frozen layers; their gradients are zero.
    pub fn frozen_range(&self) -> Range<usize> {
        self.trainable_before(self.frozen_layers)
    }

    /// Index in [`layers`](Self::layers) of the layer called `name`, or of the residual block that contains
    /// it. Freezing this number of layers leaves the layer itself trainable.
    pub fn layer_index(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| {
            let mut names = Vec::new();
            add_names(layer, &mut names);
            names.contains(&name)
        })
    }

    /// Layers that training runs, and those before them, which are frozen.
    pub(crate) fn trained_and_frozen(&self) -> (&[PlannedLayer], &[PlannedLayer]) {
        let (frozen, trained) = self.layers.split_at(self.frozen_layers);
        (trained, frozen)
    }

    /// Plan of the frozen layers alone, with the parameters of the whole network; `None` if none is frozen.
    pub(crate) fn frozen_part(&self) -> Option<Self> {
        let (_, frozen) = self.trained_and_frozen();
        (!frozen.is_empty()).then(|| Self {
            input: self.input,
            layers: frozen.to_vec(),
            variables: self.variables.clone(),
            trainable_len: self.trainable_len,
            running_stats_len: self.running_stats_len,
            frozen_layers: 0,
        })
    }
}

/// Adds the names of a layer and its inner layers.
fn add_names<'a>(layer: &'a PlannedLayer, names: &mut Vec<&'a str>) {
    names.push(&layer.name);
    if let Operation::Residual { layers, shortcut } = &layer.operation {
        let inner = layers.iter().chain(shortcut);
        inner.for_each(|layer| add_names(layer, names));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, Layer, Padding};

    #[test]
    fn residual_block_is_one_layer() {
        let conv = || Layer::conv2d(4, Padding::Same);
        let architecture = Architecture {
            name: "residual".into(),
            input: [6, 5, 1],
            layers: vec![
                conv(),
                Layer::Residual {
                    layers: vec![conv(), Layer::batch_norm(), conv()],
                    shortcut: vec![Layer::batch_norm()],
                },
                Layer::max_pool2d(2),
                Layer::Flatten,
                Layer::logits(3),
            ],
        };
        let plan = architecture.plan().expect("valid");
        let ends: Vec<usize> = (0..=5)
            .map(|layer| plan.trainable_before(layer).end)
            .collect();
        let (first, inner) = (9 * 4 + 4, 2 * (9 * 4 * 4 + 4) + 8 + 8);
        let block = first + inner;
        let head = 3 * 2 * 4 * 3 + 3;
        assert_eq!(ends, [0, first, block, block, block, block + head]);
    }
}
