//! Validators may speak here, too: a statement or a proposal counts by its signature alone.

use axum::{Json, extract::State, http::StatusCode};
use banyan_ledger::{Fault, engine::rotation::Rotation};
use banyan_node::{Header, Proposed, Weight};
use banyan_types::{
    Hash, Height, PublicKey, Signature,
    committee::{Certificate, SignedStatement, Statement, StatementKind},
    header::{ChildBody, ChildHeader},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Lane, lane, octets::Octets};
use crate::{Failure, ask::Body, ledger::Mount};

/// A validator's word on a block.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CommitRequest {
    /// Its key.
    validator: Octets,
    /// Height of the block.
    height: Option<u64>,
    /// View of the block.
    #[serde(default)]
    view: u32,
    /// Hash of the block.
    block: Option<Octets>,
    /// `accept` or `commit`.
    #[serde(default = "commit_word")]
    kind: String,
    /// Over the statement.
    signature: Option<Octets>,
    /// A ticket of the lottery that turns were drawn by once.
    #[schema(value_type = Option<Object>)]
    receipt: Option<Value>,
}

fn commit_word() -> String {
    "commit".into()
}

/// A leader's block.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProposeRequest {
    /// The block's body, kind 921, encoded.
    body: Option<Octets>,
    /// View that it is proposed in.
    #[serde(default)]
    view: u32,
    /// Of a block that is proposed again: the view in which a threshold accepted it.
    valid_view: Option<u32>,
    /// The leader's, over the proposal.
    signature: Option<Octets>,
}

/// It counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spoken {
    /// `counted`, or `known` if it was there.
    status: &'static str,
}

/// Take a validator's accept or commitment.
#[utoipa::path(post, path = "/commit", tag = "rotation", request_body = CommitRequest,
    responses((status = 200, body = Spoken)))]
pub(crate) async fn commit(
    State(mount): State<Mount>,
    Body(request): Body<CommitRequest>,
) -> Result<Json<Spoken>, Failure> {
    let lane = lane(&mount)?;
    if request.receipt.is_some() {
        let gone = Failure::gone("no_lottery", "turns are not drawn by whoever commits");
        return Err(gone.hint("sign height, view and block with a validator's key"));
    }
    let signed = statement(&mount, lane, request)?;
    check_height(&mount, signed.statement.height)?;
    if is_counted(&mount, lane, &signed)? {
        return Ok(Json(Spoken { status: "known" }));
    }
    counted(mount.ledger().handle.vote(signed).await?)
}

fn statement(mount: &Mount, lane: &Lane, request: CommitRequest) -> Result<SignedStatement, Failure> {
    let (by, signature) = (key(&request.validator)?, signature(request.signature)?);
    let kind = match request.kind.as_str() {
        "commit" => StatementKind::Precommit,
        "accept" => StatementKind::Prevote,
        other => return Err(Failure::invalid("kind", format!("kind {other}, accept or commit expected"))),
    };
    let height = request.height.ok_or_else(|| Failure::invalid("height", "which height is missing"))?;
    let block = request.block.and_then(|block| Hash::from_slice(&block.0));
    let block_hash = block.ok_or_else(|| Failure::invalid("block", "a block's hash of 32 bytes is missing"))?;
    let statement = Statement { kind, height: Height(height), view: request.view, block_hash, valid_view: None };
    let signed = SignedStatement { statement, by, signature };
    let is_validators = lane.turns.set().place(&by).is_some();
    if is_validators && signed.is_signed(&mount.ledger().params().network_id) {
        Ok(signed)
    } else {
        Err(no_validator())
    }
}

fn key(octets: &Octets) -> Result<PublicKey, Failure> {
    let key = octets.0.as_slice().try_into().map(PublicKey);
    key.map_err(|_| Failure::invalid("validator", "a validator's key has 32 bytes"))
}

fn signature(octets: Option<Octets>) -> Result<Signature, Failure> {
    let octets = octets.ok_or_else(no_validator)?;
    octets.0.as_slice().try_into().map(Signature).map_err(|_| no_validator())
}

fn no_validator() -> Failure {
    let message = "this is not signed by a validator whose word it is";
    Failure::invalid("no_validator", message).status(StatusCode::FORBIDDEN)
}

/// Only what is not final can be spoken of, and what is not too far ahead.
fn check_height(mount: &Mount, height: Height) -> Result<(), Failure> {
    let (last, top) = (mount.chain().last_final()?.header.height(), mount.head()?.header.height());
    let details = json!({ "final": last.0, "top": top.0, "got": height.0 });
    if height <= last {
        return Err(Failure::invalid("final", format!("height {height} is final")).with(details));
    }
    if height.0 > top.0.saturating_add(1) {
        let early = format!("height {height} is ahead of this node, which is at {top}");
        return Err(Failure::new(Fault::Early, StatusCode::CONFLICT, "height_early", early).with(details));
    }
    Ok(())
}

fn is_counted(mount: &Mount, lane: &Lane, signed: &SignedStatement) -> Result<bool, Failure> {
    let SignedStatement { statement, by, .. } = signed;
    let seal = mount.chain().certificate(statement.height)?.filter(|seal| seal.block_hash == statement.block_hash);
    let place = lane.turns.set().place(by);
    let is_commitment = statement.kind == StatementKind::Precommit;
    Ok(is_commitment && seal.is_some_and(|seal| seal.signatures.iter().any(|one| Some(one.index) == place)))
}

/// Take a leader's block.
#[utoipa::path(post, path = "/propose", tag = "rotation", request_body = ProposeRequest,
    responses((status = 200, body = Spoken)))]
pub(crate) async fn propose(
    State(mount): State<Mount>,
    Body(request): Body<ProposeRequest>,
) -> Result<Json<Spoken>, Failure> {
    let lane = lane(&mount)?;
    let signature = signature(request.signature)?;
    let bytes = request.body.ok_or_else(|| Failure::invalid("body", "the block's body is missing"))?.0;
    let not_read = |error: banyan_types::rlp::DecodeError| Failure::invalid("body", error.to_string());
    let body = ChildBody::decode(&bytes).map_err(not_read)?;
    let header = ChildHeader::decode(&body.header.0).map_err(not_read)?;
    let prev_seal = match body.prev_seal.0.as_slice() {
        [] => None,
        seal => Some(Certificate::read(seal).map_err(not_read)?),
    };
    let (kind, block_hash) = (StatementKind::Proposal, header.hash());
    let valid_view = request.valid_view;
    let statement = Statement { kind, height: header.height, view: request.view, block_hash, valid_view };
    let by = lane.turns.leader(header.height, request.view).ok_or_else(no_validator)?;
    let signed = SignedStatement { statement, by, signature };
    let rules = Rotation { network_id: &mount.ledger().params().network_id, turns: &lane.turns };
    rules.check_proposal(&signed, &header).map_err(|_| no_validator())?;
    check_height(&mount, header.height)?;
    if mount.chain().header(block_hash)?.is_some_and(|known| matches!(known, Header::Child(_))) {
        return Ok(Json(Spoken { status: "known" }));
    }
    counted(mount.ledger().handle.propose(Proposed { signed, header, prev_seal }, bytes).await?)
}

fn counted(weight: Weight) -> Result<Json<Spoken>, Failure> {
    match weight {
        Weight::Counts => Ok(Json(Spoken { status: "counted" })),
        Weight::Early => {
            let early = "what it rests on is not here yet";
            let failure = Failure::new(Fault::Early, StatusCode::CONFLICT, "block_early", early);
            Err(failure.hint("say it again when this node has the block, or the one before"))
        }
        Weight::Contradicts => {
            let message = "this validator has said another thing at this height: both are kept as evidence";
            Err(Failure::invalid("contradiction", message))
        }
        Weight::Refused => Err(Failure::invalid("refused", "it breaks a rule of blocks, or its height is past it")),
    }
}
