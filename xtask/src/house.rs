//! Hold the sources to what no lint knows: how long a file may be, and that no test is switched off.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Fault;

/// Past this a file has a second idea.
const FILE_LINES_MAX: usize = 800;
/// Folders that hold nothing of ours.
const FOREIGN: [&str; 5] = ["target", "node_modules", ".git", "corpus", "artifacts"];

/// What is wrong with the Rust sources under `root`.
pub fn problems(root: &Path) -> Result<Vec<String>, Fault> {
    let mut problems = Vec::new();
    for path in files(root, "rs")? {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            problems.push(format!("{name}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        let switched_off = text.lines().filter(|line| line.trim_start().starts_with("#[ignore")).count();
        if switched_off > 0 {
            problems.push(format!("{name}: {switched_off} tests are switched off"));
        }
    }
    Ok(problems)
}

/// Every file of ours under `folder` whose name ends in `.extension`, in order.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !FOREIGN.iter().any(|name| path.ends_with(name)) {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn long_files_and_switched_off_tests_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("long.rs"), "//\n".repeat(801)).expect("written");
        std::fs::write(folder.path().join("off.rs"), "    #[ignore = \"slow\"]\n").expect("written");
        std::fs::write(folder.path().join("fine.rs"), "//\n".repeat(800)).expect("written");
        let found = problems(folder.path()).expect("read");
        assert_eq!(found, ["long.rs: 801 lines, at most 800", "off.rs: 1 tests are switched off"]);
    }
}
