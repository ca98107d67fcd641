//! Held to published points, to a second library and to the laws.
