//! Random courses of events.

use squall_results::{Call, Operation, Outcome};

/// Numbers that look random; the same for the same seed, on every machine (splitmix64, Steele et al., 2014).
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A call with the moment at which it takes effect, not yet answered.
pub struct Planned {
    pub operation: Operation,
    pub effect_ns: u64,
    pub crashes: bool,
}

/// `count` calls of `processes` processes, by the moment of their effect. A process whose call crashes is followed by a
/// new one.
pub fn plan(
    random: &mut Random,
    count: u64,
    processes: u64,
    crashed_percent: u64,
    mut call: impl FnMut(&mut Random, u64) -> Call,
) -> Vec<Planned> {
    let mut free: Vec<(u64, u64)> = (0..processes).map(|process| (process, 0)).collect();
    let mut planned = Vec::new();
    for id in 0..count {
        let at = random.below(processes) as usize;
        let (process, free_ns) = free[at];
        let invoked_ns = free_ns + random.below(4);
        let returned_ns = invoked_ns + random.below(6);
        let crashes = random.chance(crashed_percent);
        let lasts = if crashes { 20 } else { returned_ns - invoked_ns + 1 };
        let effect_ns = invoked_ns + random.below(lasts);
        free[at] = if crashes { (process + 10, returned_ns) } else { (process, returned_ns) };
        let (call, node, due_ns, outcome) =
            (call(random, id), "n1".into(), invoked_ns, Outcome::Fail("planned".into()));
        let operation =
            Operation { id, process, node, call, due_ns, invoked_ns, returned_ns: Some(returned_ns), outcome };
        planned.push(Planned { operation, effect_ns, crashes });
    }
    planned.sort_by_key(|planned| planned.effect_ns);
    planned
}

/// The answered operations, by invocation.
pub fn by_invocation(mut operations: Vec<Operation>) -> Vec<Operation> {
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    operations
}
