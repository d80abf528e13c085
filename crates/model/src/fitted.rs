//! Adaptation of an architecture to a dataset.

use modiste_core::ImageShape;

use crate::architecture::Architecture;
use crate::layer::Layer;
use crate::zoo;

impl Architecture {
    /// Adapts the architecture to images of shape `input` and to `classes` classes.
    ///
    /// An architecture of the [`zoo`] is built anew by [`zoo::build`], so that its stem suits the size
    /// of the images. Of any other, and of one whose layers were changed, the input shape and, if the
    /// last layer is dense, its number of units are replaced.
    ///
    /// ```
    /// use modiste_core::ImageShape;
    /// use modiste_model::zoo;
    ///
    /// let plan = zoo::vgg().fitted(ImageShape::new(32, 32, 3), 100).plan()?;
    /// assert_eq!((plan.input.to_string().as_str(), plan.classes()), ("32x32x3", 100));
    ///
    /// // The first convolution halves the sides of large images.
    /// let plan = zoo::resnet().fitted(ImageShape::new(64, 64, 3), 5).plan()?;
    /// assert_eq!(plan.layers[0].output.to_string(), "32x32x32");
    /// # Ok::<(), modiste_model::ArchitectureError>(())
    /// ```
    #[must_use]
    pub fn fitted(mut self, input: ImageShape, classes: usize) -> Self {
        let current = ImageShape::from(self.input);
        let current_classes = match self.layers.last() {
            Some(Layer::Dense { units, .. }) => *units,
            _ => 0,
        };
        if zoo::build(&self.name, current, current_classes).is_some_and(|built| built == self)
            && let Some(built) = zoo::build(&self.name, input, classes)
        {
            return built;
        }
        self.input = [input.height, input.width, input.channels];
        if let Some(Layer::Dense { units, .. }) = self.layers.last_mut() {
            *units = classes;
        }
        self
    }
}
