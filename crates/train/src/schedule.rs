//! Learning rate schedules.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Learning rate schedule over the steps of a run: a linear warm-up, then a curve.
///
/// Schedules have a text form: `constant`, `exponential:600,0.95`, `exponential:600,0.95,staircase`,
/// `piecewise:3000=0.1,4500=0.01`, `cosine` or `one-cycle`, each optionally followed by `+warmup:STEPS`.
///
/// ```
/// use modiste_train::Schedule;
///
/// let schedule: Schedule = "cosine+warmup:10".parse()?;
/// assert_eq!(schedule.learning_rate(0.1, 0, 110), 0.01);
/// assert_eq!(schedule.learning_rate(0.1, 10, 110), 0.1);
/// assert!(schedule.learning_rate(0.1, 109, 110) < 0.0001);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    /// Number of steps over which the learning rate rises linearly to the start of the curve.
    pub warmup_steps: usize,
    /// Curve after the warm-up.
    pub curve: Curve,
}

/// Curve of the learning rate after the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Curve {
    /// Constant learning rate.
    #[default]
    Constant,
    /// Exponential decay, `rate * decay_rate ^ (step / decay_steps)`, as Keras's `ExponentialDecay`.
    Exponential {
        /// Number of steps after which the learning rate is multiplied by `decay_rate`.
        decay_steps: usize,
        /// Decay factor.
        decay_rate: f64,
        /// Rounds the exponent down to an integer.
        staircase: bool,
    },
    /// Pairs of a step and the factor of the learning rate from that step on.
    Piecewise(Vec<(usize, f64)>),
    /// Cosine decay to zero (Loshchilov, Hutter 2017).
    Cosine,
    /// One-cycle policy (Smith 2018) with the defaults of PyTorch's `OneCycleLR`: a rise from 1/25 of the
    /// learning rate over the first 30 % of the steps, then a fall to 1/250,000, both along a cosine. The
    /// momentum is constant.
    OneCycle,
}

impl Schedule {
    /// Learning rate of `step` (0-based) of a run of `total_steps`; `base` is the highest learning rate.
    pub fn learning_rate(&self, base: f64, step: usize, total_steps: usize) -> f64 {
        if step < self.warmup_steps {
            return base * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let step = step - self.warmup_steps;
        let total = total_steps.saturating_sub(self.warmup_steps).max(1);
        base * self.curve.factor(step, total)
    }
}

impl Curve {
    fn factor(&self, step: usize, total: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Exponential {
                decay_steps,
                decay_rate,
                staircase,
            } => {
                let exponent = step as f64 / *decay_steps as f64;
                decay_rate.powf(if *staircase {
                    exponent.floor()
                } else {
                    exponent
                })
            }
            Self::Piecewise(pieces) => {
                let reached = pieces.iter().rfind(|(start, _)| *start <= step);
                reached.map_or(1.0, |(_, factor)| *factor)
            }
            Self::Cosine => between(1.0, 0.0, step as f64 / total as f64),
            Self::OneCycle => {
                let start = 1.0 / 25.0;
                let top = (0.3 * total as f64 - 1.0).max(0.0);
                let last = total.saturating_sub(1) as f64;
                let step = step as f64;
                if step <= top {
                    between(start, 1.0, if top > 0.0 { step / top } else { 1.0 })
                } else {
                    between(1.0, start / 1e4, (step - top) / (last - top))
                }
            }
        }
    }
}

/// Cosine interpolation from `start` to `end` as `progress` goes from 0 to 1.
fn between(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * progress.min(1.0)).cos()) / 2.0
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (curve, warmup_steps) = match text.split_once("+warmup:") {
            Some((curve, steps)) => (curve, number(steps)?),
            None => (text, 0),
        };
        Ok(Self {
            warmup_steps,
            curve: curve.parse()?,
        })
    }
}

impl FromStr for Curve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, arguments) = match text.split_once(':') {
            Some((name, arguments)) => (name, arguments.split(',').collect()),
            None => (text, Vec::new()),
        };
        match (name, &arguments[..]) {
            ("constant", []) => Ok(Self::Constant),
            ("cosine", []) => Ok(Self::Cosine),
            ("one-cycle", []) => Ok(Self::OneCycle),
            ("exponential", [steps, rate, rest @ ..]) if matches!(rest, [] | ["staircase"]) => {
                let decay_steps = number(steps)?;
                if decay_steps == 0 {
                    return Err("an exponential schedule needs at least 1 decay step".into());
                }
                Ok(Self::Exponential {
                    decay_steps,
                    decay_rate: factor(rate)?,
                    staircase: !rest.is_empty(),
                })
            }
            ("piecewise", [_, ..]) => {
                let mut pieces = Vec::new();
                for piece in &arguments {
                    let (step, rate) = piece
                        .split_once('=')
                        .ok_or_else(|| format!("`{piece}` is not STEP=FACTOR"))?;
                    pieces.push((number(step)?, factor(rate)?));
                }
                if !pieces.is_sorted_by(|earlier, later| earlier.0 < later.0) {
                    return Err("the steps of a piecewise schedule must increase".into());
                }
                Ok(Self::Piecewise(pieces))
            }
            _ => Err(format!(
                "unknown schedule `{text}`: expected constant, cosine, one-cycle, \
                 exponential:STEPS,RATE[,staircase] or piecewise:STEP=FACTOR,..., optionally followed by \
                 +warmup:STEPS"
            )),
        }
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a number of steps"))
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.0..=1e3).contains(&factor) => Ok(factor),
        _ => Err(format!("`{text}` is not a factor from 0 to 1000")),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.curve {
            Curve::Constant => f.write_str("constant")?,
            Curve::Cosine => f.write_str("cosine")?,
            Curve::OneCycle => f.write_str("one-cycle")?,
            Curve::Exponential {
                decay_steps,
                decay_rate,
                staircase,
            } => {
                let ending = if *staircase { ",staircase" } else { "" };
                write!(f, "exponential:{decay_steps},{decay_rate}{ending}")?;
            }
            Curve::Piecewise(pieces) => {
                let pieces: Vec<String> = pieces
                    .iter()
                    .map(|(step, factor)| format!("{step}={factor}"))
                    .collect();
                write!(f, "piecewise:{}", pieces.join(","))?;
            }
        }
        match self.warmup_steps {
            0 => Ok(()),
            steps => write!(f, "+warmup:{steps}"),
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the learning rates at `steps` of a run of 100 steps with a base learning rate of 1.
    #[track_caller]
    fn check(text: &str, steps: &[(usize, f64)]) {
        let schedule: Schedule = text.parse().expect(text);
        assert_eq!(schedule.to_string(), text);
        for &(step, expected) in steps {
            let rate = schedule.learning_rate(1.0, step, 100);
            assert!(
                (rate - expected).abs() < 1e-9,
                "{text}: {rate} at step {step}, expected {expected}"
            );
        }
    }

    #[test]
    fn curves() {
        check("constant", &[(0, 1.0), (99, 1.0)]);
        check(
            "exponential:2,0.8",
            &[(0, 1.0), (1, 0.8_f64.sqrt()), (4, 0.64)],
        );
        check(
            "exponential:2,0.8,staircase",
            &[(1, 1.0), (2, 0.8), (5, 0.64)],
        );
        check(
            "piecewise:10=0.5,20=0.1",
            &[(9, 1.0), (10, 0.5), (19, 0.5), (20, 0.1), (99, 0.1)],
        );
        check("cosine", &[(0, 1.0), (50, 0.5), (100, 0.0)]);
        // PyTorch's OneCycleLR(max_lr=1, total_steps=100): the maximum is at step 29.
        check(
            "one-cycle",
            &[(0, 0.04), (29, 1.0), (64, 0.500_002), (99, 4e-6)],
        );
    }

    #[test]
    fn warmup_is_linear() {
        check("constant+warmup:4", &[(0, 0.25), (3, 1.0), (4, 1.0)]);
        check(
            "cosine+warmup:20",
            &[(0, 0.05), (19, 1.0), (20, 1.0), (60, 0.5)],
        );
    }

    #[test]
    fn short_runs_stay_finite() {
        for text in [
            "cosine",
            "one-cycle",
            "one-cycle+warmup:5",
            "exponential:1,0.5",
        ] {
            let schedule: Schedule = text.parse().expect(text);
            for total in 1..8 {
                for step in 0..total {
                    let rate = schedule.learning_rate(0.1, step, total);
                    assert!(
                        (0.0..=0.1).contains(&rate),
                        "{text}: {rate} at {step} of {total}"
                    );
                }
            }
        }
    }

    #[test]
    fn rejects_invalid_schedules() {
        for text in [
            "",
            "linear",
            "constant:3",
            "exponential",
            "exponential:5",
            "exponential:0,0.5",
            "exponential:5,NaN",
            "exponential:5,0.5,stairs",
            "piecewise",
            "piecewise:5",
            "piecewise:5=0.5,5=0.1",
            "cosine+warmup:x",
            "cosine+warmup:-1",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
