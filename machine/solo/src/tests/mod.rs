//! The machine's sentences. `world` stands in for shell, parent and disk.

mod anything;
mod blocks;
mod crash;
mod parent;
mod rules;
mod summaries;
mod world;
