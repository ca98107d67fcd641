mod anchor;
mod flow;
mod locks;
mod model;
mod network;
mod world;
