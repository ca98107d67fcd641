//! Replay committed vectors and frozen encodings.
