//! Parameters of ranges of layers.

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
        let belongs = |name: &str| {
            let owner = name.rsplit_once('/').map_or(name, |(owner, _)| owner);
            names.contains(&owner)
        };
        let ends = self
            .variables
            .iter()
            .filter(|variable| variable.trainable && belongs(&variable.name))
            .map(|variable| variable.range.end);
        0..ends.max().unwrap_or(0)
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
