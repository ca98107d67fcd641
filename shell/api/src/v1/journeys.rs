//! What has become of a journey, derived from the ledgers by the names of its legs alone.
//!
//! Read [`track`] first. A transaction names the first leg; every list that the money passes keeps the name, and a ledger
//! sends on in the very block in which money arrives. So each leg is looked for after the block in which the one before
//! it arrived. Rules: associates 5, 12.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use banyan_ledger::{Fault, Rejected, first_leg, next_leg};
use banyan_node::{Leaves as _, StoredBlock};
use banyan_store::{Order, Place, View};
use banyan_types::{
    AccountId, Amount, AssociateId, Hash, Payee, TimeMs, TxHash,
    associate::{Hop, InboxEntry},
    tx::{AssociateRemit, SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use super::blocks;
use crate::{
    At, Failure, Level,
    answer::units,
    ask::{self, Ask, Part},
    ladder::{Rungs, Standing},
    ledger::Mount,
    show,
};

/// Newest blocks of a ledger that are looked through for a transaction.
const SCAN_BLOCKS: usize = 2_000;
/// Open entries of a list that are looked through, newest first.
const LOOK_BACK: u64 = 4_096;
/// Legs that a journey may have. Source: the depth limits of ledger 7, both ways.
const LEGS_MAX: u16 = 16;
/// How often a stream looks again.
const RECHECK: Duration = Duration::from_millis(500);
/// Events that wait for a reader.
const QUEUE: usize = 64;
/// Time between heartbeats. Source: node 8.3.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How a journey stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JourneyStatus {
    /// Something is still to happen.
    UnderWay,
    /// The last leg has arrived.
    Done,
    /// The money rests on a ledger on the way.
    Stopped,
    /// A child took a leg too late; the money is back on its parent.
    Returned,
    /// A list no longer holds the leg, and the states of its time are no longer kept.
    Forgotten,
}

/// Something that happened to a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JourneyEvent {
    /// `signed`, `included`, `final`, `outbox`, `summarised`, `remitted`, `inbox`, `credited`, `skipped`, `returned`,
    /// `stopped` or `done`.
    pub event: String,
    /// Of which leg, from 0.
    pub leg: u16,
    /// On which ledger.
    pub ledger: String,
    /// In which block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// How sure that block is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Number of the list's entry, or of the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Base units that the event speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Why the money stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Keys that prove it: ask `POST /proofs` of that ledger for them, at that block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// A journey.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Journey {
    /// The name of its first leg, which is its own.
    pub leg: String,
    /// How it stands.
    pub status: JourneyStatus,
    /// The ledger where it was last seen.
    pub ledger: String,
    /// Hashes of its transactions, `th_`.
    pub txs: Vec<String>,
    /// What has happened, in order.
    pub events: Vec<JourneyEvent>,
}

/// A transaction that begins a leg.
struct Begun {
    on: Mount,
    tx: SignedTx,
    from: AccountId,
    account: AccountId,
    amount: Amount,
    hop: Hop,
    route: Vec<Hop>,
}

impl Begun {
    /// `tx` of `on`, if it begins a leg with this name.
    fn of(on: &Mount, tx: &SignedTx, name: Hash) -> Option<Self> {
        let (leg, from, account, amount, hop, route) = match tx.transaction() {
            Transaction::AssociateCommit(tx) => {
                (tx.leg, tx.from_id, tx.to_id, tx.amount, Hop::Down(tx.associate_id), &tx.route)
            }
            Transaction::AssociateWithdraw(tx) => {
                (tx.leg, tx.from_id, tx.to_id.account(), tx.amount, Hop::Up, &tx.route)
            }
            _ => return None,
        };
        let (on, tx, route) = (on.clone(), tx.clone(), route.clone());
        (leg == name).then_some(Self { on, tx, from, account, amount, hop, route })
    }

    /// The transaction that begins the leg `name` on `on` and is what is meant: waiting, or in one of the newest blocks.
    fn find(on: &Mount, name: Hash, is_meant: impl Fn(&Self) -> bool) -> Result<Option<Self>, Failure> {
        let meant = |tx: &SignedTx| Self::of(on, tx, name).filter(|begun| is_meant(begun));
        let waiting = on.ledger().handle.pool(|pool| pool.iter().find_map(|waiting| meant(waiting.tx.get())));
        if waiting.is_some() {
            return Ok(waiting);
        }
        newest(on, None, |block, _| block.txs.iter().find_map(meant))
    }

    /// Whether the name was drawn from this very transaction. Anybody can write a name that is public into another one.
    fn is_named_by_itself(&self, name: Hash) -> bool {
        first_leg(&self.on.ledger().params().network_id, self.tx.transaction()) == name
    }
}

/// The first answer of `look` on the newest blocks of a ledger, none of them older than `since`.
fn newest<T>(
    on: &Mount,
    since: Option<TimeMs>,
    look: impl Fn(&StoredBlock, Hash) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let chain = on.chain();
    for (_, hash) in chain.main_from(on.head()?.header.place(), Order::Descending, SCAN_BLOCKS)? {
        let block = blocks::known(on, hash)?;
        if since.is_some_and(|since| block.header.time() < since) {
            break;
        }
        if let Some(found) = look(&block, hash) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How far a leg came.
enum Came {
    /// It has arrived in this block.
    To(Mount, Hash),
    /// No further yet, or for good.
    Here(JourneyStatus),
}

/// What is known of a journey, as it grows.
struct Track {
    index: u16,
    /// The name under which lists hold the leg.
    name: Hash,
    /// Who sends the leg.
    from: AccountId,
    /// Who is paid by it.
    account: AccountId,
    /// What the leg carries.
    amount: Amount,
    ledger: String,
    events: Vec<JourneyEvent>,
}

impl Track {
    /// Note what happened on `on`, in `block` if in one.
    fn note(&mut self, event: &str, on: &Mount, block: Option<Hash>) -> Result<&mut JourneyEvent, Failure> {
        let header = block.map(|block| on.chain().header(block)).transpose()?.flatten();
        let rungs = Rungs::of(on)?;
        let at = header.as_ref().zip(block).map(|(header, block)| At::of(header, block));
        self.ledger = on.ledger().name().into();
        self.events.push(JourneyEvent {
            event: event.into(),
            leg: self.index,
            ledger: self.ledger.clone(),
            at,
            level: header.map(|header| rungs.level(header.place())),
            n: None,
            amount: None,
            reason: None,
            keys: vec![],
        });
        self.events.last_mut().ok_or_else(|| Failure::ours("an event was lost"))
    }

    /// The block that holds the transaction of a signed leg.
    fn signed(&mut self, begun: &Begun) -> Result<Option<Hash>, Failure> {
        (self.from, self.account, self.amount) = (begun.from, begun.account, begun.amount);
        let amount = Some(units(begun.amount));
        self.note("signed", &begun.on, None)?.amount = amount;
        let Standing::Block(found) = Standing::of(&begun.on, begun.tx.hash())? else { return Ok(None) };
        self.note("included", &begun.on, Some(found.block))?;
        if Rungs::of(&begun.on)?.level(found.header.place()) >= Level::Hard {
            self.note("final", &begun.on, Some(found.block))?;
        }
        Ok(Some(found.block))
    }

    /// One leg that begins on `on` in `block`.
    fn leg(&mut self, on: &Mount, block: Hash, hop: Hop) -> Result<Came, Failure> {
        match hop {
            Hop::Up => self.up(on, block),
            Hop::Down(id) => self.down(on, block, id),
        }
    }

    fn down(&mut self, on: &Mount, block: Hash, id: AssociateId) -> Result<Came, Failure> {
        let kept = on.chain().state_at(block)?;
        let is_exact = kept.is_some();
        let view = kept.map_or_else(|| on.head().map(|head| head.view), Ok)?;
        let Some(entry) = open_entry(&view, id, self.name, self.from)? else {
            return if is_exact {
                self.stopped(on, block, &view, id)
            } else {
                Ok(Came::Here(JourneyStatus::Forgotten))
            };
        };
        self.amount = entry.amount;
        let (n, amount) = (entry.n, units(entry.amount));
        let noted = self.note("inbox", on, Some(block))?;
        (noted.n, noted.amount, noted.keys) = (Some(n), Some(amount), vec![format!("inbox:{id}:{n}")]);
        let Some(child) = on.child(id) else { return Ok(Came::Here(JourneyStatus::UnderWay)) };
        let Some(block) = passed_at(&child, n)? else { return Ok(Came::Here(JourneyStatus::UnderWay)) };
        if !child.chain().effects(block)?.skipped.contains(&n) {
            let keys = vec![format!("account:{}", entry.to)];
            let noted = self.note("credited", &child, Some(block))?;
            (noted.n, noted.keys) = (Some(n), keys);
            return Ok(Came::To(child, block));
        }
        self.note("skipped", &child, Some(block))?.n = Some(n);
        let Some((block, _)) = remit(on, &child, block, |remit| remit.summary.skipped.contains(&n))? else {
            return Ok(Came::Here(JourneyStatus::UnderWay));
        };
        let (amount, keys) = (units(entry.amount), vec![format!("account:{}", entry.from.account())]);
        let noted = self.note("returned", on, Some(block))?;
        (noted.n, noted.amount, noted.keys) = (Some(n), Some(amount), keys);
        Ok(Came::Here(JourneyStatus::Returned))
    }

    fn up(&mut self, on: &Mount, block: Hash) -> Result<Came, Failure> {
        let outbox = on.chain().effects(block)?.outbox;
        let name = self.name;
        let Some(entry) = outbox.into_iter().find(|entry| entry.leg == name && entry.from == self.from) else {
            let why = Rejected::OutboxFull { max: banyan_types::limits::REMIT_LINES_MAX };
            return self.stop(on, block, why.code());
        };
        self.amount = entry.amount;
        let noted = self.note("outbox", on, Some(block))?;
        (noted.n, noted.amount) = (Some(entry.n), Some(units(entry.amount)));
        let Some(parent) = on.parent() else { return Ok(Came::Here(JourneyStatus::UnderWay)) };
        let holds = |remit: &AssociateRemit| remit.lines.iter().any(|line| line.n == entry.n && line.leg == name);
        let Some((block, seq)) = remit(&parent, on, block, holds)? else {
            return Ok(Came::Here(JourneyStatus::UnderWay));
        };
        let id = on.ledger().params().ledger;
        let noted = self.note("summarised", &parent, Some(block))?;
        (noted.n, noted.keys) = (Some(seq), vec![format!("associate:{id}")]);
        let keys = vec![format!("escrow:{id}"), format!("account:{}", self.account)];
        self.note("remitted", &parent, Some(block))?.keys = keys;
        Ok(Came::To(parent, block))
    }

    /// What arrived could not be sent on into the child `id`.
    fn stopped(&mut self, on: &Mount, block: Hash, view: &View, id: AssociateId) -> Result<Came, Failure> {
        let height = on.chain().header(block)?.map_or(banyan_types::Height(0), |header| header.height());
        let fee = on.ledger().params().price(banyan_ledger::HOP_GAS).unwrap_or(Amount::MAX);
        let Some(rest) = self.amount.minus(fee) else { return self.stop(on, block, "funds") };
        let why = match view.associate(id)? {
            Some(point) => point.refusal(height, self.account, false, rest),
            None => Some(Rejected::Unknown),
        };
        self.stop(on, block, why.map_or("refused", |why| why.code()))
    }

    fn stop(&mut self, on: &Mount, block: Hash, reason: &str) -> Result<Came, Failure> {
        let (amount, keys) = (units(self.amount), vec![format!("account:{}", self.account)]);
        let noted = self.note("stopped", on, Some(block))?;
        (noted.reason, noted.amount, noted.keys) = (Some(reason.into()), Some(amount), keys);
        Ok(Came::Here(JourneyStatus::Stopped))
    }
}

/// The entry with this name that a state's list for the child holds.
fn open_entry(view: &View, id: AssociateId, name: Hash, by: AccountId) -> Result<Option<InboxEntry>, Failure> {
    let Some(point) = view.associate(id)? else { return Ok(None) };
    let from = point.inbox_acked.max(point.inbox_next.saturating_sub(LOOK_BACK));
    for n in (from..point.inbox_next).rev() {
        let is_ours = |entry: &InboxEntry| entry.leg == name && entry.from == Payee::Account(by);
        if let Some(entry) = view.inbox_entry(id, n)?.filter(is_ours) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The child's block that passed inbox entry `n`. What a header says of the inbox only grows, so the heights are halved.
fn passed_at(child: &Mount, n: u64) -> Result<Option<Hash>, Failure> {
    let chain = child.chain();
    let passes = |height: u64| -> Result<Option<Hash>, Failure> {
        let Some(hash) = chain.main_at(Place::at(height))? else { return Ok(None) };
        let passed = match chain.header(hash)? {
            Some(banyan_node::Header::Child(header)) => header.inbox_to > n,
            _ => false,
        };
        Ok(passed.then_some(hash))
    };
    let (mut low, mut end) = (0, child.head()?.header.height().0);
    let Some(mut found) = passes(end)? else { return Ok(None) };
    while low < end {
        let middle = low + (end - low) / 2;
        match passes(middle)? {
            Some(hash) => (end, found) = (middle, hash),
            None => low = middle + 1,
        }
    }
    Ok(Some(found))
}

/// The parent's block that holds the child's remit of which `holds` is true, and its number. It is not older than the
/// child's block that it tells of.
fn remit(
    parent: &Mount,
    child: &Mount,
    told: Hash,
    holds: impl Fn(&AssociateRemit) -> bool,
) -> Result<Option<(Hash, u64)>, Failure> {
    let id = child.ledger().params().ledger;
    // A child's clock may be ahead of its parent's a little, and its blocks name older ones of the parent.
    let named = child.chain().connection(told)?.map_or(TimeMs(0), |(leaf, _)| leaf.time);
    let seq = |tx: &SignedTx| match tx.transaction() {
        Transaction::AssociateRemit(remit) if remit.associate_id == id && holds(remit) => Some(remit.summary.seq),
        _ => None,
    };
    newest(parent, Some(named), |block, hash| block.txs.iter().find_map(|tx| Some((hash, seq(tx)?))))
}

/// Follow the journey `name` as far as it came. `known` is its first transaction, where the asker knows that.
fn track(mount: &Mount, name: Hash, known: Option<TxHash>) -> Result<Journey, Failure> {
    let unknown = || {
        Failure::unknown("unknown_journey", "no waiting transaction and no recent block of this node begins that leg")
            .hint("add tx=th_… of its first transaction, or ask the node of the ledger where it began")
    };
    let mut begun = first(mount, name, known)?.ok_or_else(unknown)?;
    let (account, amount, ledger) = (begun.account, begun.amount, begun.on.ledger().name().to_owned());
    let mut track = Track { index: 0, name, from: begun.from, account, amount, ledger, events: vec![] };
    let mut txs = vec![];
    let mut leg_name = name;
    let status = loop {
        txs.push(begun.tx.hash().to_string());
        let Some(mut block) = track.signed(&begun)? else { break JourneyStatus::UnderWay };
        let mut on = begun.on.clone();
        let hops = std::iter::once(begun.hop).chain(begun.route.iter().copied());
        let mut ended = None;
        for (place, hop) in hops.enumerate() {
            if place > 0 {
                track.index += 1;
                // What a ledger sends on is its receiver's.
                track.from = track.account;
                leg_name = next_leg(leg_name, track.index);
            }
            match track.leg(&on, block, hop)? {
                Came::To(into, arrived) => (on, block) = (into, arrived),
                Came::Here(status) => {
                    ended = Some(status);
                    break;
                }
            }
        }
        if let Some(status) = ended {
            break status;
        }
        // Walked: the next leg is a transaction of its own, on the ledger that was come to.
        let next = next_leg(leg_name, track.index + 1);
        let signer = begun.from;
        match Begun::find(&on, next, |found| found.from == signer)? {
            Some(found) if track.index + 1 < LEGS_MAX => {
                track.index += 1;
                (begun, track.name, leg_name) = (found, next, next);
            }
            _ => {
                let amount = units(track.amount);
                track.note("done", &on, Some(block))?.amount = Some(amount);
                break JourneyStatus::Done;
            }
        }
    };
    Ok(Journey { leg: show::hex(name.0), status, ledger: track.ledger, txs, events: track.events })
}

/// The transaction that begins the journey, on whichever ledger: before all others the one that it is named by.
fn first(mount: &Mount, name: Hash, known: Option<TxHash>) -> Result<Option<Begun>, Failure> {
    if let Some(hash) = known {
        return first_known(mount, name, hash);
    }
    let mut other = None;
    for on in mount.all() {
        let own = Begun::find(&on, name, |begun| begun.is_named_by_itself(name))?;
        if own.is_some() {
            return Ok(own);
        }
        other = other.map_or_else(|| Begun::find(&on, name, |_| true), |found| Ok(Some(found)))?;
    }
    Ok(other)
}

fn first_known(mount: &Mount, name: Hash, hash: TxHash) -> Result<Option<Begun>, Failure> {
    for on in mount.all() {
        let found = match Standing::of(&on, hash)? {
            Standing::Block(found) => Begun::of(&on, &found.tx, name),
            Standing::Pool(waiting) => Begun::of(&on, waiting.tx.get(), name),
            Standing::Dropped(_) | Standing::Unknown => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// What is known of the journey beforehand.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Known {
    /// Its first transaction, `th_…`: without it only the newest blocks are looked through.
    tx: Option<String>,
}

/// What has happened to a journey: each step with its ledger and block. As server-sent events, where that is accepted: then
/// until it has ended.
#[utoipa::path(get, path = "/journeys/{leg}", tag = "journeys",
    params(("leg" = String, Path, description = "64 hexadecimal digits: the name of its first leg"), Known),
    responses((status = 200, body = Journey)))]
pub(crate) async fn journey_route(
    State(mount): State<Mount>,
    Part(leg): Part<String>,
    Ask(known): Ask<Known>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let digits = || Failure::invalid("leg", "a leg is named by 64 hexadecimal digits");
    let name = Hash(show::unhex(&leg).ok_or_else(digits)?);
    let known = known.tx.as_deref().map(ask::tx_hash).transpose()?;
    let journey = track(&mount, name, known)?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(stream(mount, name, journey)?.into_response());
    }
    Ok(Json(journey).into_response())
}

fn stream(mount: Mount, name: Hash, journey: Journey) -> Result<impl IntoResponse + use<>, Failure> {
    let permit = mount.tree().streams().clone().try_acquire_owned().map_err(|_| {
        Failure::new(Fault::Early, StatusCode::TOO_MANY_REQUESTS, "too_many_streams", "too many open streams")
            .retry_after(5_000)
    })?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        tell(&mount, name, journey, &sender).await;
        drop(permit);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

type Sender = mpsc::Sender<Result<sse::Event, Infallible>>;

/// Tell each event once, and again when a switch of branches has changed it, until the journey has ended or nobody hears.
async fn tell(mount: &Mount, name: Hash, mut journey: Journey, sender: &Sender) {
    let first = journey.txs.first().and_then(|hash| ask::tx_hash(hash).ok());
    let mut told: Vec<JourneyEvent> = vec![];
    loop {
        let same = |(told, now): (&JourneyEvent, &JourneyEvent)| (&told.event, &told.at) == (&now.event, &now.at);
        let kept = told.iter().zip(&journey.events).take_while(|two| same(*two)).count();
        for event in &journey.events[kept..] {
            let line = sse::Event::default().event(&event.event).json_data(event).unwrap_or_default();
            if sender.send(Ok(line)).await.is_err() {
                return;
            }
        }
        told = std::mem::take(&mut journey.events);
        if journey.status != JourneyStatus::UnderWay {
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(RECHECK) => {}
        }
        journey = match track(mount, name, first) {
            Ok(journey) => journey,
            Err(failure) => {
                let line = sse::Event::default().event("error").json_data(failure.object("")).unwrap_or_default();
                let _ = sender.send(Ok(line)).await;
                return;
            }
        };
    }
}
