//! Keep the documents whole: every link leads to a file, every page of the book is in its table of contents, and every
//! example in it is tested.

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::house;
use crate::step::{Fault, Held, judge_all};

const CONTENTS: &str = "docs/SUMMARY.md";
/// Names the pages whose examples run as doc tests.
const EXAMPLES: &str = "docs/examples.rs";

/// The step `links`: one check for each document.
pub fn check(context: &Context) -> Held {
    let documents = house::files(&context.root, "md")?;
    let mut problems = unlisted(&context.root, &documents)?;
    for document in &documents {
        problems.extend(broken(document, &context.root)?);
    }
    Ok(judge_all(documents.len(), &problems))
}

/// Pages of the book that its contents do not name, or whose examples nobody runs.
fn unlisted(root: &Path, documents: &[PathBuf]) -> Result<Vec<String>, Fault> {
    let contents = root.join(CONTENTS);
    let book = contents.parent().unwrap_or(root);
    let text = fs::read_to_string(&contents)?;
    let listed: Vec<PathBuf> = targets(&text).map(|target| book.join(target)).collect();
    let examples = fs::read_to_string(root.join(EXAMPLES))?;
    let mut problems = Vec::new();
    for page in documents.iter().filter(|page| page.starts_with(book) && **page != contents) {
        let name = page.strip_prefix(book).unwrap_or(page).display().to_string();
        if !listed.contains(page) {
            problems.push(format!("{name}: not in {CONTENTS}"));
        }
        if fs::read_to_string(page)?.contains("```rust") && !examples.contains(&name) {
            problems.push(format!("{name}: its examples are not in {EXAMPLES}"));
        }
    }
    Ok(problems)
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
