//! Which files a pattern names: `*` and `?` stand for letters within a name, `**` for any folders.

/// Whether `path` is one of those that `pattern` names, both within the same folder.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    folders(&pattern, &path)
}

fn folders(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], rest) => rest.is_empty(),
        // The last one stands for files as well.
        (["**"], rest) => !rest.is_empty(),
        (["**", after @ ..], rest) => (0..=rest.len()).any(|skipped| folders(after, &rest[skipped..])),
        ([_, ..], []) => false,
        ([first, after @ ..], [name, rest @ ..]) => letters(first.as_bytes(), name.as_bytes()) && folders(after, rest),
    }
}

fn letters(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], rest) => rest.is_empty(),
        ([b'*', after @ ..], rest) => (0..=rest.len()).any(|skipped| letters(after, &rest[skipped..])),
        ([_, ..], []) => false,
        ([first, after @ ..], [letter, rest @ ..]) => (*first == b'?' || first == letter) && letters(after, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        for (pattern, path, expected) in [
            ("*.wal", "0001.wal", true),
            ("*.wal", "0001.wal.tmp", false),
            ("*.wal", "wal/0001.wal", false),
            ("member/wal/*.wal", "member/wal/0-0.wal", true),
            ("member/*", "member/wal/0-0.wal", false),
            ("**/*.wal", "member/wal/0-0.wal", true),
            ("**/*.wal", "0-0.wal", true),
            ("**", "version-2/log.1", true),
            ("**", "myid", true),
            ("version-2/log.?", "version-2/log.1", true),
            ("version-2/log.?", "version-2/log.10", false),
            ("member/**/db", "member/snap/db", true),
            ("member/**/db", "other/snap/db", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern}: {path}");
        }
    }
}
