//! From a campaign file to its cases.

use super::case::{Case, Control, target_label};
use super::file::{CampaignError, CampaignFile, Combination, Contents, Expect, Matrix};
use super::many::{AtLeast, Many, Mix, Placed, Seeds, Subject, mix_name};
use crate::names::WorkloadName;
use crate::plan::{Nodes, Plan, Wishes};
use crate::seed;
use rand::RngExt;
use serde_yaml::Spanned;
use std::collections::BTreeMap;

/// The most cases that a campaign may have, and the most combinations that an entry may list.
const CASES_MAX: usize = 5_000;

impl CampaignFile {
    /// All cases, in the order of the file. Seeds that are not stated are drawn from `seed`: the first of every combination
    /// is the same, so that all targets meet the same storms.
    ///
    /// # Errors
    /// When parts of the file do not fit together, with line and caret.
    pub fn cases(&self, seed: u64) -> Result<Vec<Case>, CampaignError> {
        let mut all = All { file: self, seed, cases: Vec::new(), controls: 0 };
        for matrix in &self.contents.cases.value {
            all.add(matrix)?;
        }
        if all.cases.is_empty() {
            return Err(self.wrong(self.contents.cases.referenced, "it has no cases; list some under cases"));
        }
        Ok(all.cases)
    }
}

struct All<'a> {
    file: &'a CampaignFile,
    seed: u64,
    cases: Vec<Case>,
    controls: usize,
}

/// One combination of a matrix: what its cases have in common.
struct Chosen<'a> {
    subject: Option<&'a Placed<Subject>>,
    workload: Option<&'a WorkloadName>,
    mix: Option<&'a Mix>,
    nodes: Option<Nodes>,
}

impl<'a> All<'a> {
    fn add(&mut self, matrix: &'a Spanned<Matrix>) -> Result<(), CampaignError> {
        let (seeds, least) = self.seeds(matrix)?;
        let here = &matrix.value;
        let includes = || here.include.iter().flat_map(|all| &all.0);
        // Before they are spelled out: the product of short lists is long.
        let sizes = std::iter::once(None).chain(includes().map(|more| Some(&more.value)));
        if sizes.map(|instead| size(here, instead)).sum::<usize>() > CASES_MAX {
            return Err(self.too_many(matrix));
        }
        let excludes = || here.exclude.iter().flat_map(|all| &all.0);
        let mut unused: Vec<&Placed<Combination>> = excludes().collect();
        let mut chosen = combinations(here, None);
        chosen.retain(|one| {
            unused.retain(|out| !covers(&out.value, one));
            !excludes().any(|out| covers(&out.value, one))
        });
        if let Some(unused) = unused.first() {
            return Err(self.file.wrong(unused.at, "this leaves nothing out: no case of the entry is like it"));
        }
        for more in includes() {
            chosen.extend(combinations(here, Some(&more.value)));
        }
        if chosen.is_empty() {
            return Err(self.file.wrong(matrix.referenced, "everything of this entry is left out"));
        }
        let several = chosen.len() > 1;
        for one in &chosen {
            self.add_seeds(matrix, one, &seeds, least, several)?;
        }
        Ok(())
    }

    /// The seeds of a matrix, and in how many of them a broken promise must be seen.
    fn seeds(&self, matrix: &Spanned<Matrix>) -> Result<(Vec<u64>, usize), CampaignError> {
        let here = &matrix.value;
        let at_least = here.at_least.as_ref();
        if let Some(at_least) = at_least.filter(|_| here.expect == Expect::Valid) {
            return Err(self.file.wrong(at_least.referenced, "only a broken promise is counted; add expect: invalid"));
        }
        let wanted = here.seeds.as_ref().map(|seeds| seeds.value.count());
        let of = at_least.map(|at_least| at_least.value.of);
        if let (Some(at_least), Some(wanted)) = (at_least, wanted)
            && wanted != at_least.value.of
        {
            let told =
                format!("there are {}; leave seeds out, or count of as many", crate::summary::plural(wanted, "seed"));
            return Err(self.file.wrong(at_least.referenced, &told));
        }
        let count = of.or(wanted).unwrap_or(1);
        let seeds = match here.seeds.as_ref().map(|seeds| &seeds.value) {
            Some(Seeds::Stated(seeds)) => seeds.clone(),
            Some(Seeds::Count(_)) | None => drawn(self.seed, count),
        };
        let AtLeast { least, .. } = at_least.map_or(AtLeast { least: 1, of: count }, |at_least| at_least.value);
        Ok((seeds, least))
    }

    fn add_seeds(
        &mut self,
        matrix: &Spanned<Matrix>,
        chosen: &Chosen<'_>,
        seeds: &[u64],
        least: usize,
        several: bool,
    ) -> Result<(), CampaignError> {
        let here = &matrix.value;
        let at = chosen.subject.map_or(matrix.referenced, |subject| subject.at);
        let mut control = None;
        for seed in seeds {
            let wishes = self.wishes(here, chosen, *seed);
            let plan = wishes.clone().resolve().map_err(|error| self.file.wrong(at, &error.to_string()))?;
            if self.cases.iter().any(|case| case.plan == wishes && case.expect == here.expect) {
                continue;
            }
            let mut case = case(self.cases.len() + 1, here, chosen, wishes, &plan);
            if here.expect == Expect::Invalid {
                let number = *control.get_or_insert_with(|| {
                    self.controls += 1;
                    self.controls
                });
                let name = control_name(here, &case, several);
                case.control = Some(Control { number, name, least, of: seeds.len() });
            }
            self.cases.push(case);
            if self.cases.len() > CASES_MAX {
                return Err(self.too_many(matrix));
            }
        }
        Ok(())
    }

    fn too_many(&self, matrix: &Spanned<Matrix>) -> CampaignError {
        self.file.wrong(matrix.referenced, &format!("a campaign has {CASES_MAX} cases at most, and this makes more"))
    }

    /// The plan of a case: what its target says, else what its place in the matrix says, else the matrix's plan, else the file's.
    fn wishes(&self, matrix: &Matrix, chosen: &Chosen<'_>, seed: u64) -> Wishes {
        let Contents { plan, .. } = &self.file.contents;
        let own = chosen.subject.map(|subject| subject.value.wishes.clone()).unwrap_or_default();
        let (faults, swarm) = match chosen.mix {
            Some(Mix::Families(families)) => (Some(families.clone()), None),
            Some(Mix::Swarm) => (None, Some(true)),
            None => (None, None),
        };
        let place = Wishes {
            workload: chosen.workload.cloned(),
            nodes: chosen.nodes,
            time_limit: matrix.time_limit,
            faults,
            swarm,
            seed: Some(seed),
            ..Wishes::default()
        };
        let layers = [Some(place), matrix.plan.clone(), plan.clone()];
        layers.into_iter().flatten().fold(own, above)
    }
}

/// What the nearer says, and what is said further out where it is silent. Other than with a plan file and flags, what is said further
/// out was meant for this target, read in this way, with this profile.
fn above(near: Wishes, far: Wishes) -> Wishes {
    let settings = match (&near.settings, &far.settings) {
        (None, None) => None,
        (near, far) => Some(far.iter().chain(near).flatten().map(|(name, value)| (name.clone(), *value)).collect()),
    };
    let failover_bound = near.failover_bound.or(far.failover_bound);
    let (target, read) = (far.target.or(near.target), far.read.clone().or(near.read.clone()));
    Wishes { settings, failover_bound, ..near.or(Wishes { target, read, ..far }) }
}

/// How many combinations a matrix has; see [`combinations`].
fn size(matrix: &Matrix, instead: Option<&Combination>) -> usize {
    fn length<T>(own: &Option<Many<T>>, instead: Option<&Option<Many<T>>>) -> usize {
        instead.and_then(Option::as_ref).or(own.as_ref()).map_or(1, |list| list.0.len())
    }
    let all = [
        length(&matrix.workloads, instead.map(|one| &one.workloads)),
        length(&matrix.faults, instead.map(|one| &one.faults)),
        length(&matrix.nodes, instead.map(|one| &one.nodes)),
        length(&matrix.targets, instead.map(|one| &one.targets)),
    ];
    all.into_iter().fold(1, usize::saturating_mul).min(CASES_MAX + 1)
}

/// All combinations of a matrix; what `instead` says stands in place of its own lists.
fn combinations<'a>(matrix: &'a Matrix, instead: Option<&'a Combination>) -> Vec<Chosen<'a>> {
    fn each<'a, T>(own: &'a Option<Many<T>>, instead: Option<&'a Option<Many<T>>>) -> Vec<Option<&'a Placed<T>>> {
        let list = instead.and_then(Option::as_ref).or(own.as_ref());
        list.map_or(vec![None], |list| list.0.iter().map(Some).collect())
    }
    let mut all = Vec::new();
    for workload in each(&matrix.workloads, instead.map(|one| &one.workloads)) {
        for mix in each(&matrix.faults, instead.map(|one| &one.faults)) {
            for nodes in each(&matrix.nodes, instead.map(|one| &one.nodes)) {
                for subject in each(&matrix.targets, instead.map(|one| &one.targets)) {
                    let (workload, mix) = (workload.map(|placed| &placed.value), mix.map(|placed| &placed.value));
                    all.push(Chosen { subject, workload, mix, nodes: nodes.map(|placed| placed.value) });
                }
            }
        }
    }
    all
}

/// Whether an exclusion is about this combination.
fn covers(out: &Combination, chosen: &Chosen<'_>) -> bool {
    fn has<T>(list: &Option<Many<T>>, is: impl Fn(&T) -> bool) -> bool {
        list.as_ref().is_none_or(|list| list.0.iter().any(|placed| is(&placed.value)))
    }
    // What an exclusion says of a target, the target says of itself.
    let says = |wished: &Wishes, own: &Wishes| wished.clone().or(own.clone()) == *own;
    has(&out.targets, |target| chosen.subject.is_some_and(|own| says(&target.wishes, &own.value.wishes)))
        && has(&out.workloads, |workload| chosen.workload == Some(workload))
        && has(&out.faults, |mix| chosen.mix == Some(mix))
        && has(&out.nodes, |nodes| chosen.nodes == Some(*nodes))
}

fn case(number: usize, matrix: &Matrix, chosen: &Chosen<'_>, wishes: Wishes, plan: &Plan) -> Case {
    let named = chosen.subject.and_then(|subject| subject.value.name.clone());
    let faults = match chosen.mix {
        Some(mix) => mix.to_string(),
        None if plan.swarm => Mix::Swarm.to_string(),
        None if wishes.schedule.is_some() => families_of_schedule(plan),
        None => mix_name(&plan.faults),
    };
    Case {
        number,
        target: named.unwrap_or_else(|| target_label(plan, &wishes)),
        workload: plan.workload.to_string(),
        faults,
        nodes: plan.nodes,
        seed: plan.seed,
        expect: matrix.expect,
        control: None,
        plan: wishes,
    }
}

/// What a schedule by hand is made of, in the order of the families.
fn families_of_schedule(plan: &Plan) -> String {
    let counted: BTreeMap<&str, ()> = plan.schedule.iter().map(|planned| (planned.fault.name(), ())).collect();
    if counted.is_empty() { "none".into() } else { counted.into_keys().collect::<Vec<_>>().join("+") }
}

fn control_name(matrix: &Matrix, case: &Case, several: bool) -> String {
    let Case { target, workload, faults, .. } = case;
    match &matrix.name {
        Some(name) if several => format!("{name}: {target}, {workload}, {faults}"),
        Some(name) => name.clone(),
        None => format!("{target}, {workload}, {faults}"),
    }
}

/// So many seeds, small enough to type; fewer of them are the first of more.
fn drawn(seed: u64, count: usize) -> Vec<u64> {
    let mut rng = seed::stream(seed, "campaign");
    (0..count).map(|_| rng.random_range(1..1_000_000_000)).collect()
}

#[cfg(test)]
mod tests;
