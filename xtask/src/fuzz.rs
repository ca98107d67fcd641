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
/// How long each target runs.
const SECONDS_EACH: u64 = 10;

/// The step `fuzz`: one check for each target.
pub fn check(context: &Context) -> Held {
    let folder = context.root.join("target/fuzz");
    // Flags for a named target do not reach build scripts, which must not be instrumented.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut build = context.cargo("build --release --locked --manifest-path fuzz/Cargo.toml --target");
    build.arg(&triple).env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &folder);
    holds(context, &mut build)?;
    let mut total = Figure::default();
    for source in house::files(&context.root.join("fuzz/fuzz_targets"), "rs")? {
        let Some(name) = source.file_stem() else { continue };
        let mut run = context.command(folder.join(&triple).join("release").join(name));
        run.args(["-seed=1".into(), "-verbosity=0".into(), format!("-max_total_time={SECONDS_EACH}")]);
        run.arg(format!("-artifact_prefix={}-", folder.join(name).display()));
        total += holds(context, &mut run).unwrap_or(Figure::FAILED);
    }
    Ok(total)
}
