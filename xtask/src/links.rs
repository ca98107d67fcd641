//! Keep the documents whole: every link leads to a file, and every page is in the book's table of contents.

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::house;
use crate::step::{Fault, Held, judge_all};

const CONTENTS: &str = "docs/SUMMARY.md";

/// The step `links`: one check for each document.
pub fn check(context: &Context) -> Held {
    let documents = house::files(&context.root, "md")?;
    let mut problems = unlisted(&context.root, &documents)?;
    for document in &documents {
        problems.extend(broken(document, &context.root)?);
    }
    Ok(judge_all(documents.len(), &problems))
}

/// Pages of the book that its contents do not name.
fn unlisted(root: &Path, documents: &[PathBuf]) -> Result<Vec<String>, Fault> {
    let contents = root.join(CONTENTS);
    let book = contents.parent().unwrap_or(root);
    let text = fs::read_to_string(&contents)?;
    let listed: Vec<PathBuf> = targets(&text).map(|target| book.join(target)).collect();
    Ok(documents
        .iter()
        .filter(|page| page.starts_with(book) && **page != contents && !listed.contains(page))
        .map(|page| format!("{}: not in {CONTENTS}", page.display()))
        .collect())
}

/// Links of one document that lead nowhere.
fn broken(document: &Path, root: &Path) -> Result<Vec<String>, Fault> {
    let text = fs::read_to_string(document)?;
    let folder = document.parent().unwrap_or(root);
    Ok(targets(&text)
        .filter(|target| !folder.join(target).exists())
        .map(|target| format!("{}: no file {target}", document.strip_prefix(root).unwrap_or(document).display()))
        .collect())
}

/// The files that a document links to, outside code, without the part after `#`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    let links = prose.flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split_once(')'));
    links
        .map(|(target, _)| target.split_once('#').map_or(target, |(file, _)| file))
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn links_to_files_are_found_outside_code() {
        let text =
            "see [a](b.md#part), [c](../d.md)\n```text\n[no](code.md)\n```\n[web](https://x.y) [here](#top) [e](f.md)";
        assert_eq!(targets(text).collect::<Vec<_>>(), ["b.md", "../d.md", "f.md"]);
    }
}
