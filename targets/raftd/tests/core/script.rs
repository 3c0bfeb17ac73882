//! The form of a scenario: comments, and commands with their outcome under a rule.
//!
//! ```text
//! # What this is about.
//! propose 1 x
//! ----
//! what happened, up to an empty line
//! ```

/// Plays a scenario and returns it with what happened in place of what was expected.
pub fn play(text: &str, mut obey: impl FnMut(&str) -> String) -> String {
    let mut told = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        told += line;
        told += "\n";
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if lines.next_if(|line| *line == "----").is_some() {
            while lines.next_if(|line| !line.is_empty()).is_some() {}
        }
        told += "----\n";
        told += &obey(line);
        if lines.peek().is_none() {
            break;
        }
    }
    told
}

/// The place where two tellings part, with what comes before.
pub fn difference(expected: &str, happened: &str) -> String {
    let same = expected.lines().zip(happened.lines()).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(8);
    let part = |text: &str, mark: &str, from: usize| -> String {
        text.lines().skip(from).take(same + 8 - from).map(|line| format!("{mark} {line}\n")).collect()
    };
    let common: String = expected.lines().skip(start).take(same - start).map(|line| format!("  {line}\n")).collect();
    format!("{common}{}{}", part(expected, "-", same), part(happened, "+", same))
}
