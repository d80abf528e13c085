//! One axis of a sliding window.

/// Geometry of a sliding window along one axis of an image.
///
/// Output position `o` reads the `kernel` input positions from `o * stride - padding_before` on.
/// Positions outside the image read zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Input length.
    pub input: usize,
    /// Kernel size.
    pub kernel: usize,
    /// Distance between consecutive output positions.
    pub stride: usize,
    /// Zeros before the first input position.
    pub padding_before: usize,
    /// Output length.
    pub output: usize,
}

impl Window {
    /// Window without padding: the kernel lies inside the image at every output position.
    ///
    /// Returns `None` if the kernel does not fit or if `kernel` or `stride` is 0.
    ///
    /// ```
    /// use modiste_kernels::Window;
    /// assert_eq!(Window::valid(28, 3, 1).map(|w| w.output), Some(26));
    /// assert_eq!(Window::valid(2, 3, 1), None);
    /// ```
    pub fn valid(input: usize, kernel: usize, stride: usize) -> Option<Self> {
        if kernel == 0 || stride == 0 || kernel > input {
            return None;
        }
        Some(Self {
            input,
            kernel,
            stride,
            padding_before: 0,
            output: (input - kernel) / stride + 1,
        })
    }

    /// Window padded with zeros so that a stride of 1 preserves the length. If the padding is odd,
    /// the extra zero is at the end, as in TensorFlow.
    ///
    /// Returns `None` if an argument is 0.
    ///
    /// ```
    /// use modiste_kernels::Window;
    /// assert_eq!(Window::same(28, 3, 1).map(|w| (w.output, w.padding_before)), Some((28, 1)));
    /// assert_eq!(Window::same(28, 3, 2).map(|w| (w.output, w.padding_before)), Some((14, 0)));
    /// ```
    pub fn same(input: usize, kernel: usize, stride: usize) -> Option<Self> {
        if input == 0 || kernel == 0 || stride == 0 {
            return None;
        }
        let output = input.div_ceil(stride);
        let padding = ((output - 1) * stride + kernel).saturating_sub(input);
        Some(Self {
            input,
            kernel,
            stride,
            padding_before: padding / 2,
            output,
        })
    }

    /// Kernel indices that are inside the image at output position `output`, and the input position
    /// of the first of them.
    #[inline(always)]
    pub(crate) fn taps(&self, output: usize) -> (std::ops::Range<usize>, usize) {
        let start = output * self.stride;
        let first = self.padding_before.saturating_sub(start);
        let end = (self.input + self.padding_before).saturating_sub(start);
        (
            first..end.clamp(first, self.kernel.max(first)),
            (start + first) - self.padding_before,
        )
    }
}
