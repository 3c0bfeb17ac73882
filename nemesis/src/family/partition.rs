//! Partitions: links between nodes that carry nothing. Client links are never cut here.

use super::FaultError;
use squall_targets::Deployment;
use squall_targets::cluster::Link;
use std::time::{Duration, Instant};

/// How long a cut or a healed link may take to show. It takes milliseconds; but what does not show ends the run, and an
/// overloaded machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// Both directions of every link between `group` and the others.
pub fn links(group: &[String], all: &[String]) -> Vec<Link> {
    let others = all.iter().filter(|node| !group.contains(node));
    let pairs = others.flat_map(|other| group.iter().map(move |node| (node, other)));
    let both = pairs.flat_map(|(node, other)| [(node, other), (other, node)]);
    both.map(|(from, to)| Link { from: from.clone(), to: to.clone() }).collect()
}

/// What a partition does, for people.
pub fn tell(group: &[String], all: &[String]) -> String {
    let others: Vec<&str> = all.iter().filter(|node| !group.contains(node)).map(String::as_str).collect();
    format!("cut {} off from {}", group.join(", "), others.join(", "))
}

fn names(deployment: &Deployment) -> Vec<String> {
    deployment.nodes().iter().map(|node| node.name.clone()).collect()
}

/// Cuts the links, and probes them until nothing arrives.
pub async fn inject(group: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let links = links(group, &names(deployment));
    deployment.cut(&links).await?;
    let begin = Instant::now();
    loop {
        let count = deployment.cluster().probe(&links).await?;
        if count.arrived == 0 {
            return Ok(format!("none of {} probes arrived", count.sent));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("{} of {} probes still arrive", count.arrived, count.sent)));
        }
    }
}

/// Mends the links, and probes those that no other partition holds until everything arrives.
pub async fn heal(group: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let links = links(group, &names(deployment));
    let dropped = deployment.heal(&links).await?;
    let begin = Instant::now();
    loop {
        // Another partition may have some of these links, and take or give back some at any moment.
        let count = deployment.cluster().probe(&deployment.uncut(&links)).await?;
        if count.arrived == count.sent {
            let dropped = dropped.map(|packets| format!("; {packets} packets were dropped")).unwrap_or_default();
            return Ok(format!("all of {} probes arrived{dropped}", count.sent));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("only {} of {} probes arrive", count.arrived, count.sent)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn check(group: &str, all: &str, expected: &str) {
        let shown = |link: Link| format!("{}>{}", link.from, link.to);
        let mut links: Vec<String> = links(&names(group), &names(all)).into_iter().map(shown).collect();
        links.sort();
        assert_eq!(links.join(" "), expected, "{group} of {all}");
    }

    #[test]
    fn a_partition_cuts_both_directions_between_the_sides_and_none_within() {
        check("n2", "n1 n2 n3", "n1>n2 n2>n1 n2>n3 n3>n2");
        check("n1 n2", "n1 n2 n3 n4", "n1>n3 n1>n4 n2>n3 n2>n4 n3>n1 n3>n2 n4>n1 n4>n2");
        check("n1 n2 n3", "n1 n2 n3", "");
    }

    #[test]
    fn a_partition_is_told_by_its_sides() {
        assert_eq!(tell(&names("n2"), &names("n1 n2 n3")), "cut n2 off from n1, n3");
    }
}
