//! Reads without log entries.

use super::{Mistake, Page};

pub(super) const STALE_READ: Page = Page {
    name: "stale-read",
    about: "the leader serves reads without confirming that it still leads",
    breaks: "linearizability: a deposed leader returns old values",
    mirrors: Mistake {
        who: "etcd and Consul, 2014",
        link: "https://aphyr.com/posts/316-jepsen-etcd-and-consul",
        warning: "the dissertation, section 6.4",
    },
    shows_under: "partitions that cut the leader off from the others, but not from its clients",
    unseen: None,
};

pub(super) const LEASE_WALL_CLOCK: Page = Page {
    name: "lease-wall-clock",
    about: "the leader measures its lease by the wall clock, which can be set back",
    breaks: "linearizability: a deposed leader returns old values under a lease that never ends",
    mirrors: Mistake {
        who: "SOFAJRaft, 2019",
        link: "https://github.com/sofastack/sofa-jraft/pull/26",
        warning: "the dissertation, section 6.4.1 (leases assume a bound on clock drift)",
    },
    shows_under: "clocks that are set back while the leader stands still or is cut off, and reads by lease",
    unseen: None,
};

pub(super) const READ_BEFORE_OWN_TERM: Page = Page {
    name: "read-before-own-term",
    about: "a new leader grants reads at its commit index before it has committed an entry of its own term",
    breaks: "linearizability: a new leader returns values older than what was acknowledged",
    mirrors: Mistake {
        who: "etcd and TiKV, 2017",
        link: "https://github.com/etcd-io/etcd/issues/7331",
        warning: "the dissertation, section 6.4, step 1; the paper, section 8",
    },
    shows_under: "leaders that are lost while clients write, and reads right after the election",
    unseen: None,
};

pub(super) const READ_UNAPPLIED: Page = Page {
    name: "read-unapplied",
    about: "a follower serves a read that the leader granted before it has applied so much",
    breaks: "linearizability: followers that lag behind return old values",
    mirrors: Mistake {
        who: "Redis-Raft, 2020",
        link: "https://github.com/RedisLabs/redisraft/issues/18",
        warning: "the dissertation, section 6.4, step 4",
    },
    shows_under: "followers that catch up after they were cut off, down or slow",
    unseen: None,
};

pub(super) const LEASE_AFTER_TRANSFER: Page = Page {
    name: "lease-after-transfer",
    about: "a leader that has told its successor to ask for votes goes on to grant reads by its lease",
    breaks: "lease safety: another leads while a lease still holds, and reads by it are old",
    mirrors: Mistake {
        who: "TiKV, 2017",
        link: "https://github.com/tikv/tikv/issues/1593",
        warning: "the dissertation, sections 3.10 and 6.4.1",
    },
    shows_under: "handing over while messages to the old leader are lost, and reads by lease",
    unseen: Some("the successor asks the old leader for its vote, which ends its lease, unless just that is lost"),
};
