//! Commit to a key-value state; prove and disprove membership.
