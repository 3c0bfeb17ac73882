//! `squall doctor`: what this machine can do for squall.

use super::print;
use crate::exit::Exit;
use crate::narrate::{GREEN, RED, RESET, YELLOW};
use squall_targets::doctor::{self, State};
use std::fmt::Write;

pub(super) fn main() -> Exit {
    let findings = doctor::examine();
    let mut out = String::new();
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    for finding in &findings {
        let (colour, state) = match finding.state {
            State::Works => (GREEN, "works"),
            State::Missing => (YELLOW, "missing"),
            State::Refused => (RED, "refused"),
        };
        let _ = writeln!(out, "{colour}{state:<8}{RESET} {:<width$}  {}", finding.what, finding.detail);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(out, "{:9}{:<width$}  to enable it: {remedy}", "", "");
        }
    }
    print(&out);
    Exit::Valid
}
