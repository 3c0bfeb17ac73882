//! Power: nodes lose it. Servers die by SIGKILL, and at that moment all is gone that was not synced. Healed as a kill is.

use super::FaultError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_targets::Deployment;
use squall_targets::disk::Loss;

/// By which seed the last writes of each of so many nodes are torn. Those of every other node, about, are not: under
/// `ext4-ordered` a torn write has brought all names before it onto the disk.
pub fn tear(nodes: usize, rng: &mut ChaCha8Rng) -> Vec<Option<u64>> {
    (0..nodes).map(|_| rng.random_bool(0.5).then(|| rng.random())).collect()
}

/// Cuts the power of all nodes at once; what shows it is that the servers are gone, and what the disks have lost.
pub async fn inject(nodes: &[String], torn: &[Option<u64>], deployment: &Deployment) -> Result<String, FaultError> {
    let cuts: Vec<(&str, Option<u64>)> = nodes.iter().map(String::as_str).zip(torn.iter().copied()).collect();
    let ends = deployment.cut_power(&cuts).await?;
    let told = nodes.iter().zip(ends).map(|(node, (state, loss))| format!("{node} {state}, {}", lost(&loss)));
    Ok(told.collect::<Vec<_>>().join("; "))
}

/// What was lost, for people: `12 kB that were not synced are gone, the last write torn`.
fn lost(loss: &Loss) -> String {
    let Loss { bytes, names, torn, .. } = *loss;
    let mut told = Vec::new();
    if bytes > 0 {
        told.push(format!("{} that were not synced are gone", size(bytes)));
    }
    match names {
        0 => {}
        1 => told.push("1 change of a name is undone".into()),
        _ => told.push(format!("{names} changes of names are undone")),
    }
    match torn {
        0 => {}
        1 => told.push("the last write torn".into()),
        _ => told.push(format!("the last writes of {torn} files torn")),
    }
    if told.is_empty() { "all that it wrote was synced".into() } else { told.join(", ") }
}

/// A number of bytes as people tell it.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        few if few < 1_000.0 => format!("{bytes} bytes"),
        some if some < 1e6 => format!("{:.1} kB", some / 1e3),
        many => format!("{:.1} MB", many / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_loss_is_told_in_words() {
        let loss = |bytes, names, torn| Loss { bytes, files: 1, names, torn };
        for (loss, expected) in [
            (loss(0, 0, 0), "all that it wrote was synced"),
            (loss(812, 0, 0), "812 bytes that were not synced are gone"),
            (loss(12_345, 0, 1), "12.3 kB that were not synced are gone, the last write torn"),
            (
                loss(3_500_000, 2, 2),
                "3.5 MB that were not synced are gone, 2 changes of names are undone, the last writes of 2 files torn",
            ),
            (loss(0, 1, 0), "1 change of a name is undone"),
        ] {
            assert_eq!(lost(&loss), expected);
        }
    }

    #[test]
    fn some_last_writes_are_torn_and_some_are_not() {
        let torn = tear(40, &mut ChaCha8Rng::seed_from_u64(1));
        let count = torn.iter().flatten().count();
        assert!(torn.len() == 40 && (10..30).contains(&count), "{torn:?}");
    }
}
