//! `squall nodes check`: what machines can do for squall, as a table, before anything is touched.

use super::{NodesArgs, NodesCommand, WhereNodesAre, complain, fail, print};
use crate::exit::Exit;
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use squall_targets::hosts::check::{Examined, State, Topic, examine};
use squall_targets::hosts::vagrant;
use std::fmt::Write;

pub(super) fn main(args: &NodesArgs) -> Exit {
    let NodesCommand::Check { nodes, vagrant } = &args.command;
    let hosts = match (nodes, vagrant) {
        (_, Some(folder)) => match vagrant::machines(folder) {
            Ok(hosts) => hosts,
            Err(error) => return fail(Exit::Failed, &error),
        },
        (Some(WhereNodesAre::On(hosts)), None) => hosts.clone(),
        (_, None) => {
            return fail(
                Exit::Usage,
                "local nodes are made when they are needed; `squall doctor` tells what this machine can do",
            );
        }
    };
    let examined = examine(&hosts);
    print(&table(&examined));
    let bad: Vec<&str> = examined.iter().filter(|one| one.worst() == State::Bad).map(|one| one.node.as_str()).collect();
    if bad.is_empty() {
        return Exit::Valid;
    }
    complain(&format!("no run is possible on {}", bad.join(", ")));
    Exit::Failed
}

/// A row for each topic, since there are fewer nodes than topics; what to do is told below.
fn table(examined: &[Examined]) -> String {
    let mut out = String::new();
    let told = |one: &Examined, topic: Topic| one.findings.get(&topic).map_or("-", |finding| &finding.told).to_owned();
    let width = |one: &Examined| {
        let cells = Topic::ALL.iter().map(|topic| told(one, *topic).chars().count());
        cells.chain([one.node.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = examined.iter().map(width).collect();
    let _ = write!(out, "{:<9}", "");
    for (one, width) in examined.iter().zip(&widths) {
        let _ = write!(out, "  {BOLD}{:<width$}{RESET}", one.node);
    }
    out.push('\n');
    for topic in Topic::ALL {
        let _ = write!(out, "{topic:<9}");
        for (one, width) in examined.iter().zip(&widths) {
            let colour = match one.findings.get(&topic).map(|finding| finding.state) {
                Some(State::Good) => GREEN,
                Some(State::Lacking) => YELLOW,
                Some(State::Bad) => RED,
                None => DIM,
            };
            let _ = write!(out, "  {colour}{:<width$}{RESET}", told(one, topic));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    for one in examined {
        for (topic, finding) in &one.findings {
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(out, "{BOLD}{}{RESET} {DIM}({}){RESET} {topic}: {remedy}", one.node, one.host);
            }
        }
    }
    out
}
