//! On the parent: what the users of a dead child had on it is claimed, and paid in shares. Rules: associates 7.
//!
//! A claim shows an account in the child's last state, or in the state of a ledger below it. It is recorded in a **bucket**
//! for each ledger of its path, so that everybody who comes through one ledger loses the same share when that ledger has
//! shown more money than it had. Shares are fixed when the window is over, and paid from then on.

use alloc::vec::Vec;

use banyan_crypto::Claim as Signed;
use banyan_tree::MultiProof;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Payee,
    associate::{ProofStep, Regime, escape_message},
    limits::ROUTE_HOPS_MAX,
    tx::{AssociateEscape, SignedTx},
};

use super::{contract::Asker, end::contract_end};
use crate::{
    Account, Bucket, Claim, ConnectionPoint, Contract, Escrow, EscrowV2, Event, Missing, Rejected, State, Status,
    TokenBalance,
    due::Ending,
    leaf::key,
    rules::{Done, Under},
    scene::Scene,
};

/// What a claim's proofs show.
struct Shown {
    /// What each ledger of the path has in its parent's state, from the top.
    caps: Vec<Amount>,
    /// What the account has.
    amount: Amount,
    /// Who is paid.
    owner: Payee,
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn escape(&mut self, signed: &SignedTx, tx: &AssociateEscape, under: &Under) -> Result<Done, Rejected> {
        let point = self.point(tx.associate_id)?;
        self.must_be_dead(&point)?;
        match point.regime {
            Regime::Contract(contract) if self.height <= contract_end(&point)? => {
                let (child, from, fee) = (tx.associate_id, tx.from_id, tx.fee);
                self.escape_by_contract(point, tx, &Asker { child, contract, from, fee, signed, under })
            }
            _ => self.escape_by_proof(point, tx).map(|()| Done::plain()),
        }
    }

    /// What the contract gives is paid at once.
    fn escape_by_contract(
        &mut self,
        mut point: ConnectionPoint,
        tx: &AssociateEscape,
        asker: &Asker<'_>,
    ) -> Result<Done, Rejected> {
        let (id, to, account) = (tx.associate_id, tx.from_id, tx.account_id);
        let mark = key::bucket(id, tx.asset, &[], Some(account));
        if self.get::<Bucket>(&mark)?.is_some() {
            return Err(Rejected::Claimed { account });
        }
        // The authorization is the contract's here, so the owner has to send it.
        if account != Payee::Account(to) || tx.asset != Asset::Coin {
            return Err(Rejected::Signer { owner: account });
        }
        let free = self.escrow(id, Asset::Coin)?.free();
        let (amount, done) = self.ask_for_escape(asker, tx, free)?;
        let Some(amount) = amount else { return Ok(done) };
        self.bury(id, &mut point)?;
        self.set(mark, &Bucket { cap: amount, claimed: amount, late: Amount::ZERO });
        let n = point.claims.made;
        self.set(key::claim(id, n), &Claim { account, asset: Asset::Coin, to, amount, path: Vec::new() });
        point.claims.made = n.checked_add(1).ok_or(Rejected::Overflow)?;
        point.claims.paid = point.claims.made;
        self.set_point(id, &point);
        self.events.push(Event::Claimed { associate: id, n, account, asset: Asset::Coin, amount });
        self.pay_claim(id, n, (to, Asset::Coin), amount)?;
        self.retire(id)?;
        Ok(done)
    }

    fn escape_by_proof(&mut self, mut point: ConnectionPoint, tx: &AssociateEscape) -> Result<(), Rejected> {
        let id = tx.associate_id;
        let is_late = self.check_window(&point)?;
        let shown = read_proofs(point.point.root, tx)?;
        let mark = key::bucket(id, tx.asset, &tx.path, Some(tx.account_id));
        if self.get::<Bucket>(&mark)?.is_some() {
            return Err(Rejected::Claimed { account: tx.account_id });
        }
        let to = self.check_signer(tx, shown.owner)?;
        self.bury(id, &mut point)?;
        let amount = shown.amount;
        self.set(mark, &Bucket { cap: amount, claimed: amount, late: Amount::ZERO });
        let n = point.claims.made;
        let claim = Claim { account: tx.account_id, asset: tx.asset, to, amount, path: tx.path.clone() };
        self.set(key::claim(id, n), &claim);
        point.claims.made = n.checked_add(1).ok_or(Rejected::Overflow)?;
        self.events.push(Event::Claimed { associate: id, n, account: tx.account_id, asset: tx.asset, amount });
        if is_late {
            point.claims.paid = point.claims.made;
            self.set_point(id, &point);
            self.pay_late(id, n, &claim, &shown.caps)?;
            return self.retire(id);
        }
        self.set_point(id, &point);
        self.record_claim(id, &claim, &shown.caps)
    }

    /// Rule 2. Whether shares are fixed already.
    fn check_window(&self, point: &ConnectionPoint) -> Result<bool, Rejected> {
        let Status::Dead { until, .. } = point.status else { return Ok(false) };
        let last = until.plus(point.params.claim_window).ok_or(Rejected::Overflow)?;
        if self.height > last {
            return Err(Rejected::Window { last, height: self.height });
        }
        let is_late = self.height > until;
        // Whoever was in time is paid first.
        if is_late && point.claims.paid < point.claims.made {
            return Err(Rejected::Status { status: "paying claims" });
        }
        Ok(is_late)
    }

    /// Rule 5: the owner sends it, or has signed it.
    fn check_signer(&self, tx: &AssociateEscape, owner: Payee) -> Result<AccountId, Rejected> {
        let wrong = Rejected::Signer { owner };
        let Payee::Account(owner) = owner else { return Err(wrong) };
        if owner == tx.from_id && tx.authorization.0.is_empty() {
            return Ok(owner);
        }
        let message = escape_message(&self.params.network_id, tx.associate_id, tx.account_id, tx.asset, &tx.path);
        let signature: Option<&[u8; 64]> = tx.authorization.0.as_slice().try_into().ok();
        let verifies =
            |signature| banyan_crypto::verify(Signed { key: &owner.0, message: &message, signature }).is_ok();
        if signature.is_some_and(verifies) { Ok(owner) } else { Err(wrong) }
    }

    /// Count a claim in the buckets from its own ledger up to the dead child. A bucket asks for no more than its cap.
    fn record_claim(&mut self, id: AssociateId, claim: &Claim, caps: &[Amount]) -> Result<(), Rejected> {
        let mut more = claim.amount;
        for (depth, cap) in capped(caps).rev() {
            let at = key::bucket(id, claim.asset, prefix(&claim.path, depth), None);
            let mut bucket = self.bucket(&at, cap)?;
            let before = bucket.asks();
            bucket.claimed = bucket.claimed.plus(more).ok_or(Rejected::Overflow)?;
            more = bucket.asks().minus(before).ok_or(Missing("a bucket asks for less with more claims"))?;
            self.set(at, &bucket);
        }
        Ok(())
    }

    fn bucket(&mut self, at: &crate::Key, cap: Amount) -> Result<Bucket, Missing> {
        Ok(self.get(at)?.unwrap_or(Bucket { cap, claimed: Amount::ZERO, late: Amount::ZERO }))
    }

    /// What a claim is worth once shares are fixed: the product of its buckets' ratios, rounded down.
    fn share(&mut self, id: AssociateId, claim: &Claim) -> Result<Amount, Rejected> {
        let mut share = claim.amount;
        for depth in (0..=claim.path.len()).rev() {
            let bucket = self.bucket(&key::bucket(id, claim.asset, prefix(&claim.path, depth), None), Amount::MAX)?;
            share = bucket.share(share);
        }
        Ok(share)
    }

    /// A claim after the window: at the fixed ratio, as far as its buckets and the escrow still hold something.
    fn pay_late(&mut self, id: AssociateId, n: u64, claim: &Claim, caps: &[Amount]) -> Result<(), Rejected> {
        let mut share = self.share(id, claim)?.min(self.escrow(id, claim.asset)?.free());
        let below: Vec<_> = capped(caps).skip(1).collect();
        for (depth, cap) in &below {
            let bucket = self.bucket(&key::bucket(id, claim.asset, prefix(&claim.path, *depth), None), *cap)?;
            share = share.min(bucket.left());
        }
        for (depth, cap) in &below {
            let at = key::bucket(id, claim.asset, prefix(&claim.path, *depth), None);
            let mut bucket = self.bucket(&at, *cap)?;
            bucket.late = bucket.late.plus(share).ok_or(Rejected::Overflow)?;
            self.set(at, &bucket);
        }
        self.pay_claim(id, n, (claim.to, claim.asset), share)
    }

    fn pay_claim(
        &mut self,
        id: AssociateId,
        n: u64,
        (to, asset): (AccountId, Asset),
        amount: Amount,
    ) -> Result<(), Rejected> {
        let cargo = self.escrow_out(id, asset, amount)?;
        self.pay_cargo(to, cargo)?;
        self.events.push(Event::Escaped { associate: id, n, to, asset, amount });
        Ok(())
    }

    /// The walk's reminder: pay shares when the window is over, and give the rest to the pool a window later.
    pub(crate) fn end_escape(&mut self, id: AssociateId) -> Result<(), Rejected> {
        let Some(mut point) = self.get::<ConnectionPoint>(&key::point(id))? else { return Ok(()) };
        let Status::Dead { until, .. } = point.status else { return Ok(()) };
        let last = until.plus(point.params.claim_window).ok_or(Rejected::Overflow)?;
        if self.height <= until {
            return Ok(());
        }
        point.assets().into_iter().try_for_each(|asset| self.fix_shares(id, asset))?;
        self.pay_shares(id, &mut point)?;
        let next = if point.claims.paid < point.claims.made { self.height } else { last };
        if self.height > last && point.claims.paid == point.claims.made {
            for asset in point.assets() {
                let amount = self.escrow(id, asset)?.free();
                let cargo = self.escrow_out(id, asset, amount)?;
                self.forfeit(cargo)?;
                self.events.push(Event::Forfeited { associate: id, asset, amount });
            }
        } else {
            self.due_at(next.next().ok_or(Rejected::Overflow)?, Ending::Escape(id))?;
        }
        self.retire(id)
    }

    /// What is shared is what the escrow holds beside the money that waits, when the first claim is paid.
    fn fix_shares(&mut self, id: AssociateId, asset: Asset) -> Result<(), Rejected> {
        let at = key::bucket(id, asset, &[], None);
        if let Some(bucket) = self.get::<Bucket>(&at)?.filter(|bucket| bucket.cap == Amount::MAX) {
            let cap = self.escrow(id, asset)?.free();
            self.set(at, &Bucket { cap, ..bucket });
        }
        Ok(())
    }

    /// So many as a block may.
    fn pay_shares(&mut self, id: AssociateId, point: &mut ConnectionPoint) -> Result<(), Rejected> {
        while point.claims.paid < point.claims.made && self.shares_left > 0 {
            let n = point.claims.paid;
            let claim: Claim = self.get(&key::claim(id, n))?.ok_or(Missing("a numbered claim is absent"))?;
            let share = self.share(id, &claim)?;
            self.pay_claim(id, n, (claim.to, claim.asset), share)?;
            point.claims.paid = n.saturating_add(1);
            self.shares_left = self.shares_left.saturating_sub(1);
        }
        self.set_point(id, point);
        Ok(())
    }
}

/// The first `depth` ledgers of a path.
fn prefix(path: &[AssociateId], depth: usize) -> &[AssociateId] {
    path.get(..depth).unwrap_or(path)
}

/// Each depth of a path with the cap of its bucket. That of the dead child is known when the window is over.
fn capped(caps: &[Amount]) -> impl DoubleEndedIterator<Item = (usize, Amount)> + ExactSizeIterator {
    let all: Vec<_> = core::iter::once(Amount::MAX).chain(caps.iter().copied()).enumerate().collect();
    all.into_iter()
}

impl Bucket {
    /// What it asks the bucket above for.
    fn asks(&self) -> Amount {
        self.cap.min(self.claimed)
    }

    /// The share of `amount` when all that is claimed is more than the cap.
    fn share(&self, amount: Amount) -> Amount {
        if self.claimed <= self.cap { amount } else { part(amount, self.cap, self.claimed) }
    }

    /// What late claims may still have.
    fn left(&self) -> Amount {
        self.cap.minus(self.asks()).and_then(|left| left.minus(self.late)).unwrap_or(Amount::ZERO)
    }
}

/// `amount × of / whole`, rounded down, for an `amount` of at most `whole`: bit by bit, since the product does not fit.
fn part(amount: Amount, of: Amount, whole: Amount) -> Amount {
    let (amount, whole) = (amount.base(), whole.base());
    if amount >= whole {
        return of;
    }
    // After each bit `quotient × whole + rest` is `amount` times the bits of `of` so far, and `rest` is below `whole`.
    let carry = |quotient: u128, rest: u128| match rest.checked_sub(whole) {
        Some(rest) => (quotient.saturating_add(1), rest),
        None => (quotient, rest),
    };
    let (mut quotient, mut rest) = (0u128, 0u128);
    for bit in (0..u128::BITS).rev() {
        (quotient, rest) = carry(quotient.saturating_mul(2), rest.saturating_mul(2));
        if of.base().checked_shr(bit).is_some_and(|bits| bits & 1 == 1) {
            (quotient, rest) = carry(quotient, rest.saturating_add(amount));
        }
    }
    Amount::new(quotient).unwrap_or(of)
}

/// Rule 3: read the leaves that the proofs show, from the child's root down.
fn read_proofs(root: Hash, tx: &AssociateEscape) -> Result<Shown, Rejected> {
    let wrong = |why: &'static str| Rejected::Proof { why };
    if tx.path.len() > ROUTE_HOPS_MAX || tx.proofs.len() != tx.path.len().saturating_add(1) {
        return Err(wrong("a way of at most 8 ledgers, with one step for each and one for the account"));
    }
    let (mut root, mut caps) = (root, Vec::new());
    for (child, step) in tx.path.iter().zip(&tx.proofs) {
        let [point, escrow] = open(root, step, [key::point(*child), key::escrow(*child, tx.asset)])?;
        let point = ConnectionPoint::decode(point).map_err(|_| wrong("no connection point"))?;
        let escrow = match tx.asset {
            Asset::Coin => Escrow::decode(escrow),
            Asset::Token(_) => EscrowV2::decode(escrow).map(Into::into),
        };
        let escrow = escrow.map_err(|_| wrong("no escrow"))?;
        root = point.point.root;
        caps.push(escrow.free());
    }
    let step = tx.proofs.last().ok_or(wrong("no step"))?;
    let (amount, owner) = read_account(root, tx.account_id, tx.asset, step)?;
    if amount.is_zero() {
        return Err(wrong("the account has nothing"));
    }
    Ok(Shown { caps, amount, owner })
}

fn read_account(root: Hash, id: Payee, asset: Asset, step: &ProofStep) -> Result<(Amount, Payee), Rejected> {
    let wrong = |why: &'static str| Rejected::Proof { why };
    let account = |bytes: &[u8]| Account::decode(bytes).map_err(|_| wrong("no account"));
    match (id, asset) {
        (Payee::Account(own), Asset::Token(token)) => {
            let [bytes] = open(root, step, [key::token_balance(token, own)])?;
            let held = TokenBalance::decode(bytes).map_err(|_| wrong("no balance of that token"))?;
            Ok((held.amount.0, id))
        }
        (Payee::Contract(_), Asset::Token(_)) => Err(wrong("a contract holds no tokens")),
        (Payee::Account(own), Asset::Coin) => {
            let [bytes] = open(root, step, [key::account(own)])?;
            Ok((account(bytes)?.balance, id))
        }
        (Payee::Contract(contract), Asset::Coin) => {
            let keys = [key::account(Contract::account(contract)), key::contract(contract)];
            let [bytes, contract] = open(root, step, keys)?;
            let contract = Contract::decode(contract).map_err(|_| wrong("no contract"))?;
            let amount = account(bytes)?.balance.plus(contract.deposit).ok_or(Rejected::Overflow)?;
            Ok((amount, contract.owner))
        }
    }
}

/// The leaves of one step, which stand under `keys` in the state with this root. A root of zeros commits to no state.
pub(super) fn open<const N: usize>(
    root: Hash,
    step: &ProofStep,
    keys: [crate::Key; N],
) -> Result<[&[u8]; N], Rejected> {
    let wrong = |why: &'static str| Rejected::Proof { why };
    let leaves: Vec<&[u8]> = step.leaves.iter().map(|leaf| leaf.0.as_slice()).collect();
    let leaves: [&[u8]; N] = leaves.try_into().map_err(|_| wrong("another number of leaves"))?;
    if root == Hash::ZERO {
        return Err(wrong("the ledger committed to no state"));
    }
    let proof = MultiProof::decode(&step.proof.0).map_err(|_| wrong("not a proof"))?;
    let mut items: Vec<_> = keys.into_iter().zip(leaves.map(Some)).collect();
    items.sort_by_key(|(key, _)| *key);
    proof.verify(&root.0, &items).map_err(|_| wrong("the leaves do not stand in that state"))?;
    Ok(leaves)
}
