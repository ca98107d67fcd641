//! Run a contract: the world it sees, how it is called, what comes of it.
//!
//! Read [`Engine::call`] first, then [`Host`]. Rules: protocol, fate 1, 4, 8, 9.

mod cache;
mod enter;
mod failure;
mod finish;
mod host;
mod remote;
mod run;
mod trace;
mod unwind;

use alloc::{sync::Arc, vec::Vec};

pub use failure::{Failure, Place, Reason};
pub use host::{
    AccountKind, Address, Auth, AuthBody, AuthTx, BadStore, CodeRef, Env, Host, Log, NewCode, Refused, Transfer,
};
pub use run::{Flow, Run, Step, Trap};
pub use trace::{Instant, Tracer};

pub(crate) use remote::{Created, RemoteCall, amount};

use crate::{
    code::{BadCode, Loaded, load},
    limits::CODE_CACHE_BYTES,
};
use cache::Cache;

/// What the caller asks for.
#[derive(Debug, Clone)]
pub struct Message {
    /// Whose code runs.
    pub contract: Address,
    /// Who calls it.
    pub caller: Address,
    /// Who signed the transaction.
    pub origin: Address,
    /// Coins that came with the call; the caller has moved them already.
    pub amount: u128,
    /// Gas that the run may use.
    pub gas: u64,
    /// Function and arguments.
    pub call_data: Vec<u8>,
    /// What kind of call it is.
    pub entry: Entry,
    /// Whether the run leaves no trace: all effects are rewound at the end.
    pub view: bool,
}

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A function of a contract that stands.
    Call,
    /// `init` of a contract that was just created.
    Init,
    /// A generalised account's check of a signature: nothing outside its own contract may change.
    Auth,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Done {
        /// The encoded result.
        value: Vec<u8>,
        /// Gas that it used.
        gas_used: u64,
    },
    /// It gave up with a text. The unused gas stays with the sender; all effects are rewound.
    Reverted {
        /// The text: any bytes.
        text: Vec<u8>,
        /// Gas that it used.
        gas_used: u64,
    },
    /// It failed. All effects are rewound; all gas is spent that no gas cap held back.
    Failed {
        /// Why, for people.
        why: Failure,
        /// Gas that it used.
        gas_used: u64,
    },
}

impl Outcome {
    /// Gas that the run used, whatever came of it.
    pub const fn gas_used(&self) -> u64 {
        match self {
            Self::Done { gas_used, .. } | Self::Reverted { gas_used, .. } | Self::Failed { gas_used, .. } => *gas_used,
        }
    }
}

/// Runs contracts. Keeps loaded code between runs.
#[derive(Debug)]
pub struct Engine {
    cache: Cache,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(CODE_CACHE_BYTES)
    }
}

impl Engine {
    /// An engine that keeps at most so many bytes of loaded code. The number never changes a result.
    pub const fn new(code_cache_bytes: usize) -> Self {
        Self { cache: Cache::new(code_cache_bytes) }
    }

    /// Check and decode a code object, as creation does. Code that stands is never checked again.
    pub fn load(code_object: &[u8]) -> Result<Loaded, BadCode> {
        load(code_object)
    }

    /// Run a contract.
    /// # Errors
    /// Only what the host could not answer; whatever the contract does is an [`Outcome`].
    pub fn call<H: Host>(&mut self, host: &mut H, message: &Message) -> Result<Outcome, H::Fault> {
        self.call_traced(host, message, &mut ())
    }

    /// Run a contract and show each instruction to `tracer` before it runs.
    /// # Errors
    /// As [`Engine::call`].
    pub fn call_traced<H: Host, T: Tracer>(
        &mut self,
        host: &mut H,
        message: &Message,
        tracer: &mut T,
    ) -> Result<Outcome, H::Fault> {
        let mark = host.mark();
        let outcome = enter::run(host, tracer, &mut self.cache, message)?;
        if message.view || !matches!(outcome, Outcome::Done { .. }) {
            host.rewind(mark);
        }
        Ok(outcome)
    }

    /// The loaded code of a contract, from the cache if it is there.
    /// # Errors
    /// As [`Engine::call`].
    pub fn code<H: Host>(&mut self, host: &mut H, contract: &Address) -> Result<Option<Arc<Loaded>>, H::Fault> {
        Ok(host.code(contract)?.and_then(|code| self.cache.get(&code).ok()))
    }
}
