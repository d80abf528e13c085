//! Edges of a pixel grid with eight neighbours per node, and their costs.

/// Row and column steps to the eight neighbours. The opposite of direction `d` is `7 - d`.
pub(super) const STEPS: [(isize, isize); 8] = [
    (-1, -1),
    (-1, 0),
    (-1, 1),
    (0, -1),
    (0, 1),
    (1, -1),
    (1, 0),
    (1, 1),
];

/// Costs of cutting the edges between neighbours on a grid. The grid is padded with one node on
/// each side, whose edges cost nothing, so that every node has eight neighbours.
pub(crate) struct Edges {
    width: usize,
    costs: Vec<[f32; 8]>,
}

impl Edges {
    /// Edges of a grid of `height` x `width`. `cost` receives a node, its neighbour, and true for a
    /// straight (not diagonal) edge; it returns a number of at least 0. It is called once per pair.
    pub(crate) fn new(
        height: usize,
        width: usize,
        cost: impl Fn(usize, usize, bool) -> f32,
    ) -> Self {
        let mut edges = Self {
            width,
            costs: vec![[0.0; 8]; (height + 2) * (width + 2)],
        };
        for node in 0..height * width {
            // The edge from the later node back to this one has the same cost.
            for (direction, neighbour) in neighbours(height, width, node) {
                if neighbour > node {
                    let (down, right) = STEPS[direction];
                    let cost = cost(node, neighbour, down == 0 || right == 0);
                    let [from, to] = [node, neighbour].map(|node| edges.padded(node));
                    edges.costs[from][direction] = cost;
                    edges.costs[to][7 - direction] = cost;
                }
            }
        }
        edges
    }

    /// Costs by padded node and direction.
    pub(super) fn costs(&self) -> &[[f32; 8]] {
        &self.costs
    }

    /// Nodes of a padded row.
    pub(super) fn row_length(&self) -> usize {
        self.width + 2
    }

    /// Index of a node in the padded grid.
    pub(super) fn padded(&self, node: usize) -> usize {
        (node / self.width + 1) * self.row_length() + node % self.width + 1
    }
}

/// Neighbours of a node within the grid: direction and node.
pub(crate) fn neighbours(
    height: usize,
    width: usize,
    node: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let (row, column) = (node / width, node % width);
    STEPS
        .iter()
        .enumerate()
        .filter_map(move |(direction, &(down, right))| {
            let row = row.checked_add_signed(down).filter(|&row| row < height)?;
            let column = column.checked_add_signed(right).filter(|&c| c < width)?;
            Some((direction, row * width + column))
        })
}
