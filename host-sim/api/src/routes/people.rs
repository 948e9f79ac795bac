//! Who may do what: keys, sessions; and what was written down of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jsonwebtoken::jwk::JwkSet;
use qenex_core::error::{API_KEY_UNKNOWN, GRANT_EXCEEDED, SESSION_UNKNOWN};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{BodyRefusals, Refusals};
use crate::Interface;
use crate::access::grant::{Accounts, Grant, Principal};
use crate::access::keys::{self, KeyRecord, NewKey};
use crate::access::now_ms;
use crate::access::scope::{Role, Scopes};
use crate::access::sessions::{self, Client, SessionRecord};
use crate::audit::{Entry, Filter, Kind};
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// How long the name of a key may be.
const NAME_LEN: usize = 64;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(create_key, list_keys))
        .routes(routes!(revoke_key))
        .routes(routes!(list_sessions))
        .routes(routes!(revoke_session))
        .routes(routes!(end_session))
        .routes(routes!(rotate))
        .routes(routes!(audit))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// As the audit log knows him.
    principal: String,
    /// The session, where there is one.
    session: Option<String>,
    /// What he may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// For which accounts: `*`, or a list.
    #[schema(value_type = serde_json::Value)]
    accounts: Accounts,
}

/// Who asks, and what he may do.
#[utoipa::path(get, path = "/me", tag = "access", security(()), responses((status = 200, body = Me), Refusals))]
async fn me(Extension(principal): Extension<Principal>) -> Json<Me> {
    let Principal { id, session, grant: Grant { scopes, accounts }, .. } = principal;
    Json(Me { principal: id, session, scopes, accounts })
}

/// What a new key is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRequest {
    /// Whose or what for.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The scopes of a role.
    role: Option<Role>,
    /// More scopes.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// For which accounts: `*`, or a list.
    #[schema(value_type = serde_json::Value)]
    accounts: Accounts,
    /// Requests in a minute, if they are other than the configuration's.
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
    /// How long it counts, in seconds; for ever where nothing is said.
    #[schema(minimum = 1)]
    expires_in: Option<u64>,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its id.
    id: String,
    /// Whose or what for.
    name: String,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// For which accounts: `*`, or a list.
    #[schema(value_type = serde_json::Value)]
    accounts: Accounts,
    /// Requests in a minute, if they are other than the configuration's.
    requests_per_minute: Option<u32>,
    /// When it was made.
    created_ms: u64,
    /// When it ends, if it does.
    expires_ms: Option<u64>,
    /// When it was revoked.
    revoked_ms: Option<u64>,
}

impl From<KeyRecord> for KeyView {
    fn from(key: KeyRecord) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.grant.scopes,
            accounts: key.grant.accounts,
            requests_per_minute: key.requests_per_minute,
            created_ms: key.created_ms,
            expires_ms: key.expires_ms,
            revoked_ms: key.revoked_ms,
        }
    }
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
struct NewKeyView {
    /// What is to be shown with requests. It is in no other answer.
    key: String,
    /// What is known of it.
    #[serde(flatten)]
    record: KeyView,
}

/// Makes a key, which allows no more than whoever makes it may do.
#[utoipa::path(post, path = "/keys", tag = "access", security(("token" = ["admin"])), request_body = KeyRequest,
    responses((status = 201, description = "The key is in no other answer.", body = NewKeyView), Refusals, BodyRefusals))]
async fn create_key(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
    crate::extract::Json(request): crate::extract::Json<KeyRequest>,
) -> Result<(StatusCode, Json<NewKeyView>), Problem> {
    if request.name.trim().is_empty() || request.name.chars().count() > NAME_LEN {
        return Err(Problem::form(format_args!("name: 1 to {NAME_LEN} characters were expected")));
    }
    let scopes = request.scopes.or(request.role.map(Role::scopes).unwrap_or_default());
    if scopes.is_empty() {
        return Err(Problem::form("a role or scopes were expected"));
    }
    if request.expires_in == Some(0) || request.requests_per_minute == Some(0) {
        return Err(Problem::form("expires_in, requests_per_minute: at least 1 was expected"));
    }
    let grant = Grant { scopes, accounts: request.accounts };
    if !principal.grant.covers(&grant) {
        return Err(Problem::new(StatusCode::FORBIDDEN, GRANT_EXCEEDED, ""));
    }
    let access = interface.access();
    let now_ms = now_ms();
    let new = NewKey {
        name: request.name,
        grant,
        requests_per_minute: request.requests_per_minute,
        expires_ms: request.expires_in.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1_000))),
        once: false,
    };
    if let Some(once) = &principal.once
        && !keys::use_up(&access.store, once, now_ms)?
    {
        return Err(Problem::unauthenticated("this key made its one other key"));
    }
    let (record, key) = keys::create(&access.store, new, now_ms)?;
    let detail = format!("key {}: {} for {}", record.id, record.grant.scopes, record.name);
    access.audit.record_durably(access.event(Kind::KeyCreated, &principal.id, &client, detail)).await?;
    Ok((StatusCode::CREATED, Json(NewKeyView { key: key.to_string(), record: record.into() })))
}

/// All keys, revoked ones too.
#[utoipa::path(get, path = "/keys", tag = "access", security(("token" = ["admin"])),
    responses((status = 200, body = Vec<KeyView>), Refusals))]
async fn list_keys(State(interface): State<Interface>) -> Result<Json<Vec<KeyView>>, Problem> {
    let keys = keys::all(&interface.access().store)?;
    Ok(Json(keys.into_iter().map(KeyView::from).collect()))
}

/// Revokes a key, and with it its sessions.
#[utoipa::path(delete, path = "/keys/{id}", tag = "access", security(("token" = ["admin"])),
    params(("id" = String, Path, description = "the id of the key")),
    responses((status = 200, body = KeyView), Refusals))]
async fn revoke_key(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
    Path(id): Path<String>,
) -> Result<Json<KeyView>, Problem> {
    let access = interface.access();
    let key =
        keys::revoke(&access.store, &id, now_ms())?.ok_or_else(|| Problem::unknown(API_KEY_UNKNOWN, &id))?;
    let event = access.event(Kind::KeyRevoked, &principal.id, &client, format!("key {id}"));
    access.audit.record_durably(event).await?;
    Ok(Json(key.into()))
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    /// Its id.
    id: String,
    /// Who began it, as the audit log knows him.
    principal: String,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// The address of who began it.
    #[schema(value_type = String)]
    address: std::net::IpAddr,
    /// The hash of the certificate of who began it.
    certificate: Option<String>,
    /// When it began.
    created_ms: u64,
    /// When it ends.
    expires_ms: u64,
    /// When it was revoked.
    revoked_ms: Option<u64>,
}

impl From<SessionRecord> for SessionView {
    fn from(session: SessionRecord) -> Self {
        Self {
            id: session.id,
            principal: session.owner.id(),
            scopes: session.grant.scopes,
            address: session.client.address,
            certificate: session.client.certificate,
            created_ms: session.created_ms,
            expires_ms: session.expires_ms,
            revoked_ms: session.revoked_ms,
        }
    }
}

/// All sessions that have not ended, revoked ones too.
#[utoipa::path(get, path = "/sessions", tag = "access", security(("token" = ["admin"])),
    responses((status = 200, body = Vec<SessionView>), Refusals))]
async fn list_sessions(State(interface): State<Interface>) -> Result<Json<Vec<SessionView>>, Problem> {
    let sessions = sessions::all(&interface.access().store, now_ms())?;
    Ok(Json(sessions.into_iter().map(SessionView::from).collect()))
}

async fn revoke_and_note(
    interface: &Interface,
    id: &str,
    principal: &Principal,
    client: &Client,
) -> Result<Json<SessionView>, Problem> {
    let access = interface.access();
    let session = sessions::revoke(&access.store, id, now_ms())?;
    let session = session.ok_or_else(|| Problem::unknown(SESSION_UNKNOWN, id))?;
    let event = access.event(Kind::SessionRevoked, &principal.id, client, format!("session {id}"));
    access.audit.record_durably(event).await?;
    Ok(Json(session.into()))
}

/// Revokes a session.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "access", security(("token" = ["admin"])),
    params(("id" = String, Path, description = "the id of the session")),
    responses((status = 200, body = SessionView), Refusals))]
async fn revoke_session(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
    Path(id): Path<String>,
) -> Result<Json<SessionView>, Problem> {
    revoke_and_note(&interface, &id, &principal, &client).await
}

/// Ends the session of the token that is shown.
#[utoipa::path(delete, path = "/me/session", tag = "access", security(()),
    responses((status = 200, body = SessionView), Refusals))]
async fn end_session(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
) -> Result<Json<SessionView>, Problem> {
    let none = || Problem::unknown(SESSION_UNKNOWN, "a token was expected");
    let id = principal.session.clone().ok_or_else(none)?;
    revoke_and_note(&interface, &id, &principal, &client).await
}

/// Signs tokens with a new key from now on. What was signed with the one before counts to its end.
#[utoipa::path(post, path = "/signing-key", tag = "access", security(("token" = ["admin"])),
    responses((status = 200, description = "The keys from now on.", body = serde_json::Value), Refusals))]
async fn rotate(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
) -> Result<Json<JwkSet>, Problem> {
    let access = interface.access();
    access.issuer.rotate(&access.store, now_ms())?;
    let event = access.event(Kind::SigningKeyRotated, &principal.id, &client, String::new());
    access.audit.record_durably(event).await?;
    Ok(Json(access.issuer.public_keys()))
}

/// What of the audit log is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Not before this time.
    from_ms: Option<u64>,
    /// Before this time.
    until_ms: Option<u64>,
    /// What it is about.
    #[param(inline)]
    kind: Option<Kind>,
    /// Who asked.
    principal: Option<String>,
    /// Entries before this one: `next` of the answer before.
    cursor: Option<u64>,
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// A part of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditPage {
    /// The newest first.
    entries: Vec<AuditEntry>,
    /// Where to go on; nothing at the end.
    next: Option<u64>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// Its number.
    number: u64,
    /// When.
    time_ms: u64,
    /// What.
    kind: Kind,
    /// Who asked.
    principal: String,
    /// From where.
    #[schema(value_type = Option<String>)]
    address: Option<std::net::IpAddr>,
    /// The method and the path.
    request: String,
    /// What was answered.
    status: u16,
    /// The number of the refusal in the table of codes.
    code: Option<u16>,
    /// What else there is to say.
    detail: String,
    /// SHA-256 of the hash before it and the entry.
    hash: String,
}

impl AuditEntry {
    fn new((number, Entry { event, hash }): (u64, Entry)) -> Self {
        Self {
            number,
            time_ms: event.time_ms,
            kind: event.kind,
            principal: event.principal,
            address: event.address,
            request: event.request,
            status: event.status,
            code: event.code,
            detail: event.detail,
            hash,
        }
    }
}

/// What was refused, and who changed who may do what.
#[utoipa::path(get, path = "/audit", tag = "access", security(("token" = ["audit"])), params(AuditQuery),
    responses((status = 200, body = AuditPage), Refusals))]
async fn audit(
    State(interface): State<Interface>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    let most = query.limit.unwrap_or(50);
    if !(1..=500).contains(&most) {
        return Err(Problem::form("limit: 1 to 500 was expected"));
    }
    let AuditQuery { from_ms, until_ms, kind, principal, cursor, .. } = query;
    let filter = Filter { from_ms, until_ms, kind, principal };
    let audit = &interface.access().audit;
    let (entries, next) = audit.before(cursor.unwrap_or(u64::MAX), most.into(), &filter)?;
    Ok(Json(AuditPage { entries: entries.into_iter().map(AuditEntry::new).collect(), next }))
}
