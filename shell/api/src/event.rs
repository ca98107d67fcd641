//! Tell what happens, from any point of the chain on, without a gap.
//!
//! Events are read from the chain, not queued: news only say that it is worth reading on. So a slow reader harms only
//! itself, a resumed stream and a live one are the same code, and a switch of branches is told wherever it is met.
//! Rules: node 8.3.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse,
        sse::{self, KeepAlive, Sse},
    },
};
use banyan_ledger::Fault;
use banyan_node::{Header, Leaves as _, News, StoredBlock};
use banyan_store::{Column, Order, Place, prefixed};
use banyan_types::{AccountId, AssociateId, Hash, TxHash, text::Prefix};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use crate::{
    EscrowAnswer, Failure, Level,
    answer::units,
    ask::{self, Ask},
    ladder::{Rungs, Standing},
    ledger::Mount,
    show,
    v1::{accounts, blocks},
};

/// Blocks that one turn reads.
const TURN_BLOCKS: usize = 64;
/// Blocks that a stream walks back to find where branches part.
const FORK_BLOCKS_MAX: usize = 4_096;
/// Events that wait for a reader; the rest stays on the chain.
const QUEUE: usize = 64;
/// Topics of one stream.
const TOPICS_MAX: usize = 64;
/// Time between heartbeats. Source: node 8.3.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Levels above `hard` move with an ancestor, of which this ledger's news say nothing.
const RECHECK: Duration = Duration::from_secs(1);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Give this as `from` to go on after the block that the event belongs to.
    pub cursor: String,
    /// `blocks`, `key_blocks`, `seals`, `testimonies`, `tx:<th>`, `account:<ak>`, `associate:<ac>`, `alarms`, or `reorg`.
    pub topic: String,
    /// How sure it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What happened.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A block of the chain as any node of the ledger can find it: `height.index@first bytes of its hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub place: Place,
    prefix: [u8; 8],
}

impl Cursor {
    pub fn new(place: Place, hash: Hash) -> Self {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&hash.0[..8]);
        Self { place, prefix }
    }

    fn names(&self, hash: Hash) -> bool {
        hash.0.starts_with(&self.prefix)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { height, index }, prefix } = self;
        write!(f, "{height}.{index}@{:016x}", u64::from_be_bytes(*prefix))
    }
}

impl FromStr for Cursor {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let read = || {
            let (place, prefix) = text.split_once('@')?;
            let (height, index) = place.split_once('.')?;
            let place = Place { height: height.parse().ok()?, index: index.parse().ok()? };
            let digits = prefix.len() == 16 && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
            let prefix = digits.then(|| u64::from_str_radix(prefix, 16).ok()).flatten()?;
            Some(Self { place, prefix: prefix.to_be_bytes() })
        };
        read().ok_or_else(|| Failure::invalid("cursor", "a cursor reads height.index@16 hexadecimal digits"))
    }
}

/// What a listener wants to hear.
#[allow(clippy::struct_excessive_bools)] // each is a topic
#[derive(Debug, Clone, Default)]
struct Topics {
    blocks: bool,
    key_blocks: bool,
    alarms: bool,
    seals: bool,
    testimonies: bool,
    txs: Vec<TxHash>,
    accounts: Vec<AccountId>,
    associates: Vec<AssociateId>,
}

impl FromStr for Topics {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let mut topics = Self::default();
        for (count, topic) in text.split(',').map(str::trim).filter(|topic| !topic.is_empty()).enumerate() {
            if count >= TOPICS_MAX {
                return Err(Failure::invalid("too_many", format!("more than {TOPICS_MAX} topics")));
            }
            match topic.split_once(':').unwrap_or((topic, "")) {
                ("blocks", "") => topics.blocks = true,
                ("key_blocks", "") => topics.key_blocks = true,
                ("alarms", "") => topics.alarms = true,
                ("seals", "") => topics.seals = true,
                ("testimonies", "") => topics.testimonies = true,
                ("tx", id) => topics.txs.push(ask::tx_hash(id)?),
                ("account", id) => topics.accounts.push(ask::account(id)?),
                ("associate", id) => topics.associates.push(ask::associate(id)?),
                _ => {
                    let topic: String = topic.chars().take(40).collect();
                    return Err(Failure::invalid("topic", format!("no topic {topic}")).hint(
                        "topics: blocks, key_blocks, seals, testimonies, tx:th_…, account:ak_…, associate:ac_…, alarms",
                    ));
                }
            }
        }
        Ok(topics)
    }
}

/// One listener: how far it was told, and what.
struct Feed {
    mount: Mount,
    topics: Topics,
    /// The last block that was told.
    last: (Place, Hash),
    told_final: Place,
    told_levels: BTreeMap<TxHash, (&'static str, Option<Level>)>,
}

impl Feed {
    /// Listen from now on.
    fn live(mount: Mount, topics: Topics) -> Result<Self, Failure> {
        let head = mount.head()?;
        let told_final = mount.chain().last_final()?.header.place();
        Ok(Self { last: (head.header.place(), head.hash), mount, topics, told_final, told_levels: BTreeMap::new() })
    }

    /// Listen from after `cursor` on. If its block is gone, the first event tells of the fork.
    fn resumed(mount: Mount, topics: Topics, cursor: Cursor) -> Result<(Self, Vec<Event>), Failure> {
        let top = mount.head()?.header.place();
        if cursor.place > top {
            let message = format!("the cursor's height {} is above the top, {}", cursor.place.height, top.height);
            return Err(Failure::early("cursor_early", message).status(StatusCode::CONFLICT).retry_after(1_000));
        }
        let mut feed = Self::live(mount, topics)?;
        let on_main = feed.mount.chain().main_at(cursor.place)?.filter(|hash| cursor.names(*hash));
        if let Some(hash) = on_main {
            feed.last = (cursor.place, hash);
            return Ok((feed, vec![]));
        }
        let known = feed.find_off_main(cursor)?;
        feed.last = match known {
            Some(hash) => (cursor.place, hash),
            // A branch that this node never saw parts above what is final.
            None => feed.final_at_or_below(cursor.place)?,
        };
        let event = feed.step_back()?.unwrap_or_else(|| feed.reorg(feed.last.0.height, &[]));
        Ok((feed, vec![event]))
    }

    fn find_off_main(&self, cursor: Cursor) -> Result<Option<Hash>, Failure> {
        let engine = self.mount.chain().store().engine();
        let rows = engine.scan(Column::Header, prefixed(&cursor.prefix), Order::Ascending, 16)?;
        for (key, _) in rows {
            let Some(hash) = Hash::from_slice(&key) else { continue };
            if self.mount.chain().header(hash)?.is_some_and(|header| header.place() == cursor.place) {
                return Ok(Some(hash));
            }
        }
        Ok(None)
    }

    fn final_at_or_below(&self, place: Place) -> Result<(Place, Hash), Failure> {
        let from = self.mount.chain().last_final()?.header.place().min(place);
        let rows = self.mount.chain().main_from(from, Order::Descending, 1)?;
        rows.first().copied().ok_or_else(|| Failure::ours("the chain has no block"))
    }

    /// Tell what is new, a bounded number of blocks at a time. Whether there is more.
    fn turn(&mut self, events: &mut Vec<Event>) -> Result<bool, Failure> {
        events.extend(self.step_back()?);
        let (place, _) = self.last;
        let next = Place { index: place.index.saturating_add(1), ..place };
        let rows = self.mount.chain().main_from(next, Order::Ascending, TURN_BLOCKS)?;
        let rungs = Rungs::of(&self.mount)?;
        for (place, hash) in &rows {
            let block = blocks::known(&self.mount, *hash)?;
            if block.header.prev_hash() != self.last.1 {
                return Ok(true); // the chain switched while it was read: the next turn steps back first
            }
            self.last = (*place, *hash);
            self.tell_block(&rungs, &block, *hash, events)?;
        }
        let more = rows.len() == TURN_BLOCKS;
        if !more {
            self.tell_final(events)?;
            self.tell_levels(&rungs, events)?;
        }
        Ok(more)
    }

    /// If the last block told left the chain, go back to where the branches part and say so.
    fn step_back(&mut self) -> Result<Option<Event>, Failure> {
        let chain = self.mount.chain();
        let (mut at, mut undone) = (self.last.1, Vec::new());
        while undone.len() < FORK_BLOCKS_MAX {
            let header = chain.header(at)?.ok_or_else(|| Failure::ours("a block that was told is gone"))?;
            if chain.is_main(at, &header)? {
                if undone.is_empty() {
                    return Ok(None);
                }
                self.last = (header.place(), at);
                return Ok(Some(self.reorg(header.height().0, &undone)));
            }
            undone.push(show::block_name(&header, at));
            at = header.prev_hash();
        }
        Err(Failure::gone("cursor_gone", "the cursor's branch parts too far back; begin without it"))
    }

    fn reorg(&self, fork_height: u64, undone: &[String]) -> Event {
        self.event("reorg", None, json!({ "fork_height": fork_height, "undone": undone }))
    }

    fn event(&self, topic: impl Into<String>, level: Option<Level>, data: Value) -> Event {
        Event { cursor: Cursor::new(self.last.0, self.last.1).to_string(), topic: topic.into(), level, data }
    }

    fn tell_block(
        &self,
        rungs: &Rungs,
        block: &StoredBlock,
        hash: Hash,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let (topics, header) = (&self.topics, &block.header);
        let level = Some(rungs.level(header.place()));
        let data = || block_data(block, hash);
        if topics.blocks {
            events.push(self.event("blocks", level, data()));
        }
        if topics.key_blocks && !matches!(header, Header::Micro(_)) {
            events.push(self.event("key_blocks", level, data()));
        }
        for account in &topics.accounts {
            if let Some(data) = self.account_change(*account, block, hash)? {
                events.push(self.event(format!("account:{account}"), level, data));
            }
        }
        for id in &topics.associates {
            if let Some(data) = self.associate_change(*id, header, hash)? {
                events.push(self.event(format!("associate:{id}"), level, data));
            }
        }
        Ok(())
    }

    /// What a block did to an account: by its leaf while both states are kept, and by the block's transactions.
    fn account_change(&self, id: AccountId, block: &StoredBlock, hash: Hash) -> Result<Option<Value>, Failure> {
        let mine = block.txs.iter().filter(|tx| accounts::parties(tx.transaction()).contains(&id));
        let txs: Vec<_> = mine.map(|tx| tx.hash().to_string()).collect();
        let chain = self.mount.chain();
        let states = (chain.state_at(block.header.prev_hash())?, chain.state_at(hash)?);
        let (Some(before), Some(after)) = states else {
            return Ok((!txs.is_empty()).then(|| json!({ "txs": txs })));
        };
        let (before, after) = (before.account(id)?, after.account(id)?);
        if before == after && txs.is_empty() {
            return Ok(None);
        }
        let after = after.unwrap_or(banyan_ledger::Account::EMPTY);
        Ok(Some(json!({ "balance": units(after.balance), "nonce": after.nonce.0, "txs": txs })))
    }

    /// What a block did to a child's connection point and escrow, while both states are kept.
    fn associate_change(&self, id: AssociateId, header: &Header, hash: Hash) -> Result<Option<Value>, Failure> {
        let chain = self.mount.chain();
        let states = (chain.state_at(header.prev_hash())?, chain.state_at(hash)?);
        let (Some(before), Some(after)) = states else { return Ok(None) };
        let (Some(point), escrow) = (after.associate(id)?, after.escrow(id)?) else { return Ok(None) };
        if before.associate(id)?.as_ref() == Some(&point) && before.escrow(id)? == escrow {
            return Ok(None);
        }
        let (inbox_next, inbox_acked, seq) = (point.inbox_next, point.inbox_acked, point.point.seq);
        let escrow = EscrowAnswer::of(&escrow);
        Ok(Some(json!({ "escrow": escrow, "inbox_next": inbox_next, "inbox_acked": inbox_acked, "seq": seq })))
    }

    /// What stands on no block: alarms, and what witnesses say.
    fn hear(&self, news: &News) -> Vec<Event> {
        let (topics, key) = (&self.topics, |hash: &Hash| hash.text(Prefix::KeyBlock));
        match news {
            News::Alarm(text) if topics.alarms => vec![self.event("alarms", None, json!({ "message": text }))],
            News::Sealed(seal) if topics.seals => {
                let data = json!({ "height": seal.height.0, "hash": key(&seal.hash), "era": seal.era.0, "round": seal.round.0 });
                vec![self.event("seals", Some(Level::Hard), data)]
            }
            News::Anchored { hash, height } if topics.seals => {
                let data = json!({ "height": height.0, "hash": key(hash), "anchored": true });
                vec![self.event("seals", Some(Level::Hard), data)]
            }
            News::Witnessed(hash) if topics.testimonies => {
                vec![self.event("testimonies", None, json!({ "kind": "majority", "hash": key(hash) }))]
            }
            News::Locked { hash, height, index } if topics.testimonies => {
                let hash = hash.text(Prefix::MicroBlock);
                let data = json!({ "kind": "lock", "height": height.0, "index": index, "hash": hash });
                vec![self.event("testimonies", Some(Level::Soft), data)]
            }
            _ => vec![],
        }
    }

    fn tell_final(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        let last_final = self.mount.chain().last_final()?;
        let place = last_final.header.place();
        if place > self.told_final {
            self.told_final = place;
            if self.topics.blocks {
                let hash = show::block_name(&last_final.header, last_final.hash);
                let data = json!({ "final_height": place.height, "hash": hash });
                events.push(self.event("blocks", Some(Level::Hard), data));
            }
        }
        Ok(())
    }

    /// A transaction's level, whenever it is another than was told; one that fell says from where.
    fn tell_levels(&mut self, rungs: &Rungs, events: &mut Vec<Event>) -> Result<(), Failure> {
        for hash in self.topics.txs.clone() {
            let standing = Standing::of(&self.mount, hash)?;
            let now = (standing.status(), standing.level(rungs));
            let told = self.told_levels.insert(hash, now);
            if told == Some(now) || (told.is_none() && now.0 == "unknown") {
                continue;
            }
            let mut data = json!({ "status": now.0, "detail": standing.detail(self.mount.chain(), rungs) });
            if let Some((_, Some(from))) = told
                && now.1.is_none_or(|level| level < from)
            {
                data["demoted_from"] = json!(from);
            }
            events.push(self.event(format!("tx:{hash}"), now.1, data));
        }
        Ok(())
    }
}

fn block_data(block: &StoredBlock, hash: Hash) -> Value {
    json!({
        "height": block.header.height().0,
        "index": block.header.place().index,
        "hash": show::block_name(&block.header, hash),
        "kind": blocks::kind(&block.header),
        "time_ms": block.header.time().0,
        "tx_count": block.txs.len(),
    })
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listen {
    /// Separated by commas: `blocks`, `key_blocks`, `seals`, `testimonies`, `tx:th_…`, `account:ak_…`,
    /// `associate:ac_…`, `alarms`. Default `blocks`.
    topics: Option<String>,
    /// A cursor to go on from; the header `Last-Event-ID` says the same. Without one the stream begins now.
    from: Option<String>,
}

/// Events as they happen, as server-sent events. Each names a cursor; a stream that is resumed there misses nothing.
#[utoipa::path(get, path = "/events", tag = "events", params(Listen),
    responses((status = 200, body = Event, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(mount): State<Mount>,
    Ask(listen): Ask<Listen>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    let topics: Topics = listen.topics.as_deref().unwrap_or("blocks").parse()?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    let permit = mount.tree().streams().clone().try_acquire_owned().map_err(|_| {
        Failure::new(Fault::Early, StatusCode::TOO_MANY_REQUESTS, "too_many_streams", "too many open streams")
            .retry_after(5_000)
    })?;
    let news = mount.ledger().handle.news();
    let (feed, first) = match last.or(listen.from) {
        Some(cursor) => Feed::resumed(mount, topics, cursor.parse()?)?,
        None => (Feed::live(mount, topics)?, vec![]),
    };
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        run(feed, first, news, sender).await;
        drop(permit);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

type Sender = mpsc::Sender<Result<sse::Event, Infallible>>;

/// Read on whenever the node has news, until the listener leaves.
async fn run(mut feed: Feed, first: Vec<Event>, mut news: tokio::sync::broadcast::Receiver<News>, sender: Sender) {
    if send(&sender, first).await.is_none() {
        return;
    }
    loop {
        let mut more = true;
        while more {
            let mut events = Vec::new();
            let turned = feed.turn(&mut events);
            if let Err(failure) = &turned {
                events.push(feed.event("error", None, json!(failure.object(""))));
            }
            let (Some(()), Ok(again)) = (send(&sender, events).await, turned) else { return };
            more = again;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(RECHECK), if !feed.topics.txs.is_empty() => {}
            heard = news.recv() => match heard {
                Ok(news) => {
                    if send(&sender, feed.hear(&news)).await.is_none() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// Only the last event of a block carries the cursor as its id: whoever resumes there has heard all of the block.
async fn send(sender: &Sender, events: Vec<Event>) -> Option<()> {
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        let complete = events.peek().is_none_or(|next| next.cursor != event.cursor);
        let mut line = sse::Event::default().json_data(&event).unwrap_or_default();
        if complete {
            line = line.id(event.cursor);
        }
        sender.send(Ok(line)).await.ok()?;
    }
    Some(())
}
