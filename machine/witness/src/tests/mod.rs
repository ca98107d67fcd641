mod flow;
mod model;
mod network;
mod world;
