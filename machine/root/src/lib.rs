//! Choose, extend and reward the proof-of-work chain (Bitcoin-NG).
#![no_std]

extern crate alloc;

pub mod pow;
pub mod target;
