//! Binary masks and morphological operations: opening, closing, filling holes, removing small pieces.

/// Binary mask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// `[row, column]`, true for pixels inside.
    pub(crate) inside: Vec<bool>,
}

impl Mask {
    /// Mask with all pixels inside.
    pub(crate) fn full(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            inside: vec![true; height * width],
        }
    }

    /// Ellipse in the middle whose half axes are `axis` times height and width.
    pub(crate) fn ellipse(height: usize, width: usize, axis: f32) -> Self {
        let along = |index: usize, side: usize| (index as f32 + 0.5) / side as f32 - 0.5;
        let inside = (0..height * width)
            .map(|index| {
                let (row, column) = (along(index / width, height), along(index % width, width));
                row * row + column * column <= axis * axis
            })
            .collect();
        Self {
            height,
            width,
            inside,
        }
    }

    /// Halves height and width, rounded up, by taking every second pixel of every second row.
    pub(crate) fn halved(&self) -> Self {
        let rows = self.inside.chunks_exact(self.width).step_by(2);
        Self {
            height: self.height.div_ceil(2),
            width: self.width.div_ceil(2),
            inside: rows
                .flat_map(|row| row.iter().step_by(2))
                .copied()
                .collect(),
        }
    }

    /// Enlarges a halved mask to its former height and width.
    pub(crate) fn doubled(&self, height: usize, width: usize) -> Self {
        let at = |index: usize| index / width / 2 * self.width + index % width / 2;
        Self {
            height,
            width,
            inside: (0..height * width)
                .map(|index| self.inside[at(index)])
                .collect(),
        }
    }

    /// Number of pixels inside.
    pub(crate) fn area(&self) -> usize {
        self.inside.iter().filter(|inside| **inside).count()
    }

    /// Fraction of pixels inside.
    pub(crate) fn fraction(&self) -> f32 {
        self.area() as f32 / self.inside.len() as f32
    }

    /// Morphological opening with a square of side `2 * reach + 1`: removes specks.
    pub(crate) fn opened(&self, reach: usize) -> Self {
        self.eroded(reach).dilated(reach)
    }

    /// Morphological closing with a square of side `2 * reach + 1`: closes cracks. Pixels beyond the
    /// picture's edge are outside.
    pub(crate) fn closed(&self, reach: usize) -> Self {
        let (height, width) = (self.height + 2 * reach, self.width + 2 * reach);
        let mut wide = Self {
            height,
            width,
            inside: vec![false; height * width],
        };
        for (row, source) in (reach..).zip(self.inside.chunks_exact(self.width)) {
            wide.inside[row * width + reach..][..self.width].copy_from_slice(source);
        }
        let closed = wide.dilated(reach).eroded(reach);
        let rows = closed.inside.chunks_exact(width).skip(reach);
        let rows = rows.take(self.height);
        Self {
            inside: rows
                .flat_map(|row| &row[reach..width - reach])
                .copied()
                .collect(),
            ..*self
        }
    }

    /// Adds all pixels within `reach` rows and columns of the inside.
    pub(crate) fn dilated(&self, reach: usize) -> Self {
        self.spread(true, reach)
    }

    /// Removes all pixels within `reach` rows and columns of the outside. Beyond the picture's edge
    /// there is no outside.
    pub(crate) fn eroded(&self, reach: usize) -> Self {
        self.spread(false, reach)
    }

    /// Grows the pixels that are `wanted` by a square.
    fn spread(&self, wanted: bool, reach: usize) -> Self {
        let Self { height, width, .. } = *self;
        let mut rows = vec![!wanted; height * width];
        let mut both = rows.clone();
        for (index, _) in self
            .inside
            .iter()
            .enumerate()
            .filter(|(_, v)| **v == wanted)
        {
            let (row, column) = (index / width, index % width);
            let columns = column.saturating_sub(reach)..(column + reach + 1).min(width);
            rows[row * width..][columns].fill(wanted);
        }
        for index in (0..height * width).filter(|&index| rows[index] == wanted) {
            let (row, column) = (index / width, index % width);
            for y in row.saturating_sub(reach)..(row + reach + 1).min(height) {
                both[y * width + column] = wanted;
            }
        }
        Self {
            height,
            width,
            inside: both,
        }
    }

    /// Fills holes of up to `largest` pixels: pieces of the outside that do not touch the picture's
    /// edge.
    pub(crate) fn filled(&self, largest: usize) -> Self {
        let mut filled = self.clone();
        for piece in self.pieces(false) {
            if piece.len() <= largest && !piece.iter().any(|&index| self.at_edge(index)) {
                for index in piece {
                    filled.inside[index] = true;
                }
            }
        }
        filled
    }

    /// Removes pieces smaller than `fraction` of the largest one.
    pub(crate) fn large_pieces(&self, fraction: f32) -> Self {
        let pieces = self.pieces(true);
        let largest = pieces.iter().map(Vec::len).max().unwrap_or(0) as f32;
        let mut kept = Self {
            inside: vec![false; self.inside.len()],
            ..*self
        };
        for piece in pieces {
            if piece.len() as f32 >= fraction * largest {
                for index in piece {
                    kept.inside[index] = true;
                }
            }
        }
        kept
    }

    /// Returns true if a pixel lies at the picture's edge.
    pub(crate) fn at_edge(&self, index: usize) -> bool {
        let (row, column) = (index / self.width, index % self.width);
        row == 0 || column == 0 || row + 1 == self.height || column + 1 == self.width
    }

    /// Connected pieces of the pixels that are `wanted`, with four neighbours per pixel.
    fn pieces(&self, wanted: bool) -> Vec<Vec<usize>> {
        let mut seen: Vec<bool> = self.inside.iter().map(|&inside| inside != wanted).collect();
        let mut pieces = Vec::new();
        for start in 0..seen.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut piece = vec![start];
            let mut next = 0;
            while let Some(&index) = piece.get(next) {
                next += 1;
                let (row, column) = (index / self.width, index % self.width);
                let neighbours = [
                    (row > 0).then(|| index - self.width),
                    (row + 1 < self.height).then(|| index + self.width),
                    (column > 0).then(|| index - 1),
                    (column + 1 < self.width).then(|| index + 1),
                ];
                for neighbour in neighbours.into_iter().flatten() {
                    if !std::mem::replace(&mut seen[neighbour], true) {
                        piece.push(neighbour);
                    }
                }
            }
            pieces.push(piece);
        }
        pieces
    }
}

/// Bounding box, rows and columns, of the pixels that are `wanted`; `None` if there is none.
pub(crate) fn bounds<T>(
    pixels: &[T],
    width: usize,
    wanted: impl Fn(&T) -> bool,
) -> Option<[std::ops::Range<usize>; 2]> {
    let mut found: Option<[std::ops::Range<usize>; 2]> = None;
    for (index, _) in pixels.iter().enumerate().filter(|(_, pixel)| wanted(pixel)) {
        let position = [index / width, index % width];
        let ranges = found.get_or_insert_with(|| position.map(|at| at..at + 1));
        for (range, at) in ranges.iter_mut().zip(position) {
            *range = range.start.min(at)..range.end.max(at + 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        Mask {
            height: rows.len(),
            width: rows[0].len(),
            inside: rows.concat().chars().map(|c| c == '#').collect(),
        }
    }

    #[test]
    fn opening_removes_specks_and_closing_cracks() {
        let specks = mask(&["#......", "...###.", "...###.", "...###.", "......."]);
        let clean = mask(&[".......", "...###.", "...###.", "...###.", "......."]);
        // A speck at the picture's edge survives erosion, so this one lies inside.
        assert_eq!(
            mask(&[".......", ".#.###.", "...###.", "...###.", "......."]).opened(1),
            clean
        );
        assert_eq!(specks.large_pieces(0.2), clean);
        let cracked = mask(&[".......", ".##.##.", ".##.##.", ".##.##.", "......."]);
        let whole = mask(&[".......", ".#####.", ".#####.", ".#####.", "......."]);
        assert_eq!(cracked.closed(1), whole);
    }

    #[test]
    fn fills_small_holes_only() {
        let ring = mask(&["####.", "#..#.", "####."]);
        assert_eq!(ring.filled(2), mask(&["####.", "####.", "####."]));
        assert_eq!(ring.filled(1), ring);
    }

    #[test]
    fn bounds_contain_all_pixels() {
        let found = |rows: &[&str]| {
            let mask = mask(rows);
            bounds(&mask.inside, mask.width, |inside| *inside)
        };
        assert_eq!(found(&["......", "..#...", "....#."]), Some([1..3, 2..5]));
        assert_eq!(found(&["..."]), None);
    }

    #[test]
    fn halved_and_doubled() {
        let (height, width) = (5, 3);
        let mask = Mask {
            height,
            width,
            inside: (0..15).map(|index| index % 4 == 0).collect(),
        };
        let half = mask.halved();
        assert_eq!((half.height, half.width), (3, 2));
        // Pixels 0 and 2, 6 and 8, 12 and 14 of the mask.
        assert_eq!(half.inside, [true, false, false, true, true, false]);
        let whole = half.doubled(height, width);
        let rows: Vec<&[bool]> = whole.inside.chunks(width).collect();
        assert_eq!(rows[0], [true, true, false]);
        assert_eq!(
            (rows[1], rows[3]),
            (rows[0], [false, false, true].as_slice())
        );
        assert_eq!(whole.halved(), half);
    }
}
