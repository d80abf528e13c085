//! Backward pass of a residual block: both paths in turn, whose gradients at the input are added.

use modiste_kernels::{BatchNormGradientSums, add_assign, residual_backward};

use crate::fused_op::{FusedOp, FusedResidual, Kind};
use crate::kernel_network::activations::{Activations, LayerInput};
use crate::kernel_network::backward::Backward;

impl Backward<'_> {
    pub(super) fn residual(
        &mut self,
        op: &FusedOp,
        residual: &FusedResidual,
        activations: &mut Activations,
        previous: Option<&FusedOp>,
        input: LayerInput<'_>,
        needed: bool,
    ) {
        let inputs = self.batch * op.inputs;
        let outputs = self.batch * op.outputs;
        let FusedResidual {
            block,
            shortcut,
            relu,
            channels,
            ..
        } = residual;
        let block_sums = deferred_sums(block, &mut activations.block, self.batch);
        let shortcut_sums = deferred_sums(shortcut, &mut activations.shortcut, self.batch);
        let output = LayerInput::plain(&activations.output[..outputs]);
        let summand = self.buffers.summand.take();
        if *relu || block_sums.is_some() || shortcut_sums.is_some() {
            residual_backward(
                self.batch,
                *channels,
                self.scratch.instructions,
                &mut self.buffers.current[..outputs],
                summand.as_ref().map(|summand| &summand[..outputs]),
                relu.then_some(&output),
                [block_sums, shortcut_sums],
            );
        }
        let mut kept = summand
            .or_else(|| self.buffers.spare.pop())
            .expect("one buffer for each level of nesting");
        let keep = match block.last().map(|op| &op.kind) {
            Some(Kind::Conv(conv)) if conv.deferred || conv.norm.is_none() => Some(&mut kept),
            // The last operation overwrites the gradient at its output.
            _ => {
                kept[..outputs].copy_from_slice(&self.buffers.current[..outputs]);
                None
            }
        };
        self.run(block, &mut activations.block, input, needed, keep, None);
        if !shortcut.is_empty() {
            std::mem::swap(&mut self.buffers.current, &mut kept);
            self.run(
                shortcut,
                &mut activations.shortcut,
                input,
                needed,
                None,
                None,
            );
        }
        if needed && previous.is_some_and(adds_summand) {
            self.buffers.summand = Some(kept);
            return;
        }
        if needed {
            add_assign(&mut self.buffers.current[..inputs], &kept[..inputs]);
        }
        self.buffers.spare.push(kept);
    }
}

/// Returns `true` if the backward pass of an operation adds [`GradientBuffers::summand`] to the gradient at its
/// output, in the pass over it that it needs anyway.
fn adds_summand(op: &FusedOp) -> bool {
    match &op.kind {
        Kind::Residual(residual) => residual.relu,
        Kind::Conv(conv) => conv.norm_relu && !conv.deferred && !conv.pool,
        _ => false,
    }
}

/// Sums for the batch norm of the last operation of a path, if it is deferred to the sum of both paths.
fn deferred_sums<'a>(
    path: &[FusedOp],
    activations: &'a mut [Activations],
    batch: usize,
) -> Option<BatchNormGradientSums<'a>> {
    let (op, activations) = (path.last()?, activations.last_mut()?);
    activations.next_input_and_sums(op, batch).1
}
