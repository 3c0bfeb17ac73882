//! One key while its events come.

use super::intake::{Ends, Handed, Intake, NEVER, OPERATIONS_MAX};
use super::replay::Replay;
use crate::checker::linearizable::entry::Entry;
use crate::checker::linearizable::meter::{Allowance, Meter, Stop};
use crate::checker::linearizable::register::live::{Fed, LiveRegister, Step};
use crate::checker::linearizable::search::Search;
use crate::checker::linearizable::{Algorithm, Course, Linearizable};
use crate::model::{Access, Demand, Model};
use crate::outcome::Outcome;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// All that was judged has a legal order, or no contradiction, where there is a [doubt](LiveKey::doubt).
    Legal,
    /// It has none since this operation returned.
    NoOrder(Ends),
    /// It is not known.
    Unknown(Stop),
}

/// Who judges.
enum Judge<'a, M: Model> {
    Register(Box<LiveRegister>),
    Search(Box<Searching<'a, M>>),
    /// Nobody any more.
    Nobody,
}

struct Searching<'a, M: Model> {
    search: Search<'a, M>,
    replay: Replay<'a, M>,
    /// How much the table knew when it was last cleared.
    known: usize,
    spare: usize,
}

/// How many steps a key has at one call at first.
const STEPS: u64 = 2_000;

/// One key.
pub(super) struct LiveKey<'a, M: Model> {
    model: &'a M,
    intake: Intake<M::Call, M::Reply>,
    judge: Judge<'a, M>,
    pub known: Known,
    /// Up to here there is a legal order.
    pub established_ns: Option<u64>,
    pub by: Algorithm,
    pub peak: usize,
    pub operations: usize,
    pub steps: u64,
    /// How many bytes it held when it was last judged.
    pub held_bytes: usize,
    /// How many steps it has next time.
    patience: u64,
    /// Operations of a register that are legal in no state.
    impossible: Vec<u32>,
}

impl<'a, M: Model> LiveKey<'a, M> {
    /// A key of which nothing is known. So much may pile up before something is settled or forgotten.
    pub fn new(checker: &'a Linearizable<M>, spare: usize) -> LiveKey<'a, M> {
        let model = &checker.model;
        let by_register = model.is_register() && checker.course != Course::Search;
        let judge = if by_register {
            let is_exact = checker.course == Course::RegisterExactly;
            Judge::Register(Box::new(LiveRegister::new(model.initial(), is_exact, spare)))
        } else {
            let search = Search::new(model, &[], checker.reductions, true);
            Judge::Search(Box::new(Searching { search, replay: Replay::new(model), known: 0, spare }))
        };
        LiveKey {
            model,
            intake: Intake::new(spare),
            judge,
            known: Known::Legal,
            established_ns: None,
            by: if by_register { Algorithm::Register } else { Algorithm::Search },
            peak: 1,
            operations: 0,
            steps: 0,
            held_bytes: 0,
            patience: STEPS,
            impossible: Vec::new(),
        }
    }

    /// An operation is invoked; its index.
    pub fn invoke(&mut self, id: u64, call: M::Call) -> u32 {
        self.operations += 1;
        if self.operations > OPERATIONS_MAX && self.known == Known::Legal {
            self.close(Known::Unknown(Stop::Many));
        }
        if self.known == Known::Legal { self.intake.invoke(id, call) } else { 0 }
    }

    /// An operation ends.
    pub fn end(&mut self, index: u32, at_ns: u64, outcome: Outcome<M::Reply>) {
        if self.known == Known::Legal {
            self.intake.end(self.model, index, at_ns, outcome);
        }
    }

    /// Time went on.
    pub fn release(&mut self) {
        self.intake.release(self.model);
    }

    /// Nothing more will come.
    pub fn no_more(&mut self) {
        self.intake.close(self.model);
    }

    /// Judges what can be judged. Returns whether it left something because its steps were used up; it has more next time.
    pub fn go_on(&mut self, allowance: &Allowance, to_the_end: bool) -> bool {
        let steps = if to_the_end { u64::MAX } else { self.patience };
        let mut meter = Meter::resumed(allowance, self.held_bytes, steps);
        let left = self.judge(&mut meter);
        self.patience = if left { self.patience.saturating_mul(2) } else { STEPS.max(self.patience / 2) };
        self.steps += meter.steps();
        self.held_bytes = match &self.judge {
            Judge::Register(register) => register.held_bytes(),
            Judge::Search(searching) => searching.held_bytes(),
            Judge::Nobody => 0,
        };
        self.held_bytes += self.intake.held_bytes();
        meter.rest(self.held_bytes);
        left
    }

    fn judge(&mut self, meter: &mut Meter) -> bool {
        while self.known == Known::Legal
            && let Some(handed) = self.intake.next()
        {
            let known = match handed {
                Handed::Invoke { index, call, reply, inv, ret, foreseen } => {
                    let fed = Fed {
                        index,
                        access: ANYTHING,
                        inv,
                        ret,
                        implied: foreseen.implied,
                        outlasts: foreseen.outlasts,
                    };
                    self.invoke_now(fed, call, reply)
                }
                Handed::Return { index, moment, ends } => match self.ret_now(index, moment, meter) {
                    Ok(true) => {
                        if self.doubt().is_none() {
                            self.established_ns = Some(ends.at_ns);
                        }
                        Known::Legal
                    }
                    Ok(false) => Known::NoOrder(ends),
                    Err(Stop::Steps) => {
                        self.intake.put_back(index, moment, ends);
                        return true;
                    }
                    Err(stop) => Known::Unknown(stop),
                },
            };
            if known != Known::Legal {
                self.close(known);
            }
        }
        false
    }

    /// Why it is not known that all that was judged has a legal order, if it is not; a contradiction may still be found.
    pub fn doubt(&self) -> Option<Stop> {
        match &self.judge {
            Judge::Register(register) => register.unknown(),
            Judge::Search(_) | Judge::Nobody => None,
        }
    }

    fn invoke_now(&mut self, fed: Fed, call: M::Call, reply: Option<M::Reply>) -> Known {
        let index = fed.index;
        match &mut self.judge {
            Judge::Register(register) => match self.model.access(&call, reply.as_ref()) {
                Some(access) if !register.invoke(Fed { access, ..fed }) => return Known::Unknown(Stop::Width),
                Some(_) => {}
                // What is no access is legal in no state, or changes none.
                None => self.impossible.extend(reply.is_some().then_some(index)),
            },
            Judge::Search(searching) => {
                let must = fed.ret != NEVER;
                let until_ns = if must { fed.ret.into() } else { u64::MAX };
                let entry = Entry { position: index as usize, invoked_ns: fed.inv.into(), until_ns, call, reply, must };
                searching.search.invoke(index as usize, &entry);
                searching.replay.invoke(index, entry);
            }
            Judge::Nobody => {}
        }
        Known::Legal
    }

    /// Whether there still is an order.
    fn ret_now(&mut self, index: u32, moment: u32, meter: &mut Meter) -> Result<bool, Stop> {
        match &mut self.judge {
            Judge::Register(_) if self.impossible.contains(&index) => Ok(false),
            Judge::Register(register) => Ok(register.ret(index, moment, meter)? == Step::Goes),
            Judge::Search(searching) => searching.ret(index, meter),
            Judge::Nobody => Ok(true),
        }
    }

    /// Nothing more will come, and all that can be judged was: says what is known in the end.
    pub fn finish(&mut self) {
        if self.known != Known::Legal {
            return;
        }
        let known = match std::mem::replace(&mut self.judge, Judge::Nobody) {
            Judge::Register(register) => {
                self.peak = register.peak();
                match register.finish() {
                    Ok(true) => Known::Legal,
                    Ok(false) => Known::Unknown(Stop::Replay),
                    Err(stop) => Known::Unknown(stop),
                }
            }
            Judge::Search(searching) => {
                self.peak = searching.search.peak;
                if searching.finish() { Known::Legal } else { Known::Unknown(Stop::Replay) }
            }
            Judge::Nobody => Known::Legal,
        };
        self.close(known);
    }

    /// Whatever is known is known for good: the rest is forgotten.
    fn close(&mut self, known: Known) {
        match std::mem::replace(&mut self.judge, Judge::Nobody) {
            Judge::Register(register) => self.peak = register.peak(),
            Judge::Search(searching) => self.peak = searching.search.peak,
            Judge::Nobody => {}
        }
        self.known = known;
        self.intake = Intake::new(0);
        self.impossible = Vec::new();
    }
}

impl<M: Model> Searching<'_, M> {
    /// An entry returns: whether there still is an order.
    fn ret(&mut self, index: u32, meter: &mut Meter) -> Result<bool, Stop> {
        self.search.fed_bytes = self.replay.held_bytes();
        self.search.try_ret(index as usize, meter)?;
        if self.search.is_over() {
            return Ok(false);
        }
        if self.search.trail.as_ref().is_some_and(|trail| trail.is_full(self.spare)) {
            self.replay.place(&self.search.settle(false));
        }
        if self.search.table.len() > 2 * self.known + self.spare {
            self.search.recycle();
            self.known = self.search.table.len();
        }
        Ok(true)
    }

    /// Whether the order that was found is one.
    fn finish(mut self) -> bool {
        let order = self.search.settle(true);
        self.replay.place(&order);
        self.replay.is_whole()
    }

    fn held_bytes(&self) -> usize {
        self.search.rests_on_bytes() + self.replay.held_bytes()
    }
}

/// What is put in the place of an access that is not known yet.
const ANYTHING: Access = Access { demands: Demand::Anything, sets: None };
