//! Sections with metrics of a network: results, calibration, layers.

use maud::html;
use modiste_core::four_decimals;
use modiste_dataset::Images;
use modiste_model::Network;
use modiste_report::{
    LayerRow, Section, classes_table, confusion_table, definitions, layers_table, paragraph,
    reliability_html,
};
use modiste_train::{gradient_norms, layer_activity};

use crate::compute::ComputeSetup;
use crate::error::Result;
use crate::measure::Measurement;

/// Number of images for the gradient norms: one batch.
const GRADIENT_IMAGES: usize = 100;

/// Returns the accuracy, the loss and other metrics on the test images.
pub(super) fn scores(measured: &Measurement) -> Section {
    let evaluation = &measured.evaluation;
    let [low, high] = measured.interval().map(|end| 100.0 * end);
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut rows = vec![
        ("test images", evaluation.images.to_string()),
        (
            "accuracy",
            format!(
                "{} (95 % interval {low:.2} to {high:.2} %)",
                percent(evaluation.accuracy)
            ),
        ),
        ("balanced accuracy", percent(evaluation.balanced_accuracy)),
        ("loss", four_decimals(evaluation.loss)),
        ("macro F1", percent(measured.confusion.macro_f1())),
        ("calibration error", percent(evaluation.calibration_error)),
    ];
    let top = [2, 3, 5].map(|k| (k, format!("top-{k} accuracy")));
    for (k, name) in &top {
        if *k < measured.confusion.classes().len() {
            rows.push((name, percent(measured.top_k(*k))));
        }
    }
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Section {
        id: "scores",
        title: format!("Results on {}", measured.dataset),
        body: definitions(&rows),
    }
}

/// Returns the precision, recall, F1 and number of images of each class. `training` are the numbers of training images,
/// if they are known.
pub(super) fn classes(measured: &Measurement, training: Option<&[usize]>) -> Section {
    let table = match training {
        Some(training) => classes_table("test images", Some(training), &measured.confusion),
        None => classes_table("images", None, &measured.confusion),
    };
    Section {
        id: "classes",
        title: "Per-class metrics".into(),
        body: html! {
            (paragraph(
                "Precision is the fraction of the predictions of a class that are correct. Recall is the \
                 fraction of a class's images that are classified correctly; the interval is that of the \
                 recall. F1 is the harmonic mean of the two."
            ))
            (table)
        },
    }
}

/// Returns the confusion matrix.
pub(super) fn confusion(measured: &Measurement) -> Section {
    Section {
        id: "confusion",
        title: "Confusion matrix".into(),
        body: confusion_table(&measured.confusion),
    }
}

/// Returns the reliability diagram.
pub(super) fn calibration(measured: &Measurement) -> Section {
    let text = format!(
        "Accuracy of the predictions by their confidence, which is the probability of the predicted class. \
         On the dotted line, accuracy equals confidence. The expected calibration error, which is the mean \
         distance from that line, is {:.2} %.",
        100.0 * measured.evaluation.calibration_error
    );
    Section {
        id: "calibration",
        title: "Calibration (reliability diagram)".into(),
        body: html! { (paragraph(&text)) (reliability_html(&measured.reliability())) },
    }
}

/// Returns activations, dead ReLU units and gradient norms of each layer.
///
/// # Errors
/// If the network cannot be run on the images.
pub(super) fn layers(network: &Network, images: &Images, setup: &ComputeSetup) -> Result<Section> {
    let options = &setup.compute.kernels;
    let activity = layer_activity(network, images, options)?;
    let gradients = gradient_norms(network, &images.first(GRADIENT_IMAGES), options, 1)?;
    let summary = network.architecture.summary()?;
    let rows: Vec<LayerRow> = summary
        .layers
        .iter()
        .map(|layer| {
            let activity = activity
                .iter()
                .find(|activity| activity.layer == layer.name);
            let kernel = ["kernel", "gamma"].map(|name| format!("{}/{name}", layer.name));
            let gradient = gradients
                .iter()
                .find(|norm| kernel.contains(&norm.variable));
            LayerRow {
                name: layer.name.clone(),
                shape: layer.output_shape.clone(),
                parameters: layer.parameters,
                rms: activity.map(|activity| activity.rms),
                zeros: activity.map(|activity| activity.zeros),
                dead: activity
                    .and_then(|activity| Some((activity.dead.as_ref()?.len(), activity.units))),
                weights: gradient.map(|norm| norm.weights),
                gradient: gradient.map(|norm| norm.gradient),
            }
        })
        .collect();
    let text = format!(
        "Activations of inference over all {} test images: their root mean square and the fraction that \
         is 0. A dead ReLU unit outputs 0 for every image; it receives no gradient and does not learn. \
         Norms are those of the layer's kernel (for batch norm, gamma) and of the loss gradient with respect \
         to it, over the first {} of these images.",
        images.len(),
        images.len().min(GRADIENT_IMAGES)
    );
    Ok(Section {
        id: "layers",
        title: "Layers".into(),
        body: html! { (paragraph(&text)) (layers_table(&rows)) },
    })
}
