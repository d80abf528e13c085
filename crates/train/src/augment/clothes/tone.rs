//! Tone of an object: contrast, gamma, patterns and light.

use std::f64::consts::TAU;

use modiste_core::Rng;

use super::{Plane, Tone};
use crate::augment::random::{between, chance, factor};

/// Range of the darkest gray of an object. Preprocessing of photos has a similar floor.
const FLOOR: [f64; 2] = [0.04, 0.25];

/// Changes the gray of an object; `cover` is 1 for its pixels and 0 elsewhere.
pub(in crate::augment) fn change(
    tone: &Tone,
    plane: Plane,
    gray: &mut [f32],
    cover: &[f32],
    rng: &mut Rng,
) {
    if chance(rng, tone.change) {
        change_curve(tone, gray, cover, rng);
    }
    if chance(rng, tone.pattern) {
        add_pattern(plane, gray, rng);
    }
    if chance(rng, tone.light) {
        add_light(plane, gray, rng);
    }
    for value in gray {
        *value = value.clamp(0.0, 1.0);
    }
}

fn change_curve(tone: &Tone, gray: &mut [f32], cover: &[f32], rng: &mut Rng) {
    let gamma = factor(rng, tone.gamma) as f32;
    let mut contrast = factor(rng, tone.contrast) as f32;
    if chance(rng, tone.invert) {
        contrast = -contrast;
    }
    let target_mean = between(rng, tone.mean) as f32;
    let floor = between(rng, FLOOR) as f32;
    let (mut sum, mut area) = (0.0, 0.0);
    for (value, cover) in gray.iter_mut().zip(cover) {
        *value = value.powf(gamma);
        sum += *value * cover;
        area += cover;
    }
    let mean = if area > 0.0 { sum / area } else { 0.0 };
    for value in gray {
        *value = (target_mean + contrast * (*value - mean)).max(floor);
    }
}

/// Adds stripes or checks at a random angle.
fn add_pattern(plane: Plane, gray: &mut [f32], rng: &mut Rng) {
    let strength = between(rng, [0.05, 0.2]);
    let checks = chance(rng, 0.5);
    let angle = between(rng, [0.0, TAU]);
    let frequency = TAU / between(rng, [2.5, 9.0]);
    let phase = between(rng, [0.0, TAU]);
    let (sine, cosine) = angle.sin_cos();
    for (index, value) in gray.iter_mut().enumerate() {
        let (row, column) = ((index / plane.width) as f64, (index % plane.width) as f64);
        let along = (frequency * (row * sine + column * cosine) + phase).sin();
        let across = (frequency * (row * cosine - column * sine) + phase).sin();
        let wave = if checks {
            (along + across) / 2.0
        } else {
            along
        };
        *value += (strength * wave) as f32;
    }
}

/// Multiplies the image by a linear ramp of brightness.
fn add_light(plane: Plane, gray: &mut [f32], rng: &mut Rng) {
    let (sine, cosine) = between(rng, [0.0, TAU]).sin_cos();
    let strength = between(rng, [0.1, 0.5]);
    for (index, value) in gray.iter_mut().enumerate() {
        let row = (index / plane.width) as f64 / plane.height as f64 - 0.5;
        let column = (index % plane.width) as f64 / plane.width as f64 - 0.5;
        *value *= (1.0 + strength * 2.0 * (row * sine + column * cosine)) as f32;
    }
}
