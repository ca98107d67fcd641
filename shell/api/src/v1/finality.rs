//! What the root's witnesses say, and what a client checks it by. Rules: root 8, 9; node 8.2.

use axum::{Json, extract::State};
use banyan_node::{Boundary, FinalityView};
use banyan_types::{
    Amount, Era, Hash, Height,
    text::{self, Prefix},
    witness::{Seal, places_in},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::{
    Failure, StateProof,
    answer::units,
    ask::{Ask, Part},
    ledger::Mount,
    proof::{HeaderBytes, ProofItem},
    show,
};

/// Eras of one answer.
const ERAS_MAX: usize = 64;

/// Where finality stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FinalityAnswer {
    /// `stake`, or `depth` where the genesis names no witnesses.
    pub by: String,
    /// Era of the running set.
    pub era: u32,
    /// Round in that era.
    pub round: u32,
    /// Height of the last final key block.
    pub final_height: u64,
    /// Heights from there to the top.
    pub lag: u64,
    /// Whether the lag is so long that users must be told.
    pub degraded: bool,
    /// Whether conflicting seals have stopped finality here.
    pub halted: bool,
    /// Weight of the whole set, in units.
    pub total: String,
    /// Weight that prevoted in the round, for any key block.
    pub prevoted: String,
    /// Weight that precommitted in the round, for any key block.
    pub precommitted: String,
    /// The set, with what each member said in the round.
    pub members: Vec<Testimony>,
    /// Keys of members that have not prevoted in the round.
    pub missing: Vec<String>,
    /// Stakers that were seen to vote twice.
    pub accused: Vec<String>,
    /// The newest seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealAnswer>,
    /// The newest key block that is final by operators' word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored: Option<AnchoredAnswer>,
}

/// A key block that operators have agreed on, since over a third of the weight was lost for good.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AnchoredAnswer {
    /// Its height.
    pub height: u64,
    /// The key block.
    pub hash: String,
}

impl AnchoredAnswer {
    pub(crate) fn of(view: &FinalityView) -> Option<Self> {
        view.anchored.map(|(height, hash)| Self { height: height.0, hash: hash.text(Prefix::KeyBlock) })
    }
}

/// A witness in the running round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Testimony {
    /// Its key, `pp_`.
    pub witness: String,
    /// Account whose stake answers for it.
    pub staker: String,
    /// What its vote weighs, in units.
    pub weight: String,
    /// Its share of the set, in thousandths.
    pub permille: u64,
    /// The key block that it prevoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prevote: Option<String>,
    /// The key block that it precommitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precommit: Option<String>,
}

/// A certificate that a key block is final.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SealAnswer {
    /// Height of the key block.
    pub height: u64,
    /// The key block.
    pub hash: String,
    /// Era of the set that signed.
    pub era: u32,
    /// Round of the votes.
    pub round: u32,
    /// Places of the signers in the era's set.
    pub signers: Vec<u16>,
    /// The seal's bytes, `ba_`.
    pub bytes: String,
}

/// A seal with the header of the key block that it names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SealedHeader {
    /// What it says.
    pub sealed: SealAnswer,
    /// The seal's bytes, `ba_`.
    pub seal: String,
    /// The sealed key block's header, `ba_`.
    pub header: String,
    /// The newest key block that is final by operators' word alone, at or below this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored: Option<AnchoredAnswer>,
}

/// The last key blocks of eras, for whoever follows the sets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Boundaries {
    /// Ascending by era, each once, without a gap.
    pub items: Vec<BoundaryAnswer>,
}

/// The last key block of an era: who signed it, and the sets that its state holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BoundaryAnswer {
    /// The era that it ends.
    pub era: u32,
    /// Its header, `ba_`.
    pub header: String,
    /// The seal of exactly this block, `ba_`; absent where an anchor of the genesis file makes it final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// Proof of the leaf with the witness sets in its state.
    pub proof: StateProof,
}

/// Which boundaries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct From {
    /// The first era. Default 0.
    from: Option<u32>,
}

pub(crate) fn standing(mount: &Mount) -> Result<FinalityAnswer, Failure> {
    let view = mount.ledger().handle.finality();
    let (head, last) = (mount.head()?, mount.chain().last_final()?);
    let final_height = last.header.height().0;
    let weight = |said: fn(&banyan_node::MemberView) -> Option<Hash>| {
        let mut members = view.members.iter().filter(|member| said(member).is_some()).map(|member| member.weight);
        units(members.try_fold(Amount::ZERO, Amount::plus).unwrap_or(Amount::MAX))
    };
    let silent = view.members.iter().filter(|member| member.prevote.is_none());
    Ok(FinalityAnswer {
        by: if view.by_stake { "stake" } else { "depth" }.into(),
        era: view.era.0,
        round: view.round.0,
        final_height,
        lag: head.header.height().0.saturating_sub(final_height),
        degraded: view.is_degraded,
        halted: view.is_halted,
        total: units(view.total),
        prevoted: weight(|member| member.prevote),
        precommitted: weight(|member| member.precommit),
        members: testimonies(&view),
        missing: silent.map(|member| member.key.text(Prefix::Peer)).collect(),
        accused: view.accused.iter().map(ToString::to_string).collect(),
        seal: view.seal.as_ref().map(SealAnswer::of),
        anchored: AnchoredAnswer::of(&view),
    })
}

fn testimonies(view: &FinalityView) -> Vec<Testimony> {
    let key_block = |hash: Hash| hash.text(Prefix::KeyBlock);
    let testimony = |member: &banyan_node::MemberView| Testimony {
        witness: member.key.text(Prefix::Peer),
        staker: member.staker.to_string(),
        weight: units(member.weight),
        permille: permille(member.weight, view.total),
        prevote: member.prevote.map(key_block),
        precommit: member.precommit.map(key_block),
    };
    view.members.iter().map(testimony).collect()
}

/// A share in thousandths.
pub(crate) fn permille(part: Amount, whole: Amount) -> u64 {
    let share = part.base().saturating_mul(1_000).checked_div(whole.base()).unwrap_or(0);
    u64::try_from(share).unwrap_or(u64::MAX)
}

impl SealAnswer {
    pub(crate) fn of(seal: &Seal) -> Self {
        Self {
            height: seal.height.0,
            hash: seal.hash.text(Prefix::KeyBlock),
            era: seal.era.0,
            round: seal.round.0,
            signers: places_in(&seal.bitmap).collect(),
            bytes: show::bytes(&seal.encode()),
        }
    }
}

impl BoundaryAnswer {
    fn of(era: Era, seal: Option<&Seal>, boundary: &Boundary) -> Self {
        let (header, hash) = (show::bytes(&boundary.header.encode()), boundary.header.hash());
        let item =
            ProofItem { key: show::hex(banyan_ledger::key::witness_sets()), value: Some(show::bytes(&boundary.leaf)) };
        let proof = StateProof {
            at: crate::At { height: boundary.header.height.0, hash: hash.text(Prefix::KeyBlock) },
            header: HeaderBytes { kind: "key".into(), bytes: header.clone() },
            state_root: show::state_root(boundary.header.state_root),
            items: vec![item],
            proof: text::encode(Prefix::Proof, &boundary.proof),
        };
        Self { era: era.0, header, seal: seal.map(|seal| show::bytes(&seal.encode())), proof }
    }
}

/// Era, round, what each witness said, and the newest seal.
#[utoipa::path(get, path = "/finality", tag = "finality", responses((status = 200, body = FinalityAnswer)))]
pub(crate) async fn standing_route(State(mount): State<Mount>) -> Answer<FinalityAnswer> {
    Ok(Json(standing(&mount)?))
}

/// The seal that makes the key block at a height final, or `kh_…`: its own, or the next one above, which covers it.
#[utoipa::path(get, path = "/finality/{id}", tag = "finality", params(("id" = String, Path,)),
    responses((status = 200, body = SealedHeader), (status = 404)))]
pub(crate) async fn seal_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<SealedHeader> {
    let chain = mount.chain();
    let hash = super::blocks::find(&mount, &id)?;
    let block = super::blocks::known(&mount, hash)?;
    let missing = || Failure::unknown("no_seal", "no seal covers that block").hint("see /banyan/v1/finality");
    if !chain.is_main(hash, &block.header)? {
        return Err(missing());
    }
    let place = block.header.place();
    // A micro block is covered by the key block after its generation.
    let covering = place.height.saturating_add(u64::from(place.index > 0));
    let seal = chain.seal_over(Height(covering))?.ok_or_else(missing)?;
    let header = chain.header(seal.hash)?.ok_or_else(missing)?;
    let banyan_node::Header::Key(header) = header else { return Err(missing()) };
    Ok(Json(SealedHeader {
        sealed: SealAnswer::of(&seal),
        seal: show::bytes(&seal.encode()),
        header: show::bytes(&header.encode()),
        anchored: AnchoredAnswer::of(&mount.ledger().handle.finality()).filter(|anchor| anchor.height <= seal.height.0),
    }))
}

/// The last key blocks of eras that are final, from an era on: all that a light client needs to follow the sets.
#[utoipa::path(get, path = "/finality/boundaries", tag = "finality", params(From),
    responses((status = 200, body = Boundaries)))]
pub(crate) async fn boundaries_route(State(mount): State<Mount>, Ask(from): Ask<From>) -> Answer<Boundaries> {
    let rows = mount.chain().boundaries(Era(from.from.unwrap_or(0)), ERAS_MAX)?;
    let items = rows.iter().map(|(era, seal, boundary)| BoundaryAnswer::of(*era, seal.as_ref(), boundary)).collect();
    Ok(Json(Boundaries { items }))
}
