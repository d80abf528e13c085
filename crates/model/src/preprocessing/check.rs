//! Validation of preprocessing steps, independent of any photo.

use std::ops::RangeInclusive;

use super::{Preprocessing, PreprocessingError, Step};

/// Upper bound of the views that the steps make of one photo.
const MAX_VIEWS: usize = 64;

impl Preprocessing {
    /// Checks that the steps can be run. Deserialization calls this function, as does every
    /// function of `modiste-infer` that runs the steps.
    ///
    /// # Errors
    /// Returns [`PreprocessingError::Step`] for the first step that cannot be run.
    ///
    /// ```
    /// use modiste_model::{Preprocessing, Step};
    ///
    /// let mut steps = Preprocessing::fashion();
    /// steps.check()?;
    /// steps.steps.push(Step::Sharpen { sigma: 0.0, amount: 0.5 });
    /// let error = steps.check().unwrap_err().to_string();
    /// assert_eq!(error, "step 10, sharpen: sigma is 0, expected 0.1 to 10");
    /// # Ok::<(), modiste_model::PreprocessingError>(())
    /// ```
    pub fn check(&self) -> Result<(), PreprocessingError> {
        let error = |index: usize, problem: String| PreprocessingError::Step {
            number: index + 1,
            step: self.steps.get(index).map_or("none", Step::name),
            problem,
        };
        let (mut views, mut small) = (1_usize, false);
        if self.steps.is_empty() {
            return Err(error(0, "the first step must decode the photo".into()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let decodes = matches!(step, Step::Read | Step::ReadRgb | Step::Decode);
            if decodes != (index == 0) {
                let problem =
                    "the first step, and no other, must decode the photo: decode, read or colours";
                return Err(error(index, problem.into()));
            }
            if matches!(
                step,
                Step::Segment { .. } | Step::Sharpen { .. } | Step::Mirror
            ) && !small
            {
                let problem = "a photo may be very large: add shrink, stretch or place before";
                return Err(error(index, problem.into()));
            }
            step.check_settings()
                .map_err(|problem| error(index, problem))?;
            small |= matches!(
                step,
                Step::Shrink { .. } | Step::Stretch { .. } | Step::Place { .. } | Step::Fit { .. }
            );
            views = views.saturating_mul(step.views());
            if views > MAX_VIEWS {
                let problem =
                    format!("the steps make {views} views of a photo, at most {MAX_VIEWS}");
                return Err(error(index, problem));
            }
        }
        Ok(())
    }
}

impl Step {
    /// Largest number of views that the step makes of one.
    fn views(&self) -> usize {
        match self {
            Self::Segment { methods } => methods.len(),
            Self::Place { longest } => longest.len(),
            Self::Mirror => 2,
            _ => 1,
        }
    }

    fn check_settings(&self) -> Result<(), String> {
        match self {
            Self::Shrink { longest } => within("longest", *longest as f32, 1.0..=4096.0),
            Self::Segment { methods } if methods.is_empty() => {
                Err("cuts is empty; add a segmentation method".into())
            }
            Self::NormalizeTone {
                mean,
                deviation,
                gain: [low, high],
                floor,
            } => {
                within("mean", *mean, 0.0..=255.0)?;
                within("deviation", *deviation, 0.0..=255.0)?;
                within("gain[0]", *low, 0.0..=255.0)?;
                within("gain[1]", *high, *low..=255.0)?;
                within("floor", *floor, 0.0..=255.0)
            }
            Self::Place { longest } if longest.is_empty() => {
                Err("longest is empty; add a length".into())
            }
            Self::Place { longest } => longest
                .iter()
                .try_for_each(|&longest| within("longest", longest as f32, 1.0..=4096.0)),
            Self::Sharpen { sigma, amount } => {
                within("sigma", *sigma, 0.1..=10.0)?;
                within("amount", *amount, 0.0..=10.0)
            }
            _ => Ok(()),
        }
    }
}

fn within(name: &str, value: f32, range: RangeInclusive<f32>) -> Result<(), String> {
    let (low, high) = (range.start(), range.end());
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!("{name} is {value}, expected {low} to {high}")),
    }
}

#[cfg(test)]
mod tests {
    use modiste_core::Interpolation;

    use super::*;
    use crate::preprocessing::Segmentation;

    #[track_caller]
    fn rejected(steps: Vec<Step>, expected: &str) {
        let name = "test".into();
        let message = Preprocessing { name, steps }
            .check()
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }

    fn tone(gain: [f32; 2], floor: f32) -> Step {
        Step::NormalizeTone {
            mean: 150.0,
            deviation: 45.0,
            gain,
            floor,
        }
    }

    #[test]
    fn accepts_presets() {
        Preprocessing::fashion().check().expect("a preset");
        Preprocessing::notebook(Interpolation::Area)
            .check()
            .expect("a preset");
    }

    #[test]
    fn names_the_invalid_step() {
        let shrink = Step::Shrink { longest: 64 };
        rejected(vec![], "step 1, none: the first step must decode");
        rejected(vec![Step::Negate], "step 1, negate: the first step");
        rejected(vec![Step::Read, Step::ReadRgb], "step 2, colours");
        rejected(vec![Step::Read, Step::Mirror], "add shrink");
        let after = |step| vec![Step::ReadRgb, shrink.clone(), step];
        rejected(after(tone([2.5, 0.7], 0.0)), "gain[1] is 0.7");
        rejected(after(tone([0.7, 2.5], 300.0)), "floor is 300");
        rejected(after(tone([f32::NAN, 2.5], 0.0)), "gain[0] is NaN");
        rejected(after(Step::Segment { methods: vec![] }), "cuts is empty");
        rejected(after(Step::Place { longest: vec![] }), "longest is empty");
        rejected(after(Step::Place { longest: vec![0] }), "longest is 0");
        let methods = vec![Segmentation::Whole; 5];
        let mut many = after(Step::Segment { methods });
        many.extend([Step::Mirror, Step::Mirror, Step::Mirror, Step::Mirror]);
        rejected(many, "step 7, mirror: the steps make 80 views");
    }
}
