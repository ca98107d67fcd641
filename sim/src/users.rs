//! People with wallets, some of them careless: what they send, and what must become of it.

use std::collections::BTreeSet;

use banyan_ledger::{Account, Params, rules};
use banyan_node::{Leaves as _, Node, NodeError};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, COIN, ContractId, Hash, Height, Nonce, Payee,
    associate::Hop,
    tx::{AssociateCommit, AssociateWithdraw, SignedTx, Spend, Transaction},
};

use crate::{
    promise::Expect,
    random::Random,
    setting::{Tree, Who, leg},
};

/// Further ahead than any pool keeps.
const FAR_AHEAD: u64 = 70;
/// Thousandths by which a replacement pays more than what it replaces, at least.
const REPLACEMENT_PERMILLE: u64 = 1_150;

/// A transaction with what its sender may expect.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The transaction.
    pub tx: SignedTx,
    /// What must become of it.
    pub expect: Expect,
    /// Names the leg of the journey that it begins, if it does.
    pub leg: Option<Hash>,
}

/// All users.
pub struct Users {
    random: Random,
    count: u8,
    legs: u64,
}

/// What a wallet knows of its account at one node.
#[derive(Clone)]
struct Wallet<'a> {
    who: Who,
    params: &'a Params,
    height: Height,
    account: Account,
    /// The first nonce that nothing uses.
    next: Nonce,
    /// Whether something waits behind that nonce.
    has_gap: bool,
    waiting: Vec<SignedTx>,
}

impl Users {
    /// So many users.
    pub fn new(seed: u64, count: u8) -> Self {
        Self { random: Random::named(seed, "users"), count, legs: 0 }
    }

    /// Somebody does something at this node.
    /// # Errors
    /// What the node's chain answers.
    pub fn act(&mut self, node: &Node, tree: &Tree) -> Result<Option<Sent>, NodeError> {
        let who = Who::User(u8::try_from(self.random.below(self.count.into())).unwrap_or(0));
        let wallet = Wallet::open(node, who)?;
        let is_root = node.chain().params().is_root();
        Ok(match self.random.below(100) {
            0..12 => self.blunder(&wallet, is_root),
            12..16 => self.doomed(&wallet, is_root),
            16..20 => self.replacement(&wallet),
            20..60 => Some(self.spend(&wallet)),
            _ if is_root => self.commit(&wallet, tree),
            _ => Some(self.withdraw(&wallet)),
        })
    }

    /// Somebody who is not sure of an answer sends again, here, what the node `there` has.
    /// # Errors
    /// What the node's chain answers.
    pub fn repeat(&mut self, there: &Node) -> Result<Option<Sent>, NodeError> {
        let pool = there.pool().read().map_err(|_| NodeError::Ended)?;
        let held: Vec<_> = pool.iter().map(|waiting| waiting.tx.get()).collect();
        // What is bad is refused for other reasons elsewhere, and once is enough.
        let plain = held.into_iter().filter(|tx| matches!(tx.transaction(), Transaction::Spend(_)));
        Ok(self.random.pick(&plain.collect::<Vec<_>>()).map(|tx| Sent::good((*tx).clone())))
    }

    /// Somebody sends what is missing before what waits already.
    /// # Errors
    /// What the node's chain answers.
    pub fn fill(&mut self, node: &Node) -> Result<Option<Sent>, NodeError> {
        for user in 0..self.count {
            let wallet = Wallet::open(node, Who::User(user))?;
            if wallet.has_gap {
                let tx = wallet.spend(wallet.next, Amount::ZERO, wallet.who.account(), Height(0));
                return Ok(Some(Sent::good(wallet.sign(tx))));
            }
        }
        Ok(None)
    }

    fn amount(&mut self) -> Amount {
        let most = if self.random.chance(100) { 1 } else { 3 * COIN };
        let most = u64::try_from(most).expect("three coins");
        Amount::new(u128::from(self.random.between(1, most))).expect("three coins")
    }

    /// An amount that no other transaction has: with the nonce of a used one, it is still another transaction.
    fn unique(&mut self) -> Amount {
        self.legs += 1;
        Amount::new(4 * COIN + u128::from(self.legs)).expect("some coins")
    }

    fn payee(&mut self) -> AccountId {
        Who::User(u8::try_from(self.random.below(u64::from(self.count) + 2)).unwrap_or(0)).account()
    }

    fn spend(&mut self, wallet: &Wallet<'_>) -> Sent {
        let (amount, to) = (self.amount(), self.payee());
        let ttl = if self.random.chance(100) { wallet.height.plus(3).unwrap_or(wallet.height) } else { Height(0) };
        Sent::good(wallet.sign(wallet.spend(wallet.next, amount, to, ttl)))
    }

    fn commit(&mut self, wallet: &Wallet<'_>, tree: &Tree) -> Option<Sent> {
        let children: Vec<_> = tree.child.iter().map(|(id, _)| *id).chain(tree.liar).collect();
        let child = *self.random.pick(&children)?;
        // Some money goes down and at once up again.
        let route = if self.random.chance(100) { vec![Hop::Up] } else { vec![] };
        let (to, amount, leg) = (self.payee(), self.amount(), self.leg());
        let tx = wallet.commit(child, to, amount, &route, leg);
        let leg = (Some(child) == tree.child.as_ref().map(|(id, _)| *id)).then_some(leg);
        Some(Sent { leg, ..Sent::good(wallet.sign(tx)) })
    }

    fn withdraw(&mut self, wallet: &Wallet<'_>) -> Sent {
        // A contract that does not exist cannot be paid: the line comes back.
        let nobody = self.random.chance(80).then_some(Payee::Contract(ContractId([9; 32])));
        let to = nobody.unwrap_or_else(|| Payee::Account(self.payee()));
        // Some money goes up and at once down again.
        let route = if self.random.chance(100) { vec![Hop::Down(wallet.params.ledger)] } else { vec![] };
        let (amount, leg) = (self.amount(), self.leg());
        let leg_shown = (nobody.is_none() && route.is_empty()).then_some(leg);
        Sent { leg: leg_shown, ..Sent::good(wallet.sign(wallet.withdraw(to, amount, &route, leg))) }
    }

    fn leg(&mut self) -> Hash {
        self.legs += 1;
        leg(self.legs)
    }

    /// The same nonce again for a better price.
    fn replacement(&mut self, wallet: &Wallet<'_>) -> Option<Sent> {
        let old = self.random.pick(&wallet.waiting)?.transaction().clone();
        let Transaction::Spend(spend) = old else { return None };
        let fee = spend.fee.share(REPLACEMENT_PERMILLE, 1_000)?;
        Some(Sent::good(wallet.sign(Spend { fee, ..spend }.into())))
    }

    /// What a node must refuse at once, each for its own reason.
    fn blunder(&mut self, wallet: &Wallet<'_>, is_root: bool) -> Option<Sent> {
        let (to, one) = (self.payee(), self.amount());
        let plain = |nonce| wallet.spend(nonce, one, to, Height(0));
        let nonce = wallet.account.nonce;
        let (tx, code) = match self.random.below(8) {
            0 => (plain(wallet.next).sign(&wallet.params.network_id, &Who::Stranger.key()), "bad_signature"),
            1 => (plain(wallet.next).sign("another_network", &wallet.who.key()), "bad_signature"),
            2 => (wallet.sign(cheap(plain(wallet.next))?), "fee_too_low"),
            3 if nonce > Nonce(0) => (wallet.sign(wallet.spend(nonce, self.unique(), to, Height(0))), "nonce_used"),
            4 if !wallet.account.is_empty() => (wallet.sign(plain(nonce.plus(FAR_AHEAD)?)), "nonce_too_far_ahead"),
            5 if !wallet.account.is_empty() => {
                (wallet.sign(wallet.spend(wallet.next, wallet.account.balance, to, Height(0))), "unfunded")
            }
            6 if wallet.height > Height(1) => {
                (wallet.sign(wallet.spend(wallet.next, one, to, wallet.height.prev()?)), "ttl_expired")
            }
            7 if is_root => (wallet.sign(wallet.withdraw(Payee::Account(to), one, &[], Hash::ZERO)), "not_here"),
            _ => {
                let stranger = Wallet { who: Who::Stranger, ..wallet.clone() };
                (stranger.sign(stranger.spend(Nonce(1), one, to, Height(0))), "no_account")
            }
        };
        Some(Sent { tx, expect: Expect::Refused(code), leg: None })
    }

    /// What a pool takes, and whoever makes a block refuses.
    fn doomed(&mut self, wallet: &Wallet<'_>, is_root: bool) -> Option<Sent> {
        if wallet.account.is_empty() {
            return None;
        }
        let (to, one) = (self.payee(), self.amount());
        let (tx, code) = if is_root || self.random.chance(500) {
            (wallet.commit(AssociateId([7; 32]), to, one, &[], Hash::ZERO), "unknown_associate")
        } else {
            (wallet.withdraw(Payee::Account(to), Amount::ZERO, &[], Hash::ZERO), "dust")
        };
        Some(Sent { expect: Expect::Dropped(code), ..Sent::good(wallet.sign(tx)) })
    }
}

impl Sent {
    const fn good(tx: SignedTx) -> Self {
        Self { tx, expect: Expect::Good, leg: None }
    }
}

impl<'a> Wallet<'a> {
    fn open(node: &'a Node, who: Who) -> Result<Self, NodeError> {
        let (chain, id) = (node.chain(), who.account());
        let head = chain.head()?;
        let account = head.view.account(id)?.unwrap_or(Account::EMPTY);
        let pool = node.pool().read().map_err(|_| NodeError::Ended)?;
        let queued: Vec<_> = pool.of_account(id).filter(|waiting| !waiting.included).collect();
        let nonces: BTreeSet<_> = queued.iter().map(|waiting| waiting.tx.get().transaction().nonce()).collect();
        let first = account.nonce.0 + 1;
        let next = (first..=first + nonces.len() as u64)
            .map(Nonce)
            .find(|nonce| !nonces.contains(nonce))
            .unwrap_or(Nonce(first));
        let has_gap = nonces.last().is_some_and(|last| *last > next);
        let waiting = queued.iter().map(|waiting| waiting.tx.get().clone()).collect();
        Ok(Self { who, params: chain.params(), height: head.header.height(), account, next, has_gap, waiting })
    }

    fn sign(&self, tx: Transaction) -> SignedTx {
        tx.sign(&self.params.network_id, &self.who.key())
    }

    fn spend(&self, nonce: Nonce, amount: Amount, to: AccountId, ttl: Height) -> Transaction {
        let (sender_id, recipient_id) = (self.who.account(), Payee::Account(to));
        self.priced(|fee| Spend { sender_id, recipient_id, amount, fee, ttl, nonce, payload: Bytes::default() }.into())
    }

    fn commit(&self, child: AssociateId, to: AccountId, amount: Amount, route: &[Hop], leg: Hash) -> Transaction {
        let (from_id, nonce) = (self.who.account(), self.next);
        self.priced(|fee| {
            let (asset, deadline, ttl) = (Asset::Coin, Height(0), Height(0));
            let (associate_id, to_id, route) = (child, to, route.to_vec());
            AssociateCommit { from_id, associate_id, to_id, asset, amount, route, leg, deadline, ttl, fee, nonce }
                .into()
        })
    }

    fn withdraw(&self, to: Payee, amount: Amount, route: &[Hop], leg: Hash) -> Transaction {
        let (from_id, nonce) = (self.who.account(), self.next);
        self.priced(|fee| {
            let (asset, ttl, to_id, route) = (Asset::Coin, Height(0), to, route.to_vec());
            AssociateWithdraw { from_id, to_id, asset, amount, route, leg, ttl, fee, nonce }.into()
        })
    }

    /// With the least fee that it may have. The fee's own bytes count, so it is found step by step.
    fn priced(&self, with_fee: impl Fn(Amount) -> Transaction) -> Transaction {
        (0..3).fold(with_fee(Amount::ZERO), |tx, _| {
            let fee = rules::minimum_fee(self.params, &tx, tx.encode().len(), self.height);
            with_fee(fee.unwrap_or(Amount::MAX))
        })
    }
}

/// The same for one base unit.
fn cheap(tx: Transaction) -> Option<Transaction> {
    let Transaction::Spend(spend) = tx else { return None };
    Some(Spend { fee: Amount::new(1)?, ..spend }.into())
}
