//! Who decides on blocks.

use axum::Json;
use axum::extract::State;
use qenex_core::error::VALIDATORS_NONE;
use qenex_core::id::AccountId;
use qenex_core::ledger::{Record, RecordId};
use qenex_node::node::Node;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::problem::Problem;

/// So many are told of, at most: those with the most stake.
const MOST: usize = 1_000;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(validators))
}

/// Who decides on blocks.
#[derive(Debug, Serialize, ToSchema)]
struct Validators {
    /// The epoch of the next block.
    epoch: u64,
    /// Those who stand or have stood, those with the most stake first.
    validators: Vec<Validator>,
}

/// A validator.
#[derive(Debug, Serialize, ToSchema)]
struct Validator {
    /// Its account.
    account: String,
    /// Whether it has a seat in this epoch, stands for one, has left, or is barred.
    status: &'static str,
    /// The stake behind it.
    stake: String,
    /// What the operator keeps of rewards, in basis points.
    commission_bps: u16,
    /// The slot of candidates in which it stands.
    slot: Option<u16>,
    /// Whether it has a seat in this epoch.
    seat: bool,
    /// The key of its votes.
    vote_key: String,
    /// Whether it is this node that signs its votes.
    own: bool,
}

/// The validators, where validators decide.
#[utoipa::path(get, path = "/validators", tag = "chain", security(("token" = ["read"])),
    responses((status = 200, body = Validators), Refusals))]
async fn validators(State(interface): State<Interface>) -> Result<Json<Validators>, Problem> {
    interface.blocking(|interface| read(interface).map(Json)).await
}

fn read(interface: &Interface) -> Result<Validators, Problem> {
    let ids = interface.index().validators(None, MOST)?;
    let own = interface.ledger().voter();
    let mut found = Ok(None);
    interface.ledger().look(&mut |node| found = of(node, &ids, own));
    found?.ok_or_else(|| Problem::unknown(VALIDATORS_NONE, ""))
}

fn of(
    node: &Node,
    ids: &[AccountId],
    own: Option<AccountId>,
) -> Result<Option<Validators>, qenex_node::error::NodeError> {
    let chain = node.chain();
    let Some(staking) = chain.staking(chain.tip_id())? else { return Ok(None) };
    let seats = chain.seats(chain.tip_id())?;
    let mut validators = Vec::new();
    for account in ids {
        let record = chain.record(&RecordId::Validator(*account));
        let Ok(Some(Record::Validator(validator))) = record else { continue };
        let seat = seats.iter().any(|seat| seat.account == *account);
        let status = match validator.slot {
            _ if seat => "seated",
            _ if validator.barred_until > staking.epoch => "barred",
            Some(_) => "standing",
            None => "left",
        };
        let view = Validator {
            account: account.to_string(),
            status,
            stake: validator.bonded.tokens.to_string(),
            commission_bps: validator.commission_bps,
            slot: validator.slot,
            seat,
            vote_key: hex::encode(validator.vote_key.0),
            own: own == Some(*account),
        };
        validators.push((validator.bonded.tokens, view));
    }
    validators.sort_by_key(|(stake, _)| std::cmp::Reverse(*stake));
    Ok(Some(Validators {
        epoch: staking.epoch,
        validators: validators.into_iter().map(|(_, view)| view).collect(),
    }))
}
