//! `banyan-conformance NAME DIR`: replay the vectors of a folder with the reader of that name.
//!
//! One line per file, failures on stderr, the figure last. Exit code 0 if all held, 1 if not, 2 if it was not asked
//! properly.

use std::{env, path::Path, process::ExitCode};

use banyan_conformance::{Figure, NAMES, replay};

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let [name, dir] = &words[..] else {
        eprintln!("usage: banyan-conformance NAME DIR, where NAME is one of: {}", NAMES.join(", "));
        return ExitCode::from(USAGE);
    };
    let mut total = Figure::default();
    match replay(name, Path::new(dir)) {
        Ok(files) => {
            for file in files {
                file.failures.iter().for_each(|failure| eprintln!("{}: {failure}", file.name));
                println!("{}: {}", file.name, file.figure);
                total += file.figure;
            }
        }
        Err(stopped) => {
            eprintln!("error: {stopped}");
            total += Figure { passed: 0, failed: 1 };
        }
    }
    println!("{total}");
    if total.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
