//! Write the crate map from the crates' own descriptions, so that it cannot rot.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::context::{Context, Package};
use crate::figure::Figure;
use crate::step::{Fault, Held, judge_all};

/// Where the map lives, from the top of the repository.
const PLACE: &str = "docs/crate-map.md";
const HEAD: &str = "# Crate map

The directory is the layer, and dependencies point towards `core/`. This page is written by `cargo xtask crate-map` from
the descriptions in the crates' manifests; change those.

| where | crate | does |
|---|---|---|
";

/// The word `crate-map`.
pub fn word(context: &Context, check_only: bool) -> bool {
    let done = if check_only { check(context) } else { write(context) };
    match done {
        Ok(figure) => {
            println!("{figure}");
            figure.held()
        }
        Err(Fault::Failed(why) | Fault::Missing(why)) => {
            eprintln!("error: {why}");
            println!("{}", Figure::FAILED);
            false
        }
    }
}

/// The map is what the manifests say, and every crate says what it does.
pub fn check(context: &Context) -> Held {
    let packages = context.packages()?;
    let mut problems = undescribed(&packages);
    if fs::read_to_string(context.root.join(PLACE)).unwrap_or_default() != map(&packages, &context.root) {
        problems.push(format!("{PLACE} is stale: run `cargo xtask crate-map`"));
    }
    Ok(judge_all(packages.len(), &problems))
}

fn write(context: &Context) -> Held {
    let packages = context.packages()?;
    fs::write(context.root.join(PLACE), map(&packages, &context.root))?;
    eprintln!("wrote {PLACE}: {} crates", packages.len());
    Ok(Figure::PASSED)
}

/// Crates without the one sentence that says what they do.
fn undescribed(packages: &[Package]) -> Vec<String> {
    let sentence = |text: &str| text.ends_with('.') && text.starts_with(char::is_uppercase);
    packages
        .iter()
        .filter(|package| !package.description.as_deref().is_some_and(sentence))
        .map(|package| format!("{}: its description must be one sentence, with a full stop", package.name))
        .collect()
}

fn map(packages: &[Package], root: &Path) -> String {
    packages.iter().fold(HEAD.to_owned(), |mut map, package| {
        let does = package.description.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(map, "| `{}` | `{}` | {does} |", package.directory(root).display(), package.name);
        map
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{map, undescribed};
    use crate::context::Package;

    fn package(description: Option<&str>) -> Package {
        Package {
            name: "banyan-tree".into(),
            description: description.map(Into::into),
            manifest_path: "/top/core/tree/Cargo.toml".into(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn a_crate_is_one_line_of_the_map() {
        let map = map(&[package(Some("Commit to a state."))], Path::new("/top"));
        assert!(map.ends_with("| `core/tree` | `banyan-tree` | Commit to a state. |\n"), "{map}");
    }

    #[test]
    fn a_crate_without_its_sentence_is_named() {
        for description in [None, Some(""), Some("a trie."), Some("A trie")] {
            assert_eq!(undescribed(&[package(description)]).len(), 1, "{description:?}");
        }
        assert!(undescribed(&[package(Some("Commit to a state."))]).is_empty());
    }
}
