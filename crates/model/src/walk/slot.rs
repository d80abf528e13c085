//! What one stage keeps from the way forwards for the way back.

use modiste_kernels::{Affine, Buffer, ConvInput, batch_norm_statistics_scratch_len};

use crate::stage::{Kind, Stage};

/// A stage's buffers; empty where its kind needs none.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// What goes out, `[batch, ...]`; of a deferred stage before its normalisation.
    pub(super) output: Buffer,
    /// What a convolution wrote, where something else goes out.
    pub(super) convolved: Buffer,
    /// The winners of a convolution's pool.
    pub(super) winners: Buffer,
    /// Another pool's winners, or a dropout's mask.
    pub(super) bytes: Vec<u8>,
    pub(super) norm: NormSlot,
    /// A block's stages, and room for the gradient that goes around them.
    pub(super) block: Vec<Slot>,
    pub(super) bypass: Buffer,
}

/// A batch normalisation's numbers of this step.
#[derive(Debug, Default)]
pub(super) struct NormSlot {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
    pub(super) inverse: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    /// Room for the statistics' sums.
    pub(super) scratch: Vec<f32>,
    /// The gradient's sums, image by image, and what is made of them.
    pub(super) sums: Vec<f32>,
    pub(super) coefficients: Vec<f32>,
}

impl NormSlot {
    fn new(channels: usize) -> Self {
        let zeros = vec![0.0; channels];
        Self {
            mean: zeros.clone(),
            variance: zeros.clone(),
            inverse: zeros.clone(),
            scale: zeros.clone(),
            shift: zeros,
            scratch: vec![0.0; batch_norm_statistics_scratch_len(channels)],
            ..Self::default()
        }
    }

    pub(super) fn affine(&self) -> Affine<'_> {
        Affine {
            scale: &self.scale,
            shift: &self.shift,
        }
    }
}

impl Slot {
    pub(super) fn new(stage: &Stage, batch: usize) -> Self {
        let output = batch * stage.outputs;
        let mut slot = Self {
            output: Buffer::zeros(output),
            ..Self::default()
        };
        match &stage.kind {
            Kind::Conv(conv) => {
                if conv.pool {
                    slot.winners = Buffer::zeros(output);
                }
                if let Some(norm) = &conv.norm {
                    slot.norm = NormSlot {
                        sums: vec![0.0; 2 * batch * norm.channels],
                        coefficients: vec![0.0; 3 * norm.channels],
                        ..NormSlot::new(norm.channels)
                    };
                    if !conv.deferred {
                        slot.convolved = Buffer::zeros(batch * conv.convolved());
                    }
                }
            }
            Kind::BatchNorm(norm) => slot.norm = NormSlot::new(norm.channels),
            Kind::MaxPool2d(_) | Kind::Dropout(_) => slot.bytes = vec![0; output],
            Kind::Dense(_) => {}
            Kind::Residual(block) => {
                slot.block = block.iter().map(|stage| Self::new(stage, batch)).collect();
                slot.bypass = Buffer::zeros(output);
            }
        }
        slot
    }

    /// What the next stage reads.
    pub(super) fn value(&self, stage: &Stage, batch: usize) -> Value<'_> {
        let deferred = matches!(&stage.kind, Kind::Conv(conv) if conv.deferred);
        Value {
            values: &self.output[..batch * stage.outputs],
            affine: deferred.then(|| self.norm.affine()),
        }
    }
}

/// What lies between two stages.
pub(super) type Value<'a> = ConvInput<'a>;
