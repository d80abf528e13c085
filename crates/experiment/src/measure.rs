//! Measurement of a network on a dataset's test images.

use std::fmt;
use std::path::Path;

use modiste_core::{Fit, ImageShape, four_decimals};
use modiste_dataset::{DatasetPath, Images, SourceOptions, lookup};
use modiste_metrics::{
    Confusion, ReliabilityBin, argmax, reliability, top_k_accuracy, wilson_interval,
};
use modiste_model::Network;
use modiste_report::{CLASS_HEADINGS, class_rows};
use modiste_train::{Evaluation, evaluate};
use serde::Serialize;

use crate::compute::ComputeSetup;
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::own_images::{ImageFiles, fit_of, mirrors_images};
use crate::own_test::{OwnTest, test_images_of_path, test_images_of_run};
use crate::run::Record;
use crate::spread::spread_images;
use crate::table::number_table;
use crate::warning::Warning;

/// Largest k of the top-k accuracies in a [`MetricsReport`].
const LARGEST_K: usize = 5;

/// Test images to measure a network on.
#[derive(Clone, Debug, Default)]
pub struct TestOptions<'a> {
    /// Name of the dataset, or path of own images: their test part, or else the validation part, or all of them if they
    /// have no parts. `None` means the test images of the run, or else of the dataset that the network was trained on; so
    /// does the path of the run's own images.
    pub dataset: Option<String>,
    /// Maximum number of images.
    pub max_samples: Option<usize>,
    /// Averages the probabilities for each image and its mirror image (test-time augmentation). `None` means that it does
    /// if the network was trained on image files and averages both for a photo.
    pub flip: Option<bool>,
    /// Source of the dataset.
    pub data: DataSource<'a>,
    /// Options of the own images that `dataset` names.
    pub source: SourceOptions,
    /// Record of the run that the network belongs to. Its own images, or else its data folder, are used if the options
    /// name none.
    pub record: Option<&'a Record>,
}

/// Result of a network on test images.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Measurement {
    /// Name of the dataset.
    pub dataset: String,
    /// Test images.
    pub images: Images,
    /// Loss, accuracy, and the probabilities of each image.
    pub evaluation: Evaluation,
    /// Confusion matrix.
    pub confusion: Confusion,
    /// True if the probabilities are averaged over each image and its mirror image.
    pub flip: bool,
    /// Files of the test images, if they are own images.
    pub files: Option<ImageFiles>,
}

/// Measures a network on test images.
///
/// # Errors
/// Returns [`Error::Setting`] if neither the options nor the network name a dataset, [`Error::Mismatch`] if the
/// network does not fit its images, [`Error::Dataset`] if the dataset cannot be loaded, and [`Error::Train`] if the
/// network cannot be evaluated.
///
/// ```
/// use modiste_experiment::{ComputeChoice, TestOptions, measure};
/// use modiste_model::{Metadata, Network, zoo};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata {
///     dataset: "fashion-mnist-mini".into(),
///     classes: data.classes,
///     ..Metadata::default()
/// };
/// let network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let options = TestOptions { max_samples: Some(10), ..TestOptions::default() };
/// let setup = ComputeChoice::default().select()?;
/// let measured = measure(&network, &options, &setup, &mut |_| {})?;
/// assert_eq!(measured.report().images, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure(
    network: &Network,
    options: &TestOptions<'_>,
    setup: &ComputeSetup,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Measurement> {
    if options.max_samples == Some(0) {
        return Err(Error::setting(
            "the maximum number of samples is 0; take at least 1",
        ));
    }
    let metadata = &network.metadata;
    let flip = options.flip.unwrap_or_else(|| mirrors_images(network));
    if let Some(own) = own_images(network, options, on_warning)? {
        let count = options.max_samples.unwrap_or(usize::MAX);
        let images = spread_images(&own.images, count);
        let measured = measure_images(network, &own.name, images, flip, setup)?;
        return Ok(Measurement {
            files: Some(own.files.spread(count)),
            ..measured
        });
    }
    let name = options.dataset.as_ref().unwrap_or(&metadata.dataset);
    if name.is_empty() {
        return Err(Error::NoDataset);
    }
    let recorded = options
        .record
        .and_then(|record| record.data_folder.as_deref());
    let folder = options.data.folder_of(recorded);
    let info = lookup(name).map_err(Error::dataset(&folder))?;
    let fit = check_fit(network, name, info.shape, info.classes.len())?;
    let source = match options.record {
        Some(record) => record.data_source(&options.data),
        None => options.data,
    };
    let dataset = source.load(name, &folder, on_warning)?.dataset;
    if dataset.classes != metadata.classes {
        on_warning(Warning::OtherClasses {
            dataset: name.clone(),
            trained_on: metadata.dataset.clone(),
        });
    }
    let images = match options.max_samples {
        Some(count) => dataset.test.first(count),
        None => dataset.test,
    };
    let images = match fit {
        Some(fit) => images.fitted(network.architecture.input.into(), fit)?,
        None => images,
    };
    measure_images(network, name, images, flip, setup)
}

/// Returns the own images that the options name, or else those of the run; `None` if they name a dataset of the catalog.
fn own_images(
    network: &Network,
    options: &TestOptions<'_>,
    on_warning: &mut dyn FnMut(Warning),
) -> Result<Option<OwnTest>> {
    let TestOptions {
        dataset,
        source,
        data,
        record,
        ..
    } = options;
    let named = dataset.as_ref().map(|name| DatasetPath::find(name));
    let is_of_run = |record: &&Record| {
        let Some(own) = &record.own_images else {
            return false;
        };
        match &named {
            None => true,
            Some(Ok(DatasetPath::Path(path))) => is_same_file(path, &own.images.path),
            Some(Ok(DatasetPath::Catalog(_))) => false,
            Some(Err(_)) => dataset.as_ref() == Some(&record.dataset.name),
        }
    };
    match (record.filter(is_of_run), named) {
        (None, Some(Ok(DatasetPath::Path(path)))) => {
            let own = record.and_then(|record| record.own_images.as_ref());
            let outliers = own.map_or(&[][..], |own| &own.images.outlier_classes);
            test_images_of_path(network, &path, outliers, source, data, on_warning).map(Some)
        }
        // An unknown name is an error of the catalog.
        (None, Some(Err(_))) => Ok(None),
        _ if *source != SourceOptions::default() => Err(Error::setting(
            "columns and excluded classes apply to own images whose path is given, and have no effect here",
        )),
        (Some(record), _) => test_images_of_run(record, data, on_warning),
        (None, _) => Ok(None),
    }
}

/// Returns whether two paths lead to the same file or folder.
fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Measures a network on images. `dataset` is the name of their dataset in the result. `flip` averages the
/// probabilities for each image and its mirror image.
///
/// # Errors
/// Returns [`Error::Train`] if the network does not fit the images.
pub fn measure_images(
    network: &Network,
    dataset: &str,
    images: Images,
    flip: bool,
    setup: &ComputeSetup,
) -> Result<Measurement> {
    let classes = &network.metadata.classes;
    let evaluation = evaluate(network, &images, flip, &setup.compute)?;
    let mut confusion = Confusion::new(classes.clone());
    let rows = evaluation.probabilities.chunks_exact(classes.len());
    for (row, &truth) in rows.zip(images.labels()) {
        confusion.add(truth.into(), argmax(row));
    }
    Ok(Measurement {
        dataset: dataset.into(),
        images,
        evaluation,
        confusion,
        flip,
        files: None,
    })
}

impl Measurement {
    /// Returns, for each image, the probability of each class and the index of the true class.
    pub fn answers(&self) -> impl Iterator<Item = (&[f32], usize)> {
        let classes = self.confusion.classes().len();
        let rows = self.evaluation.probabilities.chunks_exact(classes);
        rows.zip(self.images.labels().iter().map(|&label| label.into()))
    }

    /// Returns the 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub fn interval(&self) -> [f64; 2] {
        wilson_interval(self.evaluation.correct, self.evaluation.images)
    }

    /// Returns the fraction of images whose true class is among the `k` most probable, 0 to 1.
    pub fn top_k(&self, k: usize) -> f64 {
        let classes = self.confusion.classes().len();
        let labels = self.images.labels();
        top_k_accuracy(&self.evaluation.probabilities, labels, classes, k)
    }

    /// Returns the accuracy of predictions by their confidence, for a reliability diagram.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        reliability(&self.evaluation.probabilities, self.images.labels())
    }

    /// Returns a CSV file with a row for each image: true class, predicted class, probability of every class.
    pub fn predictions_csv(&self) -> Vec<u8> {
        let classes = self.confusion.classes();
        let mut csv = csv::Writer::from_writer(Vec::new());
        let columns = ["image", "truth", "predicted", "probability"].map(String::from);
        let mut write = |row: &[String]| csv.write_record(row).expect("rows of equal length");
        write(&[&columns, classes].concat());
        for (image, (row, truth)) in self.answers().enumerate() {
            let best = argmax(row);
            let mut record = vec![
                image.to_string(),
                classes[truth].clone(),
                classes[best].clone(),
                row[best].to_string(),
            ];
            record.extend(row.iter().map(f32::to_string));
            write(&record);
        }
        csv.into_inner().expect("memory does not fail")
    }

    /// Returns a table of the metrics of each class.
    pub fn class_table(&self) -> String {
        number_table(CLASS_HEADINGS, &class_rows(&self.confusion))
    }

    /// Returns all metrics.
    pub fn report(&self) -> MetricsReport {
        let evaluation = &self.evaluation;
        let largest_k = self.confusion.classes().len().min(LARGEST_K);
        let class = |class: modiste_metrics::ClassResult<'_>| ClassReport {
            class: class.class.into(),
            images: class.total,
            correct: class.correct,
            accuracy: (class.total > 0).then(|| class.recall()),
            interval: class.interval,
            precision: class.precision(),
            recall: class.recall(),
            f1: class.f1(),
        };
        MetricsReport {
            dataset: self.dataset.clone(),
            images: evaluation.images,
            correct: evaluation.correct,
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            interval: self.interval(),
            balanced_accuracy: evaluation.balanced_accuracy,
            top_k: (1..=largest_k).map(|k| self.top_k(k)).collect(),
            macro_f1: self.confusion.macro_f1(),
            calibration_error: evaluation.calibration_error,
            reliability: self.reliability(),
            per_class: self.confusion.per_class().map(class).collect(),
            confusion: self.confusion.counts().to_vec(),
        }
    }
}

/// Metrics of a network on test images.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MetricsReport {
    /// Name of the dataset.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// Number of correctly classified images.
    pub correct: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Accuracy, 0 to 1.
    pub accuracy: f64,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Mean recall of the classes that have images, 0 to 1.
    pub balanced_accuracy: f64,
    /// Top-k accuracies, 0 to 1, for k from 1 to 5, or to the number of classes.
    pub top_k: Vec<f64>,
    /// Mean of the classes' F1 scores, 0 to 1.
    pub macro_f1: f64,
    /// Expected calibration error, 0 to 1.
    pub calibration_error: f64,
    /// Accuracy of predictions by their confidence.
    pub reliability: Vec<ReliabilityBin>,
    /// Metrics of each class.
    pub per_class: Vec<ClassReport>,
    /// Confusion matrix: a row for each true class, a column for each predicted one.
    pub confusion: Vec<Vec<usize>>,
}

impl fmt::Display for MetricsReport {
    /// Writes the main metrics in a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.interval;
        let top_3 = self.top_k.get(2).copied().unwrap_or(1.0);
        write!(
            f,
            "loss: {} - accuracy: {:.4} ({low:.4} to {high:.4}) - balanced accuracy: {:.4} - top 3: {top_3:.4} - \
             calibration error: {:.4} on {} test images of {}",
            four_decimals(self.loss),
            self.accuracy,
            self.balanced_accuracy,
            self.calibration_error,
            self.images,
            self.dataset
        )
    }
}

/// Metrics of one class.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClassReport {
    /// Name of the class.
    pub class: String,
    /// Number of images of the class.
    pub images: usize,
    /// Number of correctly classified images of the class.
    pub correct: usize,
    /// Fraction of the class's images that are classified correctly; `None` if there are no images.
    pub accuracy: Option<f64>,
    /// 95 % confidence interval of the accuracy (Wilson), 0 to 1.
    pub interval: [f64; 2],
    /// Fraction of the images classified as the class that belong to it.
    pub precision: f64,
    /// Fraction of the class's images that are classified correctly.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// Checks, before anything is loaded, that a network fits the shape and the number of classes of a dataset. Returns the way
/// to fit its images, if they have another shape and the network was trained on images that were fitted.
fn check_fit(
    network: &Network,
    dataset: &str,
    shape: ImageShape,
    classes: usize,
) -> Result<Option<Fit>> {
    let plan = network.architecture.plan()?;
    let preprocessing = network.metadata.preprocessing.as_ref();
    let fit = preprocessing.and_then(fit_of);
    match (plan.input == shape, plan.classes() == classes) {
        (true, true) => Ok(None),
        (false, true) if fit.is_some() => Ok(fit),
        _ => Err(Error::Mismatch(format!(
            "the network takes {} images of {} classes, but {dataset} has {shape} images of {classes} \
             classes",
            plan.input,
            plan.classes()
        ))),
    }
}
