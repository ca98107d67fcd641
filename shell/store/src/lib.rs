//! Keep blocks, states and logs of one ledger on disk.
