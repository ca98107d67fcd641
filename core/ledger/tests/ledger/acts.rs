//! Acts on a connection point, as their authors make them.

use banyan_ledger::{Base as _, Outcome, Rejected, key};
use banyan_tree::{Leaf, Trie};
use banyan_types::{
    AccountId, Asset, AssociateId, Bytes, Height, Payee,
    associate::{Change, ProofStep, close_message, update_message},
    tx::{AssociateClose, AssociateEscape, AssociateRefund, AssociateUpdate, Transaction},
};

use crate::support::*;

impl Ledger {
    /// A change of a child's connection point, signed by two of its operators.
    pub fn update(&self, payer: u8, id: AssociateId, change: Change) -> AssociateUpdate {
        let message = update_message(&self.params.network_id, id, self.point(id).acts, &change);
        AssociateUpdate {
            associate_id: id,
            from_id: account(payer),
            change,
            authorization: signed_by(&message, &[(0, OPERATORS[0]), (1, OPERATORS[1])]),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(payer),
        }
    }

    /// The end of a child, signed by two of its operators.
    pub fn close(&self, payer: u8, id: AssociateId) -> AssociateClose {
        let message = close_message(&self.params.network_id, id, self.point(id).acts);
        AssociateClose {
            associate_id: id,
            from_id: account(payer),
            authorization: signed_by(&message, &[(1, OPERATORS[1]), (2, OPERATORS[2])]),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(payer),
        }
    }

    pub fn refund(&self, payer: u8, id: AssociateId, n: u64) -> AssociateRefund {
        let nonce = self.nonce(payer);
        AssociateRefund { associate_id: id, from_id: account(payer), n, ttl: Height(0), fee: FEE, nonce }
    }

    /// A claim on what an account has in the state of `of`, which stands behind `path` of a dead child; `above` are the
    /// states on the way, from the child's own.
    pub fn escape(&self, payer: u8, id: AssociateId, account_id: Payee, above: &[&Self], of: &Self) -> AssociateEscape {
        let path: Vec<_> = above.iter().skip(1).map(|ledger| ledger.params.ledger).collect();
        let path = if above.is_empty() { path } else { [path, vec![of.params.ledger]].concat() };
        let below = path
            .iter()
            .zip(above)
            .map(|(next, ledger)| ledger.proof(&[key::point(*next), key::escrow(*next, Asset::Coin)]));
        let last = match account_id {
            Payee::Account(id) => of.proof(&[key::account(id)]),
            Payee::Contract(id) => of.proof(&[key::account(AccountId(id.0)), key::contract(id)]),
        };
        let proofs: Vec<_> = below.chain([last]).collect();
        AssociateEscape {
            associate_id: id,
            from_id: account(payer),
            account_id,
            asset: Asset::Coin,
            path,
            proofs,
            authorization: Bytes::default(),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(payer),
        }
    }

    /// The leaves under these keys, with a proof that they stand there.
    pub fn proof(&self, keys: &[banyan_ledger::Key]) -> ProofStep {
        let leaf = |(key, value): (&banyan_ledger::Key, &[u8])| Leaf {
            key: *key,
            value_hash: banyan_tree::value_hash(value),
            note: (),
        };
        let trie = Trie::build(self.state.leaves().map(leaf));
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        let leaves = keys.iter().map(|key| Bytes(self.state.read(key).unwrap().unwrap_or_default()));
        ProofStep { leaves: leaves.collect(), proof: Bytes(trie.prove_many(&sorted).encode()) }
    }
}

impl Pair {
    /// A transaction on the root, in a block.
    pub fn on_root(&mut self, signer: u8, tx: impl Into<Transaction>) -> Outcome {
        self.root.micro(&[self.root.sign(signer, tx)]).unwrap()
    }

    /// What a node says of a transaction on the root.
    pub fn asked(&self, signer: u8, tx: impl Into<Transaction>) -> Result<Outcome, Rejected> {
        self.root.admit(&self.root.sign(signer, tx))
    }

    /// The child is silent until it is dead.
    pub fn fall_silent(&mut self) {
        let last = self.root.point(self.id).last_alive.plus(SILENCE + 1).unwrap();
        while self.root.height() < last {
            self.root.key_block(LEADER);
        }
    }
}
