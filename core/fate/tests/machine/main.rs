//! The machine as its callers see it: code that loads, runs, fails and is charged.

mod calls;
mod gas;
mod loader;
mod operations;
mod random;
mod stores;
mod support;
mod values;
