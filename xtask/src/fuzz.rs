//! Throw bytes at every decoder and rule for a moment, on stable Rust.
//!
//! A long run belongs to `cargo fuzz` with its sanitizers. Here each target is built with the coverage counters alone,
//! which stable rustc can insert, and runs from a fixed seed.

use crate::command::holds;
use crate::context::Context;
use crate::figure::Figure;
use crate::house;
use crate::step::Held;

/// What libFuzzer reads to tell new paths from old ones.
const COVERAGE: &str = "--cfg fuzzing -Cdebug-assertions -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table";
/// Flags for a named target do not reach build scripts, which must not be instrumented.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// How long each target runs.
const SECONDS_EACH: u64 = 10;

/// The step `fuzz`: one check for each target.
pub fn check(context: &Context) -> Held {
    let built = context.root.join("target/fuzz");
    let mut build = context.cargo("build --release --locked --manifest-path fuzz/Cargo.toml --target");
    build.arg(TRIPLE).env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &built);
    holds(context, &mut build)?;
    let mut total = Figure::default();
    for source in house::files(&context.root.join("fuzz/fuzz_targets"), "rs")? {
        let Some(name) = source.file_stem() else { continue };
        let mut run = context.command(built.join(TRIPLE).join("release").join(name));
        run.args(["-seed=1".into(), format!("-max_total_time={SECONDS_EACH}")]);
        run.arg(format!("-artifact_prefix={}-", built.join(name).display()));
        total += holds(context, &mut run).unwrap_or(Figure::FAILED);
    }
    Ok(total)
}
