//! `report`: a page about a run or a model.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use modiste_metrics::argmax;
use modiste_model::Network;
use modiste_report::{Section, curves_html, page};

use crate::compute::ComputeArguments;
use crate::files;
use crate::inspect;
use crate::loading::Loading;
use crate::measured::{Measured, TestArguments};
use crate::names;
use crate::run::{MODEL, Record, read_history};
use crate::shell;
use modiste_core::shown;

/// The flags of `report`.
#[derive(clap::Args)]
#[command(
    after_help = "The page is one HTML file without scripts that loads nothing: configuration, training\n\
                        curves, per-class metrics, confusion matrix, calibration, most confident errors,\n\
                        first-layer filters, feature maps, layers and Grad-CAM.\n\n\
                        Examples:\n  modiste report runs/fashion-1\n  \
                        modiste report models/fashion-mnist.safetensors --out clothes.html"
)]
pub(crate) struct Arguments {
    /// The folder of a run, or a model file.
    #[arg(value_name = "RUN|MODEL")]
    subject: PathBuf,
    #[command(flatten)]
    test: TestArguments,
    /// The page, - for standard output [default: report.html in the run's folder, or here for a model file].
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// Runs the command and prints the path of the page.
///
/// # Errors
/// Where there is no such run or model, its test images cannot be had, or the page cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let subject = &arguments.subject;
    files::check_target(arguments.out.as_deref(), [subject.as_path()])?;
    let chosen = arguments.compute.start()?;
    let (title, network, mut sections, default);
    let mut loading = arguments.loading.clone();
    let mut test = arguments.test.clone();
    if subject.is_dir() {
        let record = Record::read(subject)?;
        let model = subject.join(MODEL);
        ensure!(
            model.exists(),
            "{} has no model{}",
            shown(subject),
            match record.can_go_on() {
                true => format!(
                    " yet\n{}",
                    shell::advice("to go on with it", &shell::resume(subject))
                ),
                false => format!(
                    " and cannot go on ({}); train a new run, with a lower learning rate if the \
                     loss became NaN or infinite",
                    record
                        .error
                        .as_deref()
                        .unwrap_or("another version of Modiste began it")
                ),
            }
        );
        network = Network::load(&model)?;
        title = format!("Run {}", names::own(subject));
        let history = read_history(subject)?;
        let curves = curves_html(&[(&names::own(subject), &history)]);
        sections = vec![
            inspect::run_facts(subject, &record)?,
            Section {
                id: "curves",
                title: "Training curves".into(),
                body: curves,
            },
        ];
        loading = record.loading(&loading);
        test.limit = test.limit.or(record.limit);
        default = subject.join("report.html");
    } else {
        network = Network::load(subject)?;
        if let Some(record) = Record::of_model(subject) {
            loading = record.loading(&loading);
        }
        title = format!("Model {}", names::own(subject));
        sections = vec![inspect::model_facts(&network, &loading.folder.path())];
        default = PathBuf::from("report.html");
    }
    let measured = Measured::new(&network, &test, &loading, &chosen)?;
    sections.extend([
        inspect::scores(&measured),
        inspect::classes(&measured),
        inspect::confusion(&measured),
        inspect::calibration(&measured),
        inspect::mistakes(&measured),
    ]);
    sections.extend(inspect::filters(&network)?);
    let sample = correct_sample(&measured);
    let truth = usize::from(measured.images.labels()[sample]);
    sections.extend([
        inspect::feature_maps(
            &network,
            measured.images.image(sample),
            &measured.confusion.classes()[truth],
            &chosen.compute.kernels,
        )?,
        inspect::layers(&network, &measured.images, &chosen)?,
    ]);
    sections.extend(inspect::attention(&network, &measured)?);
    let [low, high] = measured.interval().map(|end| 100.0 * end);
    let lead = format!(
        "{} on {}: {:.2} % of {} test images are classified correctly (95 % interval {low:.2} to {high:.2} %).",
        network.architecture.name,
        measured.dataset,
        100.0 * measured.evaluation.accuracy,
        measured.evaluation.images
    );
    let html = page(&title, &lead, &sections);
    files::write_page(arguments.out.as_deref(), &default, &html)
}

/// The first image that is classified correctly, or the first of all if there is none.
fn correct_sample(measured: &Measured) -> usize {
    let mut answers = measured.answers();
    let right = answers.position(|(row, truth)| argmax(row) == usize::from(*truth));
    right.unwrap_or(0)
}
