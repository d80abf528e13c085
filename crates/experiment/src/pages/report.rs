//! Page about a run or a model.

use std::path::Path;

use modiste_metrics::argmax;
use modiste_model::Network;
use modiste_report::{Section, curves_html, page};

use super::training_command::CommandFor;
use super::{configuration, data_card, images, metrics};
use crate::compute::ComputeSetup;
use crate::error::{Error, Result};
use crate::measure::{Measurement, TestOptions, measure};
use crate::names::file_name;
use crate::run::{MODEL, Record, State, read_history};
use crate::warning::Warning;

/// Settings of a report.
#[derive(Clone, Default)]
pub struct ReportOptions<'a> {
    /// Test images.
    pub test: TestOptions<'a>,
    /// Function that formats the command to repeat the training. Without it, the page contains no command.
    pub command: Option<&'a CommandFor<'a>>,
}

/// Returns an HTML page about the run in a folder or the model in a file: configuration, data, samples, training curves,
/// metrics, confusion matrix, calibration, errors, filters, feature maps, layers and Grad-CAM.
///
/// # Errors
/// Returns [`Error::NoModel`] if the run has no model, [`Error::Model`] if a model cannot be read, and the errors of
/// [`Record::read`] and [`measure`].
pub fn report(
    subject: &Path,
    options: &ReportOptions<'_>,
    setup: &ComputeSetup,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<String> {
    let (title, network, mut sections);
    let is_run = subject.is_dir();
    let record = match is_run {
        true => Some(Record::read(subject)?),
        false => Record::of_model(subject),
    };
    let mut test = TestOptions {
        record: record.as_ref(),
        ..options.test.clone()
    };
    match record.as_ref().filter(|_| is_run) {
        Some(record) => {
            check_model(subject, record)?;
            network = Network::load(&subject.join(MODEL))?;
            title = format!("Run {}", file_name(subject));
            let history = read_history(subject)?;
            let classes = &network.metadata.classes;
            sections = vec![
                configuration::of_run(subject, record, options.command),
                data_card::data_card(record, classes),
            ];
            sections.extend(data_card::sheets(subject, record, classes));
            sections.push(Section {
                id: "curves",
                title: "Training curves".into(),
                body: curves_html(&[(&file_name(subject), &history)]),
            });
            test.max_samples = test.max_samples.or(record.max_samples);
        }
        None => {
            network = Network::load(subject)?;
            title = format!("Model {}", file_name(subject));
            let recorded = record
                .as_ref()
                .and_then(|record| record.data_folder.as_deref());
            let data = test.data.folder_of(recorded);
            sections = vec![configuration::of_model(&network, &data, options.command)];
        }
    }
    let measured = measure(&network, &test, setup, on_warning)?;
    let training_counts = record
        .as_ref()
        .and_then(|record| record.class_counts.as_ref())
        .map(|counts| counts.train.as_slice())
        .filter(|counts| counts.len() == network.metadata.classes.len());
    sections.extend([
        metrics::scores(&measured),
        metrics::classes(&measured, training_counts),
        metrics::confusion(&measured),
        metrics::calibration(&measured),
        images::mistakes(&measured)?,
    ]);
    sections.extend(images::filters(&network)?);
    let sample = correct_sample(&measured);
    let truth = usize::from(measured.images.labels()[sample]);
    sections.extend([
        images::feature_maps(
            &network,
            &measured.images.image(sample)?,
            &measured.confusion.classes()[truth],
            &setup.compute.kernels,
        )?,
        metrics::layers(&network, &measured.images, setup)?,
    ]);
    sections.extend(images::attention(&network, &measured)?);
    let [low, high] = measured.interval().map(|end| 100.0 * end);
    let lead = format!(
        "{} on {}: {:.2} % of {} test images are classified correctly (95 % interval {low:.2} to {high:.2} %).",
        network.architecture.name,
        measured.dataset,
        100.0 * measured.evaluation.accuracy,
        measured.evaluation.images
    );
    Ok(page(&title, &lead, &sections))
}

/// Checks that a run has a model.
fn check_model(run: &Path, record: &Record) -> Result<()> {
    if run.join(MODEL).exists() {
        return Ok(());
    }
    let reason = match (record.state, record.diverged) {
        (State::Finished, _) => "the run is finished, and the file is missing",
        (_, true) => "its training diverged; start a new run, with a lower learning rate",
        _ => "another version of Modiste started the run",
    };
    Err(Error::NoModel {
        path: run.into(),
        reason: (!record.is_resumable()).then(|| reason.into()),
    })
}

/// Returns the index of the first correctly classified image, or 0 if there is none.
fn correct_sample(measured: &Measurement) -> usize {
    let mut answers = measured.answers();
    let correct = answers.position(|(row, truth)| argmax(row) == truth);
    correct.unwrap_or(0)
}
