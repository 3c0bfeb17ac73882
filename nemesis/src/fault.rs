//! Faults as data.

use crate::change::Change;
use crate::packets::{Direction, Packets, Share};
use crate::restart::Restart;
use crate::rot::Rot;
use crate::selector::{Selector, majority_of};
use crate::shape::Shape;
use crate::skew::Skew;
use crate::span::Span;
use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use squall_targets::disk::Model;
use std::fmt;
use std::str::FromStr;

/// A kind of fault. Each has a module of its own under `family`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Links between nodes carry nothing: which ones, the fault's [`Shape`] says. Clients reach every node, unless they are what
    /// it cuts off.
    Partition,
    /// The servers of the selected nodes die by SIGKILL, and are started again.
    Kill,
    /// The servers of the selected nodes are stopped by SIGSTOP, and go on by SIGCONT.
    Pause,
    /// The processes of the selected clients are stopped by SIGSTOP, and go on by SIGCONT; servers are left alone.
    #[serde(rename = "pause-client")]
    PauseClient,
    /// The clocks of the servers of the selected nodes go wrong: how, the fault's [`Skew`] says. The machine's stay right.
    Clock,
    /// The selected nodes lose their power: the servers die, and what they had not synced is gone, as the fault's [`Model`] has
    /// it. They are started again.
    Power,
    /// The disks of the selected nodes are in trouble: in which, the fault's [`Trouble`] says.
    Disk,
    /// Packets between the selected nodes and others are delayed, lost and so on: how, the fault's [`Packets`] says.
    Packet,
    /// The servers of the selected nodes are told to end by SIGTERM, are waited for, and are started again.
    Stop,
    /// The servers of the selected nodes end and start again, over and over: how, the fault's [`Restart`] says.
    Restart,
    /// The servers of the selected nodes get a small share of a processor: which, the fault's `cpu` says.
    Starve,
    /// The selected nodes cease to be members, and are members again later: how, the fault's [`Change`] says.
    Membership,
    /// The servers of the selected nodes die by SIGKILL, their files rot as the fault's [`Rot`] says, and they are started again
    /// on what is left.
    Rot,
    /// The servers of the selected nodes are stopped until the others have acknowledged changes, and go on with requests that wait on
    /// connections that were open all the time.
    Queue,
}

impl Family {
    /// All families.
    pub const ALL: [Family; 14] = [
        Family::Partition,
        Family::Kill,
        Family::Pause,
        Family::PauseClient,
        Family::Clock,
        Family::Power,
        Family::Disk,
        Family::Packet,
        Family::Stop,
        Family::Restart,
        Family::Starve,
        Family::Membership,
        Family::Rot,
        Family::Queue,
    ];

    /// The name on the command line and in histories.
    pub fn name(self) -> &'static str {
        match self {
            Family::Partition => "partition",
            Family::Kill => "kill",
            Family::Pause => "pause",
            Family::PauseClient => "pause-client",
            Family::Clock => "clock",
            Family::Power => "power",
            Family::Disk => "disk",
            Family::Packet => "packet",
            Family::Stop => "stop",
            Family::Restart => "restart",
            Family::Starve => "starve",
            Family::Membership => "membership",
            Family::Rot => "rot",
            Family::Queue => "queue",
        }
    }

    /// What it does, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Family::Partition => "cuts links between nodes, or from nodes to clients, in one of the shapes below",
            Family::Kill => "kills servers with SIGKILL and starts them again",
            Family::Pause => "stops servers with SIGSTOP and lets them go on",
            Family::PauseClient => "stops processes of clients with SIGSTOP and lets them go on; for locks",
            Family::Clock => "sets clocks of servers wrong in one of the ways below; only when it is asked for",
            Family::Power => "cuts the power: servers die without what they did not fsync; only when it is asked for",
            Family::Disk => "disks fail, are full or slow, in one of the ways below; only when it is asked for",
            Family::Rot => {
                "lets files of killed servers rot in one of the ways below, and starts them again; only when it is asked for"
            }
            Family::Packet => {
                "delays, loses, duplicates, reorders, corrupts or squeezes packets between nodes; only when it is asked for"
            }
            Family::Stop => "ends servers by SIGTERM and starts them again; only when it is asked for",
            Family::Queue => {
                "stops servers until others have made changes, lets them go on with requests that wait; only when it is asked for"
            }
            Family::Starve => "lets servers have a small share of a processor, cpu: 5%; only when it is asked for",
            Family::Restart => {
                "ends servers and starts them again over and over, in one of the ways below; only when it is asked for"
            }
            Family::Membership => {
                "removes members while the others serve, and lets empty ones join; only when it is asked for"
            }
        }
    }

    /// Whether a storm has it for which nobody chose faults. Clocks, disks and packets need what not every machine allows: to
    /// reach into another process, to mount a file system of one's own, netem or a device; not every target changes its members.
    /// The others came later than seeds whose storms people know.
    pub fn is_usual(self) -> bool {
        matches!(self, Family::Partition | Family::Kill | Family::Pause | Family::PauseClient)
    }

    /// Whether the servers' data must lie on disks of squall's before they start.
    pub fn needs_disks(self) -> bool {
        matches!(self, Family::Power | Family::Disk)
    }

    /// Whether it is about what nodes send to each other, so that a single node cannot have it.
    pub fn needs_links(self) -> bool {
        matches!(self, Family::Partition | Family::Packet)
    }

    /// Whether it ends, stops or starts servers, or changes what they have on their disks; their membership is none of it.
    pub fn touches_servers(self) -> bool {
        match self {
            Family::Kill | Family::Pause | Family::Stop | Family::Restart | Family::Starve | Family::Queue => true,
            Family::Power | Family::Disk | Family::Rot => true,
            Family::Partition | Family::Packet | Family::Clock | Family::PauseClient | Family::Membership => false,
        }
    }

    /// Whether it hits clients; the others hit nodes.
    pub fn hits_clients(self) -> bool {
        self == Family::PauseClient
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Family, String> {
        let found = Family::ALL.into_iter().find(|family| family.name() == text);
        found.ok_or_else(|| format!("there is no fault called `{text}`"))
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What.
    pub family: Family,
    /// Which links a partition cuts; the default for all other families.
    pub shape: Shape,
    /// How long a flapping partition's links are cut, and then open, by turns; none for one that stays.
    pub flapping: Option<Span>,
    /// What is wrong with clocks; none for all other families.
    pub skew: Option<Skew>,
    /// What a disk forgets that loses its power; none for all other families, and where the default will do.
    pub model: Option<Model>,
    /// What is wrong with disks; none for all other families.
    pub trouble: Option<Trouble>,
    /// What is wrong with packets; none for all other families.
    pub packets: Option<Packets>,
    /// How members change; none for all other families.
    pub change: Option<Change>,
    /// On which links; the default for all other families.
    pub direction: Direction,
    /// How servers end and start again; none for all other families.
    pub restart: Option<Restart>,
    /// For which share of the time servers may run; none for all other families.
    pub cpu: Option<Share>,
    /// How files rot; none for all other families.
    pub rot: Option<Rot>,
    /// To whom.
    pub selector: Selector,
}

/// The shortest time for which flapping links stay cut or open: a change of the rules itself takes some 20 ms.
pub const FLAPPING_MIN: Span = Span::from_ms(100);

/// The least and the greatest share of a processor: a turn of a millisecond, and one that still shows.
const CPU_MIN: Share = Share::from_ppm(10_000);
const CPU_MAX: Share = Share::from_ppm(900_000);

impl Fault {
    /// Why this fault makes no sense among these nodes; none if it does.
    pub fn refuses(&self, nodes: &[String]) -> Option<String> {
        if self.family.hits_clients() && !matches!(self.selector, Selector::One | Selector::Holder | Selector::All) {
            return Some(format!("clients are selected by one, holder or all, not by {}", self.selector));
        }
        if !self.family.hits_clients() && self.selector == Selector::Holder {
            return Some("only clients hold locks; nodes are selected in other ways".into());
        }
        if nodes.len() < 2 && matches!(self.selector, Selector::Follower | Selector::Followers) {
            return Some("a single node has no followers; write select: one".into());
        }
        match (self.family, &self.skew) {
            (Family::Clock, None) => return Some("what is wrong? say for instance skew: {jump: 57s}".into()),
            (Family::Clock, Some(skew)) => {
                if let Some(why) = skew.refuses() {
                    return Some(why);
                }
            }
            (_, Some(_)) => return Some("only a clock has a skew; leave it out".into()),
            (_, None) => {}
        }
        if self.family == Family::Queue && nodes.len() < self.selector.count(nodes.len()) + majority_of(nodes.len()) {
            return Some(format!(
                "the others must go on without {} of {} nodes; select fewer",
                self.selector,
                nodes.len()
            ));
        }
        let about_machines =
            self.refuses_disks().or_else(|| self.refuses_packets(nodes)).or_else(|| self.refuses_rot(nodes));
        let why = about_machines.or_else(|| self.refuses_servers()).or_else(|| self.refuses_change(nodes));
        if let Some(why) = why {
            return Some(why);
        }
        if self.family != Family::Partition {
            let has_links = self.shape != Shape::default() || self.flapping.is_some();
            return has_links.then(|| "only a partition has a shape or is flapping; leave both out".into());
        }
        if let Some(flapping) = self.flapping.filter(|flapping| *flapping < FLAPPING_MIN) {
            return Some(format!("links cannot flap every {flapping}; give them {FLAPPING_MIN} at least"));
        }
        self.shape.refuses(nodes, &self.selector)
    }

    /// Why what it says of disks makes no sense; none if it does.
    fn refuses_disks(&self) -> Option<String> {
        if self.family != Family::Power && self.model.is_some() {
            return Some("only a loss of power has a model; leave it out".into());
        }
        match (self.family, &self.trouble) {
            (Family::Disk, None) => {
                Some("what is wrong? say for instance trouble: eio, or trouble: {slow: 200ms}".into())
            }
            (Family::Disk, Some(trouble)) => trouble.refuses(),
            (_, Some(_)) => Some("only a disk has a trouble; leave it out".into()),
            (_, None) => None,
        }
    }

    /// Why what it says of servers makes no sense; none if it does.
    fn refuses_servers(&self) -> Option<String> {
        match (self.family, &self.restart) {
            (Family::Restart, None) => Some("how? say for instance restart: crash_loop, or restart: rolling".into()),
            (Family::Restart, Some(restart)) => restart.refuses(),
            (_, Some(_)) => Some("only the family restart has a restart; leave it out".into()),
            (_, None) => self.refuses_share(),
        }
    }

    /// Why its share of a processor makes no sense; none if it does.
    fn refuses_share(&self) -> Option<String> {
        match (self.family, self.cpu) {
            (Family::Starve, None) => Some("how much is left? say for instance cpu: 5%".into()),
            (Family::Starve, Some(share)) if !(CPU_MIN..=CPU_MAX).contains(&share) => Some(format!(
                "a server cannot be starved to {share} of a processor; give it from {CPU_MIN} to {CPU_MAX}"
            )),
            (Family::Starve, Some(_)) | (_, None) => None,
            (_, Some(_)) => Some("only the family starve has a cpu; leave it out".into()),
        }
    }

    /// Why what it says of members makes no sense; none if it does.
    fn refuses_change(&self, nodes: &[String]) -> Option<String> {
        match (self.family, self.change) {
            (Family::Membership, None) => Some("how? say for instance change: remove, or change: replace".into()),
            (Family::Membership, Some(change)) => change.refuses(&self.selector, nodes.len()),
            (_, Some(_)) => Some("only a change of the members has a change; leave it out".into()),
            (_, None) => None,
        }
    }

    /// Why what it says of rot makes no sense; none if it does.
    fn refuses_rot(&self, nodes: &[String]) -> Option<String> {
        match (self.family, &self.rot) {
            (Family::Rot, None) => Some("how do files rot? say for instance rot: {flip: 1}".into()),
            (Family::Rot, Some(rot)) => rot.refuses(nodes, &self.selector),
            (_, Some(_)) => Some("only rot has a rot; leave it out".into()),
            (_, None) => None,
        }
    }

    /// Why what it says of packets makes no sense; none if it does.
    fn refuses_packets(&self, nodes: &[String]) -> Option<String> {
        match (self.family, &self.packets) {
            (Family::Packet, None) => Some("what is wrong? say for instance packets: {loss: 20%}".into()),
            (Family::Packet, Some(packets)) => {
                packets.refuses().or_else(|| self.direction.refuses(nodes, &self.selector))
            }
            (_, Some(_)) => Some("only a packet fault has packets; leave them out".into()),
            (_, None) if self.direction != Direction::default() => {
                Some("only a packet fault has a direction; leave it out".into())
            }
            (_, None) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.family)?;
        if self.shape != Shape::default() {
            write!(f, " ({})", self.shape)?;
        }
        if let Some(skew) = self.skew {
            write!(f, " ({skew})")?;
        }
        if let Some(model) = self.model {
            write!(f, " ({model})")?;
        }
        if let Some(trouble) = self.trouble {
            write!(f, " ({trouble})")?;
        }
        if let Some(packets) = self.packets {
            write!(f, " ({packets})")?;
        }
        if let Some(restart) = self.restart {
            write!(f, " ({restart})")?;
        }
        if let Some(cpu) = self.cpu {
            write!(f, " ({cpu} of a processor)")?;
        }
        if let Some(change) = self.change {
            write!(f, " ({change})")?;
        }
        if let Some(rot) = &self.rot {
            write!(f, " ({rot})")?;
        }
        write!(f, " of {}", self.selector)
    }
}
