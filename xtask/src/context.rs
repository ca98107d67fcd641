//! Know where the repository is, whether this is CI, and how much time is left.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::step::Fault;

/// The whole suite ends within this, so that CI's own limit of 45 minutes never cuts off the figure.
const SUITE_LIMIT: Duration = Duration::from_mins(44);

/// What every word needs to know.
#[derive(Clone)]
pub struct Context {
    /// The top of the repository.
    pub root: PathBuf,
    /// Nothing may be skipped here.
    pub ci: bool,
    /// When the children of the present step are ended.
    pub until: Instant,
}

impl Context {
    /// Read the surroundings: cargo names the manifest, `CI=true` names CI.
    pub fn new() -> Self {
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().unwrap_or(&manifest).to_owned();
        Self { root, ci: std::env::var("CI").is_ok_and(|ci| ci == "true"), until: Instant::now() + SUITE_LIMIT }
    }

    /// The same surroundings with at most `limit` to go.
    pub fn within(&self, limit: Duration) -> Self {
        Self { until: self.until.min(Instant::now() + limit), ..self.clone() }
    }

    /// A command that starts at the top of the repository and reads nothing.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root).stdin(std::process::Stdio::null());
        command
    }

    /// The cargo that runs us, with its words.
    pub fn cargo(&self, words: &str) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from));
        command.args(words.split_whitespace());
        command
    }

    /// A program of the workspace built in a profile: `release`, `debug`.
    pub fn built(&self, profile: &str, name: &str) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from);
        target.join(profile).join(name)
    }

    /// The crates of the workspace, as their manifests describe them.
    pub fn packages(&self) -> Result<Vec<Package>, Fault> {
        let output = self.cargo("metadata --format-version 1 --no-deps --locked").output()?;
        if !output.status.success() {
            return Err(Fault::failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| Fault::failed(&error))?;
        let mut packages = metadata.packages;
        packages.sort_by(|a, b| a.manifest_path.cmp(&b.manifest_path));
        Ok(packages)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// One crate of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    pub name: String,
    pub description: Option<String>,
    pub manifest_path: PathBuf,
    pub dependencies: Vec<Dependency>,
}

impl Package {
    /// Where it lives, from the top of the repository: `core/types`.
    pub fn directory<'a>(&'a self, root: &Path) -> &'a Path {
        let directory = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        directory.strip_prefix(root).unwrap_or(directory)
    }
}

/// One line of a crate's `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `dev`, `build`, or absent.
    pub kind: Option<String>,
    pub uses_default_features: bool,
    /// Present for a crate of this workspace.
    pub path: Option<PathBuf>,
}
