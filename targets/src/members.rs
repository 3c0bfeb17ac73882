//! Who belongs to a cluster, and how a target changes that while it serves.
//!
//! A target tells how its members are listed, removed and added, one at a time. What is asked when, of whom, and what to make of
//! the answers, is the affair of a [`Deployment`](crate::Deployment).

use crate::cluster::Node;
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use std::fmt;
use std::net::Ipv4Addr;

/// A member of a cluster, as a server lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The number that the target knows it by; no two members ever have the same.
    pub number: u64,
    /// Where the others reach it.
    pub address: Ipv4Addr,
    /// Whether it counts in majorities; one that is still learning does not.
    pub votes: bool,
}

/// Why a change of the members was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotChanged {
    /// It certainly was not, and this request never will.
    Refused(String),
    /// It may have been, or may yet.
    InDoubt(String),
}

impl fmt::Display for NotChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotChanged::Refused(why) => f.pad(why),
            NotChanged::InDoubt(why) => write!(f, "{why}; it may come about yet"),
        }
    }
}

/// How a target changes its members.
#[async_trait]
pub trait Members: Send + Sync {
    /// The fewest members that may be left when some are removed.
    fn least(&self) -> usize {
        1
    }

    /// The members as the server of `node` lists them, by number; only what it knows to be agreed upon.
    ///
    /// # Errors
    /// Why there is no such list, for people.
    async fn list(&self, node: &Node) -> Result<Vec<Member>, String>;

    /// Asks the server of `through` to remove a member. To have removed it before is no success.
    ///
    /// # Errors
    /// What is known of the change then.
    async fn remove(&self, through: &Node, number: u64) -> Result<(), NotChanged>;

    /// Asks the server of `through` to add the one that will be on `node`, under a `number` that no member has had, where the target
    /// lets one choose.
    ///
    /// # Errors
    /// What is known of the change then.
    async fn add(&self, through: &Node, node: &Node, number: u64) -> Result<(), NotChanged>;

    /// Whether who joins must be there before it is added.
    fn starts_before_added(&self) -> bool {
        false
    }

    /// The server on `node` that joins, with an empty folder, the cluster of these `members` under this `number`, where one can be
    /// chosen; of all `nodes`. Unless it starts before it is added it is among the members.
    fn newcomer(&self, node: &Node, number: u64, members: &[Member], nodes: &[Node]) -> DaemonSpec;

    /// How much of what was agreed upon the server of `node` has applied.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    async fn applied(&self, node: &Node) -> Result<u64, String>;
}

/// The members that a majority of themselves list alike, of those that are `wanted`: the cluster had agreed upon them. `lists` says who
/// listed what.
pub fn agreed<'a>(lists: &'a [(Ipv4Addr, Vec<Member>)], wanted: impl Fn(&[Member]) -> bool) -> Option<&'a [Member]> {
    let is_agreed = |list: &&'a Vec<Member>| {
        let voters: Vec<Ipv4Addr> = list.iter().filter(|member| member.votes).map(|member| member.address).collect();
        let agree = lists.iter().filter(|(who, other)| other == *list && voters.contains(who)).count();
        2 * agree > voters.len() && wanted(list)
    };
    lists.iter().map(|(_, list)| list).find(is_agreed).map(Vec::as_slice)
}

/// Why a cluster of `members`, of whom the `alive` answer, would not be able to agree upon anything while those `leaving` are
/// taken away one after the other, or afterwards, or has fewer members then than the `least`; none if it would.
pub fn loses_majority(members: &[Member], alive: &[Ipv4Addr], leaving: &[Ipv4Addr], least: usize) -> Option<String> {
    let voters: Vec<Ipv4Addr> = members.iter().filter(|member| member.votes).map(|member| member.address).collect();
    let is_alive = |address: &&Ipv4Addr| alive.contains(address);
    let (now, alive_now) = (voters.len(), voters.iter().filter(is_alive).count());
    if 2 * alive_now <= now {
        return Some(format!("only {alive_now} of {now} members answer, which is no majority"));
    }
    let left: Vec<Ipv4Addr> = voters.into_iter().filter(|address| !leaving.contains(address)).collect();
    let (then, alive_then) = (left.len(), left.iter().filter(is_alive).count());
    if then < least {
        return Some(format!("{then} would be left, and it must be {least} at least"));
    }
    if 2 * alive_then <= then {
        return Some(format!("only {alive_then} of the {then} that would be left answer, which is no majority"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    /// Members by number and place: `1@1 2@2 4@3?`, where a question mark stands behind one that learns.
    fn members(text: &str) -> Vec<Member> {
        let member = |word: &str| {
            let (number, place) = word.trim_end_matches('?').split_once('@').unwrap();
            Member { number: number.parse().unwrap(), address: at(place.parse().unwrap()), votes: !word.ends_with('?') }
        };
        text.split_whitespace().map(member).collect()
    }

    fn check(lists: &[(u8, &str)], wanted: impl Fn(&[Member]) -> bool, expected: Option<&str>) {
        let owned: Vec<_> = lists.iter().map(|(who, list)| (at(*who), members(list))).collect();
        assert_eq!(agreed(&owned, wanted).map(<[Member]>::to_vec), expected.map(members), "{lists:?}");
    }

    #[test]
    fn what_a_majority_of_the_listed_lists_is_agreed_upon() {
        let (all, two, four) = ("1@1 2@2 3@3", "1@1 2@2", "1@1 2@2 4@3");
        let any = |_: &[Member]| true;
        check(&[(1, all), (2, all)], any, Some(all));
        check(&[(1, all)], any, None);
        check(&[], any, None);
        // Who was removed may still list itself, and it may be believed as long as those that are left do not both know better.
        check(&[(1, two), (2, two), (3, all)], any, Some(two));
        check(&[(1, two), (3, all)], any, None);
        // Who is no member has no say.
        check(&[(1, two), (3, two)], any, None);
        // Nor has one that learns.
        check(&[(1, "1@1 2@2 4@3?"), (3, "1@1 2@2 4@3?")], any, None);
        check(&[(1, "1@1 2@2 4@3?"), (2, "1@1 2@2 4@3?")], any, Some("1@1 2@2 4@3?"));
        check(&[(2, four), (3, four)], any, Some(four));
        // Of two that are agreed upon, by whatever mistake of the servers, the one that is wanted.
        let without = |number: u64| move |list: &[Member]| list.iter().all(|member| member.number != number);
        check(&[(2, all), (3, all), (1, "1@1")], any, Some(all));
        check(&[(2, all), (3, all), (1, "1@1")], without(3), Some("1@1"));
        check(&[(2, all), (3, all), (1, "1@1")], without(1), None);
    }

    fn refused(members_text: &str, alive: &[u8], leaving: &[u8]) -> Option<String> {
        let addresses = |places: &[u8]| places.iter().map(|place| at(*place)).collect::<Vec<_>>();
        loses_majority(&members(members_text), &addresses(alive), &addresses(leaving), 1)
    }

    #[test]
    fn a_change_must_leave_a_living_majority() {
        const THREE: &str = "1@1 2@2 3@3";
        const FIVE: &str = "1@1 2@2 3@3 4@4 5@5";
        for (all, alive, leaving) in [
            (THREE, &[1, 2, 3][..], &[3][..]),
            (THREE, &[1, 2, 3], &[2, 3]),
            // The dead one itself may go.
            (THREE, &[1, 2], &[3]),
            (FIVE, &[1, 2, 3], &[4, 5]),
            (FIVE, &[1, 2, 3, 4], &[4]),
            (FIVE, &[1, 2, 3, 4, 5], &[2, 3, 4, 5]),
            ("1@1 2@2 3@3 4@4?", &[1, 2], &[3]),
        ] {
            assert_eq!(refused(all, alive, leaving), None, "{all}: {alive:?} without {leaving:?}");
        }
        let all = members(THREE);
        let everybody: Vec<Ipv4Addr> = (1..=3).map(at).collect();
        assert_eq!(loses_majority(&all, &everybody, &[at(3)], 2), None);
        let said = loses_majority(&all, &everybody, &[at(2), at(3)], 2);
        assert_eq!(said.as_deref(), Some("1 would be left, and it must be 2 at least"));
        for (all, alive, leaving, why) in [
            (THREE, &[1, 2][..], &[2][..], "only 1 of the 2 that would be left answer"),
            (THREE, &[1], &[3], "only 1 of 3 members answer"),
            (THREE, &[1, 2, 3], &[1, 2, 3], "0 would be left, and it must be 1 at least"),
            (FIVE, &[1, 2, 3, 4], &[2, 3, 4], "only 1 of the 2 that would be left answer"),
            ("1@1 2@2 3@3?", &[1, 3], &[2], "only 1 of 2 members answer"),
        ] {
            let said = refused(all, alive, leaving);
            assert!(
                said.as_ref().is_some_and(|said| said.contains(why)),
                "{all}: {alive:?} without {leaving:?}: {said:?}"
            );
        }
    }
}
