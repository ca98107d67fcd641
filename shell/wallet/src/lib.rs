//! Keep keys, build transactions, check proofs and walk coins along the tree.
