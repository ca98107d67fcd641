//! Hash, sign and verify under thin names over reviewed crates.
