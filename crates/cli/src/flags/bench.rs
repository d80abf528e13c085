//! Flags of `bench`.

use std::path::PathBuf;

use super::{ComputeFlags, InputFlags};

/// Flags of `bench`.
#[derive(clap::Args)]
#[command(
    after_help = "Times depend on the machine and its load: compare only measurements that were made side by side.\n\n\
                  Examples:\n  modiste bench --architecture vgg --profile\n  \
                  modiste bench --architecture resnet-1m --size 64\n  \
                  modiste bench --batch-size 1 --steps 200 --json\n  \
                  MODISTE_KERNELS=avx2 modiste bench"
)]
pub(crate) struct Arguments {
    /// Network, as `modiste architectures` lists them, or a JSON file.
    #[arg(long, value_name = "A|FILE", default_value = "compact")]
    pub(crate) architecture: PathBuf,
    #[command(flatten)]
    pub(crate) input: InputFlags,
    /// Number of images per step.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true
    )]
    pub(crate) batch_size: usize,
    /// Number of training steps, and of inference passes, to measure.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        allow_negative_numbers = true
    )]
    pub(crate) steps: usize,
    #[command(flatten)]
    pub(crate) compute: ComputeFlags,
    /// Print the forward and backward time of each layer.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
