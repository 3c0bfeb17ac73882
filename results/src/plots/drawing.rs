//! A finished picture, and the pen that draws one.

use std::fmt::Write;

/// The style that all drawings share. It is scoped to `.sq`, so that a page can hold it once for many drawings.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Around a picture that is a file of its own.
const MARGIN: f64 = 12.0;

/// A picture before it becomes text: its size in user units, what it shows, and its marks.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// What it shows, in a few words; read out in place of the picture.
    pub title: String,
    /// Its marks: SVG elements.
    pub marks: String,
}

impl Drawing {
    /// As a file of its own: with its style, on paper of its own, with a margin.
    pub(crate) fn standalone(&self) -> String {
        let paper = "<rect class=\"sq-paper\" x=\"-50%\" y=\"-50%\" width=\"200%\" height=\"200%\"/>";
        self.wrapped(&format!("<style>{STYLE}</style>\n{paper}\n"), MARGIN)
    }

    /// As a part of a page that holds [`STYLE`].
    #[cfg(feature = "report")]
    pub(crate) fn inline(&self) -> String {
        self.wrapped("", 0.0)
    }

    fn wrapped(&self, before: &str, margin: f64) -> String {
        let [width, height] = [self.width, self.height].map(|length| number(length + 2.0 * margin));
        let (origin, title, marks) = (number(-margin), escape(&self.title), &self.marks);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sq\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{origin} {origin} {width} {height}\">\n<title>{title}</title>\n{before}{marks}</svg>\n"
        )
    }
}

/// Writes SVG elements, one a line. All text is escaped here and nowhere else.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    marks: String,
}

impl Pen {
    /// What was drawn.
    pub(crate) fn finish(self) -> String {
        self.marks
    }

    /// Takes over marks that are SVG already.
    pub(crate) fn append(&mut self, marks: &str) {
        self.marks.push_str(marks);
    }

    /// A line of text with its baseline at `y`.
    pub(crate) fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let (x, y, text) = (number(x), number(y), escape(text));
        self.element(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"));
    }

    /// A straight line.
    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let (x1, y1, x2, y2) = (number(x1), number(y1), number(x2), number(y2));
        self.element(format_args!("<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>"));
    }

    /// A path in SVG's own words.
    pub(crate) fn path(&mut self, d: &str, class: &str) {
        self.element(format_args!("<path class=\"{class}\" d=\"{d}\"/>"));
    }

    /// A rectangle with corners of radius `round`, and what it says when pointed at (nothing if empty).
    pub(crate) fn rect(&mut self, area: Area, round: f64, class: &str, says: &str) {
        let (x, y) = (number(area.x), number(area.y));
        let (width, height, round) = (number(area.width.max(0.0)), number(area.height.max(0.0)), number(round));
        let head =
            format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"");
        if says.is_empty() {
            self.element(format_args!("{head}/>"));
        } else {
            self.element(format_args!("{head}><title>{}</title></rect>", escape(says)));
        }
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.marks, "{element}");
    }
}

/// A rectangle's place and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// From its left to its right edge.
    pub width: f64,
    /// From its upper to its lower edge.
    pub height: f64,
}

/// A coordinate with one decimal at most.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
    if text == "-0" { "0".into() } else { text }
}

/// Text as XML takes it, in elements and in quoted attributes. Control characters, which XML cannot hold, become `�`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() && !matches!(control, '\n' | '\t') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// How wide `text` is about at a font size of `size`, erring on the wide side; nobody knows the reader's font.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let ems = |character: char| match character {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '(' | ')' => 0.4,
        'm' | 'w' | 'M' | 'W' | '→' | '✗' | '…' => 0.95,
        upper if upper.is_uppercase() => 0.72,
        wide if (wide as u32) > 0x2e80 => 1.05,
        _ => 0.63,
    };
    text.chars().map(ems).sum::<f64>() * size
}

/// `text`, or as much of its beginning as fits into `width` at a font size of `size`, with an ellipsis.
pub(crate) fn shortened(text: &str, width: f64, size: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if text_width(&kept, size) + size > width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

/// `text` in lines of at most `width` at a font size of `size`, broken at spaces.
pub(crate) fn wrapped(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 0.4 * size <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a<b> & \"c\"\u{0}\u{7}é"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\u{fffd}é");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([number(1.0), number(1.25), number(-0.04), number(12.96)].join(" "), "1 1.2 0 13");
    }

    #[test]
    fn long_text_is_shortened_to_fit() {
        let long = "a-very-long-node-name-of-some-cluster";
        let short = shortened(long, 100.0, 12.0);
        assert!(short.ends_with('…') && text_width(&short, 12.0) <= 100.0 && short.len() > 8, "{short}");
        assert_eq!(shortened("n1", 100.0, 12.0), "n1");
    }

    #[test]
    fn long_text_is_wrapped_at_spaces() {
        assert_eq!(wrapped("one two three", 1_000.0, 12.0), ["one two three"]);
        assert_eq!(wrapped("one two three", 60.0, 12.0), ["one two", "three"]);
        assert_eq!(wrapped("indivisible", 10.0, 12.0), ["indivisible"]);
    }
}
