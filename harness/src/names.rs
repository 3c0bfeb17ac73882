//! Names that people type: checked against a list, refused with the nearest one.

use serde::{Deserialize, Serialize};
use squall_results::{Level, Promise};
use squall_targets::target::TargetInfo;
use std::fmt;
use std::str::FromStr;

/// The refusal of a name that is not in the list.
pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known.iter().map(|other| (strsim::damerau_levenshtein(name, other), *other)).min();
    match nearest {
        None => format!("there is no {kind} called `{name}`; there are none"),
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 3 => {
            format!("there is no {kind} called `{name}`; did you mean `{nearest}`?")
        }
        Some(_) => format!("there is no {kind} called `{name}`; there are: {}", known.join(", ")),
    }
}

/// The consistencies that can be judged.
pub(crate) const PROMISES: [&str; 2] = ["linearizable", "sequential"];

/// The sets of values that targets have for their settings: the vendor's, and shorter time-outs for short storms.
pub(crate) const PROFILES: [&str; 2] = ["default", "fast"];

macro_rules! listed_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $known:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let mut known = $known;
                if known.any(|other| other == text) { Ok($name(text.to_owned())) } else { Err(unknown($kind, text, $known)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<$name, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

listed_name!(
    /// The name of a workload that exists.
    WorkloadName, "workload", squall_workloads::ALL.iter().map(|workload| workload.name)
);
listed_name!(
    /// The name of a family of faults that exists.
    FaultName, "fault", squall_nemesis::Family::ALL.iter().map(|family| family.name())
);
listed_name!(
    /// The name of a consistency that can be judged.
    PromiseName, "consistency", PROMISES.into_iter()
);
listed_name!(
    /// The name of a set of values for a target's settings.
    ProfileName, "profile", PROFILES.into_iter()
);
listed_name!(
    /// The name of a model that judges histories: any history, or those of a workload.
    ModelName, "model", models()
);

/// The name of a target. What people type is looked up in the list; who has a target of another kind names it by
/// [`TargetName::of`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName(&'static TargetInfo);

impl TargetName {
    /// The name of this target, which need not be in the list. A plan that names such a target cannot be read back.
    pub fn of(target: &'static TargetInfo) -> TargetName {
        TargetName(target)
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        self.0.name
    }

    /// The target.
    pub fn target(&self) -> &'static TargetInfo {
        self.0
    }
}

impl FromStr for TargetName {
    type Err = String;

    fn from_str(text: &str) -> Result<TargetName, String> {
        let known = || squall_targets::target::ALL.iter().map(|target| target.name);
        squall_targets::target::find(text).map(TargetName).ok_or_else(|| unknown("target", text, known()))
    }
}

impl TryFrom<String> for TargetName {
    type Error = String;

    fn try_from(text: String) -> Result<TargetName, String> {
        text.parse()
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> String {
        name.as_str().into()
    }
}

impl PartialEq for TargetName {
    fn eq(&self, other: &TargetName) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TargetName {}

impl fmt::Debug for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The models that judge any history, and those that only workloads have.
fn models() -> impl Iterator<Item = &'static str> {
    let general = squall_results::models::ALL.iter().map(|model| model.name);
    let of_workloads = squall_workloads::ALL.iter().map(|workload| workload.model);
    general.chain(of_workloads.filter(|name| squall_results::models::find(name).is_none()))
}

impl ModelName {
    /// The model, if it judges any history.
    pub fn general(&self) -> Option<&'static squall_results::models::ModelInfo> {
        squall_results::models::find(&self.0)
    }
}

impl WorkloadName {
    /// The workload.
    pub fn workload(&self) -> &'static squall_workloads::Workload {
        squall_workloads::find(&self.0).expect("the name was checked against the list")
    }
}

impl FaultName {
    /// The family.
    pub fn family(&self) -> squall_nemesis::Family {
        self.0.parse().expect("the name was checked against the list")
    }
}

impl PromiseName {
    /// The promise.
    pub fn promise(&self) -> Promise {
        Promise::ALL.into_iter().find(|promise| promise.to_string() == self.0).expect("the name was checked")
    }
}

/// What a history can be judged at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consistency {
    /// A promise about single operations.
    Promise(Promise),
    /// An isolation level of transactions.
    Level(Level),
}

impl Consistency {
    /// The promise, if it is one; else why that makes no sense where there are no transactions to judge.
    pub fn promise(&self) -> Result<Promise, String> {
        match self {
            Consistency::Promise(promise) => Ok(*promise),
            Consistency::Level(level) => {
                Err(format!("only transactions are judged as {level}: name their model, list-append or rw-register"))
            }
        }
    }

    /// The isolation level, if it is one; else why transactions are not judged so.
    pub fn level(&self) -> Result<Level, String> {
        match self {
            Consistency::Level(level) => Ok(*level),
            Consistency::Promise(promise) => {
                let known: Vec<String> = Level::all().map(|level| level.to_string()).collect();
                Err(format!(
                    "transactions are judged at an isolation level, not as {promise}; there are: {}",
                    known.join(", ")
                ))
            }
        }
    }
}

impl FromStr for Consistency {
    type Err = String;

    fn from_str(text: &str) -> Result<Consistency, String> {
        if let Ok(name) = text.parse::<PromiseName>() {
            return Ok(Consistency::Promise(name.promise()));
        }
        text.parse().map(Consistency::Level).map_err(|_| {
            let levels: Vec<String> = Level::all().map(|level| level.to_string()).collect();
            unknown("consistency", text, PROMISES.into_iter().chain(levels.iter().map(String::as_str)))
        })
    }
}

impl From<squall_nemesis::Family> for FaultName {
    fn from(family: squall_nemesis::Family) -> FaultName {
        FaultName(family.name().into())
    }
}

impl From<Promise> for PromiseName {
    fn from(promise: Promise) -> PromiseName {
        PromiseName(promise.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let error = "raaft".parse::<TargetName>().unwrap_err();
        assert_eq!(error, "there is no target called `raaft`; did you mean `raft`?");
        let error = "cockroach".parse::<WorkloadName>().unwrap_err();
        assert!(error.starts_with("there is no workload called `cockroach`; there are: register, "), "{error}");
        let error = "puase".parse::<FaultName>().unwrap_err();
        assert_eq!(error, "there is no fault called `puase`; did you mean `pause`?");
    }

    #[test]
    fn every_promise_has_its_name() {
        for promise in Promise::ALL {
            assert_eq!(promise.to_string().parse::<PromiseName>().unwrap().promise(), promise);
        }
    }
}
