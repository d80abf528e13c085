//! Network architectures as data.

use serde::{Deserialize, Serialize};

use crate::layer::Layer;

/// A sequential network: its input shape and its layers.
///
/// An architecture is plain data: it can be printed, compared and stored as JSON inside a model
/// file. [`Architecture::plan`] infers its shapes.
///
/// ```
/// use modiste_model::{Architecture, Layer, Padding};
///
/// let tiny = Architecture {
///     name: "tiny".into(),
///     input: [28, 28, 1],
///     layers: vec![
///         Layer::conv2d(8, Padding::Valid),
///         Layer::max_pool2d(2),
///         Layer::Flatten,
///         Layer::logits(10),
///     ],
/// };
/// let plan = tiny.plan()?;
/// assert_eq!(plan.trainable_len(), 8 * (3 * 3 + 1) + (13 * 13 * 8 + 1) * 10);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Name of the architecture, such as `compact`.
    pub name: String,
    /// Height, width and channels of an input image.
    pub input: [usize; 3],
    /// Layers, first to last. The last one computes the logits: one value per class, no softmax.
    pub layers: Vec<Layer>,
}
