//! The machine's sentences. `world` makes blocks and stands in for the shell.

mod anything;
mod choice;
mod early;
mod finality;
mod lead;
mod limits;
mod mine;
mod restart;
mod rules;
mod trees;
mod world;
