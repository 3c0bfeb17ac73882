//! The clients' end of the switch: their address, and a socket at which probes of nodes arrive.

use crate::agent::probes::Probes;
use crate::remote::Arrivals;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often it is looked whether all has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Where the clients of a cluster are.
pub(super) struct ClientsEnd {
    /// The address that they come from.
    pub address: Ipv4Addr,
    /// None once the cluster is down: another may have the address then.
    probes: Mutex<Option<Probes>>,
}

impl ClientsEnd {
    /// Listens for probes.
    pub(super) fn open(address: Ipv4Addr) -> io::Result<ClientsEnd> {
        Ok(ClientsEnd { address, probes: Mutex::new(Some(Probes::listen_at(address)?)) })
    }

    /// What has arrived of a probe, as soon as all of it has or the time is over.
    pub(super) async fn count(&self, probe: u64, expected: u32, timeout: Duration) -> Arrivals {
        let deadline = Instant::now() + timeout;
        loop {
            let is_late = Instant::now() >= deadline;
            let arrivals = self.arrivals(probe);
            if arrivals.distinct >= expected || is_late {
                return arrivals;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn arrivals(&self, probe: u64) -> Arrivals {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(probes) = probes.as_mut() else { return Arrivals::default() };
        probes.collect();
        probes.arrivals(probe)
    }

    /// Listens no more.
    pub(super) fn close(&self) {
        *self.probes.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
