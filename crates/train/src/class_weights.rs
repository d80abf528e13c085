//! Class weights of the loss.

use crate::error::TrainError;
use crate::sampling::OUTLIER;

/// Weights of the classes in the training loss, as Keras's `class_weight`: the loss of each image is multiplied by
/// the weight of its class. Validation and evaluation are not weighted.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    /// All classes have the weight 1.
    #[default]
    Equal,
    /// Each class has the same weight in total, as scikit-learn's `class_weight="balanced"`: a class of `count`
    /// images has the weight `images / (classes * count)`, where `classes` counts the classes with images.
    Balanced,
    /// Weights in proportion to `1 / sqrt(count)`, between equal and balanced. The mean over the images is 1.
    Sqrt,
    /// One weight per class.
    List(Vec<f64>),
}

impl ClassWeights {
    /// Weights of `classes` classes for training images with these labels; `None` if all are 1.
    ///
    /// ```
    /// use modiste_train::ClassWeights;
    ///
    /// let weights = ClassWeights::Balanced.weights(&[0, 0, 0, 1], 2);
    /// assert_eq!(weights, Some(vec![4.0 / (2.0 * 3.0), 4.0 / 2.0]));
    /// ```
    ///
    /// # Panics
    /// If a label is neither below `classes` nor [`OUTLIER`].
    pub fn weights(&self, labels: &[u16], classes: usize) -> Option<Vec<f64>> {
        let mut counts = vec![0_usize; classes];
        for &label in labels.iter().filter(|label| **label != OUTLIER) {
            counts[usize::from(label)] += 1;
        }
        let images = counts.iter().sum::<usize>() as f64;
        // A class without images has no loss to weigh.
        let weigh = |weight: &dyn Fn(f64) -> f64| {
            let weights = counts.iter().map(|&count| match count {
                0 => 1.0,
                count => weight(count as f64),
            });
            Some(weights.collect())
        };
        match self {
            Self::Equal => None,
            Self::Balanced => {
                let present = counts.iter().filter(|count| **count > 0).count() as f64;
                weigh(&|count| images / (present * count))
            }
            Self::Sqrt => {
                let roots: f64 = counts.iter().map(|&count| (count as f64).sqrt()).sum();
                weigh(&|count| images / (roots * count.sqrt()))
            }
            Self::List(weights) => Some(weights.clone()),
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`], which names the first invalid number.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let Self::List(weights) = self else {
            return Ok(());
        };
        let is_valid = |weight: f64| (weight as f32).is_finite() && weight >= 0.0;
        let problem = match weights.iter().position(|&weight| !is_valid(weight)) {
            Some(class) => format!(
                "the weight of class {class} is {}; expected 0 or a positive number in the range of f32",
                weights[class]
            ),
            None if weights.iter().all(|&weight| weight as f32 == 0.0) => {
                "the weight of every class is 0; expected a positive one".into()
            }
            None => return Ok(()),
        };
        Err(TrainError::Config { problem })
    }

    /// Checks that there is one weight per class.
    ///
    /// # Errors
    /// Returns [`TrainError::Config`] if the number of weights is another.
    pub(crate) fn check_classes(&self, classes: usize) -> Result<(), TrainError> {
        match self {
            Self::List(weights) if weights.len() != classes => Err(TrainError::Config {
                problem: format!(
                    "there are {} class weights, but the network has {classes} classes",
                    weights.len()
                ),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_counts() {
        let labels = [0, 0, 0, 0, 2];
        let weights = |weights: ClassWeights| weights.weights(&labels, 3);
        assert_eq!(weights(ClassWeights::Equal), None);
        // compute_class_weight("balanced", ...) of scikit-learn gives 0.625 and 2.5.
        let balanced = weights(ClassWeights::Balanced);
        assert_eq!(balanced, Some(vec![0.625, 1.0, 2.5]));
        let sqrt = weights(ClassWeights::Sqrt).expect("weights");
        assert!((sqrt[2] / sqrt[0] - 2.0).abs() < 1e-12);
        assert!((4.0 * sqrt[0] + sqrt[2] - 5.0).abs() < 1e-12, "{sqrt:?}");
        let list = ClassWeights::List(vec![1.0, 2.0, 3.0]);
        assert_eq!(weights(list), Some(vec![1.0, 2.0, 3.0]));
    }

    #[test]
    fn rejects_invalid_weights() {
        let message = |weights: &[f64]| {
            let weights = ClassWeights::List(weights.to_vec());
            let result = weights.check().and(weights.check_classes(2));
            result.expect_err("rejected").to_string()
        };
        assert!(message(&[1.0, -1.0]).starts_with("the weight of class 1 is -1; expected 0 or"));
        assert!(message(&[f64::NAN, 1.0]).starts_with("the weight of class 0 is NaN"));
        assert!(message(&[0.0, 0.0]).starts_with("the weight of every class is 0"));
        assert!(message(&[1.0; 3]).starts_with("there are 3 class weights, but the network has 2"));
    }
}
