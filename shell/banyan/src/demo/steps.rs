//! The steps of the demo: each does something, and checks it by state proofs of its own.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use banyan_ledger::{Key, Supply, key};
use banyan_types::{AccountId, Amount, Asset, AssociateId, Nonce, Payee, SUPPLY_MAX};
use banyan_wallet::{
    client::{Client, Level, TreeNode, When},
    journey::{Draft, Walk, path},
    light::Proven,
    tx,
};

use super::{liar, story::Story};
use crate::{
    command::{draw, line, terms},
    devnet::{BANK, ROOT},
    failure::{Exit, Failure},
    session::{DEV_ACCOUNTS, Owner, dev_key},
};

/// What each leg may take.
const LEG_LIMIT: Duration = Duration::from_secs(45);
/// What one payment may take.
pub const PAYMENT_LIMIT: Duration = Duration::from_secs(20);
/// What a refusal may take.
const REFUSAL_LIMIT: Duration = Duration::from_secs(20);
/// How often something is asked again.
const PAUSE: Duration = Duration::from_millis(50);
/// Payments that each development account makes inside the child: 200 in all.
const PAYMENTS_EACH: u64 = 25;
/// A true summary may come in between a lie's making and its judgement: then another lie is told.
const LIES_MAX: usize = 8;

/// The tree that the story is told on.
pub struct Scene {
    client: Client,
    bank: AssociateId,
}

impl Scene {
    /// The tree at `client`, which must be a devnet's.
    /// # Errors
    /// Exit 3: it is not.
    pub fn new(client: Client) -> Result<Self, Failure> {
        let no_devnet = |why: &str| {
            Failure::new(Exit::Invalid, "no_devnet", "the demo needs a devnet", "banyan demo, which grows its own")
                .because(why)
        };
        if client.on(ROOT).status()?.profile != "dev" {
            return Err(no_devnet("that root is of another profile: its coins may be worth something"));
        }
        let tops = client.tree()?;
        let bank = tops.iter().flat_map(TreeNode::all).find(|node| node.name == BANK).and_then(|node| node.associate);
        Ok(Self { client, bank: bank.ok_or_else(|| no_devnet("it has no child named bank"))? })
    }

    /// The root.
    pub fn root(&self) -> Client {
        self.client.on(ROOT)
    }

    /// The child.
    pub fn child(&self) -> Client {
        self.client.on(BANK)
    }

    /// Show the tree, and wait until the accounts hold coins on both ledgers.
    /// # Errors
    /// They do not, in time.
    pub fn show(&self, story: &mut Story) -> Result<(), Failure> {
        let child = self.child();
        let begun = Instant::now();
        for index in 0..DEV_ACCOUNTS {
            while child.account(Owner::Dev(index).account())?.balance.is_zero() {
                if begun.elapsed() >= LEG_LIMIT {
                    story.check(false, format!("dev{index} holds coins on bank"))?;
                }
                thread::sleep(PAUSE);
            }
        }
        story.fact(draw(&self.client.tree()?));
        story.fact(format!(
            "{DEV_ACCOUNTS} accounts hold coins on both ledgers after {:.1} s",
            story.elapsed().as_secs_f64()
        ));
        story.fact(format!("explorer {}/", self.client.url()));
        Ok(())
    }

    /// Move coins by a plan, each step followed and proven.
    /// # Errors
    /// The leg does not arrive.
    pub fn walk(
        &self,
        story: &mut Story,
        folder: &Path,
        way: (&str, &str),
        coins: u64,
        who: u16,
    ) -> Result<(), Failure> {
        let (from, into) = way;
        let (owner, amount) = (Owner::Dev(who), Amount::coins(coins).unwrap_or_default());
        let arrival = self.client.on(into);
        let steps = path(&self.client.tree()?, from, into)?;
        let draft = Draft::new(&self.client, owner.account(), amount, &steps)?;
        let plan = draft.sign(&dev_key(who))?;
        plan.save(folder)?;
        let before = arrival.prove(&[key::account(owner.account())], When::Top)?.balance(owner.account())?;
        let mut tell = |step: &_| story.fact(line(&plan, step));
        Walk::new(&self.client, &plan, LEG_LIMIT, &mut tell).run()?;
        let after = arrival.prove(&[key::account(owner.account())], When::Top)?.balance(owner.account())?;
        let arrived = after.minus(before) == Some(amount);
        story.check(arrived, format!("{} has {after} BNY on {into}, {coins} more than before", owner.name()))?;
        for hash in plan.hashes() {
            story.fact(format!("explorer {}/tx/{hash}", self.client.on(from).url()));
        }
        Ok(())
    }

    /// Payments inside the child, from every development account to the next.
    /// # Errors
    /// One is refused or does not come to be final.
    pub fn pay(&self, story: &mut Story) -> Result<(), Failure> {
        let child = self.child();
        let before = balances(&child)?;
        let begun = Instant::now();
        let paid = thread::scope(|scope| {
            let payers: Vec<_> =
                (0..DEV_ACCOUNTS).map(|index| scope.spawn(move || pay_from(&self.child(), index))).collect();
            let died = || Failure::new(Exit::Ours, "thread", "a thread has died", "report this");
            let joined = payers.into_iter().map(|payer| payer.join().unwrap_or_else(|_| Err(died())));
            joined.collect::<Result<Vec<_>, Failure>>()
        })?;
        let took = begun.elapsed();
        let after = balances(&child)?;
        let mut times: Vec<_> = paid.iter().flat_map(|paid| paid.times.clone()).collect();
        times.sort_unstable();
        let quantile = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_millis();
        let rate = times.len() as u128 * 1_000 / took.as_millis().max(1);
        story.fact(format!(
            "{} payments, each hard (the operator has signed): p50 {} ms, p99 {} ms",
            times.len(),
            quantile(50),
            quantile(99)
        ));
        story.fact(format!(
            "{:.1} s in all, {rate} payments/s, {DEV_ACCOUNTS} payers, one payment of each at a time",
            took.as_secs_f64()
        ));
        // Everybody paid as much as was received: only fees are gone.
        let right =
            before.iter().zip(&after).zip(&paid).all(|((before, after), paid)| before.minus(paid.fees) == Some(*after));
        let fees = paid.iter().try_fold(Amount::ZERO, |sum, paid| sum.plus(paid.fees)).unwrap_or_default();
        story
            .check(right, format!("proven on bank: every balance is what it was, less its own fees, {fees} BNY in all"))
    }

    /// The validators certify a remit above the escrow; the parent refuses it and nothing changes.
    /// # Errors
    /// It does not.
    pub fn lie(&self, story: &mut Story) -> Result<(), Failure> {
        let (root, liar) = (self.root(), Owner::Dev(DEV_ACCOUNTS - 1));
        let status = root.status()?;
        let look = || liar::look(&root, self.bank, &liar)?.ok_or_else(|| unregistered(self.bank));
        for _ in 0..LIES_MAX {
            let before = look()?;
            let lie = liar::lie(&root, &status, self.bank, &before, &liar, &dev_key(DEV_ACCOUNTS - 1))?;
            let hash = root.submit(&lie)?;
            let code = refusal(&root, hash)?;
            let after = look()?;
            if after.point.point.seq != before.point.point.seq || code != "escrow" {
                continue;
            }
            let held = before.escrow.held();
            story.fact(format!(
                "three of four validators certify a remit of {} BNY; the escrow holds {held} BNY",
                amount_of(&lie)
            ));
            story.fact(format!("{hash} → invalid: {code}"));
            let same = after.escrow == before.escrow && after.balance == before.balance;
            return story.check(
                same,
                format!(
                    "proven on root, before and after: escrow {held} BNY, the liar's balance {} BNY",
                    before.balance
                ),
            );
        }
        story.check(false, "the parent refuses the remit with invalid: escrow")
    }

    /// The sums of both ledgers, and the law between them.
    /// # Errors
    /// They do not add up.
    pub fn totals(&self, story: &mut Story) -> Result<(), Failure> {
        let keys = [key::supply(), key::point(self.bank), key::escrow(self.bank, Asset::Coin)];
        let above = self.root().prove(&keys, When::Top)?;
        let root = supply(&above)?;
        let cap = root.minted.plus(root.pool);
        story.check(adds_up(&root), format!("root   minted {} BNY = {}", root.minted, places(&root)))?;
        story.check(
            cap.map(Amount::base) == Some(SUPPLY_MAX),
            format!("root   minted + pool = cap: {} + {} BNY", root.minted, root.pool),
        )?;

        let (point, escrow) =
            (above.point(self.bank)?.ok_or_else(|| unregistered(self.bank))?, above.escrow(self.bank)?);
        let below = self.child().prove(&[key::supply(), key::parent()], When::Block(point.point.block_hash))?;
        below.check_anchor(&above, self.bank)?;
        let bank = supply(&below)?;
        story.check(adds_up(&bank), format!("bank   minted {} BNY = {}", bank.minted, places(&bank)))?;
        let law = escrow.committed.minus(escrow.remitted);
        story.check(
            law == Some(escrow.held()),
            format!(
                "law    escrow {} = committed {} - remitted {} ≥ 0",
                escrow.held(),
                escrow.committed,
                escrow.remitted
            ),
        )?;
        let covered = escrow.held().minus(escrow.waiting);
        let exists = bank.minted.plus(bank.pool);
        story.check(
            exists == covered,
            format!(
                "anchor summary {} binds bank's block {}: what exists there is the escrow less what waits, {} BNY",
                point.point.seq,
                point.point.child_to,
                covered.unwrap_or_default()
            ),
        )
    }
}

/// What every development account holds on a ledger, in one proven state.
fn balances(ledger: &Client) -> Result<Vec<Amount>, Failure> {
    let accounts: Vec<AccountId> = (0..DEV_ACCOUNTS).map(|index| Owner::Dev(index).account()).collect();
    let keys: Vec<Key> = accounts.iter().map(|account| key::account(*account)).collect();
    let proven = ledger.prove(&keys, When::Top)?;
    accounts.iter().map(|account| Ok(proven.balance(*account)?)).collect()
}

/// Why the root has dropped the transaction, or that it has not.
fn refusal(root: &Client, hash: banyan_types::TxHash) -> Result<String, Failure> {
    let begun = Instant::now();
    loop {
        match root.transaction(hash)? {
            None => return Ok("unknown".into()),
            Some(status) if status.level.is_none() => return Ok(status.status),
            Some(status) if status.block.is_some() => return Ok("included".into()),
            Some(_) if begun.elapsed() >= REFUSAL_LIMIT => return Ok("still waiting".into()),
            Some(_) => thread::sleep(PAUSE),
        }
    }
}

/// What one payer has done.
struct Paid {
    times: Vec<Duration>,
    fees: Amount,
}

fn pay_from(child: &Client, index: u16) -> Result<Paid, Failure> {
    let (key, from) = (dev_key(index), Owner::Dev(index).account());
    let to = Payee::Account(Owner::Dev((index + 1) % DEV_ACCOUNTS).account());
    let status = child.status()?;
    let amount = Amount::coins(1).and_then(|coin| coin.share(1, 100)).unwrap_or_default();
    let mut nonce = child.account(from)?.next();
    let mut paid = Paid { times: vec![], fees: Amount::ZERO };
    for _ in 0..PAYMENTS_EACH {
        let tx = tx::spend(from, to, amount, &terms(&status, nonce))?;
        paid.fees = paid.fees.plus(tx.fee()).unwrap_or(Amount::MAX);
        let signed = tx.sign(&status.network_id, &key);
        let begun = Instant::now();
        let reached = child.submit_and_wait(&signed, Level::Hard, PAYMENT_LIMIT)?;
        if reached.level.is_none_or(|level| level < Level::Hard) {
            let what = format!("{} is {} after {} s", reached.hash, reached.status, PAYMENT_LIMIT.as_secs());
            return Err(Failure::new(Exit::No, "payment", what, "banyan demo again"));
        }
        paid.times.push(begun.elapsed());
        nonce = nonce.next().unwrap_or(Nonce(u64::MAX));
    }
    Ok(paid)
}

fn unregistered(id: AssociateId) -> Failure {
    Failure::new(Exit::Ours, "unregistered", format!("{id} is not registered on the root"), "banyan devnet --reset")
}

fn amount_of(lie: &banyan_types::tx::SignedTx) -> Amount {
    match lie.transaction() {
        banyan_types::tx::Transaction::AssociateRemit(remit) => {
            remit.lines.first().map_or(Amount::ZERO, |line| line.amount)
        }
        _ => Amount::ZERO,
    }
}

fn supply(proven: &Proven) -> Result<Supply, Failure> {
    let none = || Failure::new(Exit::Ours, "no_supply", "the state has no supply leaf", "banyan devnet --reset");
    proven.supply()?.ok_or_else(none)
}

/// Whether what exists is what all places hold.
fn adds_up(supply: &Supply) -> bool {
    let places =
        [supply.accounts, supply.escrows, supply.channels, supply.deposits, supply.bonds, supply.rewards, supply.fees];
    places.into_iter().try_fold(Amount::ZERO, Amount::plus) == Some(supply.minted)
}

fn places(supply: &Supply) -> String {
    let places = [
        ("accounts", supply.accounts),
        ("escrows", supply.escrows),
        ("bonds", supply.bonds),
        ("rewards", supply.rewards),
        ("fees", supply.fees),
    ];
    places.map(|(name, amount)| format!("{name} {amount}")).join(" + ")
}
