//! What the machine must do, told as small worlds of nodes and as tables.

mod sync;
mod world;
