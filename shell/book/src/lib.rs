//! Hang a book of accounts in SQL from a parent ledger.
//!
//! A system that is no chain, such as a bank's database, becomes an associate: commits are credited to its accounts, what its
//! users withdraw is remitted, and its operators sign for it. [`Book`] is what the [`Adapter`] asks of it, [`SqlBook`] a book in
//! SQLite or PostgreSQL, over tables of its own or a bank's. Read [`Book`] first. Rules: associates 5, 11; ADR 21.

mod adapter;
mod book;
mod db;
mod own;
mod schema;
mod sql;

pub use adapter::{Adapter, Did, Signer, Stopped};
pub use book::{Book, Ours, ParentBlock, Position, Skipped};
pub use own::{Settings, Statements};
pub use sql::SqlBook;
