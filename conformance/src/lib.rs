//! Replay committed vectors and frozen encodings.
//!
//! A folder of vectors holds JSON files of one kind, and its reader has the kind's name: [`replay()`] runs a reader over a
//! folder, also one from outside the repository. What we freeze ourselves is listed by [`frozen::lines`]. Read
//! [`replay()`] first.

pub mod frozen;

mod contracts;
mod cuckoo;
mod encodings;
mod fate;
mod replay;
mod samples;

pub use replay::{Figure, NAMES, Replayed, Stopped, replay};
