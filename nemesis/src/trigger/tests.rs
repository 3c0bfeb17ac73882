//! What makes sense, and what does not.

use super::*;

fn trigger(awaited: Awaited) -> Trigger {
    Trigger { awaited, wait: Span::default(), within: None }
}

#[test]
fn only_what_can_happen_makes_sense() {
    let nodes = ["n1", "n2"].map(String::from);
    let log = |text: &str, node: Option<&str>| Awaited::Log { text: text.into(), node: node.map(String::from) };
    for (awaited, expected) in [
        (Awaited::LeaderChange(1), None),
        (Awaited::LeaderChange(0), Some("leader_change: 0")),
        (Awaited::Writes(1), None),
        (Awaited::Writes(0), Some("writes: 0")),
        (log("elected", None), None),
        (log("elected", Some("n2")), None),
        (log("elected", Some("n3")), Some("no node called `n3`; there are: n1, n2, any")),
        (log(" ", None), Some("empty text")),
        (log("a\nb", None), Some("several lines")),
        (Awaited::Matches { pattern: "a+".into(), node: Some("n3".into()) }, Some("no node called `n3`")),
    ] {
        let said = trigger(awaited.clone()).refuses(&nodes);
        assert_eq!(said.is_some(), expected.is_some(), "{awaited}: {said:?}");
        assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{awaited}");
    }
    let hurried = Trigger { within: Some(Span::from_ms(0)), ..trigger(Awaited::Writes(1)) };
    assert!(hurried.refuses(&nodes).is_some_and(|why| why.contains("within")));
}

#[test]
fn exactly_one_thing_is_waited_for() {
    let written = |leader_change, writes, log: Option<&str>, node: Option<&str>| {
        let (log, node) = (log.map(String::from), node.map(String::from));
        Trigger::try_from(Written { leader_change, writes, log, node, ..Written::default() })
    };
    assert_eq!(written(Some(2), None, None, None), Ok(trigger(Awaited::LeaderChange(2))));
    for node in [None, Some("any")] {
        let any = Awaited::Log { text: "lost".into(), node: None };
        assert_eq!(written(None, None, Some("lost"), node), Ok(trigger(any)));
    }
    let regex = |pattern: &str, node: Option<&str>| {
        let (log_regex, node) = (Some(pattern.to_owned()), node.map(String::from));
        Trigger::try_from(Written { log_regex, node, ..Written::default() })
    };
    let matches = Awaited::Matches { pattern: "lost [0-9]+".into(), node: None };
    assert_eq!(regex("lost [0-9]+", Some("any")), Ok(trigger(matches)));
    for (pattern, told) in
        [("lost (", "`lost (` is no regular expression"), ("x*", "matches every line"), ("", "matches")]
    {
        assert!(regex(pattern, None).is_err_and(|why| why.contains(told)), "{pattern}");
    }
    assert!(written(None, None, None, None).is_err_and(|why| why.starts_with("after what?")));
    assert!(written(Some(1), Some(1), None, None).is_err_and(|why| why.contains("one thing")));
    assert!(written(None, Some(1), None, Some("n1")).is_err_and(|why| why.contains("belongs to log")));
}
