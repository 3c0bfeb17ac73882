//! Which calls a target supports, in the groups in which targets support them.

use squall_results::CallKind;
use squall_results::CallKind::{
    Accounts, Acquire, Add, AddFenced, AddLocked, AddToList, Cas, Elements, List, Open, Read, Release, Transfer, Write,
};

/// What registers, sets, lists and banks need.
pub const DATA: [CallKind; 10] = [Read, Write, Cas, Add, Elements, AddToList, List, Open, Transfer, Accounts];

/// What locks need, and lists that they guard.
pub const LOCKS: [CallKind; 4] = [AddLocked, AddFenced, Acquire, Release];
