//! The page as a whole.
use super::ReportInput;
use maud::{DOCTYPE, Markup, html};

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    html! { (DOCTYPE) html lang="en" { head { title { (input.title) } } body { h1 { (input.judgement.validity) } } } }
}
