//! Preprocessing without test-time augmentation.

use super::{Preprocessing, Step};

impl Preprocessing {
    /// Preprocessing that makes one view of a photo, the first: without mirror images, with the first size and the first
    /// way of segmentation alone. Training on photos uses it, so that an image is one input.
    ///
    /// ```
    /// use modiste_model::{Preprocessing, Step};
    ///
    /// let single = Preprocessing::fashion().single_view();
    /// assert_eq!(single.name, "fashion, one view");
    /// assert!(!single.steps.contains(&Step::Mirror));
    /// assert_eq!(single.single_view(), single);
    /// ```
    #[must_use]
    pub fn single_view(&self) -> Self {
        let steps = self.steps.iter().filter(|step| **step != Step::Mirror);
        let steps: Vec<Step> = steps
            .cloned()
            .map(|step| match step {
                Step::Segment { mut methods } => {
                    methods.truncate(1);
                    Step::Segment { methods }
                }
                Step::Place { mut longest } => {
                    longest.truncate(1);
                    Step::Place { longest }
                }
                other => other,
            })
            .collect();
        let name = match steps == self.steps {
            true => self.name.clone(),
            false => format!("{}, one view", self.name),
        };
        Self { name, steps }
    }
}
