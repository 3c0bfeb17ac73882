//! The table of planted bugs in API.md says what the code says.

use raftd::types::{Bug, Mistake};
use std::path::Path;

const BEGIN: &str = "<!-- bugs:";
const END: &str = "<!-- end of bugs -->";

fn table() -> String {
    let mut text = String::from(
        "| name | what is wrong | what it breaks | what it mirrors | shows under | clients see it |\n|---|---|---|---|---|---|\n",
    );
    for bug in Bug::ALL {
        let Mistake { who, link, warning } = bug.mirrors();
        let seen = bug.unseen().map_or("yes".into(), |why| format!("no: {why}"));
        let (about, breaks, shows_under) = (bug.about(), bug.breaks(), bug.shows_under());
        text += &format!("| `{bug}` | {about} | {breaks} | [{who}]({link}); {warning} | {shows_under} | {seen} |\n");
    }
    text
}

/// With `RAFTD_REWRITE=1` the table is written anew instead.
#[test]
fn the_planted_bugs_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("API.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = page.find(BEGIN).expect("the table begins with a mark");
    let begin = begin + page[begin..].find('\n').expect("the mark is a line") + 1;
    let end = begin + page[begin..].find(END).expect("the table ends with a mark");
    if std::env::var_os("RAFTD_REWRITE").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{}{}{}", &page[..begin], table(), &page[end..])).unwrap();
        return;
    }
    assert_eq!(&page[begin..end], table(), "run again with RAFTD_REWRITE=1");
}
