//! Names and paths as one line of text without control characters.

use std::path::Path;

/// Returns true for characters that move the cursor of a terminal, start a line or reorder text.
///
/// ```
/// assert!(modiste_core::is_control("\u{1b}".chars().next().unwrap()));
/// assert!(modiste_core::is_control('\u{202e}'));
/// assert!(!modiste_core::is_control('é'));
/// ```
pub fn is_control(letter: char) -> bool {
    // Unicode line separators and marks of writing direction.
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        )
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes the [control characters](is_control) of a name as `\u{1b}`.
///
/// ```
/// assert_eq!(modiste_core::printable("a\u{1b}[31m\nb é"), "a\\u{1b}[31m\\nb é");
/// ```
pub fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for letter in name.chars() {
        match is_control(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

/// Formats a path as one line of text: see [`printable`].
pub fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
