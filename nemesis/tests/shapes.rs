//! Every shape on a real cluster of five nodes: exactly the links that it names are dead, and all are alive once it is
//! healed.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the nodes.

use libtest_mimic::{Arguments, Trial};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_nemesis::selector::Roles;
use squall_nemesis::{Selector, Shape};
use squall_targets::cluster::{CLIENTS, Cluster, ClusterOptions, Link};
use squall_targets::sandbox::{self, Sandbox};
use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "exactly_the_links_of_a_shape_are_cut";

/// How long a machine that is busy with other things may take to deliver over a link that is whole.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == squall_targets::agent::ARGUMENT) {
        return squall_targets::agent::run(arguments);
    }
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, vec![Trial::test(NAME, || Ok(()))]).exit_code();
    }
    let sandbox = match sandbox::enter() {
        Ok(sandbox) => sandbox,
        Err(error) => {
            eprintln!("failed to {error}");
            return ExitCode::FAILURE;
        }
    };
    let trial = Trial::test(NAME, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(every_shape(&sandbox));
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// Each shape with whom it is tried on.
fn tried() -> Vec<(Shape, Selector)> {
    let links = ["n1>n2", "n5>n1", "n3>n4", "n4>n3"].map(|text| text.parse().unwrap());
    vec![
        (Shape::Split, Selector::One),
        (Shape::Split, Selector::Minority),
        (Shape::Minority, Selector::One),
        (Shape::Halves, Selector::All),
        (Shape::Bridge, Selector::One),
        (Shape::MajoritiesRing, Selector::All),
        (Shape::Mute, Selector::Minority),
        (Shape::Deaf, Selector::One),
        (Shape::Clients, Selector::Minority),
        (Shape::Links(links.into()), Selector::All),
    ]
}

async fn every_shape(sandbox: &Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    let nodes: Vec<String> = (1..=5).map(|number| format!("n{number}")).collect();
    let agent = env::current_exe().unwrap();
    let options = ClusterOptions {
        names: nodes.clone(),
        folder: folder.path().join("nodes"),
        cut: None,
        packets: Default::default(),
        agent,
    };
    let cluster = Arc::new(Cluster::up(sandbox, options).await.unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    expect(&cluster, &nodes, &[], "before any cut").await;
    let tried = tried();
    let names: BTreeSet<&str> = tried.iter().map(|(shape, _)| shape.name()).collect();
    assert_eq!(names.len(), Shape::ALL.len(), "every shape has its turn");
    for (shape, selector) in tried {
        assert_eq!(shape.refuses(&nodes, &selector), None);
        let selected = selector.resolve(&nodes, Roles::default(), &[], &mut rng).unwrap();
        let cut = shape.cut(&nodes, &selected, &mut rng);
        cluster.cut(&cut.links).await.unwrap();
        expect(&cluster, &nodes, &cut.links, &format!("{shape} of {selector}: {}", cut.what)).await;
        cluster.heal(&cut.links).await.unwrap();
        expect(&cluster, &nodes, &[], &format!("healed: {}", cut.what)).await;
    }
    cluster.down().await.unwrap();
}

/// Every way from one node to another, and to the clients.
fn every_link(nodes: &[String]) -> Vec<Link> {
    let ends = || nodes.iter().map(String::as_str).chain([CLIENTS]);
    let pairs = nodes.iter().flat_map(|from| ends().map(move |to| (from, to)));
    pairs.filter(|(from, to)| from != to).map(|(from, to)| Link { from: from.clone(), to: to.to_owned() }).collect()
}

/// No datagram passes a link of `dead`, and all pass every other one.
async fn expect(cluster: &Arc<Cluster>, nodes: &[String], dead: &[Link], when: &str) {
    let begin = Instant::now();
    let mut left = every_link(nodes);
    assert_eq!(left.len(), 25, "every pair of five nodes in both directions, and from each to the clients");
    // Never a second chance for a dead link; only what is to arrive may be late.
    while !left.is_empty() {
        let mut asked = Vec::new();
        for link in std::mem::take(&mut left) {
            let cluster = Arc::clone(cluster);
            asked.push(tokio::spawn(async move { (cluster.probe(std::slice::from_ref(&link)).await.unwrap(), link) }));
        }
        for probe in asked {
            let (count, link) = probe.await.unwrap();
            assert!(count.sent > 0);
            if dead.contains(&link) {
                assert_eq!(count.arrived, 0, "{when}: {link} is to be dead");
            } else if count.arrived < count.sent {
                left.push(link);
            }
        }
        assert!(begin.elapsed() < PATIENCE, "{when}: these are to be alive: {left:?}");
    }
}
