//! Advice after training that diverged.

use std::fmt;

use modiste_core::significant;
use modiste_train::{Optimizer, TrainConfig};

/// Highest learning rate that is suggested for SGD.
const USUAL_RATE: f64 = 0.01;

/// Highest learning rate that is suggested for AdamW.
const USUAL_ADAMW_RATE: f64 = 0.001;

/// Momentum that is suggested.
const USUAL_MOMENTUM: f64 = 0.9;

/// Momentum above which it is the likely cause: steps add up to more than 20 times a single one.
const HIGH_MOMENTUM: f64 = 0.95;

/// Minimum ratio of a step's learning rate to the configured one that is due to the schedule and not to rounding.
const HIGHER: f64 = 1.01;

/// Setting to change after training diverged. `Display` formats it as a sentence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DivergenceAdvice {
    /// Another schedule.
    Schedule {
        /// The schedule.
        schedule: String,
        /// Factor by which it raises the learning rate.
        factor: f64,
        /// Configured learning rate.
        learning_rate: f64,
    },
    /// A lower weight decay.
    WeightDecay {
        /// Configured weight decay.
        weight_decay: f64,
        /// Fraction by which a step shrinks the weights; at least 1.
        shrink: f64,
    },
    /// A lower momentum.
    Momentum {
        /// Configured momentum.
        momentum: f64,
        /// Momentum to try.
        suggested: f64,
    },
    /// A lower learning rate.
    LearningRate {
        /// Configured learning rate.
        learning_rate: f64,
        /// Learning rate to try.
        suggested: f64,
        /// Schedule with a warm-up to try instead; `None` if the schedule has a warm-up.
        warm_up: Option<String>,
    },
}

impl DivergenceAdvice {
    /// Returns the advice for a step that diverged with the learning rate `rate`.
    pub(super) fn of(config: &TrainConfig, rate: f64) -> Self {
        let learning_rate = config.learning_rate;
        let momentum = config.optimizer.momentum();
        let weight_decay = config.optimizer.weight_decay();
        let shrink = learning_rate * weight_decay;
        if rate > learning_rate * HIGHER {
            return Self::Schedule {
                schedule: config.schedule.to_string(),
                factor: rate / learning_rate,
                learning_rate,
            };
        }
        // Each step multiplies the weights by 1 - shrink.
        if shrink >= 1.0 {
            return Self::WeightDecay {
                weight_decay,
                shrink,
            };
        }
        match momentum {
            Some(momentum) if momentum > HIGH_MOMENTUM && learning_rate <= 1.0 => {
                return Self::Momentum {
                    momentum,
                    suggested: USUAL_MOMENTUM,
                };
            }
            _ => {}
        }
        let usual_rate = match config.optimizer {
            Optimizer::AdamW { .. } => USUAL_ADAMW_RATE,
            _ => USUAL_RATE,
        };
        Self::LearningRate {
            learning_rate,
            suggested: (learning_rate / 10.0).min(usual_rate),
            warm_up: (config.schedule.warmup_steps == 0)
                .then(|| format!("{}+warmup:500", config.schedule)),
        }
    }
}

impl fmt::Display for DivergenceAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule {
                schedule,
                factor,
                learning_rate,
            } => write!(
                f,
                "Use another schedule: {schedule} makes the learning rate {} times as high as {}",
                significant(*factor),
                significant(*learning_rate)
            ),
            Self::WeightDecay {
                weight_decay,
                shrink,
            } => write!(
                f,
                "Use a lower weight decay: {} times the learning rate is {}, and every step reverses the \
                 sign of the weights",
                significant(*weight_decay),
                significant(*shrink)
            ),
            Self::Momentum {
                momentum,
                suggested,
            } => write!(
                f,
                "Use a lower momentum, such as {suggested}, or a lower learning rate: momentum {} makes steps \
                 {} times as long",
                significant(*momentum),
                significant((1.0 / (1.0 - momentum)).round())
            ),
            Self::LearningRate {
                learning_rate,
                suggested,
                warm_up,
            } => {
                write!(
                    f,
                    "Use a lower learning rate than {}, such as {}",
                    significant(*learning_rate),
                    significant(*suggested)
                )?;
                match warm_up {
                    Some(schedule) => write!(f, ", or a warm-up: {schedule}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(learning_rate: f64, momentum: f64, weight_decay: f64, expected: &str) {
        let config = TrainConfig {
            learning_rate,
            optimizer: Optimizer::Sgd {
                momentum,
                nesterov: true,
                weight_decay,
            },
            schedule: "cosine".parse().expect("a schedule"),
            ..TrainConfig::default()
        };
        let advice = DivergenceAdvice::of(&config, learning_rate).to_string();
        assert!(advice.contains(expected), "{advice}");
    }

    #[test]
    fn names_setting_that_is_too_high() {
        check(1e9, 0.9, 0.0, "rate than 1000000000, such as 0.01");
        check(f64::from(0.3_f32), 0.9, 0.0, "than 0.3, such as 0.01");
        check(0.03, 0.9, 0.0, "than 0.03, such as 0.003");
        check(0.03, 0.9, 0.0, "a warm-up: cosine+warmup:500");
        check(0.1, 0.999, 0.0, "momentum 0.999 makes steps 1000 times");
        check(0.1, 0.9, 30.0, "30 times the learning rate is 3,");
    }

    #[test]
    fn suggests_lower_rate_for_adamw() {
        let config = TrainConfig {
            learning_rate: 0.03,
            optimizer: Optimizer::adamw(0.01),
            ..TrainConfig::default()
        };
        let advice = DivergenceAdvice::of(&config, 0.03).to_string();
        assert!(advice.contains("such as 0.001"), "{advice}");
    }

    #[test]
    fn names_schedule_that_raises_the_rate() {
        let config = TrainConfig {
            learning_rate: 0.01,
            schedule: "piecewise:12=1000".parse().expect("a schedule"),
            ..TrainConfig::default()
        };
        assert_eq!(
            DivergenceAdvice::of(&config, 10.0).to_string(),
            "Use another schedule: piecewise:12=1000 makes the learning rate 1000 times as high as 0.01"
        );
        let advice = DivergenceAdvice::of(&config, 0.01).to_string();
        assert!(advice.contains("such as 0.001"), "{advice}");
    }
}
