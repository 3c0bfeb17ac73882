//! The codes by which a ZooKeeper server answers, and what each says about the request.

use std::fmt;

/// A code that is not that of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub i32);

/// What a code says about the request that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The server looked at the request and refused it: it was not carried out, and the session goes on.
    Refused,
    /// It was not carried out, and the session is of no more use.
    RefusedForGood,
    /// Nobody knows, and the session is of no more use.
    Doubt,
}

impl Code {
    /// An operation of a transaction is not the one at fault.
    pub const RUNTIME_INCONSISTENCY: Code = Code(-2);
    /// The server does not know such requests.
    pub const UNIMPLEMENTED: Code = Code(-6);
    /// There is no such node.
    pub const NO_NODE: Code = Code(-101);
    /// The session may not do it.
    pub const NO_AUTH: Code = Code(-102);
    /// The node has another version.
    pub const BAD_VERSION: Code = Code(-103);
    /// The node exists already.
    pub const NODE_EXISTS: Code = Code(-110);

    /// The servers were not told that their members may be changed.
    pub const RECONFIG_DISABLED: Code = Code(-123);

    /// All codes of ZooKeeper 3.8 but that of success: number, meaning, what to tell people.
    pub const ALL: [(i32, Meaning, &str); 31] = [
        (-1, Meaning::Doubt, "system error"),
        // Within a transaction it only says that another operation is at fault; see `session::first_refusal`.
        (-2, Meaning::Doubt, "runtime inconsistency"),
        (-3, Meaning::Doubt, "data inconsistency"),
        (-4, Meaning::Doubt, "connection loss"),
        // It also stands for whatever went wrong when the answer was made, after the change.
        (-5, Meaning::Doubt, "marshalling error"),
        (-6, Meaning::Refused, "unimplemented"),
        (-7, Meaning::Doubt, "operation timeout"),
        (-8, Meaning::Refused, "bad arguments"),
        (-12, Meaning::Doubt, "unknown session"),
        (-13, Meaning::Refused, "new config has no quorum"),
        (-14, Meaning::Refused, "reconfiguration in progress"),
        (-100, Meaning::Doubt, "API error"),
        (-101, Meaning::Refused, "no node"),
        (-102, Meaning::Refused, "no auth"),
        (-103, Meaning::Refused, "bad version"),
        (-108, Meaning::Refused, "no children for ephemerals"),
        (-110, Meaning::Refused, "node exists"),
        (-111, Meaning::Refused, "not empty"),
        // The leader may have expired the session before or after it took the request.
        (-112, Meaning::Doubt, "session expired"),
        (-113, Meaning::Doubt, "invalid callback"),
        (-114, Meaning::Refused, "invalid ACL"),
        (-115, Meaning::RefusedForGood, "authentication failed"),
        (-118, Meaning::Doubt, "session moved"),
        (-119, Meaning::Refused, "not read-only"),
        (-120, Meaning::Refused, "ephemeral on a local session"),
        (-121, Meaning::Refused, "no watcher"),
        (-122, Meaning::Doubt, "request timeout"),
        (-123, Meaning::Refused, "reconfiguration disabled"),
        (-124, Meaning::RefusedForGood, "session closed: it requires SASL"),
        (-125, Meaning::Refused, "quota exceeded"),
        (-127, Meaning::Refused, "throttled"),
    ];

    fn row(self) -> Option<&'static (i32, Meaning, &'static str)> {
        Code::ALL.iter().find(|(number, _, _)| *number == self.0)
    }

    /// What the code says about the request. One that nobody knows leaves doubt.
    pub fn meaning(self) -> Meaning {
        self.row().map_or(Meaning::Doubt, |(_, meaning, _)| *meaning)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some((number, _, name)) => write!(f, "{name} ({number})"),
            None => write!(f, "unknown code {}", self.0),
        }
    }
}
