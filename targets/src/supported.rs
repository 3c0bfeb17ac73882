//! Which calls a target supports, in the groups in which targets support them.

use squall_results::CallKind;
use squall_results::CallKind::{
    Accounts, Acquire, Add, AddFenced, AddLocked, AddToList, Cas, Elements, List, ListTransaction, Open, Read, Release,
    Transaction, Transfer, Write,
};

/// What registers, sets, lists and banks need.
pub const DATA: [CallKind; 10] = [Read, Write, Cas, Add, Elements, AddToList, List, Open, Transfer, Accounts];

/// What transactions over several registers or lists need.
pub const TRANSACTIONS: [CallKind; 2] = [Transaction, ListTransaction];

/// What locks need, and lists that they guard.
pub const LOCKS: [CallKind; 4] = [AddLocked, AddFenced, Acquire, Release];
