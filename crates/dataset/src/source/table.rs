//! Tables of image files: CSV and TSV.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use modiste_core::decode_text;

use super::error::SourceError;
use super::listing::{BadFile, Listing, Part, Sample, SourceKind, SourceWarning};
use super::options::SourceOptions;
use crate::folder::pictures::is_named_like_picture;
use crate::folder::records::{FILE, LABEL, Record, records};
use crate::folder::table::local;

/// Accepted names of the column of parts, in lower case.
const PART: [&str; 5] = ["split", "subset", "set", "part", "partition"];

/// Lists the images of the table at `path`.
pub(super) fn list(path: &Path, options: &SourceOptions) -> Result<Listing, SourceError> {
    let bytes = fs::read(path).map_err(SourceError::read(path))?;
    let text = decode_text(&bytes).map_err(|cause| SourceError::Text {
        path: path.to_owned(),
        cause,
    })?;
    let root = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let problem = |reason| SourceError::Table {
        path: path.to_owned(),
        reason,
    };
    let rows = parse(&text, options, |file| root.join(file).exists()).map_err(problem)?;
    if rows.valid.is_empty() && rows.invalid.is_empty() {
        return Err(problem("it lists no images".to_owned()));
    }
    if let (true, Some(reason)) = (rows.valid.is_empty(), rows.invalid.first()) {
        return Err(problem(format!("no line can be used; the first: {reason}")));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(rows.into_listing(path, root, stem.into_owned()))
}

/// Line of a table.
#[derive(Debug, PartialEq)]
struct Row {
    file: PathBuf,
    label: String,
    part: Option<Part>,
    group: Option<String>,
}

/// Lines of a table, and descriptions of those that cannot be used.
#[derive(Default)]
struct Rows {
    valid: Vec<Row>,
    invalid: Vec<String>,
}

/// Indices of the columns.
#[derive(Clone, Copy)]
struct Columns {
    file: usize,
    label: usize,
    part: Option<usize>,
    group: Option<usize>,
}

/// Lines that are left out: the index of a column and its value.
type Excluded = (usize, String);

fn parse(
    text: &str,
    options: &SourceOptions,
    exists: impl Fn(&Path) -> bool,
) -> Result<Rows, String> {
    let (records, _) = records(text)?;
    let mut records = records.into_iter().peekable();
    let mut rows = Rows::default();
    let Some(first) = records.peek() else {
        return Ok(rows);
    };
    let named = Columns::named(&first.fields, options);
    let mut excluded = Vec::new();
    let columns = match named.is_ok() || is_heading(&first.fields, &exists) {
        true => {
            let at_line = |reason| format!("line {}: {reason}", first.line);
            let columns = named.map_err(at_line)?;
            excluded = excluded_rows(&first.fields, options).map_err(at_line)?;
            records.next();
            columns
        }
        false => Columns::unnamed(options)?,
    };
    let mut unseen: Vec<&Excluded> = excluded.iter().collect();
    for Record { line, fields } in records {
        let is_excluded = |(column, value): &Excluded| fields.get(*column) == Some(value.as_str());
        unseen.retain(|excluded| !is_excluded(excluded));
        if excluded.iter().any(is_excluded) {
            continue;
        }
        match row(&fields, columns, &exists) {
            Ok(row) => rows.valid.push(row),
            Err(reason) => rows.invalid.push(format!("line {line}: {reason}")),
        }
    }
    match unseen.first() {
        Some((_, value)) => Err(format!(
            "no line has the value `{value}` in the column whose lines are to be left out"
        )),
        None => Ok(rows),
    }
}

/// Returns `false` if the first field is an image and there is a second one, as in a table without a heading. A heading
/// may also name a folder.
fn is_heading(first: &StringRecord, exists: impl Fn(&Path) -> bool) -> bool {
    let Some(file) = first.get(0).filter(|file| !file.is_empty()) else {
        return true;
    };
    let path = local(file, &exists);
    first.len() < 2 || !(exists(&path) || is_named_like_picture(&path))
}

/// Lines that the options leave out.
fn excluded_rows(heading: &StringRecord, options: &SourceOptions) -> Result<Vec<Excluded>, String> {
    let rows = options.exclude_rows.iter();
    rows.map(|row| Ok((chosen_column(heading, &row.column)?, row.value.clone())))
        .collect()
}

/// Index of the column of a name.
fn chosen_column(heading: &StringRecord, name: &str) -> Result<usize, String> {
    let exact = heading.iter().position(|field| field == name);
    let similar = || {
        let is_similar = |field: &str| field.to_lowercase() == name.to_lowercase();
        heading.iter().position(is_similar)
    };
    exact.or_else(similar).ok_or_else(|| {
        let known: Vec<&str> = heading.iter().collect();
        format!(
            "there is no column `{name}`; there are: {}",
            known.join(", ")
        )
    })
}

impl Columns {
    /// Columns of a heading.
    fn named(heading: &StringRecord, options: &SourceOptions) -> Result<Self, String> {
        let one_of = |names: &[&str]| {
            let is_named = |field: &str| names.contains(&field.to_lowercase().as_str());
            heading.iter().position(is_named)
        };
        let chosen = |name: &str| chosen_column(heading, name);
        let missing = |what: &str, names: &[&str]| {
            let known: Vec<&str> = heading.iter().collect();
            format!(
                "the heading is `{}`; it must name a column of {what} ({})",
                known.join(", "),
                names.join(", ")
            )
        };
        Ok(Self {
            file: one_of(&FILE).ok_or_else(|| missing("images", &FILE))?,
            label: match &options.label_column {
                Some(name) => chosen(name)?,
                None => one_of(&LABEL).ok_or_else(|| missing("classes", &LABEL))?,
            },
            part: one_of(&PART),
            group: options.group_column.as_deref().map(chosen).transpose()?,
        })
    }

    /// Columns of a table without a heading: images, then classes.
    fn unnamed(options: &SourceOptions) -> Result<Self, String> {
        let excluded = options.exclude_rows.first().map(|row| &row.column);
        let chosen = options
            .label_column
            .as_ref()
            .or(options.group_column.as_ref())
            .or(excluded);
        match chosen {
            Some(name) => Err(format!(
                "there is no column `{name}`: the table has no heading"
            )),
            None => Ok(Self {
                file: 0,
                label: 1,
                part: None,
                group: None,
            }),
        }
    }
}

fn row(
    fields: &StringRecord,
    columns: Columns,
    exists: impl Fn(&Path) -> bool,
) -> Result<Row, String> {
    let field = |column: usize| fields.get(column).filter(|field| !field.is_empty());
    let file = field(columns.file).ok_or("the image has no name")?;
    let label = field(columns.label).ok_or_else(|| format!("{file} has no class"))?;
    let part = columns.part.and_then(field).map(str::parse).transpose();
    Ok(Row {
        file: local(file, exists),
        label: label.to_owned(),
        part: part.map_err(|error| format!("{file}: {error}"))?,
        group: columns.group.and_then(field).map(str::to_owned),
    })
}

impl Rows {
    fn into_listing(self, path: &Path, root: &Path, name: String) -> Listing {
        let names: BTreeSet<&String> = self.valid.iter().map(|row| &row.label).collect();
        let classes: Vec<String> = names.into_iter().cloned().collect();
        let labels: HashMap<&String, u16> = classes.iter().zip(0..=u16::MAX).collect();
        let names: BTreeSet<&String> = self
            .valid
            .iter()
            .filter_map(|row| row.group.as_ref())
            .collect();
        let groups: Vec<String> = names.into_iter().cloned().collect();
        let group_numbers: HashMap<&String, u32> = groups.iter().zip(0..).collect();
        let mut first: HashMap<PathBuf, (u16, Option<Part>)> = HashMap::new();
        let (mut samples, mut count, mut conflicting) = (Vec::new(), 0, 0);
        for row in &self.valid {
            // Classes beyond the largest label are reported by their number.
            let label = labels.get(&row.label).copied().unwrap_or(u16::MAX);
            let real = root.join(&row.file);
            let real = real.canonicalize().unwrap_or(real);
            if let Some(other) = first.get(&real) {
                count += 1;
                conflicting += usize::from(*other != (label, row.part));
                continue;
            }
            first.insert(real, (label, row.part));
            samples.push(Sample {
                path: row.file.clone(),
                label,
                part: row.part,
                group: row.group.as_ref().map(|group| group_numbers[group]),
            });
        }
        let repeated = (count > 0).then_some(SourceWarning::Repeated { count, conflicting });
        let bad = self.invalid.into_iter().map(|reason| BadFile {
            path: path.to_owned(),
            reason,
        });
        Listing {
            name,
            kind: SourceKind::Table,
            root: root.to_owned(),
            classes,
            samples,
            groups,
            shape: None,
            files: Vec::new(),
            bad: bad.collect(),
            warnings: repeated.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(label: Option<&str>, group: Option<&str>) -> SourceOptions {
        SourceOptions {
            label_column: label.map(str::to_owned),
            group_column: group.map(str::to_owned),
            ..SourceOptions::default()
        }
    }

    #[track_caller]
    fn check(
        text: &str,
        options: &SourceOptions,
        expected: &[(&str, &str, Option<Part>, Option<&str>)],
    ) {
        let rows = parse(text, options, |_| false).expect("a table");
        assert_eq!(rows.invalid, [""; 0]);
        let found = rows.valid.iter().map(|row| {
            (
                row.file.to_str().expect("text"),
                row.label.as_str(),
                row.part,
                row.group.as_deref(),
            )
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn reads_columns_by_name() {
        let plain = options(None, None);
        let two = [
            ("a.jpg", "hat", None, None),
            ("x/b.jpg", "T-shirt", None, None),
        ];
        check("file,label\na.jpg,hat\nx\\b.jpg,T-shirt\n", &plain, &two);
        check(
            "sep=;\nid;Category;IMAGE\n1;hat;a.jpg\n2;T-shirt;x/b.jpg\n",
            &plain,
            &two,
        );
        check("a.jpg\that\nx/b.jpg\tT-shirt\n", &plain, &two);
        check(
            "path,class,Split\na.jpg,hat,TRAIN\nb.jpg,bag,val\nc.jpg,bag,\n",
            &plain,
            &[
                ("a.jpg", "hat", Some(Part::Train), None),
                ("b.jpg", "bag", Some(Part::Validation), None),
                ("c.jpg", "bag", None, None),
            ],
        );
        check(
            "file,class,source_label,sender_id\na.jpg,boot,Shoes,224\nb.jpg,hat,Hat,\n",
            &options(Some("Source_Label"), Some("sender_id")),
            &[
                ("a.jpg", "Shoes", None, Some("224")),
                ("b.jpg", "Hat", None, None),
            ],
        );
    }

    #[test]
    fn errors_name_the_line_and_the_columns() {
        #[track_caller]
        fn rejected(text: &str, options: &SourceOptions, expected: &str) {
            let error = match parse(text, options, |_| false) {
                Ok(rows) => rows.invalid.join("\n"),
                Err(error) => error,
            };
            assert!(error.contains(expected), "{error}");
        }
        let plain = options(None, None);
        rejected(
            "name,label\nx,y\n",
            &plain,
            "line 1: the heading is `name, label`; it must name a column of images",
        );
        rejected(
            "file,kind\na.jpg,y\n",
            &plain,
            "it must name a column of classes (label, class, category)",
        );
        rejected(
            "file,label\na.jpg,hat\n",
            &options(Some("kind"), None),
            "no column `kind`; there are: file, label",
        );
        rejected(
            "a.jpg,hat\n",
            &options(None, Some("who")),
            "no column `who`: the table has no heading",
        );
        rejected("file,label\na.jpg,\n", &plain, "line 2: a.jpg has no class");
        rejected(
            "file,label\n,hat\n",
            &plain,
            "line 2: the image has no name",
        );
        rejected(
            "file,label,split\na.jpg,hat,3\n",
            &plain,
            "line 2: a.jpg: unknown part `3`; expected `train`",
        );
        rejected(
            "file,label,note\na.jpg,hat,\"open\nb.jpg,hat,\n",
            &plain,
            "line 2: unclosed quote",
        );
    }

    #[test]
    fn leaves_out_lines_by_the_value_of_a_column() {
        let without = |rows: &[&str]| SourceOptions {
            exclude_rows: rows.iter().map(|row| row.parse().expect("valid")).collect(),
            ..SourceOptions::default()
        };
        let text = "file,class,Kind,sure\na.jpg,hat,old,1\nb.jpg,bag,new,1\nc.jpg,bag,new,0\n";
        let one = [("b.jpg", "bag", None, None)];
        check(text, &without(&["kind=old", "sure=0"]), &one);
        for (rows, expected) in [
            (["sure=2"], "no line has the value `2`"),
            (
                ["size=2"],
                "line 1: there is no column `size`; there are: file, class",
            ),
        ] {
            let error = parse(text, &without(&rows), |_| false)
                .err()
                .expect("refused");
            assert!(error.contains(expected), "{error}");
        }
        let error = parse("a.jpg,hat\n", &without(&["sure=0"]), |_| false).err();
        assert!(error.expect("refused").contains("the table has no heading"));
    }

    #[test]
    fn listing_has_sorted_classes_and_groups() {
        let folder = tempfile::tempdir().expect("a folder");
        let table = folder.path().join("index.csv");
        let text = "file,class,who\nb.jpg,hat,z\na.jpg,bag,y\nb.jpg,bag,z\nc.jpg,,y\nd.jpg,hat,\n";
        fs::write(&table, text).expect("written");
        let listing = list(&table, &options(None, Some("who"))).expect("a table");
        assert_eq!(
            (listing.name.as_str(), listing.root.as_path()),
            ("index", folder.path())
        );
        assert_eq!(listing.classes, ["bag", "hat"]);
        assert_eq!(listing.groups, ["y", "z"]);
        let samples: Vec<_> = listing
            .samples
            .iter()
            .map(|sample| (sample.label, sample.group))
            .collect();
        assert_eq!(samples, [(1, Some(1)), (0, Some(0)), (1, None)]);
        assert_eq!(
            listing.warnings,
            [SourceWarning::Repeated {
                count: 1,
                conflicting: 1
            }]
        );
        assert!(
            listing.bad[0]
                .to_string()
                .ends_with("index.csv: line 5: c.jpg has no class")
        );
        fs::write(&table, "file,class\n").expect("written");
        let error = list(&table, &options(None, None)).unwrap_err().to_string();
        assert!(error.ends_with("index.csv: it lists no images"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_tables_do_not_panic(
            cells in prop::collection::vec("[a-z.;,\"\t\r\n0-9]{0,6}|file|label|split|a\\.jpg|test", 0..12),
            separator in prop::sample::select(vec![",", ";", "\t", "\n"]),
        ) {
            parse(&cells.join(separator), &options(None, None), |_| false).ok();
        }
    }
}
