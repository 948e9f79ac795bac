//! What becomes final, told while it does: server-sent events, and the same over a WebSocket.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use qenex_core::error::BODY_FORM;
use qenex_core::id::AccountId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::access::grant::Principal;
use crate::access::scope::Scope;
use crate::extract::{Query, Text};
use crate::feed::{Listener, Wanted};
use crate::problem::Problem;
use crate::server::Place;

/// How often something is sent where there is nothing to tell, so that nobody takes the line for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long somebody may take to receive a message.
const SLOW: Duration = Duration::from_secs(30);

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(socket))
}

/// What somebody wants to hear.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// `blocks`, `transactions`, `alerts`, or several with commas between them; the first two where nothing is said. Alerts are for those with the scope `metrics`.
    topics: Option<String>,
    /// Only transactions that touched this account.
    #[param(value_type = Option<String>)]
    account: Option<Text<AccountId>>,
    /// What comes behind the block of this height; what comes from now on where nothing is said. A thousand blocks at most.
    after: Option<u64>,
}

impl EventsQuery {
    fn wanted(&self, principal: &Principal) -> Result<Wanted, Problem> {
        let mut wanted = Wanted {
            blocks: false,
            transactions: false,
            alerts: false,
            account: self.account.map(|Text(id)| id),
        };
        for topic in self.topics.as_deref().unwrap_or("blocks,transactions").split(',') {
            match topic {
                "blocks" => wanted.blocks = true,
                "transactions" => wanted.transactions = true,
                "alerts" if principal.grant.scopes.has(Scope::Metrics) => wanted.alerts = true,
                "alerts" => return Err(Problem::scope_missing([Scope::Metrics].into_iter().collect())),
                _ => {
                    return Err(Problem::form(
                        "topics: blocks, transactions, alerts were expected, with commas",
                    ));
                }
            }
        }
        Ok(wanted)
    }
}

/// What becomes final, as server-sent events: `block`, `transaction` and `alert` with what the routes of the same names answer, `behind` with blocks that are left out, `omitted` with a
/// block of which transactions are, `heard` with a height up to which there was nothing to tell for a while. The last event of a block has its height as id, as `heard` has: with it in `Last-Event-ID` a listener goes on where it was. A stream ends when a token would; the listener then asks anew.
#[utoipa::path(get, path = "/events", tag = "chain", security(("token" = ["read"])), params(EventsQuery,
    ("Last-Event-ID" = Option<u64>, Header, description = "As `after`, which counts if both are there.")),
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream"), Refusals))]
async fn events(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let wanted = query.wanted(&principal)?;
    let last = headers.get("last-event-id").map(|value| value.to_str().ok()?.parse::<u64>().ok());
    let last = match last {
        Some(None) => return Err(Problem::form("Last-Event-ID: a height was expected")),
        last => last.flatten(),
    };
    let listener = Listener::new(interface, wanted, query.after.or(last));
    let events = stream::unfold(listener, |mut listener| async {
        let told = listener.next().await?;
        let event = Event::default().event(told.event).data(&*told.data);
        let event = match told.id {
            Some(height) => event.id(height.to_string()),
            None => event,
        };
        Some((Ok::<_, Infallible>(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The same over a WebSocket: each message is `{"event": ..., "id": ..., "data": ...}`.
#[utoipa::path(get, path = "/events/ws", tag = "chain", operation_id = "events_socket", security(("token" = ["read"])), params(EventsQuery),
    responses((status = 101, description = "The WebSocket."),
        (status = 426, description = "A WebSocket was expected.", body = crate::problem::ErrorBody), Refusals))]
async fn socket(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Query(query): Query<EventsQuery>,
    place: Option<Extension<Place>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let wanted = query.wanted(&principal)?;
    let upgrade =
        upgrade.map_err(|rejection| Problem::new(rejection.status(), BODY_FORM, rejection.body_text()))?;
    let listener = Listener::new(interface, wanted, query.after);
    // Nothing that a listener says matters.
    Ok(upgrade.max_message_size(1_024).on_upgrade(|socket| tell(socket, listener, place)))
}

/// Tells until one of both ends. The connection keeps its place meanwhile.
async fn tell(mut socket: WebSocket, mut listener: Listener, _place: Option<Extension<Place>>) {
    loop {
        let message = tokio::select! {
            told = listener.next() => match told {
                Some(told) => {
                    let data: serde_json::Value = serde_json::from_str(&told.data).unwrap_or_default();
                    let message = serde_json::json!({ "event": told.event, "id": told.id, "data": data });
                    Message::Text(message.to_string().into())
                }
                None => Message::Close(None),
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => continue,
            },
            () = tokio::time::sleep(HEARTBEAT) => Message::Ping(Default::default()),
        };
        let last = matches!(message, Message::Close(_));
        let sent = tokio::time::timeout(SLOW, socket.send(message)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
}
