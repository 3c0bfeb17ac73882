//! Where the program is.

use crate::local::search_path;
use crate::target::TargetError;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program at `bin`, or else the first `etcd` where programs are looked for; its path is absolute.
///
/// # Errors
/// When there is none, with what to do.
pub fn find(bin: Option<&Path>) -> Result<PathBuf, TargetError> {
    match bin {
        Some(bin) => absolute_program(bin).ok_or_else(|| missing(bin, "give --bin the path of an etcd program")),
        None => {
            let folders = format!("{}:/usr/bin", search_path());
            let found = std::env::split_paths(&folders).find_map(|folder| absolute_program(&folder.join("etcd")));
            let remedy = "install it with `apt-get install --no-install-recommends etcd-server` (Debian, Ubuntu), or name \
                          another with --bin";
            found.ok_or_else(|| missing(Path::new("etcd"), remedy))
        }
    }
}

fn absolute_program(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    let file = fs::metadata(&path).ok()?;
    (file.is_file() && file.permissions().mode() & 0o111 != 0).then_some(path)
}

fn missing(program: &Path, remedy: &str) -> TargetError {
    TargetError::MissingProgram {
        target: super::ETCD.name,
        program: program.display().to_string(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_told_with_its_remedy() {
        for path in ["/no/such/etcd", "/etc/passwd", "/"] {
            let error = find(Some(Path::new(path))).unwrap_err().to_string();
            assert_eq!(error, format!("etcd needs {path}, which is not there; give --bin the path of an etcd program"));
        }
        assert_eq!(find(Some(Path::new("/bin/true"))).unwrap(), fs::canonicalize("/bin/true").unwrap());
    }
}
