//! What the ledger promises, proved through its public face. One module per promise; `support` builds worlds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::type_complexity, reason = "a table says in its rows what it holds")]

mod acts;
mod bonded;
mod certified;
mod changes;
mod children;
mod committee;
mod contracts;
mod ends;
mod escape;
mod evidence;
mod expiry;
mod follow;
mod genesis;
mod lives;
mod money;
mod named;
mod objects;
mod order;
mod regimes;
mod remits;
mod replay;
mod reports;
mod rewards;
mod routes;
mod seals;
mod signatures;
mod stake;
mod stakers;
mod steward;
mod support;
mod tokens;
mod tree;
mod turns;
