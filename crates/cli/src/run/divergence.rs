//! What to change after a training that diverged.

use anyhow::{Error, anyhow};
use modiste_core::significant;
use modiste_train::{TrainConfig, TrainError};

/// The highest learning rate that is suggested.
const USUAL_RATE: f64 = 0.01;

/// The momentum that is suggested.
const USUAL_MOMENTUM: f64 = 0.9;

/// From this momentum on the sum of steps is the likelier cause: 20 times a single one.
const HIGH_MOMENTUM: f64 = 0.95;

/// A step whose rate is so many times the configured one is the schedule's doing, not rounding's.
const HIGHER: f64 = 1.01;

/// The error of a training, followed by the flags that prevent a divergence. `kept` is a sentence about
/// the weights that are left.
pub(super) fn explained(error: TrainError, config: &TrainConfig, kept: &str) -> Error {
    match error {
        TrainError::Diverged {
            learning_rate: rate,
            ..
        } => anyhow!("{error}. {}; {kept}", advice(config, rate)),
        error => error.into(),
    }
}

/// What to change where `rate` was the learning rate of the step that diverged.
fn advice(config: &TrainConfig, rate: f64) -> String {
    let learning_rate = config.learning_rate;
    let momentum = config.optimizer.momentum();
    let weight_decay = config.optimizer.weight_decay();
    if rate > learning_rate * HIGHER {
        return format!(
            "Take another schedule (--schedule): {} makes the learning rate {} times as high as {}",
            config.schedule,
            significant(rate / learning_rate),
            significant(learning_rate)
        );
    }
    // Each step multiplies the weights by 1 - shrink.
    let shrink = learning_rate * weight_decay;
    if shrink >= 1.0 {
        return format!(
            "Take a lower weight decay (--weight-decay): {} times the learning rate is {}, and every \
             step turns the weights around",
            significant(weight_decay),
            significant(shrink)
        );
    }
    if momentum > HIGH_MOMENTUM && learning_rate <= 1.0 {
        return format!(
            "Take a lower momentum (--momentum {USUAL_MOMENTUM}) or a lower learning rate: momentum {} \
             makes steps {} times as long",
            significant(momentum),
            significant((1.0 / (1.0 - momentum)).round())
        );
    }
    let lower = significant((learning_rate / 10.0).min(USUAL_RATE));
    let lower = format!(
        "Take a lower learning rate than {} (--learning-rate {lower})",
        significant(learning_rate)
    );
    match config.schedule.warmup_steps {
        0 => format!(
            "{lower} or a warm-up (--schedule {}+warmup:500)",
            config.schedule
        ),
        _ => lower,
    }
}

#[cfg(test)]
mod tests {
    use modiste_train::Optimizer;

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
        let advice = advice(&config, learning_rate);
        assert!(advice.contains(expected), "{advice}");
    }

    #[test]
    fn names_the_setting_that_is_too_high() {
        check(1e9, 0.9, 0.0, "rate than 1000000000 (--learning-rate 0.01)");
        check(
            f64::from(0.3_f32),
            0.9,
            0.0,
            "than 0.3 (--learning-rate 0.01)",
        );
        check(0.03, 0.9, 0.0, "than 0.03 (--learning-rate 0.003)");
        check(0.03, 0.9, 0.0, "--schedule cosine+warmup:500");
        check(0.1, 0.999, 0.0, "momentum 0.999 makes steps 1000 times");
        check(0.1, 0.9, 30.0, "30 times the learning rate is 3,");
    }

    #[test]
    fn names_schedule_that_raises_the_rate() {
        let config = TrainConfig {
            learning_rate: 0.01,
            schedule: "piecewise:12=1000".parse().expect("a schedule"),
            ..TrainConfig::default()
        };
        assert_eq!(
            advice(&config, 10.0),
            "Take another schedule (--schedule): piecewise:12=1000 makes the learning rate 1000 times as \
             high as 0.01"
        );
        assert!(advice(&config, 0.01).contains("--learning-rate 0.001"));
    }
}
