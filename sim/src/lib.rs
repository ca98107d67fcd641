//! Run whole trees in a seeded world with virtual time, disk and links.
