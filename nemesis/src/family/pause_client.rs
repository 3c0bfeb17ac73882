//! Pause of clients: SIGSTOP, then SIGCONT, to the process of a client, its keep-alive included.

use super::FaultError;
use crate::clients::Clients;
use squall_targets::client_process::ClientProcessError;

/// Stops the processes, and waits until every thread of theirs stands still. A session may end at any moment: whoever is no
/// more is left out, unless nobody remains.
pub async fn inject(processes: &[u64], clients: &dyn Clients) -> Result<String, FaultError> {
    let (mut evidence, mut gone) = (Vec::new(), None);
    for process in processes {
        match clients.pause(*process).await {
            Ok(shown) => evidence.push(shown),
            Err(error @ ClientProcessError::Gone { .. }) => gone = gone.or(Some(error)),
            Err(error) => return Err(error.into()),
        }
    }
    match gone {
        Some(error) if evidence.is_empty() => Err(error.into()),
        _ => Ok(evidence.join("; ")),
    }
}

/// Lets the processes go on, and waits until they run; each gets its turn, also after one failed.
pub async fn heal(processes: &[u64], clients: &dyn Clients) -> Result<String, FaultError> {
    let (mut evidence, mut failed) = (Vec::new(), None);
    for process in processes {
        match clients.resume(*process).await {
            Ok(shown) => evidence.push(shown),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or_else(|| Ok(evidence.join("; ")), |error| Err(error.into()))
}
