//! The ladder: one list of levels for every kind of ledger. Rules: node 8.1.
//!
//! A level is never faked: what an engine does not have is skipped, what cannot be known here is not shown.

use banyan_node::{Chain, Dropped, EngineParams, Found, Header, Leaves as _, NodeError, Waiting};
use banyan_store::Place;
use banyan_types::{TimeMs, TxHash};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{ledger::Mount, odds};

/// How sure something is, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In the durable pool of this node.
    Received,
    /// In a block of the chosen chain.
    Ordered,
    /// Promised by the engine.
    Soft,
    /// Final by the engine's own rule.
    Hard,
    /// A summary that covers it is final on the parent.
    Anchored,
    /// A validity proof of it is final on the parent.
    Proven,
    /// Covered by a final block of the root, through every ancestor.
    RootFinal,
}

impl Level {
    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Ordered => "ordered",
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::Anchored => "anchored",
            Self::Proven => "proven",
            Self::RootFinal => "root_final",
        }
    }
}

/// How far each level reaches on one ledger now: the last place that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rungs {
    pub ordered: Place,
    /// On a root with witnesses: the micro block that a quorum has locked.
    pub soft: Option<Place>,
    pub hard: Place,
    /// On a root with witnesses: the key block that over half of the weight prevoted last.
    witnessed: Option<Place>,
    pub anchored: Option<Place>,
    pub root_final: Option<Place>,
}

impl Rungs {
    pub fn of(mount: &Mount) -> Result<Self, NodeError> {
        let (ordered, hard) = (mount.head()?.header.place(), mount.chain().last_final()?.header.place());
        let (Some(id), Some(parent)) = (mount.ledger().associate_id(), mount.parent()) else {
            let root_final = mount.ledger().params().is_root().then_some(hard);
            let (soft, witnessed) = promises(mount, hard)?;
            return Ok(Self { ordered, soft, hard, witnessed, anchored: None, root_final });
        };
        // Whatever stands on a rotation's chain is confirmed by its threshold.
        let soft = matches!(mount.chain().file().engine, EngineParams::Rotation(_)).then_some(ordered);
        let Some(point) = parent.chain().last_final()?.view.associate(id)? else {
            return Ok(Self { ordered, soft, hard, witnessed: None, anchored: None, root_final: None });
        };
        let anchored = (point.point.seq > 0).then(|| Place::at(point.point.child_to.0));
        let above = Self::of(&parent)?.root_final;
        let covered = above.is_some_and(|above| point.point.accepted_at.0 <= above.height);
        Ok(Self { ordered, soft, hard, witnessed: None, anchored, root_final: anchored.filter(|_| covered) })
    }

    /// How sure the head is, by the ledger's own engine.
    pub fn of_head(mount: &Mount) -> Result<Level, NodeError> {
        let (head, last_final) = (mount.head()?, mount.chain().last_final()?);
        let is_confirmed = matches!(mount.chain().file().engine, EngineParams::Rotation(_));
        Ok(match head.hash == last_final.hash {
            true => Level::Hard,
            false if is_confirmed => Level::Soft,
            false => Level::Ordered,
        })
    }

    /// The highest level of the block at `place` of the chosen chain.
    pub fn level(&self, place: Place) -> Level {
        let reaches = |rung: Option<Place>| rung.is_some_and(|rung| place <= rung);
        if reaches(self.root_final) {
            Level::RootFinal
        } else if reaches(self.anchored) {
            Level::Anchored
        } else if place <= self.hard {
            Level::Hard
        } else if reaches(self.soft) {
            Level::Soft
        } else {
            Level::Ordered
        }
    }

    /// Each level that this ledger has, with the last place that has it.
    pub fn list(&self) -> Vec<(Level, Place)> {
        let rungs = [
            (Level::Ordered, Some(self.ordered)),
            (Level::Soft, self.soft),
            (Level::Hard, Some(self.hard)),
            (Level::Anchored, self.anchored),
            (Level::RootFinal, self.root_final),
        ];
        rungs.into_iter().filter_map(|(level, place)| Some((level, place?))).collect()
    }
}

/// What the root's witnesses have promised on the chosen chain above the last final block: a lock, a majority.
fn promises(mount: &Mount, hard: Place) -> Result<(Option<Place>, Option<Place>), NodeError> {
    let (view, chain) = (mount.ledger().handle.finality(), mount.chain());
    let locked = view.locked.map(|(height, index, hash)| (Place { height: height.0, index }, hash));
    let soft = match locked.filter(|(place, _)| *place > hard) {
        Some((place, hash)) if chain.main_at(place)? == Some(hash) => Some(place),
        _ => None,
    };
    let Some(hash) = view.witnessed else { return Ok((soft, None)) };
    let place = chain.header(hash)?.map(|header| header.place());
    let is_main = place.map(|place| chain.main_at(place)).transpose()?.flatten() == Some(hash);
    Ok((soft, place.filter(|_| is_main)))
}

/// Where a transaction is.
pub(crate) enum Standing {
    /// In a block of the chosen chain.
    Block(Box<Found>),
    /// In the pool.
    Pool(Box<Waiting>),
    /// It was in the pool and left it.
    Dropped(Dropped),
    /// Nobody here knows it.
    Unknown,
}

impl Standing {
    pub fn of(mount: &Mount, hash: TxHash) -> Result<Self, NodeError> {
        if let Some(found) = mount.chain().transaction(hash)? {
            return Ok(Self::Block(Box::new(found)));
        }
        let held = |pool: &banyan_node::Pool| {
            let waiting = pool.get(&hash).map(|waiting| Self::Pool(Box::new(waiting.clone())));
            waiting.or_else(|| pool.dropped(&hash).map(|why| Self::Dropped(why.clone())))
        };
        Ok(mount.ledger().handle.pool(held).unwrap_or(Self::Unknown))
    }

    /// The level, where it has one.
    pub fn level(&self, rungs: &Rungs) -> Option<Level> {
        match self {
            Self::Block(found) => Some(rungs.level(found.header.place())),
            Self::Pool(_) => Some(Level::Received),
            Self::Dropped(_) | Self::Unknown => None,
        }
    }

    /// What became of it, in one word.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Block(found) if found.receipt.status == banyan_types::Status::Ok => "included",
            Self::Block(_) => "included_failed",
            Self::Pool(_) => "pending",
            Self::Dropped(why) => why.code(),
            Self::Unknown => "unknown",
        }
    }

    /// The engine's own word and number. Words of the root: root 9.
    pub fn detail(&self, chain: &Chain, rungs: &Rungs) -> Value {
        let found = match self {
            Self::Block(found) => found,
            Self::Pool(_) => return json!({ "word": "pending" }),
            Self::Dropped(_) | Self::Unknown => return Value::Null,
        };
        let place = found.header.place();
        let depth = rungs.ordered.height.saturating_sub(place.height);
        match (&chain.file().engine, place <= rungs.hard) {
            (EngineParams::Root(_) | EngineParams::Rotation(_), true) => json!({ "word": "final", "depth": depth }),
            (EngineParams::Root(_), false) if rungs.witnessed.is_some_and(|witnessed| place <= witnessed) => {
                json!({ "word": "witnessed", "depth": depth })
            }
            (EngineParams::Root(_), false) if depth > 0 => {
                let estimate = odds::reversal(odds::ATTACKER_SHARE, depth);
                let reversal = json!({ "share": odds::ATTACKER_SHARE, "estimate": estimate });
                json!({ "word": "covered", "depth": depth, "reversal": reversal })
            }
            (EngineParams::Root(_), false) if rungs.soft.is_some_and(|soft| place <= soft) => {
                json!({ "word": "locked" })
            }
            (EngineParams::Root(_), false) => json!({ "word": "micro" }),
            (EngineParams::Solo(_), _) => json!({ "word": "signed", "depth": depth }),
            (EngineParams::Committee(_), _) => json!({ "word": "certified", "depth": depth }),
            (EngineParams::Rotation(_), false) => json!({ "word": "confirmed", "depth": depth }),
        }
    }
}

/// When the block at `header` came to `level`, by the time of the block that brought it there.
pub(crate) fn reached_at(chain: &Chain, header: &Header, level: Level) -> Result<Option<TimeMs>, NodeError> {
    match (level, &chain.file().engine) {
        (Level::Ordered, _) | (Level::Hard, EngineParams::Solo(_) | EngineParams::Committee(_)) => {
            Ok(Some(header.time()))
        }
        (Level::Hard | Level::RootFinal, EngineParams::Root(engine)) => {
            let place = header.place();
            let covering = place.height.saturating_add(u64::from(place.index > 0));
            let by = chain.main_at(Place::at(covering.saturating_add(engine.final_depth)))?;
            Ok(by.map(|by| chain.header(by)).transpose()?.flatten().map(|header| header.time()))
        }
        _ => Ok(None),
    }
}

/// About how long until the next level, in milliseconds; `None` where nothing more comes by itself.
pub(crate) fn expected_next_ms(chain: &Chain, standing: &Standing, rungs: &Rungs) -> Option<u64> {
    let key_interval = chain.params().height_interval_ms;
    match (standing, &chain.file().engine) {
        (Standing::Pool(_), engine) => Some(engine.block_interval_ms()),
        (Standing::Block(found), EngineParams::Root(engine)) if found.header.place() > rungs.hard => {
            let final_at = found.header.height().0.saturating_add(1).saturating_add(engine.final_depth);
            Some(final_at.saturating_sub(rungs.ordered.height).saturating_mul(key_interval))
        }
        _ => None,
    }
}
