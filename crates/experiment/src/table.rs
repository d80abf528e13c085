//! Tables for a terminal.

/// Formats rows under their headings, in columns as wide as their widest cell. A heading that begins with
/// `>` aligns its column to the right.
#[must_use]
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let right = headings.map(|heading| heading.starts_with('>'));
    let headings = headings.map(|heading| heading.trim_start_matches('>').to_owned());
    let all = || std::iter::once(&headings).chain(rows);
    let width: [usize; N] =
        std::array::from_fn(|c| all().map(|row| row[c].chars().count()).max().unwrap_or(0));
    all()
        .map(|row| {
            let mut text = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(width[column] - cell.chars().count());
                let (before, after) = if right[column] {
                    (padding, String::new())
                } else {
                    (String::new(), padding)
                };
                text.push_str(&format!("{before}{cell}{after}  "));
            }
            text.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Formats a table whose columns are numbers, aligned to the right, but for the first.
pub(crate) fn number_table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut aligned = headings.map(|heading| format!(">{heading}"));
    if let (Some(first), Some(heading)) = (aligned.first_mut(), headings.first()) {
        *first = (*heading).to_owned();
    }
    table(aligned.each_ref().map(|heading| &**heading), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_columns_to_widest_cell() {
        let rows = [["a", "1"], ["bcde", "20"]].map(|row| row.map(String::from));
        assert_eq!(table(["name", ">n"], &rows), "name   n\na      1\nbcde  20");
    }
}
