//! The committee in a small world.

mod crash;
mod faults;
mod order;
mod world;
