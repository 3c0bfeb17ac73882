//! What a verdict is worth where files of servers have rotted.
//!
//! A server that notices it and refuses to serve keeps every promise; its files are put back, and nothing was lost. But where one
//! has served on them, be it for a moment before it noticed, a member has silently lost what it had acknowledged, or holds what nobody wrote, and no protocol of
//! majorities promises to survive that. What goes wrong from then on is shown, and accuses nobody.

use super::unknown;
use squall_nemesis::{Family, rot};
use squall_results::history::FaultSpan;
use squall_results::{Anomaly, History, Judgement, Validity, Verdict};

/// The verdict's name.
const NAME: &str = "rot";

/// The first fault after which a server has served on rotten files, and since when it may have.
struct Served<'a> {
    nodes: &'a [String],
    since_ns: u64,
}

/// Adds to the judgement what rot has to do with it.
pub(super) fn weigh(judgement: &mut Judgement, history: &History) {
    let rotten = || history.faults.iter().filter(|fault| fault.family == Family::Rot.name() && may_have_rotted(fault));
    let Some(first) = rotten().next() else { return };
    let served = rotten().filter(|fault| has_served(fault)).min_by_key(|fault| began_to_serve_ns(fault));
    let times = match rotten().count() {
        1 => "once".into(),
        count => format!("{count} times"),
    };
    let Some(fault) = served else {
        let who = first.nodes.join(", ");
        let reason = format!("files of servers rotted {times} ({who} first), and none served on them");
        judgement.verdicts.push(Verdict { validity: Validity::Valid, ..unknown(NAME, reason) });
        return;
    };
    let served = Served { nodes: &fault.nodes, since_ns: began_to_serve_ns(fault) };
    for verdict in judgement.verdicts.iter_mut().chain(&mut judgement.liveness) {
        served.excuse(verdict);
    }
    if let Some(beside) = &mut judgement.beside {
        beside.verdicts.iter_mut().for_each(|verdict| served.excuse(verdict));
        beside.validity = worst(&beside.verdicts);
    }
    let (who, since_s) = (served.nodes.join(", "), served.since_ns as f64 / 1e9);
    let reason = format!(
        "files of servers rotted {times}; {who} served on them from {since_s:.1} s on, which no majority is promised to survive"
    );
    judgement.verdicts.push(Verdict { validity: Validity::Valid, ..unknown(NAME, reason) });
    judgement.validity = worst(&judgement.verdicts);
}

fn worst(verdicts: &[Verdict]) -> Validity {
    verdicts.iter().map(|verdict| verdict.validity).max().unwrap_or(Validity::Unknown)
}

/// Whether files rotted, as far as is known: at one of several nodes it is enough.
fn may_have_rotted(fault: &FaultSpan) -> bool {
    let served = fault.healed.as_ref().is_some_and(|(_, evidence)| evidence.contains(rot::SERVES));
    fault.in_force.is_some() || served || (fault.heal_ns.is_some() && fault.healed.is_none())
}

/// Whether a server may have served on what this fault has left. What is missing at the end of a log, or is as it was long ago, a
/// server cannot notice by itself, so only flipped bits can be told from what was never there.
fn has_served(fault: &FaultSpan) -> bool {
    let told = fault.healed.as_ref().is_none_or(|(_, evidence)| evidence.contains(rot::SERVES));
    told || fault.problem.is_some() || !fault.what.starts_with("flip ")
}

fn began_to_serve_ns(fault: &FaultSpan) -> u64 {
    fault.heal_ns.unwrap_or(fault.injected_ns)
}

impl Served<'_> {
    /// What is wrong does not accuse, unless some of it was wrong before.
    fn excuse(&self, verdict: &mut Verdict) {
        let is_before = |anomaly: &Anomaly| anomaly.to_ns < self.since_ns;
        if verdict.validity != Validity::Invalid || verdict.anomalies.iter().any(is_before) {
            return;
        }
        let who = self.nodes.join(", ");
        verdict.validity = Validity::Unknown;
        verdict.reason = format!("{}; but {who} served on rotten files, so it accuses nobody", verdict.reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_results::Promise;

    const S: u64 = 1_000_000_000;

    fn fault(what: &str, healed: &str, problem: Option<&str>) -> FaultSpan {
        FaultSpan {
            id: 0,
            family: "rot".into(),
            what: what.into(),
            selector: "one".into(),
            nodes: vec!["n2".into()],
            links: Vec::new(),
            injected_ns: 3 * S,
            in_force: Some((3 * S, "byte 7 of 100".into())),
            heal_ns: Some(4 * S),
            healed: problem.is_none().then(|| (5 * S, healed.into())),
            problem: problem.map(String::from),
        }
    }

    fn invalid(at_s: u64) -> Verdict {
        let anomaly = Anomaly {
            kind: "lost update".into(),
            told: String::new(),
            key: 0,
            from_ns: (at_s - 1) * S,
            to_ns: at_s * S,
            operations: Vec::new(),
            prefixes: Vec::new(),
            minimal: None,
            dependencies: Vec::new(),
        };
        let verdict = unknown("linearizable", "key 0 has no legal order".into());
        Verdict { validity: Validity::Invalid, anomalies: vec![anomaly], ..verdict }
    }

    /// What becomes of an anomaly at this instant under this fault, and what is said of the rot.
    #[track_caller]
    fn check(fault: FaultSpan, at_s: u64, expected: Validity, part: &str) {
        let history = History { faults: vec![fault], ..History::default() };
        let mut judgement = Judgement::new(Promise::Linearizable, vec![invalid(at_s)]);
        judgement.liveness = Some(Verdict { anomalies: Vec::new(), ..invalid(at_s) });
        judgement.beside = Some(Box::new(Judgement::new(Promise::Sequential, vec![invalid(at_s)])));
        weigh(&mut judgement, &history);
        assert_eq!((judgement.validity, judgement.verdicts[0].validity), (expected, expected));
        assert_eq!(judgement.beside.as_ref().map(|beside| beside.validity), Some(expected));
        let excused = judgement.liveness.as_ref().is_some_and(|verdict| verdict.validity == Validity::Unknown);
        let said = &judgement.verdicts[1].reason;
        assert!(judgement.verdicts[1].checker == "rot" && said.contains(part), "{said}");
        assert_eq!(excused, said.contains("served on them from"), "{judgement:?}");
        assert_eq!(judgement.anomalies().count(), 1, "it is shown all the same");
    }

    #[test]
    fn only_what_comes_behind_a_server_on_rotten_files_is_excused() {
        use Validity::{Invalid, Unknown};
        let flip = "flip a bit of files of n2";
        let refused = "n2 refused to serve on them (gone with status 1)";
        let served = format!("n2 answers after 90 ms: it {}", rot::SERVES);
        check(fault(flip, refused, None), 9, Invalid, "none served on them");
        check(fault(flip, &served, None), 9, Unknown, "n2 served on them from 4.0 s on");
        check(fault(flip, &served, None), 4, Unknown, "n2 served on them from 4.0 s on");
        // It noticed late, and had promised something by then.
        for late in ["wrote to its journal, so it may have", "answered clients and"] {
            let late = format!("n2 {late} {}, then stopped itself (gone with status 2)", rot::SERVES);
            check(fault(flip, &late, None), 9, Unknown, "n2 served on them from 4.0 s on");
        }
        check(fault(flip, "", Some("n2 is gone")), 9, Unknown, "served on them from 4.0 s on");
        check(fault("cut 9 bytes off a file of n2", refused, None), 9, Unknown, "served on them from 4.0 s on");
        // It failed at another node, or nobody knows what it has left.
        let halfway = FaultSpan { in_force: None, ..fault(flip, &served, None) };
        check(halfway.clone(), 9, Unknown, "n2 served on them from 4.0 s on");
        check(
            FaultSpan { healed: None, problem: Some("it was too late".into()), ..halfway },
            9,
            Unknown,
            "served on them",
        );
        // The cluster was wrong before; that it did not serve may have to do with it.
        let mut before = Judgement::new(Promise::Linearizable, vec![invalid(3)]);
        weigh(&mut before, &History { faults: vec![fault(flip, &served, None)], ..History::default() });
        assert_eq!(before.validity, Invalid);
    }

    #[test]
    fn who_has_whole_files_is_judged_as_ever() {
        let mut judgement = Judgement::new(Promise::Linearizable, vec![invalid(9)]);
        let kill = FaultSpan { family: "kill".into(), ..fault("kill n2", "n2 answers", None) };
        let healed = Some((5 * S, "n2 answers after 3 ms".to_owned()));
        let vain = fault("flip a bit of files of n2", "", Some("no file matches *.wal"));
        let vain = FaultSpan { in_force: None, healed, ..vain };
        weigh(&mut judgement, &History { faults: vec![kill, vain], ..History::default() });
        assert_eq!((judgement.validity, judgement.verdicts.len()), (Validity::Invalid, 1));
    }
}
