//! `squall doctor`: what this machine can do for squall.

use super::print;
use crate::exit::Exit;
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use squall_nemesis::Family;
use squall_targets::doctor::{self, Finding, State};
use std::fmt::Write;

pub(super) fn main() -> Exit {
    print(&text(&doctor::examine()));
    Exit::Valid
}

// Writing into a string cannot fail.
fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{BOLD}what squall uses{RESET}");
    for finding in findings {
        let (colour, state) = match finding.state {
            State::Works => (GREEN, "works"),
            State::Missing => (YELLOW, "missing"),
            State::Refused => (RED, "refused"),
        };
        let Finding { what, purpose, detail, .. } = finding;
        let _ = writeln!(out, "  {colour}{state:<8}{RESET} {what}: {detail} {DIM}({purpose}){RESET}");
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(out, "           to enable it: {remedy}");
        }
    }
    let named = |family: &Family| {
        let mut words = findings.iter().flat_map(|finding| finding.purpose.split([' ', ',']));
        words.any(|word| word == family.name())
    };
    let others: Vec<&str> = Family::ALL.iter().filter(|family| !named(family)).map(|family| family.name()).collect();
    let _ = writeln!(out, "  {DIM}no more than local nodes: --faults {}{RESET}", others.join(","));
    out
}
