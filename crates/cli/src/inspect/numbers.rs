//! A network in numbers: how good it is, how sure, and what its layers do.

use anyhow::Result;
use modiste_core::four_decimals;
use modiste_dataset::Images;
use modiste_model::Network;
use modiste_report::{
    LayerRow, Section, classes_table, confusion_table, definitions, layers_table, paragraph,
    reliability_html,
};
use modiste_train::{gradient_norms, layer_activity};

use crate::compute::Chosen;
use crate::measured::Measured;

/// Images over which gradients are looked at: one batch, as training takes them.
const GRADIENT_IMAGES: usize = 100;

/// Accuracy, loss and the like on the test images.
pub(crate) fn scores(measured: &Measured) -> Section {
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
        ("loss", four_decimals(evaluation.loss)),
        ("mean F1", percent(measured.confusion.macro_f1())),
        ("calibration error", percent(evaluation.calibration_error)),
    ];
    let top = [2, 3, 5].map(|k| (k, format!("right among the first {k}")));
    for (k, name) in &top {
        if *k < measured.confusion.classes().len() {
            rows.push((name, percent(measured.top(*k))));
        }
    }
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Section {
        id: "scores",
        title: format!("How good it is on {}", measured.dataset),
        body: definitions(&rows),
    }
}

/// Each class's precision, recall, F1 and support.
pub(crate) fn classes(measured: &Measured) -> Section {
    Section {
        id: "classes",
        title: "Class by class".into(),
        body: paragraph(
            "Recall is the share of a class's images that are told right, precision the share of what is \
             taken for it that is of it; F1 is their harmonic mean.",
        ) + &classes_table("images", &measured.confusion),
    }
}

/// What was taken for what.
pub(crate) fn confusion(measured: &Measured) -> Section {
    Section {
        id: "confusion",
        title: "What it takes for what".into(),
        body: confusion_table(&measured.confusion),
    }
}

/// Whether it is as often right as it is sure.
pub(crate) fn calibration(measured: &Measured) -> Section {
    let text = format!(
        "Answers by the probability of the likeliest class, and the share of them that is right: on the \
         dotted line they are right as often as they say. The mean distance from it, the calibration \
         error, is {:.2} %.",
        100.0 * measured.evaluation.calibration_error
    );
    Section {
        id: "calibration",
        title: "How sure it is, and how often right".into(),
        body: paragraph(&text) + &reliability_html(&measured.reliability()),
    }
}

/// What each layer puts out over all images, its silent units, and how gradients reach it.
///
/// # Errors
/// Where the network cannot be run on them.
pub(crate) fn layers(network: &Network, images: &Images, chosen: &Chosen) -> Result<Section> {
    let options = &chosen.compute.kernels;
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
        "Activations over all {} test images, as inference computes them: their root mean square, and the \
         share that is 0. A dead unit is one behind a rectifier that is 0 for every image: no gradient \
         passes it, and it learns nothing. Norms are those of a layer's kernel (of batch norm, its gamma) \
         and of the loss's gradient at it, over the first {} of these images.",
        images.len(),
        images.len().min(GRADIENT_IMAGES)
    );
    Ok(Section {
        id: "layers",
        title: "Layer by layer".into(),
        body: paragraph(&text) + &layers_table(&rows),
    })
}
