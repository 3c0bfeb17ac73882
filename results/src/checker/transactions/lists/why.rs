//! On which elements a dependency rests.

use super::super::graph::{Mask, RW, WR, WW};
use super::super::record::{Inference, Reason};
use super::{Lists, Read};
use crate::call::{ListStep, list_in_short};

impl<'a> Lists<'a> {
    fn reads_of(&self, transaction: u32) -> Vec<Read<'a>> {
        let mut found = self.found(transaction).iter();
        let reads = self.steps(transaction).iter().filter_map(|step| match step {
            ListStep::Read { key } => {
                let (list, found) = (*self.numbers.get(key)?, found.next()?);
                let is_of = |branch: &&[i64]| branch.starts_with(found);
                let branch = self.lists[list as usize].branches.iter().position(is_of)? as u32;
                Some(Read { transaction, list, found, branch })
            }
            ListStep::Append { .. } => None,
        });
        reads.collect()
    }

    fn appended_after(&self, from: u32, to: u32) -> Option<Reason> {
        let own = self.steps(to).iter().filter_map(|step| match step {
            ListStep::Append { key, element } => {
                let list = *self.numbers.get(key)?;
                Some((&self.lists[list as usize], self.element(list, *element)?))
            }
            ListStep::Read { .. } => None,
        });
        own.into_iter().find_map(|(list, element)| {
            let position = (self.elements[element as usize].position as usize).min(list.order.len());
            let before = list.last_live(position)?;
            let (one, other) = (&self.elements[before as usize], &self.elements[element as usize]);
            (one.transaction == from).then(|| Reason {
                key: list.key,
                told: format!("{{to}} appended {} to {} after {{from}}'s {}", other.value, list.key, one.value),
                label: format!("ww {}: {}, {}", list.key, one.value, other.value),
            })
        })
    }

    fn read_from(&self, from: u32, to: u32) -> Option<Reason> {
        self.reads_of(to).iter().find_map(|read| {
            let last = &self.elements[self.last_of(read)? as usize];
            let key = self.lists[read.list as usize].key;
            (last.transaction == from).then(|| Reason {
                key,
                told: format!("{{to}} saw {{from}}'s {} in {key}", last.value),
                label: format!("wr {key}: {}", last.value),
            })
        })
    }

    fn did_not_see(&self, from: u32, to: u32) -> Option<Reason> {
        self.reads_of(from).iter().find_map(|read| {
            let of = |element: &&u32| self.elements[**element as usize].transaction == to;
            let next = &self.elements[*self.next_of(read).iter().find(of)? as usize];
            let key = self.lists[read.list as usize].key;
            Some(Reason {
                key,
                told: format!(
                    "{{from}} did not see {{to}}'s {} in {key}, which it read as {}",
                    next.value,
                    list_in_short(read.found)
                ),
                label: format!("rw {key}: {}", next.value),
            })
        })
    }
}

impl Inference for Lists<'_> {
    fn why(&self, from: u32, to: u32, how: Mask) -> Option<Reason> {
        match how {
            WW => self.appended_after(from, to),
            WR => self.read_from(from, to),
            RW => self.did_not_see(from, to),
            _ => None,
        }
    }
}
