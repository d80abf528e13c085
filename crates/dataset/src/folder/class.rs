//! Look-up of classes by the names in tables and of folders.

/// Label of pictures that belong to none of the classes.
const OTHER: &str = "other";

/// Label that is not the name or number of a class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no class `{label}`; did you mean `{nearest}`? There are: {}", classes.join(", "))]
pub struct UnknownClass {
    /// Unknown label.
    pub label: String,
    /// Most similar class name.
    pub nearest: String,
    /// Names of all classes.
    pub classes: Vec<String>,
}

/// Finds a class by name or number. Case, spaces and punctuation are ignored if only one class is meant then:
/// `ankle-boot` is `Ankle boot`. A number may have a fraction of zeros, as spreadsheets write it: `3.0`. It is the index of
/// a class, unless classes are named by numbers.
///
/// # Errors
/// Returns [`UnknownClass`], which names the most similar class.
///
/// ```
/// let classes = ["Shirt", "Ankle boot"].map(String::from);
/// assert_eq!(modiste_dataset::find_class("ankle-boot", &classes), Ok(1));
/// ```
pub fn find_class(label: &str, classes: &[String]) -> Result<usize, UnknownClass> {
    let wanted = letters(label);
    let exact = || classes.iter().position(|class| class == label);
    let by_letters = || {
        // The sign of a negative number is not punctuation in a name.
        let is_name = label.chars().any(char::is_alphabetic);
        let mut similar = (0..classes.len()).filter(|&class| letters(&classes[class]) == wanted);
        let first = similar.next().filter(|_| is_name)?;
        similar.next().is_none().then_some(first)
    };
    let by_number = || {
        let whole = match label.split_once('.') {
            Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
            _ => label,
        };
        let number: usize = whole.parse().ok()?;
        let names = || classes.iter().map(|class| class.parse::<usize>().ok());
        match names().any(|name| name.is_some()) {
            true => names().position(|name| name == Some(number)),
            false => Some(number).filter(|&number| number < classes.len()),
        }
    };
    let found = exact().or_else(by_letters).or_else(by_number);
    found.ok_or_else(|| UnknownClass {
        label: label.to_owned(),
        nearest: nearest(&wanted, classes).to_owned(),
        classes: classes.to_vec(),
    })
}

/// Returns whether a label means that a picture belongs to none of the classes: it is `other`, and no class has that name.
///
/// ```
/// let classes = ["Shirt", "Coat"].map(String::from);
/// assert!(modiste_dataset::is_other("Other", &classes) && !modiste_dataset::is_other("shirt", &classes));
/// ```
pub fn is_other(label: &str, classes: &[String]) -> bool {
    letters(label) == OTHER && find_class(label, classes).is_err()
}

/// Finds the most similar class: one that starts with the label or that the label starts with, or else the one with the
/// smallest edit distance.
fn nearest<'a>(wanted: &str, classes: &'a [String]) -> &'a str {
    let distance = |class: &&String| {
        let class = letters(class);
        let related =
            !wanted.is_empty() && (class.starts_with(wanted) || wanted.starts_with(&class));
        (!related, strsim::damerau_levenshtein(wanted, &class))
    };
    classes
        .iter()
        .min_by_key(distance)
        .map_or("", String::as_str)
}

/// Lower-case letters and digits of a name.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_classes_by_name_and_number() {
        let classes = ["Shirt", "T-shirt/top"].map(String::from);
        assert_eq!(find_class("1", &classes).expect("a number"), 1);
        assert_eq!(find_class("shirt", &classes).expect("a name"), 0);
        assert_eq!(find_class("t-shirt-top", &classes).expect("a name"), 1);
        for label in ["2", "-1", "", "Shirts"] {
            let error = find_class(label, &classes).unwrap_err().to_string();
            assert!(error.contains("There are: Shirt, T-shirt/top"), "{error}");
        }
    }

    #[test]
    fn accepts_number_with_zero_fraction() {
        let classes = ["Shirt", "Coat"].map(String::from);
        for (label, class) in [("0.0", 0), ("1.", 1), ("1.00", 1)] {
            assert_eq!(find_class(label, &classes).expect(label), class);
        }
        for label in ["0.5", "-0.0", ".0", "1e0", "1.0.0"] {
            find_class(label, &classes).expect_err(label);
        }
    }

    #[test]
    fn suggests_class_with_same_prefix() {
        let classes = ["Shirt", "T-shirt/top", "Coat"].map(String::from);
        for (label, suggestion) in [
            ("T-shirt", "T-shirt/top"),
            ("Shirts", "Shirt"),
            ("cot", "Coat"),
        ] {
            let error = find_class(label, &classes).unwrap_err().to_string();
            let expected = format!("did you mean `{suggestion}`?");
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn exact_names_come_first_and_ambiguous_ones_are_refused() {
        let classes = ["c", "c#", "c++", "T-shirt"].map(String::from);
        for (label, class) in [("c", 0), ("c#", 1), ("c++", 2), ("tshirt", 3), ("1", 1)] {
            assert_eq!(find_class(label, &classes).expect(label), class);
        }
        find_class("C", &classes).expect_err("three classes are similar");
    }

    #[test]
    fn numbers_are_names_if_classes_are_numbers() {
        let classes = ["1", "2", "3", "unknown"].map(String::from);
        for (label, class) in [("1", 0), ("2.0", 1), ("03", 2), ("Unknown", 3)] {
            assert_eq!(find_class(label, &classes).expect(label), class);
        }
        find_class("0", &classes).expect_err("no class has this name");
    }

    #[test]
    fn finds_digits_by_name() {
        let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        assert_eq!(find_class("7", &classes).expect("a digit"), 7);
        find_class("-1", &classes).expect_err("not a digit");
    }
}
