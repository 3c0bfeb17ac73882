//! Snapshots: taken, read, installed.

use super::{CONTRADICTED_FIRST, Mistake, Page};

pub(super) const SNAPSHOT_WITHOUT_SESSIONS: Page = Page {
    name: "snapshot-without-sessions",
    about: "the table of client sessions is lost on the way through a snapshot",
    breaks: "state machine safety: a member refuses what others apply, and differs for good",
    mirrors: Mistake {
        who: "Atomix, 2017",
        link: "https://github.com/atomix/atomix/pull/341",
        warning: "the dissertation, section 6.3 (sessions are part of the state machine)",
    },
    shows_under: "members that start from a snapshot or are sent one, and clients that use sessions",
    unseen: None,
};

pub(super) const SNAPSHOT_KEEPS_TAIL: Page = Page {
    name: "snapshot-keeps-tail",
    about: "a follower whose log reaches as far as a snapshot keeps its log, whatever the terms of its entries",
    breaks: "state machine safety: a follower commits entries that contradict the snapshot",
    mirrors: Mistake {
        who: "Redis-Raft, 2021",
        link: "https://github.com/RedisLabs/raft/issues/49",
        warning: "the paper, figure 13 (receiver, steps 6 and 7)",
    },
    shows_under: "leaders that are cut off with entries of their own, while the others take snapshots",
    unseen: Some(CONTRADICTED_FIRST),
};

pub(super) const ACK_SNAPSHOT_EARLY: Page = Page {
    name: "ack-snapshot-early",
    about: "a follower acknowledges a snapshot before it is on disk",
    breaks: "durability: what was acknowledged is lost in a crash",
    mirrors: Mistake {
        who: "Consul, 2017",
        link: "https://github.com/hashicorp/consul/issues/3362",
        warning: "the paper, figure 2 (persistent state is updated before responding)",
    },
    shows_under: "loss of power at a follower that was just sent a snapshot",
    unseen: Some(CONTRADICTED_FIRST),
};
