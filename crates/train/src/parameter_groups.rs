//! Groups of parameters that a configuration trains.

use modiste_model::NetworkPlan;

use crate::config::TrainConfig;
use crate::optimizer::ParameterGroup;

/// Groups of the parameters that are not frozen: the pretrained layers, then the others. Without a factor of the learning
/// rate they are one group.
pub(crate) fn parameter_groups(plan: &NetworkPlan, config: &TrainConfig) -> Vec<ParameterGroup> {
    let start = plan.trainable_before(config.frozen_layers).end;
    let end = plan.trainable_len();
    let group = |range, rate_factor| ParameterGroup { range, rate_factor };
    let pretrained = plan.trainable_before(config.pretrained_layers).end;
    if config.pretrained_rate == 1.0 || pretrained <= start {
        return vec![group(start..end, 1.0)];
    }
    let groups = [
        group(start..pretrained, config.pretrained_rate),
        group(pretrained..end, 1.0),
    ];
    let groups = groups.into_iter();
    groups.filter(|group| !group.range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use modiste_model::zoo;

    use super::*;

    #[test]
    fn new_layers_have_the_full_rate() {
        let plan = zoo::compact().plan().expect("valid");
        let (all, layers) = (plan.trainable_len(), plan.layers.len());
        let head = all - (512 * 10 + 10);
        let groups = |frozen_layers, pretrained_layers, pretrained_rate| {
            let config = TrainConfig {
                frozen_layers,
                pretrained_layers,
                pretrained_rate,
                ..TrainConfig::default()
            };
            let groups = parameter_groups(&plan, &config).into_iter();
            let groups =
                groups.map(|group| (group.range.start, group.range.end, group.rate_factor));
            groups.collect::<Vec<_>>()
        };
        assert_eq!(groups(0, layers - 1, 1.0), [(0, all, 1.0)]);
        assert_eq!(groups(0, 0, 0.1), [(0, all, 1.0)]);
        assert_eq!(groups(0, layers, 0.1), [(0, all, 0.1)]);
        assert_eq!(groups(1, layers - 1, 1.0), [(320, all, 1.0)]);
        assert_eq!(
            groups(1, layers - 1, 0.1),
            [(320, head, 0.1), (head, all, 1.0)]
        );
        assert_eq!(groups(layers - 1, layers - 1, 0.1), [(head, all, 1.0)]);
    }
}
