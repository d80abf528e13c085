//! Inference runs a large batch in groups of images, which changes no bit.

use modiste_core::{ImageShape, Rng};
use modiste_model::{Architecture, Inference, KernelOptions, Parameters, zoo};

/// Logits of `images`, `batch` at a time.
fn logits(architecture: &Architecture, images: &[f32], batch: usize) -> Vec<u32> {
    let plan = architecture.plan().expect("valid network");
    let parameters = Parameters::initialize(&plan, 1);
    let image_len = plan.input.size();
    let mut inference = Inference::new(plan, batch, &KernelOptions::default());
    inference.load(&parameters);
    let batches = images.chunks(batch * image_len);
    batches
        .flat_map(|images| inference.logits(images).to_vec())
        .map(f32::to_bits)
        .collect()
}

#[test]
fn logits_do_not_depend_on_batch() {
    const IMAGES: usize = 50;
    let small = ImageShape {
        height: 20,
        width: 20,
        channels: 3,
    };
    let built = ["mobile", "resnet-1m"].map(|name| zoo::build(name, small, 10));
    let built = built.map(|architecture| architecture.expect("a name of the zoo"));
    for architecture in built.into_iter().chain([zoo::compact(), zoo::bnvgg()]) {
        let input = architecture.plan().expect("valid network").input.size();
        let mut rng = Rng::new(2);
        let images: Vec<f32> = (0..IMAGES * input).map(|_| rng.uniform() as f32).collect();
        let whole = logits(&architecture, &images, IMAGES);
        for batch in [1, 6, 33] {
            let parts = logits(&architecture, &images, batch);
            assert!(parts == whole, "{}, batches of {batch}", architecture.name);
        }
    }
}
