//! Leases of clients, and the locks that they hold.

use super::{Mistake, Page};

pub(super) const EXPIRE_RENEWED: Page = Page {
    name: "expire-renewed",
    about: "the end of a lease takes effect although the lease was kept alive after the leader found it over",
    breaks: "mutual exclusion: a holder that was told that its lease lasts loses its locks to others",
    mirrors: Mistake {
        who: "etcd, 2020 and 2023",
        link: "https://github.com/etcd-io/etcd/issues/12528",
        warning: "Gray and Cheriton, \"Leases\", 1989",
    },
    shows_under: "keep-alives that come late, and slow disks",
    unseen: None,
};

pub(super) const EXPIRY_WALL_CLOCK: Page = Page {
    name: "expiry-wall-clock",
    about: "the leader measures the time of leases by the wall clock, which can be set forward",
    breaks: "mutual exclusion: leases end before their time, and others take the locks",
    mirrors: Mistake {
        who: "etcd, 2016 and 2020",
        link: "https://github.com/etcd-io/etcd/issues/6700",
        warning: "Gray and Cheriton, \"Leases\", 1989 (clocks that advance too quickly)",
    },
    shows_under: "a leader's clock that is set forward",
    unseen: None,
};

pub(super) const FENCE_ANY_TOKEN: Page = Page {
    name: "fence-any-token",
    about: "a change under a fence takes place if the lock is held, under whatever token",
    breaks: "fencing: one who lost its lock writes over who has it now",
    mirrors: Mistake {
        who: "Kafka, 2018",
        link: "https://github.com/apache/kafka/pull/5101",
        warning: "Kleppmann, \"How to do distributed locking\", 2016",
    },
    shows_under: "holders that stand still past their lease, and write then",
    unseen: None,
};
