//! Where each leaf stands: SHA-256 of a domain byte and parts of fixed width. Rules: ledger 4.

use crate::Key;
use alloc::vec::Vec;
use banyan_crypto::sha256;
use banyan_types::{AccountId, Asset, AssociateId, ContractId, EntryId, Hash, Height, Id, Payee, PublicKey, TokenId};

/// An account: nonce and balance.
pub fn account(id: AccountId) -> Key {
    sha256(&[&[0x01], &id.0])
}

/// What an account holds of a token.
pub fn token_balance(token: TokenId, account: AccountId) -> Key {
    sha256(&[&[0x02], &token.0, &account.0])
}

/// A contract.
pub fn contract(id: ContractId) -> Key {
    sha256(&[&[0x03], &id.0])
}

/// What a contract's store holds under a key of its own.
pub fn store(contract: ContractId, raw: &[u8]) -> Key {
    sha256(&[&[0x04], &contract.0, raw])
}

/// Code, by the hash of its object.
pub fn code(hash: Hash) -> Key {
    sha256(&[&[0x05], &hash.0])
}

/// The source of visible code, by its hash.
pub fn source(hash: Hash) -> Key {
    sha256(&[&[0x06], &hash.0])
}

/// A data entry.
pub fn entry(id: EntryId) -> Key {
    sha256(&[&[0x0f], &id.0])
}

/// A token.
pub fn token(id: TokenId) -> Key {
    sha256(&[&[0x10], &id.0])
}

/// What of a token came down to this ledger. Domain 1f is free in the registry.
pub fn inherited(id: TokenId) -> Key {
    sha256(&[&[0x1f], &id.0])
}

/// What is left of an object that is gone: its id names no other one.
pub fn tombstone(id: Id) -> Key {
    let (tag, bytes) = id.parts();
    sha256(&[&[0x11, tag], bytes])
}

/// A generalized account's data that was used in this generation.
pub fn used_auth(auth_id: Hash) -> Key {
    sha256(&[&[0x19], &auth_id.0])
}

/// What gone objects have left behind, to be taken away little by little.
pub fn sweep_queue() -> Key {
    sha256(&[&[0x14, 9]])
}

/// Which contract names a child's validators.
pub fn naming() -> Key {
    sha256(&[&[0x14, 8]])
}

/// A connection point.
pub fn point(id: AssociateId) -> Key {
    sha256(&[&[0x08], &id.0])
}

/// What is in a child's escrow of one asset.
pub fn escrow(id: AssociateId, asset: Asset) -> Key {
    match asset {
        Asset::Coin => sha256(&[&[0x15], &id.0, &[0]]),
        Asset::Token(token) => sha256(&[&[0x15], &id.0, &[8], &token.0]),
    }
}

/// Whether an account may receive on, and transact in, a listed child.
pub fn access(id: AssociateId, account: AccountId) -> Key {
    sha256(&[&[0x16], &id.0, &account.0])
}

/// What was claimed on a dead child through the ledgers of a path; with an account, what that account has claimed.
pub fn bucket(id: AssociateId, asset: Asset, path: &[AssociateId], account: Option<Payee>) -> Key {
    // A token's id stands first, and is of another kind than those of a path.
    let token = match asset {
        Asset::Coin => None,
        Asset::Token(token) => Some(Id::Token(token)),
    };
    let ids = token.into_iter().chain(path.iter().map(|hop| Id::Associate(*hop))).chain(account.map(Payee::id));
    let mut bytes = Vec::new();
    for id in ids {
        let (tag, part) = id.parts();
        bytes.push(tag);
        bytes.extend_from_slice(part);
    }
    sha256(&[&[0x18], &id.0, &sha256(&[&bytes])])
}

/// A claim on a dead child, by its number. Domain 1b is free in the registry.
pub fn claim(id: AssociateId, n: u64) -> Key {
    sha256(&[&[0x1b], &id.0, &n.to_be_bytes()])
}

/// An entry of a child's inbox, on the parent.
pub fn inbox(id: AssociateId, n: u64) -> Key {
    sha256(&[&[0x09], &id.0, &n.to_be_bytes()])
}

/// An entry of the outbox, on the child.
pub fn outbox(n: u64) -> Key {
    sha256(&[&[0x17], &n.to_be_bytes()])
}

/// The hash of a recent block; heights a whole ring apart share a key.
pub fn block_hash(height: Height) -> Key {
    let [.., slot] = height.0.to_be_bytes();
    sha256(&[&[0x12, slot]])
}

/// The rewards of a key block that wait to mature.
pub fn reward(height: Height) -> Key {
    sha256(&[&[0x13], &height.0.to_be_bytes()])
}

/// Running totals of the coin.
pub fn supply() -> Key {
    sha256(&[&[0x14, 1]])
}

/// Height and time.
pub fn clock() -> Key {
    sha256(&[&[0x14, 2]])
}

/// Fees of the running generation.
pub fn fees() -> Key {
    sha256(&[&[0x14, 3]])
}

/// On a child: the system leaf.
pub fn parent() -> Key {
    sha256(&[&[0x14, 4]])
}

/// Where the walk over due items stands.
pub fn due_cursor() -> Key {
    sha256(&[&[0x14, 5]])
}

/// What the engine keeps.
pub fn engine() -> Key {
    sha256(&[&[0x14, 6]])
}

/// On the root: the sets of witnesses.
pub fn witness_sets() -> Key {
    sha256(&[&[0x14, 7]])
}

/// On the root: the stakes that sets are chosen from. The registry's next free number of this domain.
pub fn candidates() -> Key {
    sha256(&[&[0x14, 12]])
}

/// What an account has bonded.
pub fn stake(staker: AccountId) -> Key {
    sha256(&[&[0x0c], &staker.0])
}

/// Whose stake a key serves or served, for ever. Domain 1a is free in the registry.
pub fn used_key(key: PublicKey) -> Key {
    sha256(&[&[0x1a], &key.0])
}

/// Where the data with this SHA-256 were posted.
pub fn blob(hash: Hash) -> Key {
    sha256(&[&[0x22], &hash.0])
}

/// Something to be done at a height.
pub fn due(height: Height, index: u32) -> Key {
    sha256(&[&[0x0d], &height.0.to_be_bytes(), &index.to_be_bytes()])
}

/// How much is to be done at a height.
pub fn due_count(height: Height) -> Key {
    sha256(&[&[0x0e], &height.0.to_be_bytes()])
}
