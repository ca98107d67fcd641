//! Keep the layers: dependencies point down, and `core/` and `machine/` know nothing of the world.
//!
//! Clippy bans the names inside these layers (`core/clippy.toml`, `machine/clippy.toml`); here stand the rules about
//! manifests, and about words that a lint cannot see.

use std::fs;
use std::path::Path;

use crate::context::{Context, Dependency, Package};
use crate::house;
use crate::step::{Fault, Held, judge_all};

/// Which room of the house a crate lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Core,
    Machine,
    Shell,
    /// `sim`, `bench`, `conformance`, `xtask`, `docs`: nothing depends on them.
    Tool,
}

impl Layer {
    fn of(directory: &Path) -> Self {
        match directory.iter().next().and_then(|first| first.to_str()) {
            Some("core") => Self::Core,
            Some("machine") => Self::Machine,
            Some("shell") => Self::Shell,
            _ => Self::Tool,
        }
    }

    /// Machines never call each other, the shell never reaches into a tool, and nothing reaches up.
    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Core | Self::Machine => other == Self::Core,
            Self::Shell | Self::Tool => other != Self::Tool,
        }
    }

    /// True where neither clock, socket, disk, thread nor random number is known.
    fn is_pure(self) -> bool {
        matches!(self, Self::Core | Self::Machine)
    }
}

/// Machines that name a neighbour, and never step it: one checks runs of headers by the chain machine's rules (ADR 14), and
/// all that order a child share what follows its parent, which is no machine.
const SIDEWAYS: [(&str, &str); 4] = [
    ("banyan-gossip", "banyan-root"),
    ("banyan-solo", "banyan-child"),
    ("banyan-committee", "banyan-child"),
    ("banyan-rotation", "banyan-child"),
];

/// The one crate that names the core of a consensus which others keep, and that core: it wants the standard library, which no
/// other pure crate may (ADR 18).
const ADAPTER: (&str, [&str; 2]) =
    ("banyan-committee", ["arc-malachitebft-core-consensus", "arc-malachitebft-core-types"]);

/// Crates from outside that the pure layers may name. Each works without the standard library and without the default
/// features that would bring it. A new row is a decision.
const PURE_CRATES: [&str; 19] = [
    "alloy-rlp",             // RLP, the wire form of every object
    "ark-bls12-381",         // pairings and Poseidon of contracts (ADR 15)
    "ark-ec",                // its traits of curves
    "ark-ff",                // its traits of fields
    "base64",                // text of transactions and proofs; seed of the proof of work
    "blake2",                // ids and signing hashes
    "bs58",                  // text of ids
    "ed25519-zebra",         // ZIP-215
    "ed25519-dalek",         // signing
    "k256",                  // Ethereum's signatures in contracts (ADR 15)
    "nomt-core",             // the definition of the trie
    "num-bigint",            // integers of contracts, which have no width (ADR 16)
    "rand_chacha",           // weights of a signature batch, drawn from its content
    "ruint",                 // 256-bit targets of the proof of work
    "sha2",                  // the trie's hash
    "sha3",                  // Keccak-256 of contracts (ADR 15)
    "thiserror",             // messages of errors
    "unicode-case-mapping",  // letters of contracts (ADR 16)
    "unicode-normalization", // characters of contracts (ADR 16)
];

/// Words of the world that a pure source may not hold, though a lint would let them pass.
const WORLDLY: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::time",
    "tokio",
    "SystemTime",
    "Instant::now",
    "HashMap",
    "thread_rng",
    "println!",
];

/// The step `layers`.
pub fn check(context: &Context) -> Held {
    let mut problems = house::problems(&context.root)?;
    let packages = context.packages()?;
    for package in &packages {
        let directory = package.directory(&context.root).to_owned();
        let layer = Layer::of(&directory);
        problems.extend(package.dependencies.iter().filter_map(|on| upward(package, layer, on, &context.root)));
        problems.extend(package.dependencies.iter().filter_map(|on| stray(package, on)));
        if layer.is_pure() {
            problems.extend(package.dependencies.iter().filter_map(|on| impure(package, on)));
            problems.extend(worldly(&context.root, &directory)?);
        }
        if layer == Layer::Core {
            problems.extend(hosted(&context.root.join(&directory).join("src/lib.rs"), package)?);
        }
        problems.extend(unbound(package)?);
    }
    Ok(judge_all(packages.len(), &problems))
}

/// A dependency that points up or sideways.
fn upward(package: &Package, layer: Layer, on: &Dependency, root: &Path) -> Option<String> {
    let path = on.path.as_ref()?;
    let other = Layer::of(path.strip_prefix(root).unwrap_or(path));
    if SIDEWAYS.contains(&(package.name.as_str(), on.name.as_str())) {
        return None;
    }
    (!layer.may_use(other)).then(|| format!("{} ({layer:?}) may not depend on {} ({other:?})", package.name, on.name))
}

/// A crate from outside that does not belong into a pure layer. Tests may use what they like.
fn impure(package: &Package, on: &Dependency) -> Option<String> {
    if on.path.is_some() || on.kind.as_deref() == Some("dev") {
        return None;
    }
    let is_adapted = package.name == ADAPTER.0 && ADAPTER.1.contains(&on.name.as_str());
    if !PURE_CRATES.contains(&on.name.as_str()) && !is_adapted {
        return Some(format!("{} names {}, which is not a crate of the pure layers", package.name, on.name));
    }
    on.uses_default_features.then(|| format!("{} takes {} with its default features", package.name, on.name))
}

/// A crate beside the adapter that names the core behind it.
fn stray(package: &Package, on: &Dependency) -> Option<String> {
    let is_stray = ADAPTER.1.contains(&on.name.as_str()) && package.name != ADAPTER.0;
    is_stray.then(|| format!("{} names {}, which is {}'s alone", package.name, on.name, ADAPTER.0))
}

/// A crate that takes its lints, `unsafe_code = "forbid"` among them, from somewhere else than the workspace.
fn unbound(package: &Package) -> Result<Option<String>, Fault> {
    let manifest = fs::read_to_string(&package.manifest_path)?;
    let bound = manifest.contains("[lints]\nworkspace = true\n");
    Ok((!bound).then(|| format!("{}: its manifest does not inherit the workspace's lints", package.name)))
}

/// A core crate that wants the standard library.
fn hosted(lib: &Path, package: &Package) -> Result<Option<String>, Fault> {
    let bare = fs::read_to_string(lib)?.contains("no_std");
    Ok((!bare).then(|| format!("{}: src/lib.rs does not say no_std", package.name)))
}

/// Lines of a pure crate that know of the world.
fn worldly(root: &Path, directory: &Path) -> Result<Vec<String>, Fault> {
    let mut problems = Vec::new();
    for path in house::files(&root.join(directory).join("src"), "rs")? {
        let text = fs::read_to_string(&path)?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        problems.extend(worldly_lines(&text).map(|(line, word)| format!("{name}:{line}: {word} is not known here")));
    }
    Ok(problems)
}

/// Numbered lines before the tests, comments left out, that hold a worldly word.
fn worldly_lines(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let numbered = code.enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    numbered.filter_map(|(at, line)| WORLDLY.iter().find(|word| line.contains(**word)).map(|word| (at + 1, *word)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Layer, impure, stray, upward, worldly_lines};
    use crate::context::{Dependency, Package};

    fn on(name: &str, path: Option<&str>, kind: Option<&str>, defaults: bool) -> Dependency {
        Dependency {
            name: name.into(),
            kind: kind.map(Into::into),
            uses_default_features: defaults,
            path: path.map(Into::into),
        }
    }

    fn package() -> Package {
        Package {
            name: "p".into(),
            description: None,
            manifest_path: "/top/core/p/Cargo.toml".into(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn dependencies_point_down() {
        let rows = [
            (Layer::Core, "/top/core/types", true),
            (Layer::Core, "/top/machine/root", false),
            (Layer::Machine, "/top/core/types", true),
            (Layer::Machine, "/top/machine/root", false),
            (Layer::Machine, "/top/shell/store", false),
            (Layer::Shell, "/top/machine/root", true),
            (Layer::Shell, "/top/sim", false),
            (Layer::Tool, "/top/shell/node", true),
            (Layer::Tool, "/top/xtask", false),
        ];
        for (layer, path, allowed) in rows {
            let found = upward(&package(), layer, &on("q", Some(path), None, true), Path::new("/top"));
            assert_eq!(found.is_none(), allowed, "{layer:?} on {path}");
        }
    }

    #[test]
    fn a_pure_crate_names_only_listed_crates_without_their_defaults() {
        let rows = [
            (on("sha2", None, None, false), true),
            (on("sha2", None, None, true), false),
            (on("rand", None, None, false), false),
            (on("proptest", None, Some("dev"), true), true),
            (on("cc", None, Some("build"), false), false),
            (on("banyan-types", Some("/top/core/types"), None, true), true),
        ];
        for (dependency, allowed) in rows {
            assert_eq!(impure(&package(), &dependency).is_none(), allowed, "{dependency:?}");
        }
    }

    #[test]
    fn the_core_of_a_consensus_is_named_by_its_adapter_alone() {
        let core = on("arc-malachitebft-core-types", None, None, false);
        let adapter = Package { name: "banyan-committee".into(), ..package() };
        assert_eq!((impure(&adapter, &core), stray(&adapter, &core)), (None, None));
        assert!(impure(&package(), &core).is_some() && stray(&package(), &core).is_some());
        let defaults = on("arc-malachitebft-core-types", None, None, true);
        assert!(impure(&adapter, &defaults).is_some());
    }

    #[test]
    fn worldly_words_are_found_before_the_tests_and_outside_comments() {
        let text = "// HashMap would do\nuse std::fs;\nlet x = 1;\n#[cfg(test)]\nuse std::net;\n";
        assert_eq!(worldly_lines(text).collect::<Vec<_>>(), [(2, "std::fs")]);
    }
}
