//! Starting from a model: copies the weights of a trained network into a new one.

use crate::architecture::Architecture;
use crate::network::{Metadata, Network};
use crate::shape_inference::ArchitectureError;

/// Variables of a new network that were copied from another, and those that were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Names of the copied variables, such as `conv2d/kernel`.
    pub copied: Vec<String>,
    /// Variables that have their initial values.
    pub initialized: Vec<InitializedVariable>,
    /// Names of the source's variables that the new network does not have.
    pub unused: Vec<String>,
}

/// A variable that was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitializedVariable {
    /// Name of the variable.
    pub name: String,
    /// Reason.
    pub reason: NotCopied,
}

/// Reason why a variable was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotCopied {
    /// It belongs to the head, the last layer, and the classes differ.
    NewHead,
    /// The source has no variable of this name.
    Missing,
    /// The source's variable has another shape.
    Shape {
        /// Shape in the new network.
        expected: Vec<usize>,
        /// Shape in the source.
        found: Vec<usize>,
    },
}

/// Creates a network of `architecture` with the weights and running statistics of `source`: those with the same
/// name and shape are copied, the others have the initial values of `seed`.
///
/// The head, the last layer, is copied only if both networks have the same classes in the same order.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_model::{Metadata, Network, transfer, zoo};
///
/// let classes = |names: [&str; 2]| Metadata { classes: names.map(String::from).to_vec(), ..Metadata::default() };
/// let layers = zoo::compact().fitted(ImageShape::new(28, 28, 1), 2);
/// let source = Network::initialize(layers.clone(), classes(["cat", "dog"]), 1)?;
/// let (network, report) = transfer(&source, layers, classes(["cup", "pan"]), 2)?;
/// let new: Vec<&str> = report.initialized.iter().map(|new| new.name.as_str()).collect();
/// assert_eq!(new, ["dense_1/kernel", "dense_1/bias"]);
/// assert_eq!(network.parameters.trainable[..320], source.parameters.trainable[..320]);
/// # Ok::<(), modiste_model::ArchitectureError>(())
/// ```
///
/// # Errors
/// Returns [`ArchitectureError`] if a layer of either network does not fit its input.
pub fn transfer(
    source: &Network,
    architecture: Architecture,
    metadata: Metadata,
    seed: u64,
) -> Result<(Network, TransferReport), ArchitectureError> {
    let source_plan = source.architecture.plan()?;
    let plan = architecture.plan()?;
    let head = plan.layers.last().map_or("", |layer| layer.name.as_str());
    let mut network = Network::initialize(architecture, metadata, seed)?;
    let has_new_head = source.metadata.classes != network.metadata.classes;
    let mut report = TransferReport::default();
    for variable in &plan.variables {
        let name = &variable.name;
        let found = source_plan
            .variables
            .iter()
            .find(|other| other.name == *name);
        let reason = match found {
            _ if has_new_head && variable.layer() == head => NotCopied::NewHead,
            None => NotCopied::Missing,
            Some(found) if found.shape != variable.shape => NotCopied::Shape {
                expected: variable.shape.clone(),
                found: found.shape.clone(),
            },
            Some(found) => {
                let values = network.parameters.values_mut(variable);
                values.copy_from_slice(source.parameters.values(found));
                report.copied.push(name.clone());
                continue;
            }
        };
        report.initialized.push(InitializedVariable {
            name: name.clone(),
            reason,
        });
    }
    let is_unused = |name: &String| !plan.variables.iter().any(|variable| variable.name == *name);
    let names = source_plan
        .variables
        .into_iter()
        .map(|variable| variable.name);
    report.unused = names.filter(is_unused).collect();
    Ok((network, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, Padding};

    fn network(filters: usize, classes: &[&str], seed: u64) -> Network {
        let architecture = Architecture {
            name: "small".into(),
            input: [6, 5, 1],
            layers: vec![
                Layer::conv2d(filters, Padding::Same),
                Layer::batch_norm(),
                Layer::Flatten,
                Layer::dense(4),
                Layer::logits(classes.len()),
            ],
        };
        let metadata = Metadata {
            classes: classes.iter().map(ToString::to_string).collect(),
            ..Metadata::default()
        };
        let mut network = Network::initialize(architecture, metadata, seed).expect("valid");
        for (index, value) in network.parameters.running_stats.iter_mut().enumerate() {
            *value += index as f32 + seed as f32;
        }
        network
    }

    fn transferred(source: &Network, target: &Network) -> (Network, TransferReport) {
        let (architecture, metadata) = (target.architecture.clone(), target.metadata.clone());
        transfer(source, architecture, metadata, 9).expect("valid")
    }

    #[test]
    fn same_network_is_copied_completely() {
        let source = network(3, &["a", "b"], 1);
        let (copy, report) = transferred(&source, &source);
        assert_eq!(copy, source);
        assert_eq!(report.copied.len(), 10);
        assert!(report.initialized.is_empty() && report.unused.is_empty());
    }

    #[test]
    fn other_classes_have_a_new_head() {
        let source = network(3, &["a", "b"], 1);
        for classes in [&["b", "a"][..], &["a", "b", "c"], &["x", "y"]] {
            let (copy, report) = transferred(&source, &network(3, classes, 2));
            let new: Vec<&InitializedVariable> = report.initialized.iter().collect();
            assert_eq!(new.len(), 2);
            assert!(new.iter().all(|new| new.reason == NotCopied::NewHead));
            assert_eq!(new[0].name, "dense_1/kernel");
            let fresh = Network::initialize(copy.architecture.clone(), Metadata::default(), 9);
            let fresh = fresh.expect("valid").parameters;
            let plan = copy.architecture.plan().expect("valid");
            for variable in &plan.variables {
                let expected = match variable.name.starts_with("dense_1/") {
                    true => fresh.values(variable),
                    false => source.parameters.values(variable),
                };
                assert_eq!(
                    copy.parameters.values(variable),
                    expected,
                    "{}",
                    variable.name
                );
            }
        }
    }

    #[test]
    fn reports_missing_and_unused_variables_and_other_shapes() {
        let source = network(3, &["a", "b"], 1);
        let mut target = network(2, &["a", "b"], 2);
        target.architecture.layers.remove(1);
        target
            .architecture
            .layers
            .insert(1, Layer::conv2d(3, Padding::Same));
        let (_, report) = transferred(&source, &target);
        let reason = |name: &str| {
            let new = report.initialized.iter().find(|new| new.name == name);
            new.map(|new| new.reason.clone())
        };
        assert_eq!(
            reason("conv2d/kernel"),
            Some(NotCopied::Shape {
                expected: vec![3, 3, 1, 2],
                found: vec![3, 3, 1, 3]
            })
        );
        assert_eq!(reason("conv2d_1/bias"), Some(NotCopied::Missing));
        assert_eq!(reason("dense/kernel"), None);
        assert_eq!(report.unused.len(), 4);
        assert_eq!(report.unused[0], "batch_normalization/gamma");
    }
}
