use candle_core::Device;
use modiste_core::ImageShape;
use modiste_dataset::{Dataset, Images};
use modiste_metrics::argmax;
use modiste_model::{Architecture, Layer, Metadata, Network};
use modiste_train::{Compute, EngineKind, Next, TrainConfig, TrainData, evaluate, fit};

const CLASSES: u16 = 300;

/// Two images per class. Each class has a bright pixel of its own.
fn data() -> Dataset {
    let shape = ImageShape::new(15, 20, 1);
    let images = |brightness: u8| {
        let mut pixels = vec![0; usize::from(CLASSES) * shape.size()];
        for (class, image) in pixels.chunks_exact_mut(shape.size()).enumerate() {
            image[class] = brightness;
        }
        Images::new(shape, pixels, (0..CLASSES).collect()).expect("one image per class")
    };
    Dataset {
        name: "many-classes".into(),
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        train: images(255),
        validation: None,
        test: images(200),
        fit: None,
    }
}

#[test]
fn learns_300_classes() {
    let data = data();
    let architecture = Architecture {
        name: "linear".into(),
        input: [15, 20, 1],
        layers: vec![Layer::Flatten, Layer::logits(CLASSES.into())],
    };
    let metadata = Metadata {
        dataset: data.name.clone(),
        classes: data.classes.clone(),
        ..Metadata::default()
    };
    for engine in [EngineKind::Kernels, EngineKind::Candle(Device::Cpu)] {
        let mut network = Network::initialize(architecture.clone(), metadata.clone(), 1)
            .expect("a linear network");
        let config = TrainConfig {
            epochs: 20,
            batch_size: 30,
            learning_rate: 2.0,
            ..TrainConfig::default()
        };
        let compute = Compute::default().with(engine.clone());
        let images = TrainData {
            train: &data.train,
            validation: &data.test,
            cutouts: None,
            pictures: None,
        };
        fit(&mut network, images, &config, &compute, &mut |_| {
            Next::Continue
        })
        .expect("trained");
        let result = evaluate(&network, &data.test, false, &compute).expect("evaluated");
        let rows = result.probabilities.chunks_exact(CLASSES.into());
        for (row, &label) in rows.zip(data.test.labels()) {
            assert_eq!(argmax(row), usize::from(label), "{engine:?}");
        }
        assert_eq!(result.correct, usize::from(CLASSES), "{engine:?}");
    }
}
