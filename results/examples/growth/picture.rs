//! Curves over logarithmic axes, in panels: a column for each kind of history, time above and memory below.
//!
//! The pictures follow the reader's light or dark scheme by the style of the crate's own plots.

use std::fmt::Write;

const STYLE: &str = include_str!("../../src/plots/style.css");
const WIDTH: f64 = 960.0;
const MARGIN: f64 = 12.0;
const LEFT: f64 = 62.0;
const GAP: f64 = 32.0;
const LEGEND_HEIGHT: f64 = 26.0;
const HEADING_HEIGHT: f64 = 24.0;
const PANEL_HEIGHT: f64 = 168.0;
const BETWEEN_ROWS: f64 = 44.0;
const LABELS_HEIGHT: f64 = 40.0;
/// How far a cross reaches from its middle.
const CROSS: f64 = 4.0;

/// A picture.
pub struct Picture {
    /// What it shows, read out in its place.
    pub title: String,
    /// What the horizontal axes tell.
    pub across: &'static str,
    /// The ticks of the horizontal axes; the first and the last are their ends.
    pub ticks: Vec<(f64, String)>,
    /// What the colours mean.
    pub colours: Vec<String>,
    /// What stands beside the colours in the legend: what dashes and crosses mean.
    pub remarks: Vec<(Sample, String)>,
    /// The rows of panels.
    pub rows: Vec<Row>,
    /// What stands above each column.
    pub headings: Vec<String>,
}

/// Panels that share a vertical axis.
pub struct Row {
    /// What the vertical axis tells.
    pub name: &'static str,
    /// Its ticks, powers of ten; the first and the last are its ends.
    pub ticks: Vec<(f64, String)>,
    /// The curves of each panel.
    pub panels: Vec<Vec<Curve>>,
}

/// A line through measured points.
pub struct Curve {
    /// Which colour it has, from 0.
    pub colour: usize,
    /// Whose it is: how its line is drawn.
    pub sample: Sample,
    /// The points.
    pub points: Vec<(f64, f64)>,
    /// Where it ended for want of an answer.
    pub gave_up_at: Option<(f64, f64)>,
}

/// How a line is drawn, and a sample in the legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    Line,
    Dashes,
    Dots,
    Cross,
}

/// The classes of the style that give lines their colours.
const TONES: [&str; 4] = ["sq-s-read", "sq-s-write", "sq-s-cas", "sq-s-fail"];

/// The picture as a file of its own.
pub fn svg(picture: &Picture) -> String {
    let mut marks = String::new();
    legend(&mut marks, picture);
    let columns = picture.headings.len() as f64;
    let width = (WIDTH - LEFT - 12.0 - GAP * (columns - 1.0)) / columns;
    let mut top = LEGEND_HEIGHT + HEADING_HEIGHT;
    for (index, row) in picture.rows.iter().enumerate() {
        text(&mut marks, (0.0, top - 10.0), "sq-small sq-bold", row.name);
        for (at, panel) in row.panels.iter().enumerate() {
            let left = LEFT + at as f64 * (width + GAP);
            if index == 0 {
                text(&mut marks, (left + width / 2.0, LEGEND_HEIGHT + 8.0), "sq-bold sq-mid", &picture.headings[at]);
            }
            let area = Area { left, top, width, across: ends(&picture.ticks), upward: ends(&row.ticks) };
            area.axes(&mut marks, &picture.ticks, &row.ticks, at == 0);
            panel.iter().for_each(|curve| area.curve(&mut marks, curve));
        }
        top += PANEL_HEIGHT + BETWEEN_ROWS;
    }
    let bottom = top - BETWEEN_ROWS + LABELS_HEIGHT;
    text(&mut marks, ((LEFT + WIDTH) / 2.0, bottom - 4.0), "sq-soft sq-small sq-mid", picture.across);
    let (full_width, full_height) = (WIDTH + 2.0 * MARGIN, bottom + 2.0 * MARGIN);
    let title = escaped(&picture.title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sq\" role=\"img\" width=\"{full_width}\" \
         height=\"{full_height}\" viewBox=\"-{MARGIN} -{MARGIN} {full_width} {full_height}\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<rect class=\"sq-paper\" x=\"-50%\" y=\"-50%\" width=\"200%\" height=\"200%\"/>\n\
         {marks}</svg>\n"
    )
}

fn ends(ticks: &[(f64, String)]) -> (f64, f64) {
    let end = |tick: Option<&(f64, String)>| tick.map_or(1.0, |(value, _)| *value);
    (end(ticks.first()), end(ticks.last()))
}

fn legend(marks: &mut String, picture: &Picture) {
    let colours = picture.colours.iter().zip(TONES).map(|(words, tone)| (Sample::Line, tone, words));
    let remarks = picture.remarks.iter().map(|(sample, words)| (*sample, "", words));
    let mut left = LEFT;
    for (sample, tone, words) in colours.chain(remarks) {
        match sample {
            Sample::Cross => cross(marks, (left + 11.0, 8.0), tone),
            line => stroke(marks, tone, line, &format!("M{left} 8h22")),
        }
        text(marks, (left + 28.0, 12.0), "sq-soft", words);
        left += 28.0 + 6.6 * words.chars().count() as f64 + 16.0;
    }
}

/// Where a panel lies, and between which values its axes run.
struct Area {
    left: f64,
    top: f64,
    width: f64,
    across: (f64, f64),
    upward: (f64, f64),
}

impl Area {
    /// Where a point lies; what is below an axis lies on it.
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, (from, to): (f64, f64)| ((value / from).ln() / (to / from).ln()).clamp(0.0, 1.0);
        (self.left + share(x, self.across) * self.width, self.top + (1.0 - share(y, self.upward)) * PANEL_HEIGHT)
    }

    fn axes(&self, marks: &mut String, across: &[(f64, String)], upward: &[(f64, String)], with_labels: bool) {
        let (right, bottom) = (self.left + self.width, self.top + PANEL_HEIGHT);
        for (value, label) in across {
            let (x, _) = self.at((*value, self.upward.0));
            path(marks, "sq-grid", &format!("M{x:.1} {}V{bottom}", self.top));
            text(marks, (x, bottom + 15.0), "sq-soft sq-small sq-mid", label);
        }
        for (value, label) in upward {
            let (_, y) = self.at((self.across.0, *value));
            path(marks, "sq-grid", &format!("M{:.1} {y:.1}H{right:.1}", self.left));
            if with_labels {
                text(marks, (self.left - 6.0, y + 4.0), "sq-soft sq-small sq-end", label);
            }
        }
        path(marks, "sq-axis", &format!("M{:.1} {}V{bottom}H{right:.1}", self.left, self.top));
    }

    fn curve(&self, marks: &mut String, curve: &Curve) {
        let tone = TONES[curve.colour % TONES.len()];
        let through: Vec<(f64, f64)> = curve.points.iter().chain(&curve.gave_up_at).map(|at| self.at(*at)).collect();
        let mut line = String::new();
        for (index, (x, y)) in through.iter().enumerate() {
            let _ = write!(line, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        stroke(marks, tone, curve.sample, &line);
        let dots = curve.points.iter().map(|at| self.at(*at));
        let dots: String = dots.map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect();
        path(marks, &format!("sq-points {tone}"), &dots);
        if let Some(at) = curve.gave_up_at {
            cross(marks, self.at(at), tone);
        }
    }
}

/// A line in the colour of `tone`, or in that of text.
fn stroke(marks: &mut String, tone: &str, sample: Sample, d: &str) {
    let dashes = match sample {
        Sample::Line | Sample::Cross => "stroke-dasharray:none",
        Sample::Dashes => "stroke-dasharray:5 3",
        Sample::Dots => "stroke-dasharray:1.5 2.5",
    };
    let ink = if tone.is_empty() { ";stroke:var(--sq-soft)" } else { "" };
    let _ = writeln!(marks, "<path class=\"sq-run {tone}\" style=\"{dashes}{ink}\" d=\"{d}\"/>");
}

fn cross(marks: &mut String, (x, y): (f64, f64), tone: &str) {
    let (left, right, top, bottom) = (x - CROSS, x + CROSS, y - CROSS, y + CROSS);
    stroke(
        marks,
        tone,
        Sample::Cross,
        &format!("M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}"),
    );
}

fn path(marks: &mut String, class: &str, d: &str) {
    let _ = writeln!(marks, "<path class=\"{class}\" d=\"{d}\"/>");
}

fn text(marks: &mut String, (x, y): (f64, f64), class: &str, words: &str) {
    let _ = writeln!(marks, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(words));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
