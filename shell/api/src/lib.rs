//! Serve HTTP, events and the explorer pages of a node.
