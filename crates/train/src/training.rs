//! A training run in progress: steps, epochs and checkpoints.

use std::ops::ControlFlow;
use std::time::Instant;

use modiste_core::Rng;
use modiste_dataset::{Batch, Batches};
use modiste_kernels::{clip_global_norm, in_pool};
use modiste_metrics::{EpochMetrics, best_epoch};
use modiste_model::{Network, Parameters};

use crate::checkpoint::{Checkpoint, Position};
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::evaluate::validate;
use crate::event::{Event, Next};
use crate::optimizer::{OptimizerStep, ParameterGroup};
use crate::prefetch::{Preparation, for_each_batch};
use crate::sampling::OUTLIER;
use crate::targets::TargetBuilder;

/// A training run in progress.
pub(crate) struct Training<'a> {
    pub(crate) config: &'a TrainConfig,
    pub(crate) data: TrainData<'a>,
    pub(crate) batch_size: usize,
    /// Images per epoch, of classes and others.
    pub(crate) epoch_len: usize,
    pub(crate) classes: usize,
    /// Generator of dropout masks.
    pub(crate) rng: Rng,
    /// Position after the last step. Its field `dropout` is stale; `rng` has the current state.
    pub(crate) position: Position,
    pub(crate) history: Vec<EpochMetrics>,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) network: &'a mut Network,
    /// Parameters that are not frozen.
    pub(crate) groups: Vec<ParameterGroup>,
    pub(crate) targets: TargetBuilder,
    /// Moving averages of weights and running statistics, if the configuration asks for them.
    pub(crate) averages: Option<Parameters>,
    /// Weights and running statistics of the best epoch, if the configuration has a patience.
    pub(crate) best: Option<Parameters>,
}

impl Training<'_> {
    /// Steps per epoch.
    pub(crate) fn steps(&self) -> usize {
        self.epoch_len.div_ceil(self.batch_size)
    }

    /// Returns whether the last epoch is complete, or the patience is exhausted.
    pub(crate) fn has_ended(&self) -> bool {
        let epochs = self.position.epochs_done;
        let best = best_epoch(&self.history).map_or(0, |best| best.epoch);
        let patience = self.config.patience;
        epochs >= self.config.epochs || patience.is_some_and(|patience| epochs - best >= patience)
    }

    /// Runs the remaining steps of the current epoch, whose batches are `batches`, then validates and reports it.
    pub(crate) fn epoch(
        &mut self,
        batches: Batches<'_>,
        on_event: &mut dyn FnMut(&Event<'_>) -> Next,
    ) -> Result<Next, TrainError> {
        let (start, seconds) = (Instant::now(), self.position.seconds);
        let epoch = self.position.epochs_done;
        let batches = batches.skip(self.position.steps_done);
        // Batches of plain images in memory are not worth another thread.
        let is_costly = self.config.augmentation.is_some()
            || self.config.cutouts.is_some()
            || !self.data.train.is_in_memory();
        let order = match is_costly {
            true => Preparation::Ahead,
            false => Preparation::InTurn,
        };
        let flow = for_each_batch(batches, order, &mut |batch| {
            let learning_rate = self.step(batch)?;
            self.position.seconds = seconds + start.elapsed().as_secs_f64();
            self.report(learning_rate, on_event)
        })?;
        if flow.is_break() {
            return Ok(Next::Stop);
        }
        let [val_loss, val_accuracy] = self.validate()?;
        let learning_rate = self.learning_rate(self.steps() - 1);
        let (loss, accuracy) = self.means();
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds: seconds + start.elapsed().as_secs_f64(),
        };
        self.history.push(metrics);
        self.position = Position {
            epochs_done: epoch + 1,
            ..Position::default()
        };
        let mut checkpoint = self.checkpoint()?;
        let is_best = best_epoch(&self.history).is_some_and(|best| best.epoch == metrics.epoch);
        if self.config.patience.is_some() && is_best {
            self.best = Some(checkpoint.evaluated().clone());
            checkpoint.best.clone_from(&self.best);
        }
        let problem = match val_loss.is_finite() {
            true => checkpoint.non_finite().map(String::from),
            false => Some(format!("the validation loss is {val_loss}")),
        };
        if let Some(problem) = problem {
            return Err(self.diverged(problem, epoch, self.steps(), learning_rate));
        }
        self.network.parameters.clone_from(checkpoint.evaluated());
        Ok(on_event(&Event::Epoch(metrics, &checkpoint)))
    }

    /// Reports the last step, and a checkpoint if the callback requests one. Breaks if the run stops.
    fn report(
        &mut self,
        learning_rate: f64,
        on_event: &mut dyn FnMut(&Event<'_>) -> Next,
    ) -> Result<ControlFlow<()>, TrainError> {
        let (loss, accuracy) = self.means();
        let next = on_event(&Event::Step {
            epoch: self.position.epochs_done + 1,
            step: self.position.steps_done,
            steps: self.steps(),
            images: (self.position.steps_done * self.batch_size).min(self.epoch_len),
            loss,
            accuracy,
            learning_rate,
        });
        if next == Next::Continue {
            return Ok(ControlFlow::Continue(()));
        }
        let checkpoint = self.checkpoint()?;
        // The next step, or the end of the epoch, reports the divergence.
        if checkpoint.non_finite().is_none() {
            let stop = on_event(&Event::Checkpoint(&checkpoint)) == Next::Stop;
            if stop || next == Next::Stop {
                self.network.parameters.clone_from(checkpoint.evaluated());
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Mean loss and accuracy on the validation images of the averages, or of the current weights if there are none.
    fn validate(&mut self) -> Result<[f64; 2], TrainError> {
        let engine = &mut *self.engine;
        let Some(averages) = &self.averages else {
            return validate(engine, self.data.validation, self.classes);
        };
        let current = engine.parameters()?;
        engine.set_parameters(averages)?;
        let metrics = validate(engine, self.data.validation, self.classes)?;
        engine.set_parameters(&current)?;
        Ok(metrics)
    }

    /// Runs one step and returns its learning rate.
    fn step(&mut self, batch: &Batch<'_>) -> Result<f64, TrainError> {
        let config = self.config;
        let learning_rate = self.learning_rate(self.position.steps_done);
        let update = OptimizerStep {
            optimizer: config.optimizer,
            learning_rate,
        };
        let number = self.position.epochs_done * self.steps() + self.position.steps_done;
        let engine = &mut *self.engine;
        let mixed = batch.mixed.unwrap_or_default();
        let targets = self.targets.targets(batch.indices, batch.labels, mixed);
        let metrics = engine.gradients_of(batch.images, targets, &mut self.rng)?;
        if let Some(max_norm) = config.clip_norm {
            let frozen = self.groups.first().map_or(0, |group| group.range.start);
            let gradients = &mut engine.gradient_buffer()?[frozen..];
            in_pool(|| clip_global_norm(gradients, max_norm));
        }
        engine.update_groups(&update, &self.groups)?;
        if let (Some(averages), Some(decay)) = (&mut self.averages, config.ema_decay) {
            let warm_up = (2 + number) as f64 / (11 + number) as f64;
            engine.update_average(averages, decay.min(warm_up))?;
        }
        self.position.steps_done += 1;
        let Position {
            epochs_done,
            steps_done,
            ..
        } = self.position;
        if !metrics.loss.is_finite() {
            let problem = format!("the loss is {}", metrics.loss);
            return Err(self.diverged(problem, epochs_done, steps_done, learning_rate));
        }
        // Accuracy is that of the images that belong to a class.
        let known = batch
            .labels
            .iter()
            .filter(|label| **label != OUTLIER)
            .count();
        let position = &mut self.position;
        position.images += known;
        position.loss += metrics.loss * known as f64;
        position.correct += metrics.correct;
        Ok(learning_rate)
    }

    fn diverged(
        &self,
        problem: String,
        epochs_done: usize,
        step: usize,
        learning_rate: f64,
    ) -> TrainError {
        TrainError::Diverged {
            problem,
            epoch: epochs_done + 1,
            step,
            steps: self.steps(),
            learning_rate,
            momentum: self.config.optimizer.momentum(),
            epochs_done,
        }
    }

    /// Learning rate for `step` (0-based) of the current epoch.
    fn learning_rate(&self, step: usize) -> f64 {
        let number = self.position.epochs_done * self.steps() + step;
        let total = self.config.epochs * self.steps();
        let schedule = &self.config.schedule;
        schedule.learning_rate(self.config.learning_rate, number, total)
    }

    /// Mean loss and accuracy of the current epoch so far.
    fn means(&self) -> (f64, f64) {
        let position = &self.position;
        // The first batches may contain no image of a class.
        let images = position.images.max(1) as f64;
        (position.loss / images, position.correct as f64 / images)
    }

    fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        Ok(Checkpoint {
            config: self.config.clone(),
            training_images: self.data.train.len(),
            position: Position {
                dropout: self.rng.state(),
                ..self.position
            },
            history: self.history.clone(),
            parameters: self.engine.parameters()?,
            optimizer_state: self.engine.optimizer_state()?,
            averages: self.averages.clone(),
            best: self.best.clone(),
        })
    }
}
