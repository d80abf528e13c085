//! Minimum cut of a grid by the algorithm of Boykov and Kolmogorov (2004), which grows a search
//! tree from each terminal.

use std::collections::VecDeque;

use super::edges::{Edges, STEPS};

/// Computes the minimum cut and returns true for each node on the inside. `terminal` holds, per
/// node, the cost of being outside minus the cost of being inside.
pub(crate) fn min_cut(edges: &Edges, terminal: &[f32]) -> Vec<bool> {
    let mut grid = Grid::new(edges, terminal);
    grid.maximize_flow();
    (0..terminal.len())
        .map(|node| grid.tree[edges.padded(node)] == Tree::Inside)
        .collect()
}

/// Residual graph and search trees.
struct Grid {
    /// Index differences from a node to its neighbours.
    offsets: [isize; 8],
    /// Residual capacity from the inside terminal (positive) or to the outside terminal (negative).
    terminal: Vec<f32>,
    /// Residual capacity to each neighbour.
    residual: Vec<[f32; 8]>,
    tree: Vec<Tree>,
    parent: Vec<Parent>,
    /// Distance of each node to its terminal, valid as of `updated`.
    distance: Vec<u32>,
    /// Value of `time` at which the distance was computed.
    updated: Vec<u32>,
    /// Number of augmenting paths so far.
    time: u32,
    active: VecDeque<usize>,
    orphans: VecDeque<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Tree {
    Free,
    Inside,
    Outside,
}

#[derive(Clone, Copy, PartialEq)]
enum Parent {
    None,
    Terminal,
    /// Neighbour in this direction.
    Neighbour(u8),
}

impl Grid {
    fn new(edges: &Edges, terminal: &[f32]) -> Self {
        let nodes = edges.costs().len();
        let row = edges.row_length() as isize;
        let mut grid = Self {
            offsets: STEPS.map(|(down, right)| down * row + right),
            terminal: vec![0.0; nodes],
            residual: edges.costs().to_vec(),
            tree: vec![Tree::Free; nodes],
            parent: vec![Parent::None; nodes],
            distance: vec![0; nodes],
            updated: vec![0; nodes],
            time: 0,
            active: VecDeque::new(),
            orphans: VecDeque::new(),
        };
        for (node, &capacity) in terminal.iter().enumerate() {
            let node = edges.padded(node);
            grid.terminal[node] = capacity;
            grid.tree[node] = match capacity {
                capacity if capacity > 0.0 => Tree::Inside,
                capacity if capacity < 0.0 => Tree::Outside,
                _ => continue,
            };
            grid.parent[node] = Parent::Terminal;
            grid.distance[node] = 1;
            grid.active.push_back(node);
        }
        grid
    }

    /// Augments flow until it is maximal.
    fn maximize_flow(&mut self) {
        while let Some(node) = self.active.front().copied() {
            match self.grow(node) {
                Some((inside, direction)) => {
                    self.time += 1;
                    self.augment(inside, direction);
                    while let Some(orphan) = self.orphans.pop_front() {
                        self.adopt(orphan);
                    }
                }
                None => {
                    self.active.pop_front();
                }
            }
        }
    }

    fn step(&self, node: usize, direction: u8) -> usize {
        node.wrapping_add_signed(self.offsets[usize::from(direction)])
    }

    /// Residual capacity of the edge between `from` and `to`, in the direction of flow in the tree:
    /// away from the inside terminal, or towards the outside terminal.
    fn residual_in(&self, tree: Tree, from: usize, direction: u8, to: usize) -> f32 {
        match tree {
            Tree::Inside => self.residual[from][usize::from(direction)],
            _ => self.residual[to][usize::from(7 - direction)],
        }
    }

    /// Growth stage: adds free neighbours of an active node to its tree, and reattaches those for
    /// which the path through the node is shorter. Returns the edge at which the trees meet,
    /// starting in the inside tree.
    fn grow(&mut self, node: usize) -> Option<(usize, u8)> {
        let tree = self.tree[node];
        if tree == Tree::Free {
            return None;
        }
        for direction in 0..8 {
            let neighbour = self.step(node, direction);
            if self.residual_in(tree, node, direction, neighbour) <= 0.0 {
                continue;
            }
            let nearer = self.updated[neighbour] <= self.updated[node]
                && self.distance[neighbour] > self.distance[node] + 1;
            if self.tree[neighbour] == Tree::Free {
                self.tree[neighbour] = tree;
                self.attach(neighbour, 7 - direction, node);
                self.active.push_back(neighbour);
            } else if self.tree[neighbour] != tree {
                return Some(match tree {
                    Tree::Inside => (node, direction),
                    _ => (neighbour, 7 - direction),
                });
            } else if nearer {
                self.attach(neighbour, 7 - direction, node);
            }
        }
        None
    }

    /// Sets the parent of a node to its neighbour in `direction`.
    fn attach(&mut self, node: usize, direction: u8, parent: usize) {
        self.parent[node] = Parent::Neighbour(direction);
        self.distance[node] = self.distance[parent] + 1;
        self.updated[node] = self.updated[parent];
    }

    /// Augmentation stage: sends the bottleneck capacity from terminal to terminal over the edge at
    /// which the trees meet.
    fn augment(&mut self, inside: usize, direction: u8) {
        let outside = self.step(inside, direction);
        let mut flow = self.residual[inside][usize::from(direction)];
        let mut node = inside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            flow = flow.min(self.residual[above][usize::from(7 - up)]);
            node = above;
        }
        flow = flow.min(self.terminal[node]);
        node = outside;
        while let Parent::Neighbour(up) = self.parent[node] {
            flow = flow.min(self.residual[node][usize::from(up)]);
            node = self.step(node, up);
        }
        flow = flow.min(-self.terminal[node]);

        self.send(inside, direction, flow);
        node = inside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            if self.send(above, 7 - up, flow) <= 0.0 {
                self.orphan(node);
            }
            node = above;
        }
        self.terminal[node] -= flow;
        if self.terminal[node] <= 0.0 {
            self.orphan(node);
        }
        node = outside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            if self.send(node, up, flow) <= 0.0 {
                self.orphan(node);
            }
            node = above;
        }
        self.terminal[node] += flow;
        if self.terminal[node] >= 0.0 {
            self.orphan(node);
        }
    }

    /// Sends flow through an edge and returns its residual capacity.
    fn send(&mut self, from: usize, direction: u8, amount: f32) -> f32 {
        let to = self.step(from, direction);
        self.residual[to][usize::from(7 - direction)] += amount;
        let residual = &mut self.residual[from][usize::from(direction)];
        *residual -= amount;
        *residual
    }

    fn orphan(&mut self, node: usize) {
        self.parent[node] = Parent::None;
        self.orphans.push_back(node);
    }

    /// Adoption stage: attaches an orphan to the neighbour in its tree that is nearest to the
    /// terminal, or frees it and makes its children orphans.
    fn adopt(&mut self, orphan: usize) {
        let tree = self.tree[orphan];
        let mut nearest: Option<(u32, u8)> = None;
        for direction in 0..8 {
            let neighbour = self.step(orphan, direction);
            if self.tree[neighbour] == tree
                && self.residual_in(tree, neighbour, 7 - direction, orphan) > 0.0
                && let Some(distance) = self.distance_to_terminal(neighbour)
                && nearest.is_none_or(|(least, _)| distance < least)
            {
                nearest = Some((distance, direction));
            }
        }
        if let Some((distance, direction)) = nearest {
            self.parent[orphan] = Parent::Neighbour(direction);
            self.distance[orphan] = distance + 1;
            self.updated[orphan] = self.time;
            return;
        }
        for direction in 0..8 {
            let neighbour = self.step(orphan, direction);
            if self.tree[neighbour] != tree {
                continue;
            }
            if self.residual_in(tree, neighbour, 7 - direction, orphan) > 0.0 {
                self.active.push_back(neighbour);
            }
            if self.parent[neighbour] == Parent::Neighbour(7 - direction) {
                self.orphan(neighbour);
            }
        }
        self.tree[orphan] = Tree::Free;
    }

    /// Distance of a node to its terminal; `None` if its parents do not lead to one. Distances
    /// along the way are stored for the other orphans of this path.
    fn distance_to_terminal(&mut self, node: usize) -> Option<u32> {
        let (mut steps, mut at) = (0, node);
        let end = loop {
            if self.updated[at] == self.time && self.parent[at] != Parent::None {
                break self.distance[at];
            }
            match self.parent[at] {
                Parent::Terminal => break 1,
                Parent::None => return None,
                Parent::Neighbour(up) => {
                    steps += 1;
                    at = self.step(at, up);
                }
            }
        };
        let distance = end + steps;
        let (mut left, mut at) = (distance, node);
        while self.updated[at] != self.time {
            self.updated[at] = self.time;
            self.distance[at] = left;
            let Parent::Neighbour(up) = self.parent[at] else {
                break;
            };
            left -= 1;
            at = self.step(at, up);
        }
        Some(distance)
    }
}

#[cfg(test)]
mod tests;
