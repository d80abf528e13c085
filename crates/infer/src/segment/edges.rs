//! A picture's pixels as a grid: neighbours, and what it costs to part them.

/// Row and column steps to the eight neighbours; the opposite of `d` is `7 - d`.
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

/// What it costs that neighbours on a grid are on different sides. Around the grid lies a row and a
/// column of nodes that no edge leads to, so that every node has eight neighbours.
pub(crate) struct Edges {
    width: usize,
    costs: Vec<[f32; 8]>,
}

impl Edges {
    /// The edges of a grid of `height` rows. `cost` is asked for each node, its neighbour in a
    /// direction, and whether that is a straight one; it is 0 or more, and the same from both ends.
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
            // Half of the directions lead to nodes that come later, the other half back from them.
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

    /// What each edge costs, by node (those around the grid too) and direction.
    pub(super) fn costs(&self) -> &[[f32; 8]] {
        &self.costs
    }

    /// How many nodes a row has, with the two around it.
    pub(super) fn row_length(&self) -> usize {
        self.width + 2
    }

    /// Where a node of the grid lies among those with the rows and columns around it.
    pub(super) fn padded(&self, node: usize) -> usize {
        (node / self.width + 1) * self.row_length() + node % self.width + 1
    }
}

/// The neighbours of a node that are on the grid, with their directions.
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
