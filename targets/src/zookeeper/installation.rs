//! Where ZooKeeper is on this machine: Java, and the archives of the server.

use super::ZOOKEEPER;
use crate::local::search_path;
use crate::target::TargetError;
use std::path::{Path, PathBuf};

/// Where Debian's packages put archives.
const DEBIAN: &str = "/usr/share/java";

/// Debian's archives that a server needs. That of ZooKeeper itself names the rest, but for those that write its log.
const DEBIAN_ARCHIVES: [&str; 3] = ["zookeeper.jar", "slf4j-log4j12.jar", "log4j-1.2.jar"];

/// A ZooKeeper that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The program `java`.
    pub java: PathBuf,
    /// What the server's class path holds besides its folder of settings.
    pub class_path: Vec<String>,
}

impl Installation {
    /// The one below `bin`, else Debian's.
    ///
    /// # Errors
    /// Which part is missing, and where to get it.
    pub fn find(bin: Option<&Path>) -> Result<Installation, TargetError> {
        let path = search_path();
        let java = std::env::split_paths(&path).map(|folder| folder.join("java")).find(|java| java.is_file());
        Installation::of(java, bin, Path::new(DEBIAN))
    }

    /// The one below `bin`, else Debian's, on another machine, where nobody can look yet.
    pub fn elsewhere(bin: Option<&Path>) -> Installation {
        let class_path = match bin {
            Some(folder) => [folder.join("lib"), folder.into()].map(|path| format!("{}/*", path.display())).into(),
            None => DEBIAN_ARCHIVES.map(|name| format!("{DEBIAN}/{name}")).into(),
        };
        Installation { java: "java".into(), class_path }
    }

    fn of(java: Option<PathBuf>, bin: Option<&Path>, debian: &Path) -> Result<Installation, TargetError> {
        let missing = |program: String, remedy: &str| TargetError::MissingProgram {
            target: ZOOKEEPER.name,
            program,
            remedy: remedy.into(),
        };
        let java = java.ok_or_else(|| {
            missing("java".into(), "install the Debian package default-jre-headless: apt install default-jre-headless")
        })?;
        let class_path = match bin {
            Some(folder) => distribution(folder).ok_or_else(|| {
                let remedy = "give --bin the folder of an unpacked ZooKeeper distribution";
                missing(format!("zookeeper-*.jar in {} or its folder lib", folder.display()), remedy)
            })?,
            None => {
                let archives = DEBIAN_ARCHIVES.map(|name| debian.join(name));
                if let Some(archive) = archives.iter().find(|archive| !archive.is_file()) {
                    let remedy = "install the Debian package zookeeper (apt install zookeeper), or give --bin the folder of \
                                  a distribution";
                    return Err(missing(archive.display().to_string(), remedy));
                }
                archives.map(|archive| archive.display().to_string()).into()
            }
        };
        Ok(Installation { java, class_path })
    }
}

/// The class path of an unpacked distribution: old ones have ZooKeeper's archive beside `lib`, new ones in it.
fn distribution(folder: &Path) -> Option<Vec<String>> {
    // It becomes part of a command that runs in another folder.
    let folder = std::path::absolute(folder).ok()?;
    let archive = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.any(|name| {
            let version = name.strip_prefix("zookeeper-").and_then(|rest| rest.strip_suffix(".jar"));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        })
    };
    let folders = [folder.join("lib"), folder.clone()];
    folders
        .iter()
        .any(|folder| archive(folder))
        .then(|| folders.iter().map(|path| format!("{}/*", path.display())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const JAVA: &str = "/usr/bin/java";

    #[track_caller]
    fn refused(result: Result<Installation, TargetError>, parts: &[&str]) {
        let error = result.unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` is missing in: {error}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let folder = tempfile::tempdir().unwrap();
        refused(Installation::of(None, None, folder.path()), &["zookeeper needs java", "default-jre-headless"]);
        let find = || Installation::of(Some(JAVA.into()), None, folder.path());
        refused(find(), &["zookeeper.jar", "the Debian package zookeeper", "--bin"]);
        for archive in DEBIAN_ARCHIVES {
            fs::write(folder.path().join(archive), "").unwrap();
        }
        assert_eq!(find().unwrap().class_path.len(), 3);
    }

    #[test]
    fn a_distribution_is_known_by_its_archive() {
        for (archive, found) in
            [("lib/zookeeper-3.9.2.jar", true), ("zookeeper-3.4.14.jar", true), ("lib/zookeeper-jute-3.9.2.jar", false)]
        {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("lib")).unwrap();
            fs::write(folder.path().join(archive), "").unwrap();
            let result = Installation::of(Some(JAVA.into()), Some(folder.path()), Path::new("/nowhere"));
            if found {
                assert_eq!(result.unwrap().class_path[0], format!("{}/lib/*", folder.path().display()));
            } else {
                refused(result, &["zookeeper-*.jar", "--bin", folder.path().to_str().unwrap()]);
            }
        }
    }
}
