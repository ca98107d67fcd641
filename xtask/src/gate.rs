//! Hold the code to cargo's own checks: style, lints, tests, documents.

use crate::command::{counted, holds};
use crate::context::Context;
use crate::figure::Figure;
use crate::step::Held;
use crate::tools;

/// The source is formatted.
pub fn format(context: &Context) -> Held {
    holds(context, &mut context.cargo("fmt --all --check"))
}

/// Clippy and rustc have nothing to say, in any crate or test.
pub fn clippy(context: &Context) -> Held {
    holds(context, &mut context.cargo("clippy --workspace --all-targets --locked -- -D warnings"))
}

/// What properties draw in the gate, so that a change alone decides whether it is green; a run of `cargo nextest` by hand
/// draws anew each time, and what it finds is a bug found.
const DRAWS: &str = "2026";

/// Every test passes.
pub fn tests(context: &Context) -> Held {
    tools::NEXTEST.ensure(context)?;
    // By hand the tests that need a server say loudly that they are skipped; there they may not be.
    if std::env::var_os("CI").is_some() {
        tools::ensure_postgresql(context)?;
    }
    let mut nextest = context.cargo("nextest run --workspace --locked --no-fail-fast --no-tests fail");
    counted(context, nextest.env("PROPTEST_RNG_SEED", DRAWS), Figure::of_nextest)
}

/// Every example in the documents of the code runs.
pub fn doc_tests(context: &Context) -> Held {
    counted(context, &mut context.cargo("test --workspace --doc --locked --no-fail-fast"), Figure::of_harness)
}

/// The documents of the code can be made, and every link in them leads somewhere.
pub fn documents(context: &Context) -> Held {
    let mut doc = context.cargo("doc --workspace --no-deps --locked --document-private-items");
    holds(context, doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Words are spelt as in the dictionary, or as `typos.toml` says.
pub fn spelling(context: &Context) -> Held {
    tools::TYPOS.ensure(context)?;
    holds(context, &mut context.command("typos"))
}

/// The dependencies have licences and sources that `deny.toml` allows.
pub fn dependencies(context: &Context) -> Held {
    tools::DENY.ensure(context)?;
    // It reads the manifests of every target, also of those that no build here has fetched.
    holds(context, &mut context.cargo("fetch --locked"))?;
    holds(context, &mut context.cargo("deny --locked --offline check bans licenses sources"))
}

/// What a user runs can be built, exactly as a user builds it.
pub fn release(context: &Context) -> Held {
    holds(context, &mut context.cargo("build --release --locked"))?;
    let tools = "build --release --locked -p banyan -p banyan-sim -p banyan-bench -p banyan-conformance --bins";
    holds(context, &mut context.cargo(tools))
}
