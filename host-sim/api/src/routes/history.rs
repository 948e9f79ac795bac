//! What final blocks did: blocks with their transactions, a transaction by its id, what touched an account.

use axum::Json;
use axum::extract::State;
use qenex_core::crypto::Hash;
use qenex_core::error::{BLOCK_UNKNOWN, Coded as _, STORE_NOT_FOUND, TRANSACTION_UNKNOWN};
use qenex_core::id::AccountId;
use qenex_core::policy::OpKind;
use qenex_index::history::{Filter, Page, Position};
use qenex_index::read::{self, Executed};
use qenex_node::history::receipts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Refusals, limit};
use crate::Interface;
use crate::extract::{Path, Query, Text};
use crate::problem::Problem;
use crate::view::{BlockView, Confirmed, TransactionView};

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(blocks))
        .routes(routes!(block_transactions))
        .routes(routes!(transaction))
        .routes(routes!(transactions))
        .routes(routes!(history))
}

/// A final block and what it did.
pub(crate) fn read_block(interface: &Interface, height: u64) -> Result<Executed, Problem> {
    read::executed(interface.ledger(), height).map_err(|error| match error.code() {
        STORE_NOT_FOUND | BLOCK_UNKNOWN => Problem::unknown(BLOCK_UNKNOWN, height),
        _ => error.into(),
    })
}

/// The transactions at these places of a block.
fn at_places(Executed { block, record }: &Executed, places: &[u32]) -> Vec<TransactionView> {
    let mut receipts =
        receipts(record).zip(0..).filter(|(_, place)| places.contains(place)).collect::<Vec<_>>();
    receipts.sort_by_key(|(_, place)| places.iter().position(|asked| asked == place));
    let view = |(receipt, place): &(_, u32)| {
        let signed = block.transactions.get(*place as usize)?;
        TransactionView::new(&block.header, *place, signed, receipt)
    };
    receipts.iter().filter_map(view).collect()
}

/// Which blocks are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BlocksQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// Only those below this height.
    before: Option<u64>,
}

/// Some blocks.
#[derive(Debug, Serialize, ToSchema)]
struct Blocks {
    /// The newest first.
    blocks: Vec<BlockView>,
    /// What `before` is to be to go on; nothing at the end.
    next: Option<u64>,
}

/// The newest final blocks.
#[utoipa::path(get, path = "/blocks", tag = "chain", security(("token" = ["read"])), params(BlocksQuery),
    responses((status = 200, body = Blocks), Refusals))]
async fn blocks(
    State(interface): State<Interface>,
    Query(BlocksQuery { limit: asked, before }): Query<BlocksQuery>,
) -> Result<Json<Blocks>, Problem> {
    let most = limit(asked)?;
    interface
        .blocking(move |interface| {
            let rows = interface.index().blocks(before, most)?;
            let next = (rows.len() == most).then(|| rows.last().map(|row| row.height)).flatten();
            let mut blocks = Vec::with_capacity(rows.len());
            for row in rows {
                let header = read::header(interface.ledger(), row.height)?;
                blocks.push(BlockView::of(&header, row.transactions as usize, Confirmed::default()));
            }
            Ok(Json(Blocks { blocks, next }))
        })
        .await
}

/// The transactions of a block.
#[derive(Debug, Serialize, ToSchema)]
struct Transactions {
    /// In the order in which they were executed.
    entries: Vec<TransactionView>,
    /// What `from` is to be to go on; nothing at the end.
    next: Option<u32>,
}

/// Which transactions of a block are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PlacesQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// From this place on.
    #[param(default = 0)]
    from: Option<u32>,
}

/// The transactions of a final block, and what they yielded.
#[utoipa::path(get, path = "/block/{height}/transactions", tag = "chain", security(("token" = ["read"])),
    params(("height" = u64, Path, description = "its height"), PlacesQuery),
    responses((status = 200, body = Transactions), Refusals))]
async fn block_transactions(
    State(interface): State<Interface>,
    Path(height): Path<u64>,
    Query(PlacesQuery { limit: asked, from }): Query<PlacesQuery>,
) -> Result<Json<Transactions>, Problem> {
    let most = limit(asked)?;
    let from = from.unwrap_or(0);
    interface
        .blocking(move |interface| {
            let executed = read_block(interface, height)?;
            let until = from.saturating_add(most as u32);
            let places: Vec<u32> = (from..until).collect();
            let next = (executed.block.transactions.len() > until as usize).then_some(until);
            Ok(Json(Transactions { entries: at_places(&executed, &places), next }))
        })
        .await
}

/// A final transaction, and what it yielded.
#[utoipa::path(get, path = "/transaction/{id}", tag = "transactions", security(("token" = ["read"])),
    params(("id" = String, Path, description = "its id: 64 hexadecimal digits")),
    responses((status = 200, body = TransactionView), Refusals))]
async fn transaction(
    State(interface): State<Interface>,
    Path(id): Path<String>,
) -> Result<Json<TransactionView>, Problem> {
    let hash = Hash::from_hex(&id).ok_or_else(|| Problem::form("id: 64 hexadecimal digits were expected"))?;
    interface
        .blocking(move |interface| {
            let unknown = || Problem::unknown(TRANSACTION_UNKNOWN, &id);
            let (height, place) = interface.index().transaction(&hash)?.ok_or_else(unknown)?;
            let found = at_places(&read_block(interface, height)?, &[place]).pop();
            found.map(Json).ok_or_else(unknown)
        })
        .await
}

/// Which transactions are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TransactionsQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// What `next` of the answer before said: those that come behind it.
    cursor: Option<String>,
}

/// Some transactions.
#[derive(Debug, Serialize, ToSchema)]
struct NewestTransactions {
    /// The newest first.
    entries: Vec<TransactionView>,
    /// What `cursor` is to be to go on; nothing at the end. There may be fewer entries than were asked for, and more behind them.
    next: Option<String>,
}

/// The newest final transactions.
#[utoipa::path(get, path = "/transactions", tag = "transactions", security(("token" = ["read"])), params(TransactionsQuery),
    responses((status = 200, body = NewestTransactions), Refusals))]
async fn transactions(
    State(interface): State<Interface>,
    Query(TransactionsQuery { limit: asked, cursor: from }): Query<TransactionsQuery>,
) -> Result<Json<NewestTransactions>, Problem> {
    let most = limit(asked)?;
    let before = from.map(|text| cursor(&text)).transpose()?;
    interface
        .blocking(move |interface| {
            let page = interface.index().transactions(before, most)?;
            let (entries, next) = shown(interface, &page)?;
            Ok(Json(NewestTransactions { entries, next }))
        })
        .await
}

/// What of a history is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// What `next` of the answer before said: those that come behind it.
    cursor: Option<String>,
    /// Only this kind of operation: `transfer`, `swap-exact-in` and so on.
    kind: Option<String>,
    /// Only in blocks of this time or later.
    from_ms: Option<u64>,
    /// Only in blocks before this time.
    until_ms: Option<u64>,
}

/// An account's final transactions.
#[derive(Debug, Serialize, ToSchema)]
struct History {
    /// The account.
    account: String,
    /// The newest first.
    entries: Vec<TransactionView>,
    /// What `cursor` is to be to go on; nothing at the end. There may be fewer entries than were asked for, and more behind them.
    next: Option<String>,
}

/// A cursor: the height and the place before which to go on.
fn cursor(text: &str) -> Result<Position, Problem> {
    let position =
        text.split_once('-').and_then(|(height, place)| Some((height.parse().ok()?, place.parse().ok()?)));
    position.ok_or_else(|| Problem::form("cursor: the `next` of another answer was expected"))
}

/// The transactions of a page, and the cursor to go on with.
fn shown(interface: &Interface, page: &Page) -> Result<(Vec<TransactionView>, Option<String>), Problem> {
    let mut entries = Vec::with_capacity(page.positions.len());
    for of_block in page.positions.chunk_by(|one, other| one.0 == other.0) {
        let places: Vec<u32> = of_block.iter().map(|(_, place)| *place).collect();
        let Some((height, _)) = of_block.first() else { continue };
        entries.extend(at_places(&read_block(interface, *height)?, &places));
    }
    Ok((entries, page.next.map(|(height, place)| format!("{height}-{place}"))))
}

/// The final transactions that touched an account.
#[utoipa::path(get, path = "/history/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the account"), HistoryQuery),
    responses((status = 200, body = History), Refusals))]
async fn history(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AccountId>>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let HistoryQuery { limit: asked, cursor: from, kind, from_ms, until_ms } = query;
    let most = limit(asked)?;
    let before = from.map(|text| cursor(&text)).transpose()?;
    let known = |kind: String| {
        let found = OpKind::ALL.iter().find(|known| known.as_str() == kind).copied();
        let names = || OpKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| Problem::form(format_args!("kind: one of {} was expected", names())))
    };
    let filter = Filter { kind: kind.map(known).transpose()?, from_ms, until_ms };
    interface
        .blocking(move |interface| {
            let page = interface.index().history(id, filter, before, most)?;
            let (entries, next) = shown(interface, &page)?;
            Ok(Json(History { account: id.to_string(), entries, next }))
        })
        .await
}
