mod flow;

mod world;
