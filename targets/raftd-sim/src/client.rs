//! A client: one thing at a time, asked again through other members until it is answered or the client gives up.
//!
//! Changes carry a serial of the client's session, so that asking again is safe; what became of them is recorded as the
//! history of one operation, however many tries it took. A client that gives up a change whose fate is unknown goes on
//! as another process with another session.

use crate::member::{Asked, Request, Told};
use crate::time::Micros;
use raftd::core::ReadBy;
use raftd::machine::{Answer, Change, Command, Query, Serial, View};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_results::call::Value;
use squall_results::{Call, Operation, Outcome, Reply};

/// After so many tries a client gives up.
const TRIES_MAX: u32 = 5;
/// After so many operations of all clients they go on to other keys: short histories are judged fast.
const OPERATIONS_PER_KEY: usize = 40;

/// The operations of all clients.
#[derive(Debug, Default)]
pub struct Record {
    /// In the order of their invocations.
    pub operations: Vec<Operation>,
    last_process: u64,
    last_value: Value,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    number: usize,
    process: u64,
    session: Option<u64>,
    sequence: u64,
    /// The number of the last try of any request.
    attempt: u64,
    doing: Option<Doing>,
    /// The member that it asks, from 0.
    member: usize,
    /// The key and value that it saw last: what a compare-and-set starts from.
    seen: Option<(u64, Option<Value>)>,
    /// How many operations were answered.
    pub answered: usize,
    /// Whether it reads by leases, most of the time.
    pub has_leases: bool,
}

#[derive(Debug)]
struct Doing {
    request: Request,
    /// The place in the record; `None`: a session is being opened.
    operation: Option<usize>,
    tries: u32,
    /// A try may have taken effect, or may yet.
    in_doubt: bool,
}

/// What the client does next.
#[derive(Debug)]
pub enum Next {
    /// Asks a member, from 0.
    Ask(usize, Asked),
    /// Pauses, then wakes.
    Pause,
    /// Waits on.
    Wait,
}

impl Client {
    /// A client that has done nothing yet.
    pub fn new(number: usize, members: usize, record: &mut Record) -> Client {
        let (process, member) = (record.next_process(), number % members);
        Client {
            number,
            process,
            session: None,
            sequence: 0,
            attempt: 0,
            doing: None,
            member,
            seen: None,
            answered: 0,
            has_leases: false,
        }
    }

    /// Whether nothing is open.
    pub fn is_idle(&self) -> bool {
        self.doing.is_none()
    }

    /// Asks one of these members once more what it was asking, or something new.
    pub fn wake(&mut self, members: &[usize], now_us: Micros, record: &mut Record, rng: &mut ChaCha8Rng) -> Next {
        let doing = match self.doing.take() {
            Some(doing) => {
                self.member = members[rng.random_range(0..members.len())];
                Doing { tries: doing.tries + 1, ..doing }
            }
            None => self.begin(now_us, record, rng),
        };
        self.attempt += 1;
        let asked = Asked { client: self.number, attempt: self.attempt, request: doing.request.clone() };
        self.doing = Some(doing);
        Next::Ask(self.member, asked)
    }

    fn begin(&mut self, now_us: Micros, record: &mut Record, rng: &mut ChaCha8Rng) -> Doing {
        let Some(session) = self.session else {
            let request = Request::Change(Command { serial: None, change: Change::OpenSession });
            return Doing { request, operation: None, tries: 1, in_doubt: false };
        };
        let call = self.draw(record, rng);
        let request = match change(&call) {
            Some(change) => {
                self.sequence += 1;
                let serial = Some(Serial { session, sequence: self.sequence });
                Request::Change(Command { serial, change })
            }
            None => Request::Ask(Query::Value(name(call.key())), self.reads_by(record)),
        };
        let operation = Some(record.invoked(self.process, self.member, call, now_us));
        Doing { request, operation, tries: 1, in_doubt: false }
    }

    fn reads_by(&self, record: &Record) -> ReadBy {
        match self.has_leases && !record.operations.len().is_multiple_of(4) {
            true => ReadBy::Lease,
            false => ReadBy::Majority,
        }
    }

    fn draw(&self, record: &mut Record, rng: &mut ChaCha8Rng) -> Call {
        let epoch = (record.operations.len() / OPERATIONS_PER_KEY) as u64;
        let key = 2 * epoch + rng.random_range(0..2);
        let seen = self.seen.filter(|(seen, _)| *seen == key).map(|(_, value)| value);
        match (rng.random_range(0..100), seen) {
            (0..45, _) => Call::Read { key },
            (75.., Some(expect)) => Call::Cas { key, expect, value: record.next_value() },
            _ => Call::Write { key, value: record.next_value() },
        }
    }

    /// An answer to try number `attempt` came.
    pub fn told(&mut self, attempt: u64, told: Told, now_us: Micros, record: &mut Record) -> Next {
        if attempt != self.attempt {
            return Next::Wait;
        }
        let Some(mut doing) = self.doing.take() else { return Next::Wait };
        let reply = match told {
            Told::Failed { not_done } => {
                doing.in_doubt |= !not_done;
                self.doing = Some(doing);
                return self.again(now_us, record);
            }
            Told::Answer(Answer::Opened { session }) => {
                (self.session, self.sequence) = (Some(session), 0);
                return Next::Pause;
            }
            Told::Answer(Answer::Written { .. } | Answer::Swapped { .. }) => Reply::Written { version: None },
            Told::Answer(Answer::NotEqual(_)) => Reply::NotEqual,
            Told::Answer(answer) => {
                // Refused: this try did nothing, earlier ones may have.
                self.doing = Some(doing);
                return self.give_up(&format!("{answer:?}"), now_us, record);
            }
            Told::View(View::Value(found)) => {
                let value = found.value.map(|text| text.parse().expect("only numbers are written"));
                Reply::Read { value, version: None }
            }
            Told::View(view) => panic!("a client asked for a value and was shown {view:?}"),
        };
        if let Some(operation) = doing.operation {
            self.saw(&record.operations[operation].call, &reply);
            record.returned(operation, now_us, Outcome::Ok(reply));
            self.answered += 1;
        }
        Next::Pause
    }

    /// No answer came to try number `attempt`, and the client waits no longer.
    pub fn timed_out(&mut self, attempt: u64, now_us: Micros, record: &mut Record) -> Next {
        match &mut self.doing {
            Some(doing) if attempt == self.attempt => {
                // A late answer must not be taken for one to the next try.
                self.attempt += 1;
                doing.in_doubt = true;
                self.again(now_us, record)
            }
            Some(_) | None => Next::Wait,
        }
    }

    fn again(&mut self, now_us: Micros, record: &mut Record) -> Next {
        if self.doing.as_ref().is_some_and(|doing| doing.tries >= TRIES_MAX) {
            return self.give_up("no answer, however often it asked", now_us, record);
        }
        // Whatever still comes for this try comes too late; the pause ends with the next one.
        self.attempt += 1;
        Next::Pause
    }

    fn give_up(&mut self, why: &str, now_us: Micros, record: &mut Record) -> Next {
        let Some(doing) = self.doing.take() else { return Next::Pause };
        if let Some(operation) = doing.operation {
            let has_effect = !matches!(record.operations[operation].call, Call::Read { .. });
            if has_effect {
                (self.session, self.process) = (None, record.next_process());
            }
            let outcome = match doing.in_doubt && has_effect {
                true => Outcome::Unknown(why.into()),
                false => Outcome::Fail(why.into()),
            };
            record.returned(operation, now_us, outcome);
        }
        Next::Pause
    }

    fn saw(&mut self, call: &Call, reply: &Reply) {
        self.seen = match (call, reply) {
            (Call::Read { key }, Reply::Read { value, .. }) => Some((*key, *value)),
            (Call::Write { key, value } | Call::Cas { key, value, .. }, Reply::Written { .. }) => {
                Some((*key, Some(*value)))
            }
            _ => None,
        };
    }
}

impl Record {
    fn next_process(&mut self) -> u64 {
        self.last_process += 1;
        self.last_process
    }

    fn next_value(&mut self) -> Value {
        self.last_value += 1;
        self.last_value
    }

    fn invoked(&mut self, process: u64, member: usize, call: Call, now_us: Micros) -> usize {
        let at_ns = now_us * 1000;
        self.operations.push(Operation {
            id: self.operations.len() as u64,
            process,
            node: format!("n{}", member + 1),
            call,
            due_ns: at_ns,
            invoked_ns: at_ns,
            returned_ns: None,
            outcome: Outcome::Unknown("the run ended".into()),
        });
        self.operations.len() - 1
    }

    fn returned(&mut self, operation: usize, now_us: Micros, outcome: Outcome) {
        let operation = &mut self.operations[operation];
        (operation.returned_ns, operation.outcome) = (Some(now_us * 1000), outcome);
    }
}

/// What a call changes, if anything.
fn change(call: &Call) -> Option<Change> {
    match call {
        Call::Read { .. } => None,
        Call::Write { key, value } => Some(Change::Write { key: name(*key), value: value.to_string() }),
        Call::Cas { key, expect, value } => Some(Change::CompareAndSet {
            key: name(*key),
            expect: expect.map(|expect| expect.to_string()),
            value: value.to_string(),
        }),
        call => unreachable!("no client of the simulation calls {call}"),
    }
}

fn name(key: u64) -> String {
    format!("k{key}")
}
