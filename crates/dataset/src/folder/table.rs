//! Tables of labels (`labels.csv`) as spreadsheets and other tools write them: one line per photo.

use std::fs;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use modiste_core::decode_text;

use super::class::{find_class, is_other};
use super::pictures::is_named_like_picture;
use super::records::{FILE, LABEL, Record, records};
use super::{LabelError, LabelledFile, LabelledFolder, LabelsError};

/// Reads the table at `path`. Lines without a valid class are collected in [`LabelledFolder::errors`].
pub(super) fn read(path: &Path, classes: &[String]) -> Result<LabelledFolder, LabelsError> {
    let bytes = fs::read(path).map_err(|cause| LabelsError::Read {
        path: path.to_owned(),
        cause,
    })?;
    let text = decode_text(&bytes).map_err(|cause| LabelsError::Text {
        path: path.to_owned(),
        cause,
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let parsed = parse(&text, classes, |file| folder.join(file).exists());
    let table = |reason| LabelsError::Table {
        path: path.to_owned(),
        reason,
    };
    let Parsed {
        photos,
        others,
        errors,
    } = parsed.map_err(table)?;
    if photos.is_empty() && others.is_empty() && errors.is_empty() {
        return Err(table("it lists no photos".to_owned()));
    }
    let errors = errors.into_iter().map(|reason| LabelError {
        path: path.to_owned(),
        reason,
    });
    Ok(LabelledFolder {
        photos,
        others,
        errors: errors.collect(),
        table: Some(path.to_owned()),
        ..LabelledFolder::default()
    })
}

/// Lines of a table.
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    /// Pictures with a class.
    photos: Vec<LabelledFile>,
    /// Pictures that belong to none of the classes.
    others: Vec<PathBuf>,
    /// Descriptions of the invalid lines.
    errors: Vec<String>,
}

/// Parses the text of a table. `exists` returns `true` for the path of a file.
fn parse(text: &str, classes: &[String], exists: impl Fn(&Path) -> bool) -> Result<Parsed, String> {
    let (records, delimiter) = records(text)?;
    let mut columns = None;
    let mut parsed = Parsed::default();
    for Record {
        line,
        fields: record,
    } in records
    {
        let [file, label] = match columns {
            Some(columns) => columns,
            None => match heading(&record) {
                Some(found) => {
                    columns = Some(found);
                    continue;
                }
                // The table has no heading if its first line is that of a photo.
                None if is_photo(&record, classes, &exists) => *columns.insert([0, 1]),
                None => {
                    return Err(format!(
                        "line {line}: the heading is `{}`; it must name a column of photos ({}) and a \
                     column of classes ({})",
                        record
                            .iter()
                            .collect::<Vec<_>>()
                            .join(&delimiter.to_string()),
                        FILE.join(", "),
                        LABEL.join(", ")
                    ));
                }
            },
        };
        let (Some(file), Some(label)) = (record.get(file), record.get(label)) else {
            parsed.errors.push(format!(
                "line {line}: {} columns, but the photo or its class is expected in a later one",
                record.len()
            ));
            continue;
        };
        if file.is_empty() {
            let error = format!("line {line}: the photo has no name");
            parsed.errors.push(error);
            continue;
        }
        match find_class(label, classes) {
            Ok(class) => parsed.photos.push(LabelledFile {
                file: local(file, &exists),
                class,
            }),
            Err(_) if is_other(label, classes) => parsed.others.push(local(file, &exists)),
            Err(error) => parsed.errors.push(format!("line {line}, {file}: {error}")),
        }
    }
    Ok(parsed)
}

/// Indices of the columns of photos and of classes, if the record is a heading.
fn heading(record: &StringRecord) -> Option<[usize; 2]> {
    let column = |names: &[&str]| {
        let is_named = |field: &str| names.contains(&field.to_lowercase().as_str());
        record.iter().position(is_named)
    };
    Some([column(&FILE)?, column(&LABEL)?])
}

/// Returns `true` if the first field is a photo and the second one a class.
fn is_photo(record: &StringRecord, classes: &[String], exists: impl Fn(&Path) -> bool) -> bool {
    let file = record.get(0).is_some_and(|file| {
        let path = local(file, &exists);
        !file.is_empty() && (exists(&path) || is_named_like_picture(&path))
    });
    let class = record
        .get(1)
        .is_some_and(|label| find_class(label, classes).is_ok() || is_other(label, classes));
    file && class
}

/// Converts a path to this system's form, because tables from Windows contain paths such as `shoes\1.jpg`.
pub(crate) fn local(file: &str, exists: impl Fn(&Path) -> bool) -> PathBuf {
    let path = PathBuf::from(file);
    match file.contains('\\') && !exists(&path) {
        true => file.replace('\\', "/").into(),
        false => path,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_here(text: &str) -> Result<Parsed, String> {
        let classes = ["Shirt", "T-shirt/top"].map(String::from);
        let there = ["a.jpg", "b.jpg", "x/c.jpg"].map(Path::new);
        parse(text, &classes, |path| there.contains(&path))
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, usize)]) {
        let found = parse_here(text).expect("a table");
        assert_eq!(found.errors, [""; 0]);
        let found: Vec<_> = found
            .photos
            .iter()
            .map(|photo| (photo.file.to_str().expect("text"), photo.class))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn reads_dialects_of_spreadsheets() {
        let both = &[("a.jpg", 0), ("b.jpg", 1)];
        check("file,label\na.jpg,Shirt\nb.jpg,1\n", both);
        check("File;Label\r\na.jpg;Shirt\r\n\r\nb.jpg;1.0\r\n", both);
        check("filename\tclass\na.jpg\tShirt\nb.jpg\tt-shirt-top\n", both);
        check(
            "id,category,path\n7,Shirt,a.jpg\n8,\"T-shirt/top\",b.jpg\n",
            both,
        );
        check("a.jpg,Shirt\nb.jpg,T-shirt/top\n", both);
        check("\n Image , Class \n a.jpg , shirt ,\nb.jpg,1,more\n", both);
        // A comma in a field, in a table with semicolons.
        check("file;label;note\na.jpg;Shirt;red, old\n", &[("a.jpg", 0)]);
        check("file,label\nx\\c.jpg,0\n", &[("x/c.jpg", 0)]);
        check("sep=;\nfile;label\na.jpg;Shirt\n\u{1a}", &[("a.jpg", 0)]);
        check(
            "lost.jpg,Shirt\nb.jpg,1\n",
            &[("lost.jpg", 0), ("b.jpg", 1)],
        );
        check(
            "file,label,note\na.jpg,Shirt,\"two\nlines, 12\"\" wide\"\nb.jpg,1,\n",
            both,
        );
    }

    #[test]
    fn invalid_line_does_not_affect_others() {
        let labels =
            parse_here("file,label\na.jpg,Hat\nb.jpg,1\nTotal,2 photos\n").expect("a table");
        assert_eq!(
            (labels.photos.len(), labels.errors.len()),
            (1, 2),
            "{labels:?}"
        );
    }

    #[test]
    fn errors_name_the_line() {
        #[track_caller]
        fn rejected(text: &str, expected: &str) {
            let error = match parse_here(text) {
                Ok(Parsed { errors, .. }) => errors.join("\n"),
                Err(error) => error,
            };
            assert!(error.contains(expected), "{error}");
        }
        rejected(
            "name,kind\na.jpg,Shirt\n",
            "line 1: the heading is `name,kind`; it must name a column of photos (file,",
        );
        rejected(
            "file,label\na.jpg,Shirt\n\nb.jpg,Hat\n",
            "line 4, b.jpg: there is no class `Hat`",
        );
        rejected("file,label\na.jpg\n", "line 2: 1 columns");
        rejected("file,label\n,Shirt\n", "line 2: the photo has no name");
        rejected(
            "file,label,note\na.jpg,Shirt,\"12 inch\nb.jpg,Shirt,x\n",
            "line 2: unclosed quote",
        );
        // The label in the first of two lines without a heading is not a class.
        rejected(
            "a.jpg,Hat\nb.jpg,Shirt\n",
            "line 1: the heading is `a.jpg,Hat`",
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(text) = decode_text(&bytes) {
                parse_here(&text).ok();
            }
        }

        #[test]
        fn arbitrary_tables_do_not_panic(
            cells in prop::collection::vec("[a-z.;,\"\t\r\n0-9]{0,6}|file|label|a\\.jpg|Shirt", 0..12),
            separator in prop::sample::select(vec![",", ";", "\t", "\n"]),
        ) {
            if let Ok(Parsed { photos, .. }) = parse_here(&cells.join(separator)) {
                prop_assert!(photos.iter().all(|photo| photo.class < 2));
            }
        }
    }
}
