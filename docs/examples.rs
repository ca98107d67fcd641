//! Test the examples of the book.
//!
//! Each page with Rust in it stands here, and its code runs as a doc test.

#[doc = include_str!("concepts/state.md")]
#[cfg(doctest)]
pub mod state {}

#[doc = include_str!("concepts/transition.md")]
#[cfg(doctest)]
pub mod transition {}
