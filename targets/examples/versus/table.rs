//! The figures of both, side by side.

use std::collections::BTreeMap;
use std::fmt;

/// What was measured, in the order in which it came first.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    /// Whether more is better.
    more: bool,
    of: BTreeMap<&'static str, Vec<f64>>,
}

impl Table {
    /// A figure of which more is better.
    pub fn more(&mut self, what: &str, who: &'static str, figure: f64) {
        self.add(what, true, who, figure);
    }

    /// A figure of which less is better.
    pub fn less(&mut self, what: &str, who: &'static str, figure: f64) {
        self.add(what, false, who, figure);
    }

    fn add(&mut self, what: &str, more: bool, who: &'static str, figure: f64) {
        let place = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what: what.into(), more, of: BTreeMap::new() });
            self.rows.len() - 1
        });
        self.rows[place].of.entry(who).or_default().push(figure);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | raftd | etcd | raftd is better by |")?;
        writeln!(f, "|---|---|---|---|")?;
        for Row { what, more, of } in &self.rows {
            let [raftd, etcd] = ["raft", "etcd"].map(|who| of.get(who).map_or(f64::NAN, |figures| median(figures)));
            let ratio = if *more { raftd / etcd } else { etcd / raftd };
            writeln!(f, "| {what} | {} | {} | {ratio:.2} |", shown(raftd), shown(etcd))?;
        }
        Ok(())
    }
}

/// With as many digits as mean something.
fn shown(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
