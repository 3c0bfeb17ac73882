//! Puts tables between their marks in a text.

use std::fs;
use std::path::Path;

/// Replaces what stands in `file` between the marks of `name`.
pub fn put(file: &Path, name: &str, text: &str) -> Result<(), String> {
    let failed = |why: String| format!("failed to write the {name} table into {}: {why}", file.display());
    let before = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let (begin, end) =
        (format!("<!-- {name}: measured by results/examples/growth -->\n"), format!("<!-- end of {name} -->"));
    let from = before.find(&begin).ok_or_else(|| failed("it has no mark where the table begins".into()))? + begin.len();
    let until = before[from..].find(&end).ok_or_else(|| failed("it has no mark where the table ends".into()))? + from;
    let after = format!("{}{}{}", &before[..from], text, &before[until..]);
    fs::write(file, after).map_err(|error| failed(error.to_string()))
}
