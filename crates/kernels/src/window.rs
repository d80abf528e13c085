//! One axis of a sliding window: where each output position reads.

/// How a kernel slides along one axis of an image.
///
/// Output position `o` reads input positions `o * stride - padding_before` and the
/// `kernel - 1` after it; those outside the image count as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Length of the axis.
    pub input: usize,
    /// Length of the kernel.
    pub kernel: usize,
    /// Steps from one output position to the next.
    pub stride: usize,
    /// Zeros before the first position.
    pub padding_before: usize,
    /// Output positions.
    pub output: usize,
}

impl Window {
    /// No padding: only positions where the whole kernel lies inside. `None` where there is none,
    /// or where `kernel` or `stride` is 0.
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

    /// Padded with zeros so that a stride of 1 keeps the size; what is odd goes to the end, as in
    /// TensorFlow. `None` where any number is 0.
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
}
