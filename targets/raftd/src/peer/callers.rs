//! Who has called, and where they say that they are reached.
//!
//! A member may have to answer somebody who is not among the members that it knows: one that joins knows nobody, and one that
//! lags behind does not know who came since. They say where they are when they call.

use crate::types::NodeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The addresses of those who called; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Callers(Arc<Mutex<BTreeMap<NodeId, String>>>);

impl Callers {
    /// Somebody called, and is reached there.
    pub(super) fn called(&self, caller: NodeId, address: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(caller, address);
    }

    /// Where somebody who called is reached.
    pub(super) fn address(&self, caller: NodeId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&caller).cloned()
    }
}
