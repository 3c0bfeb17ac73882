//! `squall list`.

mod fits;

use super::{ListArgs, print};
use crate::exit::Exit;
use crate::narrate::{BOLD, RESET};
use squall_targets::target::{BugInfo, Storm};
use std::fmt::Write;

pub(super) fn main(args: &ListArgs) -> Exit {
    let text = match args {
        ListArgs { bugs: true, .. } => bugs(),
        ListArgs { long: true, .. } => fits::text(),
        ListArgs { bugs: false, long: false } => text(),
    };
    print(&text);
    Exit::Valid
}

/// Every planted bug with all that is known of it.
fn bugs() -> String {
    let mut out = String::new();
    for target in squall_targets::target::ALL {
        for bug in (target.bugs)() {
            let rows = [
                ("what it does", bug.about.to_owned()),
                ("breaks", bug.breaks.to_owned()),
                ("mirrors", bug.mirrors.clone()),
                ("shows under", bug.shows_under.to_owned()),
                ("clients see it", bug.unseen.map_or("yes".into(), |why| format!("no: {why}"))),
                ("see it", see(target.name, &bug)),
            ];
            section(&mut out, bug.name, rows.map(|(name, about)| (name.to_owned(), about)).into());
        }
    }
    out
}

/// The command that shows a bug.
fn see(target: &str, bug: &BugInfo) -> String {
    match bug.storm {
        Storm::Shows(flags) => {
            let flags: String = flags.iter().map(|flag| format!(" {flag}")).collect();
            format!("squall test {target} --bug {}{flags}", bug.name)
        }
        Storm::Hidden(why) => format!("in no storm yet: {why}"),
    }
}

fn text() -> String {
    let targets = squall_targets::target::ALL.iter().map(|target| {
        let about = format!("{}; promises: {}", target.about, target.reads[0].promise);
        (target.name.to_owned(), about)
    });
    let reads = squall_targets::target::ALL.iter().flat_map(|target| {
        target.reads.iter().map(|mode| {
            let about = format!("{}; promises: {}", mode.about, mode.promise);
            (format!("{} --read {}", target.name, mode.name), about)
        })
    });
    let settings = squall_targets::target::ALL.iter().flat_map(|target| {
        target.settings.iter().map(|setting| {
            let about = format!("{}; default {}, fast {}", setting.about, setting.default, setting.fast);
            (format!("{} --set {}=N", target.name, setting.name), about)
        })
    });
    let workloads = squall_workloads::ALL.iter().map(|workload| (workload.name.to_owned(), workload.about.to_owned()));
    let faults = squall_nemesis::Family::ALL.iter().map(|family| (family.name().to_owned(), family.about().to_owned()));
    let selectors =
        squall_nemesis::Selector::ALL.iter().map(|(selector, about)| ((*selector).to_owned(), (*about).to_owned()));
    let triggers =
        squall_nemesis::Trigger::ALL.iter().map(|(trigger, about)| ((*trigger).to_owned(), (*about).to_owned()));
    let shapes = squall_nemesis::Shape::ALL.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned()));
    let skews = squall_nemesis::Skew::ALL.iter().map(|(skew, about)| ((*skew).to_owned(), (*about).to_owned()));
    let troubles =
        squall_nemesis::Trouble::ALL.iter().map(|(trouble, about)| ((*trouble).to_owned(), (*about).to_owned()));
    let disks =
        squall_targets::disk::Model::ALL.iter().map(|model| (model.name().to_owned(), model.about().to_owned()));
    let packets = squall_nemesis::Packets::ALL.iter().map(|(what, about)| ((*what).to_owned(), (*about).to_owned()));
    let restarts =
        squall_nemesis::Restart::ALL.iter().map(|(restart, about)| ((*restart).to_owned(), (*about).to_owned()));
    let changes = squall_nemesis::Change::ALL.iter().map(|(what, about)| ((*what).to_owned(), (*about).to_owned()));
    let rots = squall_nemesis::Rot::ALL.iter().map(|(rot, about)| ((*rot).to_owned(), (*about).to_owned()));
    let models = squall_results::models::ALL.iter().map(|model| (model.name.to_owned(), model.about.to_owned()));
    let bugs = squall_targets::target::ALL.iter().flat_map(|target| {
        (target.bugs)().into_iter().map(|bug| (format!("{} --bug {}", target.name, bug.name), bug.about.to_owned()))
    });
    let mut out = String::new();
    section(&mut out, "targets", targets.collect());
    section(&mut out, "ways to read", reads.collect());
    section(&mut out, "settings of targets", settings.collect());
    section(&mut out, "workloads", workloads.collect());
    section(&mut out, "faults", faults.collect());
    section(&mut out, "who is hit, for plans: {at: 1s, for: 3s, fault: kill, select: ...}", selectors.collect());
    section(
        &mut out,
        "what a fault may wait for, for plans: {after: ..., for: 3s, fault: kill, select: leader}; with wait: 200ms, within: 10s",
        triggers.collect(),
    );
    section(&mut out, "shapes of a partition, for plans; with flapping: 200ms it comes and goes", shapes.collect());
    section(
        &mut out,
        "skews of a clock, for plans: {at: 1s, for: 3s, fault: clock, skew: ..., select: one}",
        skews.collect(),
    );
    section(
        &mut out,
        "troubles of a disk, for plans: {at: 1s, for: 3s, fault: disk, trouble: ..., select: one}",
        troubles.collect(),
    );
    section(&mut out, "what is left when power is lost: {..., fault: power, model: ext4-ordered}", disks.collect());
    section(
        &mut out,
        "packet faults, for plans: {at: 1s, for: 3s, fault: packet, packets: ..., select: leader}; direction: from, to or {links: [n1>n2]}",
        packets.collect(),
    );
    section(
        &mut out,
        "restarts of servers, for plans: {at: 1s, for: 3s, fault: restart, restart: ..., select: all}",
        restarts.collect(),
    );
    section(
        &mut out,
        "changes of the members, for plans: {at: 1s, for: 3s, fault: membership, change: ..., select: one}",
        changes.collect(),
    );
    section(
        &mut out,
        "how files rot, for plans: {at: 1s, for: 3s, fault: rot, rot: ..., select: follower}; with file: \"PATTERN\" below the data",
        rots.collect(),
    );
    section(&mut out, "models that judge anybody's history: squall check FILE --model", models.collect());
    section(&mut out, "planted bugs", bugs.collect());
    out
}

fn section(out: &mut String, title: &str, rows: Vec<(String, String)>) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let _ = writeln!(out, "{BOLD}{title}{RESET}");
    for (name, about) in rows {
        let _ = writeln!(out, "  {name:<width$}  {about}");
    }
}
