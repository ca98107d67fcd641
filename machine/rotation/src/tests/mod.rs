mod formats;
mod network;
mod steps;
mod world;
