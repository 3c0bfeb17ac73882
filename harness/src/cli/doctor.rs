//! `squall doctor`: what this machine can do for squall.

use super::print;
use crate::exit::Exit;
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use squall_targets::doctor::{self, Finding, Purpose, State};
use std::fmt::Write;

pub(super) fn main() -> Exit {
    let findings = doctor::examine();
    let mut out = String::new();
    let today: Vec<&Finding> = findings.iter().filter(|finding| matches!(finding.purpose, Purpose::Today(_))).collect();
    let later: Vec<&Finding> = findings.iter().filter(|finding| matches!(finding.purpose, Purpose::Later(_))).collect();
    section(&mut out, "what squall uses", &today);
    section(&mut out, "what later faults will use", &later);
    print(&out);
    Exit::Valid
}

fn section(out: &mut String, title: &str, findings: &[&Finding]) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "{BOLD}{title}{RESET}");
    for finding in findings {
        let (colour, state) = match finding.state {
            State::Works => (GREEN, "works"),
            State::Missing => (YELLOW, "missing"),
            State::Refused => (RED, "refused"),
        };
        let Finding { what, purpose: Purpose::Today(purpose) | Purpose::Later(purpose), detail, .. } = finding;
        let _ = writeln!(out, "  {colour}{state:<8}{RESET} {what}: {detail} {DIM}({purpose}){RESET}");
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(out, "           to enable it: {remedy}");
        }
    }
}
