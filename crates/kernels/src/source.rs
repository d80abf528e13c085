//! What a convolution reads, row by row: an input or an output's gradient, with the cheap
//! operations that lie between it and the buffer done on the way.

/// `x * scale + shift`, channel by channel: what batch normalisation is once its statistics are
/// known.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// One per channel.
    pub scale: &'a [f32],
    /// One per channel.
    pub shift: &'a [f32],
}

/// A convolution's input, `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What lies in memory.
    pub values: &'a [f32],
    /// What is done to it as it is read. Padding is zero after that, not before.
    pub affine: Option<Affine<'a>>,
}

impl<'a> Input<'a> {
    /// The values as they are.
    pub fn plain(values: &'a [f32]) -> Self {
        Self {
            values,
            affine: None,
        }
    }
}

/// The gradient at the end of a block of convolution, rectifier, batch normalisation and
/// max-pooling (any of the last three may be missing), from which the convolution's own is made
/// row by row.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// At the block's end: of the pooled size where there is a pool.
    pub values: &'a [f32],
    /// Which of each 2x2 window was largest, 0 to 3; where there is a pool.
    pub winners: Option<&'a [u8]>,
    /// Where there is batch normalisation.
    pub norm: Option<NormGradient<'a>>,
    /// Where there is a rectifier: its output, zero where it cut off. With a pool and no
    /// normalisation of the pooled size, else of the convolution's.
    pub relu: Option<&'a [f32]>,
}

/// The gradient at batch normalisation's input, `a * gradient + b * input + c` channel by channel,
/// as [`norm_gradient`](crate::norm_gradient) gives it.
#[derive(Clone, Copy, Debug)]
pub struct NormGradient<'a> {
    /// What was normalised: the convolution's output behind its rectifier.
    pub input: &'a [f32],
    /// For each channel a, then for each b, then for each c.
    pub coefficients: &'a [f32],
}

/// The size of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Size {
    pub(crate) fn row(&self) -> usize {
        self.width * self.channels
    }

    pub(crate) fn image(&self) -> usize {
        self.height * self.row()
    }

    /// After 2x2 pooling.
    pub(crate) fn pooled(&self) -> Self {
        Self {
            height: self.height / 2,
            width: self.width / 2,
            channels: self.channels,
        }
    }

    /// Where row `y` of `image` starts.
    pub(crate) fn start(&self, image: usize, y: usize) -> usize {
        (image * self.height + y) * self.row()
    }
}

/// Something that images of a fixed size are read from, row by row.
pub(crate) trait RowSource: Copy + Send + Sync {
    /// Writes row `y` of `image` to `row`, pixel after pixel.
    fn fill(&self, size: &Size, image: usize, y: usize, row: &mut [f32]);
}

impl RowSource for Input<'_> {
    #[inline(always)]
    fn fill(&self, size: &Size, image: usize, y: usize, row: &mut [f32]) {
        self.pixels(size, size.start(image, y), row);
    }
}

impl Input<'_> {
    /// Writes the pixels from `start` on.
    #[inline(always)]
    pub(crate) fn pixels(&self, size: &Size, start: usize, pixels: &mut [f32]) {
        let values = &self.values[start..][..pixels.len()];
        let Some(Affine { scale, shift }) = self.affine else {
            pixels.copy_from_slice(values);
            return;
        };
        let channels = size.channels;
        for (pixel, values) in pixels
            .chunks_exact_mut(channels)
            .zip(values.chunks_exact(channels))
        {
            let numbers = pixel.iter_mut().zip(values).zip(scale).zip(shift);
            for (((pixel, value), scale), shift) in numbers {
                *pixel = value * scale + shift;
            }
        }
    }
}

impl RowSource for Gradient<'_> {
    #[inline(always)]
    fn fill(&self, size: &Size, image: usize, y: usize, row: &mut [f32]) {
        match self.winners {
            Some(winners) => self.unpool(winners, size, image, y, row),
            None => row.copy_from_slice(&self.values[size.start(image, y)..][..size.row()]),
        }
        let here = size.start(image, y)..size.start(image, y) + size.row();
        if let Some(norm) = self.norm {
            let (a, rest) = norm.coefficients.split_at(size.channels);
            let (b, c) = rest.split_at(size.channels);
            let input = &norm.input[here.clone()];
            for (row, input) in row
                .chunks_exact_mut(size.channels)
                .zip(input.chunks_exact(size.channels))
            {
                for ((((row, input), a), b), c) in row.iter_mut().zip(input).zip(a).zip(b).zip(c) {
                    *row = a * *row + (b * input + c);
                }
            }
        }
        // Behind a pool the rectifier was applied as the winners were.
        if self.winners.is_none() || self.norm.is_some() {
            if let Some(output) = self.relu {
                for (row, &output) in row.iter_mut().zip(&output[here]) {
                    *row = if output > 0.0 { *row } else { 0.0 };
                }
            }
        }
    }
}

impl Gradient<'_> {
    /// Sends the pooled gradient to the winners of row `y`; the others, and a row or column that
    /// no window covers, get zero.
    #[inline(always)]
    fn unpool(&self, winners: &[u8], size: &Size, image: usize, y: usize, row: &mut [f32]) {
        let (pooled, channels) = (size.pooled(), size.channels);
        let covered = pooled.row() * 2;
        if y / 2 >= pooled.height {
            row.fill(0.0);
            return;
        }
        row[covered..].fill(0.0);
        let here = pooled.start(image, y / 2)..pooled.start(image, y / 2) + pooled.row();
        let relu = match self.norm {
            None => self.relu.map(|output| &output[here.clone()]),
            Some(_) => None,
        };
        let values = self.values[here.clone()].chunks_exact(channels);
        let winners = winners[here].chunks_exact(channels);
        let pairs = row[..covered].chunks_exact_mut(2 * channels);
        let first = (y % 2 * 2) as u8;
        for (x, ((pair, values), winners)) in pairs.zip(values).zip(winners).enumerate() {
            let (left, right) = pair.split_at_mut(channels);
            let output = relu.map(|output| &output[x * channels..][..channels]);
            send(left, values, winners, output, first);
            send(right, values, winners, output, first + 1);
        }
    }
}

/// The gradients of the windows whose winner has this number, where the rectifier let them pass.
#[inline(always)]
fn send(cell: &mut [f32], values: &[f32], winners: &[u8], output: Option<&[f32]>, number: u8) {
    let pairs = cell.iter_mut().zip(values).zip(winners);
    match output {
        Some(output) => {
            for (((cell, &value), &winner), &output) in pairs.zip(output) {
                let won = (winner == number) & (output > 0.0);
                *cell = if won { value } else { 0.0 };
            }
        }
        None => {
            for ((cell, &value), &winner) in pairs {
                *cell = if winner == number { value } else { 0.0 };
            }
        }
    }
}
