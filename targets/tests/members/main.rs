//! Members of real clusters that leave and join, seen from outside: `curl`, or the command line of ZooKeeper, asks who belongs to them.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the nodes, and their raftd.

mod outside;
mod stage;

use libtest_mimic::{Arguments, Failed, Trial};
use outside::members;
use squall_targets::deployment::{DeployError, Joined};
use squall_targets::remote::ProcessState;
use squall_targets::target::TargetInfo;
use squall_targets::{agent, raft, sandbox, target};
use stage::{PATIENCE, Stage, until};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == agent::ARGUMENT) {
        return agent::run(arguments);
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == raft::ARGUMENT) {
        return raftd::cli::main(std::env::args_os().skip(1));
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let sandbox = if arguments.list { Ok(()) } else { sandbox::enter().map(stage::set_sandbox) };
    if let Err(error) = sandbox {
        eprintln!("failed to {error}");
        return ExitCode::FAILURE;
    }
    let changed = target::ALL.iter().filter(|info| info.least_members.is_ok());
    let trials = changed.map(|info| {
        Trial::test(format!("members_of_{}_leave_and_join", info.name), move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(everything(info));
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

async fn everything(info: &'static TargetInfo) {
    let stage = Stage::up(info).await;
    stage.write("n1", 1).await;
    the_leader_is_removed_and_joins_again(&stage).await;
    a_dead_member_is_replaced(&stage).await;
    nobody_is_removed_who_is_needed(&stage).await;
    as_many_as_may_leave_and_join_again(&stage).await;
    a_spare_joins_and_leaves(&stage).await;
    stage.deployment.cluster().down().await.unwrap();
}

async fn the_leader_is_removed_and_joins_again(stage: &Stage) {
    let servers = &stage.deployment;
    let leader = stage.leader().await;
    let others = stage.others(&leader);
    let before = members(stage, &leader);
    assert_eq!(before.len(), 3, "{before:?}");
    let marker = stage.data(&leader).join("marker");
    std::fs::write(&marker, "of its first life").unwrap();

    let changed = servers.remove_members(std::slice::from_ref(&leader), PATIENCE).await.unwrap();
    assert_eq!((changed.before.len(), changed.after.len()), (3, 2), "{changed:?}");
    assert!(!servers.is_member(&leader));
    for other in &others {
        let seen = members(stage, other);
        assert_eq!(seen.keys().collect::<Vec<_>>(), others.iter().collect::<Vec<_>>(), "{other} lists {seen:?}");
    }
    stage.write(&others[0], 2).await;
    if servers.target().name() == "zookeeper" {
        it_follows_without_a_vote(stage, &leader, &others).await;
    } else {
        // The others go on, and it does not answer for them any more.
        until("the one that was removed has learned it", async || !stage.writes(&leader, 3).await).await;
    }

    let joined = servers.bring_in(&leader, PATIENCE).await.unwrap();
    let Joined::Anew { member, goal, applied, .. } = joined else { panic!("{joined:?}") };
    assert!(goal > 0 && applied >= goal, "{joined:?}");
    assert!(servers.is_member(&leader) && !marker.exists(), "it has joined, and from an empty folder");
    for node in servers.nodes() {
        let seen = members(stage, &node.name);
        assert_eq!(seen.len(), 3, "{} lists {seen:?}", node.name);
        assert_eq!(seen[&leader], member.number, "{seen:?}");
        assert!(!seen.values().any(|number| *number == before[&leader]), "nobody has the number {before:?}");
    }
    // What was written while it was away, it answers by itself.
    assert_eq!((stage.knows(&leader, 1).await, stage.knows(&leader, 2).await), (true, true));
    stage.write(&leader, 4).await;
    assert_eq!(servers.bring_in(&leader, PATIENCE).await.unwrap(), Joined::Stayed, "there is nothing to be done");
}

/// A ZooKeeper that was removed knows it, and goes on to serve its clients; in majorities it does not count.
async fn it_follows_without_a_vote(stage: &Stage, removed: &str, others: &[String]) {
    until("it has learned it", async || !members(stage, removed).contains_key(removed)).await;
    stage.write(removed, 3).await;
    stage.deployment.kill(&others[1]).await.unwrap();
    until("one of two members with it is no majority", async || !stage.writes(removed, 7).await).await;
    stage.deployment.start(&others[1]).await.unwrap();
    stage.deployment.await_agreement(PATIENCE).await.unwrap();
    stage.write(removed, 8).await;
}

async fn a_dead_member_is_replaced(stage: &Stage) {
    let servers = &stage.deployment;
    let leader = stage.leader().await;
    let dead = stage.others(&leader).remove(0);
    let before = members(stage, &leader);
    servers.give_up(std::slice::from_ref(&dead)).await.unwrap();
    servers.kill(&dead).await.unwrap();
    assert_eq!(members(stage, &leader), before, "it is dead, and a member");
    stage.write(&leader, 5).await;
    let joined = servers.bring_in(&dead, PATIENCE).await.unwrap();
    assert!(matches!(joined, Joined::Anew { .. }), "{joined:?}");
    let after = members(stage, &leader);
    assert!(after.len() == 3 && after[&dead] != before[&dead], "{before:?}, then {after:?}");
    assert!(stage.knows(&dead, 5).await);
    // It is started again as what it is now.
    servers.kill(&dead).await.unwrap();
    servers.start(&dead).await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(members(stage, &dead), after);
}

async fn nobody_is_removed_who_is_needed(stage: &Stage) {
    let servers = &stage.deployment;
    let before = members(stage, "n1");
    servers.kill("n3").await.unwrap();
    for (nodes, why) in [
        (&["n2"][..], "only 1 of the 2 that would be left answer"),
        (&["n1", "n2", "n3"], "0 would be left, and it must be "),
    ] {
        let nodes: Vec<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
        let refused = servers.remove_members(&nodes, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, DeployError::NotChanged { .. }) && refused.to_string().contains(why), "{refused}");
        let refused = servers.give_up(&nodes).await.unwrap_err();
        assert!(matches!(refused, DeployError::NotChanged { .. }), "{refused}");
    }
    assert!(servers.is_member("n2"), "nothing was asked for");
    servers.start("n3").await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(members(stage, "n1"), before);
}

async fn as_many_as_may_leave_and_join_again(stage: &Stage) {
    let servers = &stage.deployment;
    let least = servers.target().members().unwrap().least();
    let leave: Vec<String> = (1..=3 - least).map(|number| format!("n{number}")).collect();
    let changed = servers.remove_members(&leave, PATIENCE).await.unwrap();
    assert_eq!(changed.after.len(), least, "{changed:?}");
    assert!(members(stage, "n3").keys().all(|member| !leave.contains(member)));
    stage.write("n3", 6).await;
    servers.restore_members(PATIENCE).await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    for node in servers.nodes() {
        assert_eq!(members(stage, &node.name).len(), 3);
        assert_eq!(servers.state(&node.name).await.unwrap(), ProcessState::Running);
        assert!(stage.knows(&node.name, 6).await, "{} has what was written while it was away", node.name);
    }
}

async fn a_spare_joins_and_leaves(stage: &Stage) {
    let servers = &stage.deployment;
    assert!(!servers.take_out("n4", PATIENCE).await.unwrap(), "it is no member, and has no server");
    assert!(!servers.takes_part("n4") && !members(stage, "n1").contains_key("n4"));
    let (mut numbers, marker) = (Vec::new(), stage.data("n4").join("marker"));
    for key in [9, 10] {
        let joined = servers.bring_in("n4", PATIENCE).await.unwrap();
        let Joined::Anew { member, goal, applied, .. } = joined else { panic!("{joined:?}") };
        assert!(goal > 0 && applied >= goal, "{joined:?}");
        for node in servers.all() {
            let seen = members(stage, &node.name);
            assert_eq!((seen.len(), seen.get("n4")), (4, Some(&member.number)), "{} lists {seen:?}", node.name);
        }
        assert!(stage.knows("n4", 6).await, "it has what was written before it came");
        numbers.push(member.number);
        // It counts: of four, three must be there.
        servers.kill("n1").await.unwrap();
        stage.write("n4", key).await;
        servers.kill("n2").await.unwrap();
        assert!(!stage.writes("n4", key + 20).await, "two of four are no majority");
        servers.start("n1").await.unwrap();
        servers.start("n2").await.unwrap();
        servers.await_agreement(PATIENCE).await.unwrap();
        if key == 9 {
            std::fs::write(&marker, "of its first life").unwrap();
            assert!(servers.take_out("n4", PATIENCE).await.unwrap());
        } else {
            assert!(!marker.exists(), "it has joined from an empty folder");
            servers.restore_members(PATIENCE).await.unwrap();
        }
        assert!(matches!(servers.state("n4").await.unwrap(), ProcessState::Gone { .. }) && !servers.takes_part("n4"));
        let seen = members(stage, "n1");
        assert_eq!(seen.keys().collect::<Vec<_>>(), ["n1", "n2", "n3"], "{seen:?}");
    }
    assert_ne!(numbers[0], numbers[1], "nobody has a number twice");
    servers.await_agreement(PATIENCE).await.unwrap();
    stage.write("n1", 11).await;
}
