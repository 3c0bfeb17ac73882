//! Curves and points over the time axis, drawn with plotters.
//!
//! plotters writes fixed colours and whole coordinates. A picture that follows the reader's light or dark scheme needs
//! classes instead, so each [`Tone`] is drawn in a colour that stands for it alone, at ten times the size, and
//! [`translated`] turns that into our own marks.

use super::downsample::Point;
use super::drawing::{Pen, escape, number};
use super::timeline::{LEFT, RIGHT, Timeline, WIDTH};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use std::fmt::Write;

/// plotters' whole coordinates are tenths of ours.
const SCALE: f64 = 10.0;
/// The room below a chart for the labels of its time axis.
pub(crate) const LABELS_HEIGHT: f64 = 28.0;

/// What a mark of a chart stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Grid,
    Axis,
    Label,
    Read,
    Write,
    Cas,
    Ok,
    Fail,
    Unknown,
}

impl Tone {
    const ALL: [Tone; 9] =
        [Tone::Grid, Tone::Axis, Tone::Label, Tone::Read, Tone::Write, Tone::Cas, Tone::Ok, Tone::Fail, Tone::Unknown];

    /// The class that gives the mark its colour.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Tone::Grid => "sq-grid",
            Tone::Axis => "sq-axis",
            Tone::Label => "sq-soft sq-small",
            Tone::Read => "sq-s-read",
            Tone::Write => "sq-s-write",
            Tone::Cas => "sq-s-cas",
            Tone::Ok => "sq-s-ok",
            Tone::Fail => "sq-s-fail",
            Tone::Unknown => "sq-s-unknown",
        }
    }

    fn colour(self) -> RGBColor {
        RGBColor(1, 0, self as u8)
    }

    /// The tone whose colour an element of plotters has.
    fn of_element(element: &str) -> Option<Tone> {
        Tone::ALL.into_iter().find(|tone| element.contains(&format!("\"#0100{:02X}\"", *tone as u8)))
    }
}

/// Something that is drawn on a chart. Times are in seconds.
#[derive(Debug, Clone)]
pub(crate) enum Series {
    /// A dot for each point.
    Points(Tone, Vec<Point>),
    /// A line through all points.
    Run(Tone, Vec<Point>),
}

impl Series {
    /// Of how many points it is made.
    pub(crate) fn len(&self) -> usize {
        match self {
            Series::Points(_, points) | Series::Run(_, points) => points.len(),
        }
    }
}

/// The value axis of a chart.
pub(crate) struct Values<'a> {
    /// The least value.
    pub from: f64,
    /// The greatest.
    pub to: f64,
    /// Where lines and labels stand.
    pub ticks: Vec<f64>,
    /// A tick as people read it.
    pub label: &'a dyn Fn(f64) -> String,
}

/// Draws `series` between `top` and `bottom`; labels of the time axis follow below.
pub(crate) fn draw(timeline: &Timeline, values: &Values<'_>, series: &[Series], top: f64, bottom: f64) -> String {
    let size = ((WIDTH * SCALE) as u32, ((bottom + LABELS_HEIGHT) * SCALE) as u32);
    let mut drawn = String::new();
    let outcome = {
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        draw_on(&area, timeline, values, series, top)
    };
    match outcome {
        Ok(()) => translated(&drawn),
        // Drawing into memory does not fail; should it ever, the reader sees why the picture is empty.
        Err(error) => {
            let mut pen = Pen::default();
            pen.text(LEFT, top + 20.0, "sq-accused", &format!("this plot could not be drawn: {error}"));
            pen.finish()
        }
    }
}

type DrawingError = DrawingAreaErrorKind<std::io::Error>;

fn draw_on(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    timeline: &Timeline,
    values: &Values<'_>,
    series: &[Series],
    top: f64,
) -> Result<(), DrawingError> {
    let scaled = |length: f64| (length * SCALE).round() as u32;
    let mut chart = ChartBuilder::on(area)
        .margin_top(scaled(top))
        .margin_right(scaled(WIDTH - RIGHT))
        .x_label_area_size(scaled(LABELS_HEIGHT))
        .y_label_area_size(scaled(LEFT))
        .build_cartesian_2d(
            Ruler { from: 0.0, to: timeline.end_s, ticks: timeline.ticks() },
            Ruler { from: values.from, to: values.to, ticks: values.ticks.clone() },
        )?;
    chart
        .configure_mesh()
        .bold_line_style(Tone::Grid.colour())
        .light_line_style(TRANSPARENT)
        .axis_style(Tone::Axis.colour())
        .label_style(("sans-serif", 11.0 * SCALE).into_font().color(&Tone::Label.colour()))
        .set_all_tick_mark_size(scaled(3.0))
        .x_label_formatter(&|at_s| timeline.label(*at_s))
        .y_label_formatter(&|value| (values.label)(*value))
        .draw()?;
    for series in series {
        match series {
            Series::Points(tone, points) => {
                chart.draw_series(points.iter().map(|point| Circle::new(*point, 1, tone.colour().filled())))?;
            }
            Series::Run(tone, points) => {
                chart.draw_series(LineSeries::new(points.iter().copied(), tone.colour()))?;
            }
        };
    }
    area.present()
}

/// A linear axis whose ticks are given.
struct Ruler {
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Ruler {}

/// plotters' elements as our marks: a class in place of each colour, and all dots that follow each other in one path.
fn translated(drawn: &str) -> String {
    let mut marks = String::new();
    let mut lines = drawn.lines();
    let mut dots: Option<Tone> = None;
    while let Some(line) = lines.next() {
        let Some(tone) = Tone::of_element(line) else { continue };
        let class = tone.class();
        let is_dot = line.starts_with("<circle");
        if dots.is_some() && !(is_dot && dots == Some(tone)) {
            marks.push_str("\"/>\n");
            dots = None;
        }
        let at = |name: &str| number(attribute(line, name).parse::<f64>().unwrap_or(0.0) / SCALE);
        let written = if is_dot {
            let begun = if dots.replace(tone).is_none() {
                write!(marks, "<path class=\"sq-points {class}\" d=\"")
            } else {
                Ok(())
            };
            begun.and_then(|()| write!(marks, "M{} {}h0", at("cx"), at("cy")))
        } else if line.starts_with("<line") {
            writeln!(marks, "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>", at("x1"), at("y1"), at("x2"), at("y2"))
        } else if line.starts_with("<polyline") {
            let run = if matches!(tone, Tone::Grid | Tone::Axis) { "" } else { "sq-run " };
            writeln!(marks, "<path class=\"{run}{class}\" d=\"{}\"/>", path_through(attribute(line, "points")))
        } else if line.starts_with("<text") {
            let anchor = match attribute(line, "text-anchor") {
                "end" => " sq-end",
                "middle" => " sq-mid",
                _ => "",
            };
            let (x, y, dy) = (at("x"), at("y"), attribute(line, "dy"));
            let label = escape(lines.next().unwrap_or_default());
            writeln!(marks, "<text class=\"{class}{anchor}\" x=\"{x}\" y=\"{y}\" dy=\"{dy}\">{label}</text>")
        } else {
            Ok(())
        };
        // Writing into a String cannot fail.
        let _ = written;
    }
    if dots.is_some() {
        marks.push_str("\"/>\n");
    }
    marks
}

/// `1,2 3,4` in plotters' coordinates as a path in ours.
fn path_through(points: &str) -> String {
    let mut path = String::new();
    for (index, point) in points.split_whitespace().enumerate() {
        let (x, y) = point.split_once(',').unwrap_or_default();
        let in_ours = |text: &str| number(text.parse::<f64>().unwrap_or(0.0) / SCALE);
        let _ = write!(path, "{}{} {}", if index == 0 { 'M' } else { 'L' }, in_ours(x), in_ours(y));
    }
    path
}

/// The value of an attribute of an element; empty where it has none.
fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let found = element
        .match_indices(name)
        .find(|(at, _)| element[..*at].ends_with(' ') && element[at + name.len()..].starts_with("=\""));
    let value = found.map(|(at, _)| &element[at + name.len() + 2..]).unwrap_or_default();
    value.split('"').next().unwrap_or_default()
}
