//! What the machine must do, told as small worlds of nodes and as tables.

mod anything;
mod hostile;
mod messages;
mod rules;
mod spread;
mod sync;
mod world;
