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
