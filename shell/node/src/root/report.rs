//! Report what convicts a witness or a leader: a transaction from the account of this node's own key.

use banyan_ledger::{Account, rules};
use banyan_root::{Checks, Fraud};
use banyan_store::Place;
use banyan_types::{
    AccountId, Amount, Bytes, Height, Nonce,
    header::MicroHeader,
    tx::{Evidence, SignedTx, Transaction},
};
use banyan_witness::Proof;

use super::RootDriver;
use crate::{Header, Leaves as _, NodeError, node::Core};

/// Generations whose late forks are remembered as reported.
const LATE_FORKS_MAX: usize = 256;

impl RootDriver {
    /// Two votes convict a witness.
    pub(super) fn report_votes(&mut self, core: &mut Core, proof: &Proof) -> Result<(), NodeError> {
        let (a, b) = (proof.first.encode(), proof.second.encode());
        self.report(core, proof.staker, a, b)
    }

    /// A leader has signed two blocks with one index.
    pub(super) fn report_fork(&mut self, core: &mut Core, fraud: &Fraud) -> Result<(), NodeError> {
        let head = core.chain.head()?;
        let used = head.view.leaf(&banyan_ledger::key::used_key(fraud.key.miner), banyan_ledger::UsedKey::decode)?;
        let staker = used.map_or(AccountId::ZERO, |used| used.staker);
        let a = [fraud.key.encode(), fraud.a.encode()].concat();
        self.report(core, staker, a, fraud.b.encode())
    }

    /// A micro block of a generation that is final here, with the index of another one there: the machine holds headers from
    /// the last final key block up and cannot compare the two any more. Reported once for each key block.
    pub(super) fn report_late_fork(&mut self, core: &mut Core, header: &MicroHeader) -> Result<(), NodeError> {
        let (height, rules) = (header.height, core.chain.params().root.as_ref());
        let (last, maturity) = (core.chain.last_final()?.header.height(), rules.map_or(0, |rules| rules.maturity));
        let is_late = height < last && height.0.saturating_add(maturity) > last.0;
        if !is_late || self.late_forks.contains(&header.prev_key_hash) {
            return Ok(());
        }
        let held = |place| core.chain.main_at(place)?.map_or(Ok(None), |hash| core.chain.header(hash));
        let at = Place { height: height.0, index: header.index };
        let (Some(Header::Key(key)), Some(Header::Micro(ours))) = (held(Place::at(height.0))?, held(at)?) else {
            return Ok(());
        };
        let network = &core.chain.params().network_id;
        let is_its_own = key.hash() == header.prev_key_hash && *ours != *header;
        if !is_its_own || (Checks::PROTOCOL.leader)(header, &key.miner, network).is_err() {
            return Ok(());
        }
        self.late_forks.insert(key.hash());
        if self.late_forks.len() > LATE_FORKS_MAX {
            self.late_forks.pop_first();
        }
        self.report_fork(core, &Fraud { key: *key, a: *ours, b: header.clone() })
    }

    /// Put the evidence into the pool. A node without an account that can pay leaves it to others.
    fn report(&mut self, core: &mut Core, staker: AccountId, a: Vec<u8>, b: Vec<u8>) -> Result<(), NodeError> {
        let Some(key) = self.miner.as_ref().or(self.finality.key()) else { return Ok(()) };
        let from_id = AccountId(key.public());
        let head = core.chain.head()?;
        let Some(account) = head.view.account(from_id)? else { return Ok(()) };
        let Some(nonce) = next_nonce(core, from_id, &account) else { return Ok(()) };
        let mut evidence = Evidence {
            from_id,
            staker_id: staker,
            statement_a: Bytes(a),
            statement_b: Bytes(b),
            ttl: Height(0),
            // As long as any fee that follows from it.
            fee: Amount::coins(1).unwrap_or(Amount::MAX),
            nonce,
        };
        let params = core.chain.params();
        let unsigned: Transaction = evidence.clone().into();
        let Some(fee) = rules::minimum_fee(params, &unsigned, unsigned.encode().len(), head.header.height()) else {
            return Ok(());
        };
        evidence.fee = fee;
        let signed: SignedTx = Transaction::from(evidence).sign(&params.network_id, key);
        let answers = core.submit(vec![signed])?;
        for refused in answers.into_iter().filter_map(Result::err) {
            tracing::info!(%refused, %staker, "evidence was not taken");
        }
        self.ready = false;
        Ok(())
    }
}

/// The account's next nonce behind what waits.
fn next_nonce(core: &Core, account: AccountId, held: &Account) -> Option<Nonce> {
    let pool = core.pool();
    let waiting = pool.of_account(account).map(|waiting| waiting.tx.get().transaction().nonce()).max();
    waiting.unwrap_or(held.nonce).max(held.nonce).next()
}
