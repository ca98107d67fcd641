//! Run, use and watch a tree of ledgers: one command line.

fn main() {}
