//! What a history is about: the words `read` and `add` mean one thing to a register and another to a set.

/// The object that a history's calls are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A register: `read`, `write`, `cas`.
    Register,
    /// Registers in transactions: `txn`, whose steps are `r` or `read`, `w` or `write`.
    Registers,
    /// Lists in transactions: `txn`, whose steps are `r` or `read`, `append`.
    Lists,
    /// A text under a key: `get`, `put`, `append`.
    Texts,
    /// A set: `add`, `read`.
    Set,
    /// A counter: `add`, `read`.
    Counter,
    /// A bank: `open`, `transfer`, `read`.
    Bank,
    /// A lock: `acquire`, `release`.
    Lock,
    /// A lock of which it matters who holds it.
    OwnedLock,
    /// A lock of which it matters who holds it, and under which token.
    FencedLock,
    /// A queue: `enqueue`, `dequeue`.
    Queue,
}

impl Subject {
    /// The subject of the model with this name; `None`: calls of several kinds, or of none that a foreign history holds.
    pub fn of_model(name: &str) -> Option<Subject> {
        Some(match name {
            "multi-register" | "rw-register" => Subject::Registers,
            "list-append" => Subject::Lists,
            "kv" => Subject::Texts,
            "set" => Subject::Set,
            "counter" => Subject::Counter,
            "bank" => Subject::Bank,
            "owner-mutex" => Subject::OwnedLock,
            "fenced-lock" => Subject::FencedLock,
            register if register.ends_with("register") => Subject::Register,
            lock if lock.ends_with("mutex") || lock.ends_with("lock") => Subject::Lock,
            queue if queue.ends_with("queue") => Subject::Queue,
            _ => return None,
        })
    }

    /// The subject that a call of this name has, whatever else there is.
    pub(super) fn of_call(f: &str) -> Option<Subject> {
        Some(match f {
            "read" | "r" | "write" | "w" | "cas" => Subject::Register,
            "txn" => Subject::Registers,
            "get" | "put" | "append" => Subject::Texts,
            "open" | "transfer" => Subject::Bank,
            "acquire" | "release" => Subject::Lock,
            "enqueue" | "dequeue" => Subject::Queue,
            _ => return None,
        })
    }

    /// Whether it is a lock.
    pub(super) fn is_lock(self) -> bool {
        matches!(self, Subject::Lock | Subject::OwnedLock | Subject::FencedLock)
    }

    /// The names of its calls.
    pub(super) fn calls(self) -> &'static str {
        match self {
            Subject::Register => "read, write, cas",
            Subject::Registers | Subject::Lists => "txn",
            Subject::Texts => "get, put, append",
            Subject::Set | Subject::Counter => "add, read",
            Subject::Bank => "open, transfer, read",
            Subject::Lock | Subject::OwnedLock | Subject::FencedLock => "acquire, release",
            Subject::Queue => "enqueue, dequeue",
        }
    }
}
