//! A ledger of a million accounts, and blocks of signed spends between them.

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Changes, Genesis, GenesisAccount, MapState, MicroBlock, Outcome, Overlay, Params, Verified, genesis_state,
};
use banyan_node::GenesisFile;
use banyan_types::{
    AccountId, Amount, Bytes, Gas, Hash, Height, Nonce, Payee, Signature, TimeMs,
    header::{MicroBody, MicroHeader},
    tx::{SignedTx, Spend, Transaction},
};
use rayon::prelude::*;

use crate::Fault;

/// Accounts of the ledger.
pub(crate) const ACCOUNTS: usize = 1_000_000;
/// Accounts that send; each block has one spend of each at most.
pub(crate) const SENDERS: usize = 10_000;
/// Gas of a block: no limit here, since blocks of a given number of spends are measured.
const GAS: Gas = Gas(u64::MAX);

/// The ledger as it grows, whole in memory: the model that the store is held against.
pub(crate) struct World {
    pub params: Params,
    pub state: MapState,
    senders: Vec<SecretKey>,
    accounts: Vec<AccountId>,
    /// Spends that each sender has sent, of those that send at all: the first ones send more often.
    sent: Vec<u64>,
}

/// A block as it comes from a peer.
pub(crate) struct Block {
    pub header: MicroHeader,
    pub body: Vec<u8>,
    pub txs: Vec<SignedTx>,
    /// What it does to the state.
    pub changes: Changes,
}

/// The keys of the accounts that send.
pub(crate) fn senders(count: usize) -> Vec<SecretKey> {
    let key = |number: usize| SecretKey::from_seed(banyan_crypto::sha256(&[b"sender", &number.to_be_bytes()]));
    (0..count).into_par_iter().map(key).collect()
}

/// A payment of one base unit.
pub(crate) fn spend(network_id: &str, from: &SecretKey, to: AccountId, nonce: u64) -> SignedTx {
    let tx = Spend {
        sender_id: AccountId(from.public()),
        recipient_id: Payee::Account(to),
        amount: Amount::new(1).unwrap_or(Amount::ZERO),
        fee: Amount::new(20_000_000_000_000).unwrap_or(Amount::ZERO),
        ttl: Height(0),
        nonce: Nonce(nonce),
        payload: Bytes::default(),
    };
    Transaction::from(tx).sign(network_id, from)
}

impl World {
    /// The ledger at its genesis, and the leaves that it begins with.
    pub fn new() -> Result<(Self, Changes), Fault> {
        let senders = senders(SENDERS);
        let known: Vec<_> = senders.par_iter().map(|key| AccountId(key.public())).collect();
        let other = |number: usize| AccountId(banyan_crypto::sha256(&[b"account", &number.to_be_bytes()]));
        let accounts: Vec<_> = known.into_iter().chain((SENDERS..ACCOUNTS).map(other)).collect();
        let genesis = genesis(&accounts)?;
        let leaves = genesis_state(&genesis)?;
        let mut state = MapState::default();
        state.commit(&leaves);
        let params = Params { gas_per_block_max: GAS, ..genesis.params };
        let sent = vec![0; SENDERS];
        Ok((Self { params, state, senders, accounts, sent }, leaves))
    }

    /// The next block, of so many spends to accounts drawn from all; not applied yet.
    pub fn block(&mut self, spends: usize) -> Result<Block, Fault> {
        let network_id = &self.params.network_id;
        self.sent[..spends].iter_mut().for_each(|sent| *sent += 1);
        let sign = |(at, key): (usize, &SecretKey)| {
            let nonce = self.sent[at];
            let drawn = (nonce * SENDERS as u64 + at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let to = self.accounts[usize::try_from(drawn).unwrap_or(0) % ACCOUNTS];
            spend(network_id, key, to, nonce)
        };
        let txs: Vec<_> = self.senders[..spends].par_iter().enumerate().map(sign).collect();
        let bytes = txs.iter().map(|tx| Bytes(tx.bytes().to_vec())).collect();
        let body = MicroBody { txs: bytes, attachments: vec![] }.encode();
        let (outcome, changes) = self.execute(&txs)?;
        Ok(Block { header: header(&outcome), body, txs, changes })
    }

    fn execute(&mut self, txs: &[SignedTx]) -> Result<(Outcome, Changes), Fault> {
        let bad = |index| format!("the signature of spend {index} does not verify");
        let checked = banyan_node::check_all(txs.to_vec(), &self.params.network_id).map_err(bad)?;
        let mut state = Overlay::new(&mut self.state);
        let outcome = outcome(&mut state, &self.params, &checked)?;
        Ok((outcome, state.into_parts().1))
    }
}

fn outcome(
    state: &mut impl banyan_ledger::State,
    params: &Params,
    txs: &[Verified<SignedTx>],
) -> Result<Outcome, Fault> {
    let mut execution = banyan_ledger::Execution::micro(state, params)?;
    txs.iter().try_for_each(|tx| execution.push(tx))?;
    Ok(execution.finish()?)
}

fn genesis(accounts: &[AccountId]) -> Result<Genesis, Fault> {
    let balance = Amount::coins(1_000).unwrap_or(Amount::ZERO);
    let file = GenesisFile::dev_root(TimeMs(1_700_000_000_000), None, [(accounts[0], balance)].into());
    let all = accounts.iter().map(|account| GenesisAccount { account: *account, balance });
    Ok(Genesis { accounts: all.collect(), ..file.genesis()? })
}

fn header(outcome: &Outcome) -> MicroHeader {
    MicroHeader {
        version: banyan_types::header::PROTOCOL_VERSION,
        height: Height(0),
        index: 1,
        prev_hash: Hash::ZERO,
        prev_key_hash: Hash::ZERO,
        state_root: outcome.root,
        txs_root: outcome.txs_root,
        receipts_root: outcome.receipts_root,
        time: TimeMs(0),
        gas_used: outcome.gas_used,
        signature: Signature([0; 64]),
    }
}

impl Block {
    /// The block for the transition, its signatures checked.
    pub fn checked(&self, txs: Vec<Verified<SignedTx>>) -> banyan_ledger::Block {
        banyan_ledger::Block::Micro(MicroBlock { header: self.header.clone(), txs })
    }
}
