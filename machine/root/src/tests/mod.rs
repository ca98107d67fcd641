//! The machine's sentences. `world` makes blocks and stands in for the shell.

mod anything;
mod choice;
mod early;
mod finality;
mod headers;
mod lead;
mod limits;
mod mine;
mod promises;
mod restart;
mod rules;
mod trees;
mod world;
