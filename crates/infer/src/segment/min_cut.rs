//! The cheapest cut of a grid in two, by growing a tree from each side (Boykov, Kolmogorov 2004).

use std::collections::VecDeque;

use super::edges::{Edges, STEPS};

/// For each node of the grid, whether it is inside in the cheapest cut. `terminal` has for each what
/// being outside costs, less what being inside costs.
pub(crate) fn cut(edges: &Edges, terminal: &[f32]) -> Vec<bool> {
    let mut grid = Grid::new(edges, terminal);
    grid.fill();
    (0..terminal.len())
        .map(|node| grid.tree[edges.padded(node)] == Tree::Inside)
        .collect()
}

/// What is left of the edges while flow is sent through them, and the two trees.
struct Grid {
    /// From a node to each of its neighbours.
    offsets: [isize; 8],
    /// What a node still takes from the inside's terminal (above 0) or gives to the outside's.
    terminal: Vec<f32>,
    /// What still fits through to each neighbour.
    residual: Vec<[f32; 8]>,
    tree: Vec<Tree>,
    parent: Vec<Parent>,
    /// How far a node was from its terminal when it was last known, and when that was.
    distance: Vec<u32>,
    known: Vec<u32>,
    /// Paths that flow was sent through so far.
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
    /// The neighbour in this direction.
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
            known: vec![0; nodes],
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

    /// Sends flow until no more fits.
    fn fill(&mut self) {
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

    /// What fits along the tree between a node and its neighbour, towards the outside's terminal.
    fn room(&self, tree: Tree, from: usize, direction: u8, to: usize) -> f32 {
        match tree {
            Tree::Inside => self.residual[from][usize::from(direction)],
            _ => self.residual[to][usize::from(7 - direction)],
        }
    }

    /// Lets the tree of an active node take its free neighbours, and those that are nearer to the
    /// terminal through it. Gives the edge, from the inside's tree, where it meets the other tree.
    fn grow(&mut self, node: usize) -> Option<(usize, u8)> {
        let tree = self.tree[node];
        if tree == Tree::Free {
            return None;
        }
        for direction in 0..8 {
            let neighbour = self.step(node, direction);
            if self.room(tree, node, direction, neighbour) <= 0.0 {
                continue;
            }
            let nearer = self.known[neighbour] <= self.known[node]
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

    /// Makes `parent`, the neighbour in `direction`, a node's parent.
    fn attach(&mut self, node: usize, direction: u8, parent: usize) {
        self.parent[node] = Parent::Neighbour(direction);
        self.distance[node] = self.distance[parent] + 1;
        self.known[node] = self.known[parent];
    }

    /// Sends as much as fits from terminal to terminal over the edge at which the trees meet.
    fn augment(&mut self, inside: usize, direction: u8) {
        let outside = self.step(inside, direction);
        let mut most = self.residual[inside][usize::from(direction)];
        let mut node = inside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            most = most.min(self.residual[above][usize::from(7 - up)]);
            node = above;
        }
        most = most.min(self.terminal[node]);
        node = outside;
        while let Parent::Neighbour(up) = self.parent[node] {
            most = most.min(self.residual[node][usize::from(up)]);
            node = self.step(node, up);
        }
        most = most.min(-self.terminal[node]);

        self.send(inside, direction, most);
        node = inside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            if self.send(above, 7 - up, most) <= 0.0 {
                self.orphan(node);
            }
            node = above;
        }
        self.terminal[node] -= most;
        if self.terminal[node] <= 0.0 {
            self.orphan(node);
        }
        node = outside;
        while let Parent::Neighbour(up) = self.parent[node] {
            let above = self.step(node, up);
            if self.send(node, up, most) <= 0.0 {
                self.orphan(node);
            }
            node = above;
        }
        self.terminal[node] += most;
        if self.terminal[node] >= 0.0 {
            self.orphan(node);
        }
    }

    /// Sends an amount through an edge; gives what fits then.
    fn send(&mut self, from: usize, direction: u8, amount: f32) -> f32 {
        let to = self.step(from, direction);
        self.residual[to][usize::from(7 - direction)] += amount;
        let left = &mut self.residual[from][usize::from(direction)];
        *left -= amount;
        *left
    }

    fn orphan(&mut self, node: usize) {
        self.parent[node] = Parent::None;
        self.orphans.push_back(node);
    }

    /// Finds an orphan the parent of its tree that is nearest to the terminal, or sets it free and
    /// its children with it.
    fn adopt(&mut self, orphan: usize) {
        let tree = self.tree[orphan];
        let mut nearest: Option<(u32, u8)> = None;
        for direction in 0..8 {
            let neighbour = self.step(orphan, direction);
            if self.tree[neighbour] == tree
                && self.room(tree, neighbour, 7 - direction, orphan) > 0.0
                && let Some(distance) = self.distance_to_terminal(neighbour)
                && nearest.is_none_or(|(least, _)| distance < least)
            {
                nearest = Some((distance, direction));
            }
        }
        if let Some((distance, direction)) = nearest {
            self.parent[orphan] = Parent::Neighbour(direction);
            self.distance[orphan] = distance + 1;
            self.known[orphan] = self.time;
            return;
        }
        for direction in 0..8 {
            let neighbour = self.step(orphan, direction);
            if self.tree[neighbour] != tree {
                continue;
            }
            if self.room(tree, neighbour, 7 - direction, orphan) > 0.0 {
                self.active.push_back(neighbour);
            }
            if self.parent[neighbour] == Parent::Neighbour(7 - direction) {
                self.orphan(neighbour);
            }
        }
        self.tree[orphan] = Tree::Free;
    }

    /// How many steps a node's parents take to a terminal, where they lead to one. What is found is
    /// kept for the other orphans of this path.
    fn distance_to_terminal(&mut self, node: usize) -> Option<u32> {
        let (mut steps, mut at) = (0, node);
        let end = loop {
            if self.known[at] == self.time && self.parent[at] != Parent::None {
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
        while self.known[at] != self.time {
            self.known[at] = self.time;
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
mod tests {
    use modiste_core::Rng;

    use super::super::edges::neighbours;
    use super::*;

    /// The cost of a cut: terminals and edges.
    fn cost(
        [height, width]: [usize; 2],
        terminal: &[f32],
        edges: &[[f32; 8]],
        inside: &[bool],
    ) -> f32 {
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
    fn no_other_cut_is_cheaper() {
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
            let found = cut(&given, &terminal);
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
}
