//! The planted bugs of raftd, and the storms that show them.

use crate::target::{BugInfo, Storm};
use raftd::types::{Bug, Mistake};

/// All that is known of every planted bug.
pub fn all() -> Vec<BugInfo> {
    Bug::ALL.into_iter().map(info).collect()
}

fn info(bug: Bug) -> BugInfo {
    let Mistake { who, link, warning } = bug.mirrors();
    BugInfo {
        name: bug.name(),
        about: bug.about(),
        breaks: bug.breaks(),
        mirrors: format!("{who}, {link}; {warning}"),
        shows_under: bug.shows_under(),
        unseen: bug.unseen(),
        storm: storm(bug),
    }
}

/// The storm that shows a bug soonest.
fn storm(bug: Bug) -> Storm {
    match bug {
        Bug::StaleRead | Bug::AckBeforeQuorum | Bug::DenyInDoubt => Storm::Shows(&[]),
        // A server whose power failed lacks the last entries, is back before the others have a leader, and asks first.
        Bug::ShortLogVote => {
            Storm::Shows(&["--faults", "power", "--rate", "2000", "--set", "election_ms=100,heartbeat_ms=20"])
        }
        Bug::RetryTwice => Storm::Shows(&["--retry"]),
        Bug::KeepConflict => Storm::Shows(&["--workload", "set"]),
        Bug::AckBeforeFsync => Storm::Shows(&["--faults", "power", "--rate", "2000"]),
        Bug::SnapshotWithoutSessions => Storm::Shows(&["--retry", "--faults", "kill", "--set", "snapshot_entries=200"]),
        Bug::ReadBeforeOwnTerm => Storm::Shows(&["--faults", "kill", "--rate", "2000"]),
        Bug::ReadUnapplied => Storm::Shows(&["--faults", "kill", "--rate", "2000"]),
        Bug::ExpiryWallClock => Storm::Shows(&["--workload", "lock", "--faults", "clock"]),
        Bug::FenceAnyToken => Storm::Shows(&["--workload", "set-fenced", "--faults", "pause-client"]),
        Bug::CommitOldTerm => {
            Storm::Hidden("a leader must be lost within the millisecond in which its first entry is under way")
        }
        Bug::ChangesAtOnce => Storm::Hidden(
            "a leader must be cut off in the tenth of a second before most others are removed: a plan shows it, drawn storms have not met it",
        ),
        Bug::LeaseWallClock => Storm::Hidden(
            "drawn storms seldom set its clock back while it stands still; a scripted one finds it (harness/tests/storms_queue.rs)",
        ),
        Bug::VoteBeforeFsync | Bug::TwoVotes | Bug::ForgetVote | Bug::CountOldVote => {
            Storm::Hidden("the servers stop themselves before a client sees it")
        }
        Bug::TailIsCommitted | Bug::MatchAtStart | Bug::SnapshotKeepsTail | Bug::AckSnapshotEarly => {
            Storm::Hidden("the server whose log is contradicted stops itself before a client sees it")
        }
        Bug::TruncateMatched => Storm::Hidden("connections between servers keep messages in order, once each"),
        Bug::LeaseAfterTransfer => Storm::Hidden("no fault of squall asks a leader to hand over"),
        Bug::ExpireRenewed => {
            Storm::Hidden("a keep-alive must be under way in the very milliseconds in which its lease ends")
        }
        Bug::WatchPastSnapshot => Storm::Hidden("no workload of squall watches; the simulation does"),
    }
}
