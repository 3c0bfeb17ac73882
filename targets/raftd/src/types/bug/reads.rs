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
