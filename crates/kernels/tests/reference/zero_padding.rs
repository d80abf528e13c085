use modiste_kernels::{ZeroPadding2dShape, zero_padding2d_backward, zero_padding2d_forward};

use crate::naive::pseudorandom;

#[test]
fn pads_and_crops() {
    let shape = ZeroPadding2dShape {
        batch: 2,
        height: 2,
        width: 3,
        channels: 2,
        padding: [[1, 2], [0, 1]],
    };
    let input = pseudorandom(2 * 2 * 3 * 2, 1);
    let mut output = vec![f32::NAN; 2 * 5 * 4 * 2];
    zero_padding2d_forward(&shape, &input, &mut output);
    for (index, &value) in output.iter().enumerate() {
        let (c, x, y, b) = (index % 2, index / 2 % 4, index / 8 % 5, index / 40);
        let expected = match y {
            1 | 2 if x < 3 => input[((b * 2 + y - 1) * 3 + x) * 2 + c],
            _ => 0.0,
        };
        assert_eq!(
            value, expected,
            "image {b}, row {y}, column {x}, channel {c}"
        );
    }
    let mut gradient = vec![f32::NAN; input.len()];
    zero_padding2d_backward(&shape, &output, &mut gradient);
    assert_eq!(
        gradient, input,
        "the gradient crops what the forward pass pads"
    );
}

#[test]
fn without_padding() {
    let shape = ZeroPadding2dShape {
        batch: 1,
        height: 2,
        width: 2,
        channels: 1,
        padding: [[0, 0], [0, 0]],
    };
    let mut output = [0.0; 4];
    zero_padding2d_forward(&shape, &[1.0, 2.0, 3.0, 4.0], &mut output);
    assert_eq!(output, [1.0, 2.0, 3.0, 4.0]);
}
