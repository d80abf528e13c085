//! Which lists of steps can be carried out, whatever the photo.

use std::ops::RangeInclusive;

use super::{Preprocessing, Step};
use crate::error::Error;

/// Views that steps may make of one photo.
const MOST_VIEWS: usize = 64;

impl Preprocessing {
    /// Whether its steps can be carried out. [`preprocess`](super::preprocess) asks as well, and
    /// what is read from JSON was asked.
    ///
    /// # Errors
    /// [`Error::Step`], which says of the first that cannot be carried out why.
    ///
    /// ```
    /// use modiste_infer::{Preprocessing, Step};
    ///
    /// let mut steps = Preprocessing::fashion();
    /// steps.check()?;
    /// steps.steps.push(Step::Sharpen { sigma: 0.0, amount: 0.5 });
    /// let error = steps.check().unwrap_err().to_string();
    /// assert_eq!(error, "step 10, sharpen: sigma is 0; take a number from 0.1 to 10");
    /// # Ok::<(), modiste_infer::Error>(())
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |index: usize, problem: String| Error::Step {
            number: index + 1,
            step: self.steps.get(index).map_or("none", Step::name),
            problem,
        };
        let (mut views, mut small) = (1_usize, false);
        if self.steps.is_empty() {
            return Err(refuse(0, "the first step reads the photo".into()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let reads = matches!(step, Step::Read | Step::Colours);
            if reads != (index == 0) {
                let problem = "the first step, and no other, reads the photo: read or colours";
                return Err(refuse(index, problem.into()));
            }
            if matches!(
                step,
                Step::Mask { .. } | Step::Sharpen { .. } | Step::Mirror
            ) && !small
            {
                let problem = "first shrink, stretch or place the photo, which may be very large";
                return Err(refuse(index, problem.into()));
            }
            step.check_numbers()
                .map_err(|problem| refuse(index, problem))?;
            small |= matches!(
                step,
                Step::Shrink { .. } | Step::Stretch { .. } | Step::Place { .. }
            );
            views = views.saturating_mul(step.views());
            if views > MOST_VIEWS {
                let problem = format!("it makes {views} views of a photo; at most {MOST_VIEWS}");
                return Err(refuse(index, problem));
            }
        }
        Ok(())
    }
}

impl Step {
    /// How many views it makes of one, at most.
    fn views(&self) -> usize {
        match self {
            Self::Mask { cuts } => cuts.len(),
            Self::Place { longest } => longest.len(),
            Self::Mirror => 2,
            _ => 1,
        }
    }

    fn check_numbers(&self) -> Result<(), String> {
        match self {
            Self::Shrink { longest } => within("longest", *longest as f32, 1.0..=4096.0),
            Self::Mask { cuts } if cuts.is_empty() => Err("cuts is empty; name one".into()),
            Self::Tone {
                mean,
                deviation,
                gain: [least, most],
                floor,
            } => {
                within("mean", *mean, 0.0..=255.0)?;
                within("deviation", *deviation, 0.0..=255.0)?;
                within("gain[0]", *least, 0.0..=255.0)?;
                within("gain[1]", *most, *least..=255.0)?;
                within("floor", *floor, 0.0..=255.0)
            }
            Self::Place { longest } if longest.is_empty() => {
                Err("longest is empty; name a length".into())
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
    let (least, most) = (range.start(), range.end());
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!(
            "{name} is {value}; take a number from {least} to {most}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Cut;
    use modiste_imaging::Interpolation;

    #[track_caller]
    fn refused(steps: Vec<Step>, expected: &str) {
        let name = "test".into();
        let message = Preprocessing { name, steps }
            .check()
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }

    fn tone(gain: [f32; 2], floor: f32) -> Step {
        Step::Tone {
            mean: 150.0,
            deviation: 45.0,
            gain,
            floor,
        }
    }

    #[test]
    fn presets_can_be_carried_out() {
        Preprocessing::fashion().check().expect("a preset");
        Preprocessing::notebook(Interpolation::Area)
            .check()
            .expect("a preset");
    }

    #[test]
    fn what_cannot_be_carried_out_is_named() {
        let shrink = Step::Shrink { longest: 64 };
        refused(vec![], "step 1, none: the first step reads");
        refused(vec![Step::Negate], "step 1, negate: the first step");
        refused(vec![Step::Read, Step::Colours], "step 2, colours");
        refused(vec![Step::Read, Step::Mirror], "first shrink");
        let after = |step| vec![Step::Colours, shrink.clone(), step];
        refused(after(tone([2.5, 0.7], 0.0)), "gain[1] is 0.7");
        refused(after(tone([0.7, 2.5], 300.0)), "floor is 300");
        refused(after(tone([f32::NAN, 2.5], 0.0)), "gain[0] is NaN");
        refused(after(Step::Mask { cuts: vec![] }), "cuts is empty");
        refused(after(Step::Place { longest: vec![] }), "longest is empty");
        refused(after(Step::Place { longest: vec![0] }), "longest is 0");
        let cuts = vec![Cut::Whole; 5];
        let mut many = after(Step::Mask { cuts });
        many.extend([Step::Mirror, Step::Mirror, Step::Mirror, Step::Mirror]);
        refused(many, "step 7, mirror: it makes 80 views");
    }
}
