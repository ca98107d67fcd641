//! The committee in a small world.

mod anything;
mod crash;
mod epochs;
mod faults;
mod hear;
mod order;
mod swarm;
mod world;
