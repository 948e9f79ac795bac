//! How the node is, and what is amiss.

use axum::extract::State;
use axum::{Extension, Json};
use qenex_core::error::{ALERT_UNKNOWN, ROUTE_UNKNOWN};
use qenex_monitor::alerts::Alert;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{BodyRefusals, Refusals};
use crate::Interface;
use crate::access::grant::Principal;
use crate::access::now_ms;
use crate::access::sessions::Client;
use crate::audit::Kind;
use crate::extract::{Path, Query};
use crate::logging;
use crate::problem::Problem;

/// For how long an alert may be silenced: a week.
const MOST_MINUTES: u32 = 7 * 24 * 60;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(factors))
        .routes(routes!(alerts))
        .routes(routes!(acknowledge))
        .routes(routes!(silence))
        .routes(routes!(log_level, change_log))
}

/// How much is logged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogLevel {
    /// `warn`, `info`, `debug`, or more of it for single parts: `warn,qenex_api=debug`.
    level: String,
}

/// How much the node logs.
#[utoipa::path(get, path = "/log", tag = "health", security(("token" = ["operate"])), responses((status = 200, body = LogLevel), Refusals))]
async fn log_level() -> Result<Json<LogLevel>, Problem> {
    let level =
        logging::level().ok_or_else(|| Problem::unknown(ROUTE_UNKNOWN, "the process does not log"))?;
    Ok(Json(LogLevel { level }))
}

/// Changes how much the node logs, until it is started again.
#[utoipa::path(put, path = "/log", tag = "health", security(("token" = ["operate"])), request_body = LogLevel,
    responses((status = 200, body = LogLevel), Refusals, BodyRefusals))]
async fn change_log(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Extension(client): Extension<Client>,
    crate::extract::Json(request): crate::extract::Json<LogLevel>,
) -> Result<Json<LogLevel>, Problem> {
    logging::change(&request.level).map_err(Problem::form)?;
    let access = interface.access();
    let event = access.event(Kind::LogChanged, &principal.id, &client, request.level.clone());
    access.audit.record_durably(event).await?;
    Ok(Json(request))
}

/// How the node is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthFactors)]
struct Health {
    /// From 0 to 100: the lowest factor.
    score: f64,
    /// The lowest first.
    factors: Vec<Factor>,
}

/// Something that health is made of.
#[derive(Debug, Serialize, ToSchema)]
struct Factor {
    /// Its name.
    name: &'static str,
    /// From 0 to 100.
    score: f64,
    /// What was measured.
    value: f64,
    /// The unit of that.
    unit: &'static str,
    /// What it is.
    detail: &'static str,
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The node's health: a score and what it is made of, as measured in the last seconds.
#[utoipa::path(get, path = "/health/factors", tag = "health", operation_id = "health_factors", security(("token" = ["read"])),
    responses((status = 200, body = Health), Refusals))]
async fn factors(State(interface): State<Interface>) -> Json<Health> {
    // In the first seconds nothing was measured.
    let health = interface.watch().health();
    let factors = health.iter().flat_map(|health| &health.factors).map(|factor| Factor {
        name: factor.measure.as_str(),
        score: rounded(factor.score),
        value: rounded(factor.value),
        unit: factor.measure.unit(),
        detail: factor.measure.sentence(),
    });
    let factors = factors.collect();
    Json(Health { score: health.map_or(100.0, |health| rounded(health.score)), factors })
}

/// Something that is or was amiss.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertView {
    /// Its number.
    id: u64,
    /// The rule that says so.
    rule: String,
    /// `info`, `warning` or `critical`.
    severity: &'static str,
    /// What it means.
    summary: String,
    /// What was found.
    detail: String,
    /// When it began.
    began_ms: u64,
    /// When it ended, if it did.
    ended_ms: Option<u64>,
    /// Who knows of it and does something about it.
    acknowledged_by: Option<String>,
    /// Until when nobody is told of it.
    silenced_until_ms: Option<u64>,
}

impl From<&Alert> for AlertView {
    fn from(alert: &Alert) -> Self {
        let Alert {
            id,
            rule,
            severity,
            summary,
            detail,
            began_ms,
            ended_ms,
            acknowledged_by,
            silenced_until_ms,
        } = alert.clone();
        let severity = severity.as_str();
        Self { id, rule, severity, summary, detail, began_ms, ended_ms, acknowledged_by, silenced_until_ms }
    }
}

/// Alerts.
#[derive(Debug, Serialize, ToSchema)]
struct Alerts {
    /// Those that go on, the most urgent first; then those that are over, the newest first, 1,000 at most.
    alerts: Vec<AlertView>,
}

/// Which alerts are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AlertsQuery {
    /// `open`: those that go on; `all`: those that are over, too.
    #[param(inline)]
    state: Option<AlertState>,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AlertState {
    /// Those that go on.
    Open,
    /// Those that are over, too.
    All,
}

/// What is amiss.
#[utoipa::path(get, path = "/alerts", tag = "health", security(("token" = ["metrics"])), params(AlertsQuery),
    responses((status = 200, body = Alerts), Refusals))]
async fn alerts(
    State(interface): State<Interface>,
    Query(AlertsQuery { state }): Query<AlertsQuery>,
) -> Json<Alerts> {
    let alerts = interface.watch().alerts(state == Some(AlertState::All));
    Json(Alerts { alerts: alerts.iter().map(AlertView::from).collect() })
}

/// Says that the caller knows of an alert; the first one who says so is named.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "health", security(("token" = ["operate"])),
    params(("id" = u64, Path, description = "its number")),
    responses((status = 200, body = AlertView), Refusals))]
async fn acknowledge(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<u64>,
) -> Result<Json<AlertView>, Problem> {
    interface.blocking(move |interface| found(id, interface.watch().acknowledge(id, &principal.id)?)).await
}

fn found(id: u64, alert: Option<Alert>) -> Result<Json<AlertView>, Problem> {
    alert.map(|alert| Json(AlertView::from(&alert))).ok_or_else(|| Problem::unknown(ALERT_UNKNOWN, id))
}

/// For how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SilenceRequest {
    /// For how long, from now on: a week at most.
    #[schema(minimum = 1, maximum = 10_080)]
    minutes: u32,
}

/// Silences an alert and further ones of the same rule: they are seen, but sent to nobody.
#[utoipa::path(post, path = "/alerts/{id}/silence", tag = "health", security(("token" = ["operate"])), request_body = SilenceRequest,
    params(("id" = u64, Path, description = "its number")),
    responses((status = 200, body = AlertView), Refusals, BodyRefusals))]
async fn silence(
    State(interface): State<Interface>,
    Path(id): Path<u64>,
    crate::extract::Json(SilenceRequest { minutes }): crate::extract::Json<SilenceRequest>,
) -> Result<Json<AlertView>, Problem> {
    if !(1..=MOST_MINUTES).contains(&minutes) {
        return Err(Problem::form(format_args!("minutes: 1 to {MOST_MINUTES} was expected")));
    }
    let until_ms = now_ms().saturating_add(u64::from(minutes) * 60_000);
    interface.blocking(move |interface| found(id, interface.watch().silence(id, until_ms)?)).await
}
