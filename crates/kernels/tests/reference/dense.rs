use modiste_kernels::{
    DenseShape, DenseWeight, InstructionSet, Workspace, dense_backward, dense_forward,
    dense_pack_weight,
};

use crate::naive::{assert_close, pseudorandom};

#[track_caller]
fn check(batch: usize, inputs: usize, outputs: usize) {
    for instructions in InstructionSet::available() {
        check_with(instructions, batch, inputs, outputs);
    }
}

#[track_caller]
fn check_with(instructions: InstructionSet, batch: usize, inputs: usize, outputs: usize) {
    let shape = DenseShape {
        batch,
        inputs,
        outputs,
    };
    let input = pseudorandom(batch * inputs, 1);
    let weight = pseudorandom(inputs * outputs, 2);
    let bias = pseudorandom(outputs, 3);
    let output_gradient = pseudorandom(batch * outputs, 4);
    let sum = |count: usize, term: &dyn Fn(usize) -> f64| (0..count).map(term).sum::<f64>();
    let at = |values: &[f32], index: usize| f64::from(values[index]);

    let mut workspace = Workspace::new(shape.workspace_len());
    let mut forward = |kernel: DenseWeight<'_>, relu: bool| {
        let mut output = vec![f32::NAN; batch * outputs];
        dense_forward(
            &shape,
            instructions,
            &input,
            kernel,
            &bias,
            relu,
            &mut output,
            &mut workspace,
        );
        output
    };
    let mut output = forward(DenseWeight::Plain(&weight), false);
    let expected: Vec<f64> = (0..batch * outputs)
        .map(|index| {
            let (b, o) = (index / outputs, index % outputs);
            let products = |i| at(&input, b * inputs + i) * at(&weight, i * outputs + o);
            at(&bias, o) + sum(inputs, &products)
        })
        .collect();
    assert_close("output", &output, &expected, 1e-6);
    let mut packed = vec![f32::NAN; shape.packed_len(instructions)];
    dense_pack_weight(&shape, instructions, &weight, &mut packed);
    let from_packed = forward(DenseWeight::Packed(&packed), false);
    assert_close("output", &from_packed, &expected, 1e-6);
    let with_relu = forward(DenseWeight::Plain(&weight), true);
    output.iter_mut().for_each(|value| *value = value.max(0.0));
    assert_eq!(with_relu, output);

    let mut weight_gradient = vec![f32::NAN; weight.len()];
    let mut bias_gradient = vec![f32::NAN; outputs];
    let mut input_gradient = vec![f32::NAN; input.len()];
    dense_backward(
        &shape,
        instructions,
        &input,
        &weight,
        &output_gradient,
        &mut weight_gradient,
        &mut bias_gradient,
        Some(&mut input_gradient),
        &mut workspace,
    );
    // The operation is linear, so these sums are its exact derivatives.
    let by_weight: Vec<f64> = (0..inputs * outputs)
        .map(|index| {
            let (i, o) = (index / outputs, index % outputs);
            sum(batch, &|b| {
                at(&input, b * inputs + i) * at(&output_gradient, b * outputs + o)
            })
        })
        .collect();
    let by_input: Vec<f64> = (0..batch * inputs)
        .map(|index| {
            let (b, i) = (index / inputs, index % inputs);
            sum(outputs, &|o| {
                at(&weight, i * outputs + o) * at(&output_gradient, b * outputs + o)
            })
        })
        .collect();
    let by_bias: Vec<f64> = (0..outputs)
        .map(|o| sum(batch, &|b| at(&output_gradient, b * outputs + o)))
        .collect();
    assert_close("weight gradient", &weight_gradient, &by_weight, 1e-6);
    assert_close("input gradient", &input_gradient, &by_input, 1e-6);
    assert_close("bias gradient", &bias_gradient, &by_bias, 1e-6);
}

#[test]
fn awkward_shapes() {
    check(1, 1, 1);
    check(1, 300, 7);
    check(2, 257, 67);
    check(3, 5, 2);
    check(5, 3, 1);
    check(65, 129, 10);
    check(130, 7, 33);
    check(300, 101, 70);
    // Several slices of the depth and several groups of columns.
    check(6, 1300, 70);
    check(5, 1100, 300);
}
