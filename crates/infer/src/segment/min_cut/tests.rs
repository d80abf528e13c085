//! Minimum cuts against exhaustive search.

use modiste_core::Rng;

use super::*;
use crate::segment::edges::neighbours;

/// Cost of a cut: terminals and edges.
fn cost([height, width]: [usize; 2], terminal: &[f32], edges: &[[f32; 8]], inside: &[bool]) -> f32 {
    let mut sum = 0.0;
    for node in 0..height * width {
        sum += match inside[node] {
            true => (-terminal[node]).max(0.0),
            false => terminal[node].max(0.0),
        };
        for (direction, neighbour) in neighbours(height, width, node) {
            if inside[node] && !inside[neighbour] {
                sum += edges[node][direction];
            }
        }
    }
    sum
}

#[test]
fn cut_is_minimal() {
    let (height, width) = (3, 4);
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let terminal: Vec<f32> = (0..12).map(|_| rng.below(21) as f32 - 10.0).collect();
        let mut edges = [[0.0; 8]; 12];
        for node in 0..12 {
            for (direction, neighbour) in neighbours(height, width, node) {
                let cost = rng.below(7) as f32;
                edges[node][direction] = cost;
                edges[neighbour][7 - direction] = cost;
            }
        }
        let given = Edges::new(height, width, |node, neighbour, _| {
            let mut around = neighbours(height, width, node);
            let (direction, _) = around.find(|at| at.1 == neighbour).expect("next to it");
            edges[node][direction]
        });
        let found = min_cut(&given, &terminal);
        let found = cost([height, width], &terminal, &edges, &found);
        let least = (0..1 << 12)
            .map(|bits: usize| {
                let inside: Vec<bool> = (0..12).map(|node| bits >> node & 1 == 1).collect();
                cost([height, width], &terminal, &edges, &inside)
            })
            .fold(f32::INFINITY, f32::min);
        assert_eq!(found, least, "seed {seed}");
    }
}
