//! Prove what a state holds, or that it holds nothing.

use axum::{Extension, Json, extract::State};

use super::Answer;
use crate::{
    Failure, ProofRequest, StateProof,
    ask::Body,
    ledger::Mount,
    pass::Scope,
    proof::{self, KEYS_MAX},
};

/// One proof of the values, or absence, of up to 256 keys in one kept state.
#[utoipa::path(post, path = "/proofs", tag = "proofs", request_body = ProofRequest,
    responses((status = 200, body = StateProof)))]
pub(crate) async fn post(
    State(mount): State<Mount>,
    Extension(scope): Extension<Scope>,
    Body(request): Body<ProofRequest>,
) -> Answer<StateProof> {
    let count = request.keys.len();
    if count == 0 || count > KEYS_MAX {
        return Err(Failure::invalid("keys", format!("{count} keys, 1 to {KEYS_MAX} are allowed")));
    }
    let keys = request.keys.iter().map(|key| proof::parse_key(key)).collect::<Result<Vec<_>, _>>()?;
    keys.iter().try_for_each(|key| scope.check(key))?;
    let view = proof::find_state(&mount, &request.at)?;
    Ok(Json(proof::prove(&mount, &view, keys)?))
}
