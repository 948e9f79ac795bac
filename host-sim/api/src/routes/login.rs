//! How somebody comes to a session: tokens for the credentials of a key, or for a login at an OpenID provider.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use qenex_core::error::ROUTE_UNKNOWN;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::Refusals;
use crate::Interface;
use crate::access::grant::Grant;
use crate::access::providers::{Answer, LoginError};
use crate::access::scope::Scopes;
use crate::access::sessions::{self, Client, Owner};
use crate::access::{keys, now_ms, random};
use crate::audit::Kind;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// The cookie that binds a login to the browser that it began in.
const COOKIE_NAME: &str = "qenex_login";

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(token))
        .routes(routes!(public_keys))
        .routes(routes!(providers))
        .routes(routes!(callback))
        .routes(routes!(login))
}

/// Credentials of a client (RFC 6749, section 4.4), or the code of a login.
#[derive(Deserialize, ToSchema)]
struct TokenRequest {
    /// `client_credentials`; for a page that came back from a provider, `authorization_code`
    grant_type: String,
    /// What the page came back with.
    code: Option<String>,
    /// The id of an API key; also as the user of HTTP Basic.
    client_id: Option<String>,
    /// Its secret: what stands behind the id in the key; also as the password of HTTP Basic.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Fewer scopes than the key has, with spaces between them.
    scope: Option<String>,
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.client_secret.zeroize();
    }
}

/// A token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
struct Token {
    /// The token.
    access_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// How long it lasts, in seconds.
    expires_in: u64,
    /// Its scopes, with spaces between them.
    scope: String,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
struct TokenError {
    /// `invalid_request`, `invalid_client`, `invalid_scope` or `unsupported_grant_type`
    error: &'static str,
    /// What was expected.
    error_description: String,
}

/// Takes an answer in the form that the standard prescribes.
fn no_token(status: StatusCode, error: &'static str, description: &str) -> Response {
    let mut response =
        (status, Json(TokenError { error, error_description: description.into() })).into_response();
    // The audit log and WWW-Authenticate are as everywhere.
    let problem = match status {
        StatusCode::UNAUTHORIZED => Problem::unauthenticated(description),
        _ => Problem::form(description),
    };
    let plain = problem.into_response();
    response.extensions_mut().extend(plain.extensions().clone());
    if let Some(challenge) = plain.headers().get(axum::http::header::WWW_AUTHENTICATE) {
        response.headers_mut().insert(axum::http::header::WWW_AUTHENTICATE, challenge.clone());
    }
    response
}

/// User and password of HTTP Basic (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let value = headers.get(axum::http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    let decoded = STANDARD.decode(credentials.trim()).ok().map(Zeroizing::new)?;
    let text = std::str::from_utf8(&decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (user.to_string(), Zeroizing::new(password.to_string())))
}

/// Begins a session: a token for the credentials of a key, or for a login at a provider. The session is bound to the client's certificate, or else to its address.
#[utoipa::path(post, path = "/token", tag = "access", security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Token), (status = 400, description = "Another form.", body = TokenError),
        (status = 401, description = "The credentials do not count.", body = TokenError),
        (status = 408, description = "It took too long to arrive.", body = crate::problem::ErrorBody),
        (status = 413, description = "The body is too long.", body = crate::problem::ErrorBody),
        (status = 429, description = "Too many requests.", body = crate::problem::ErrorBody),
        (status = 500, description = "The node cannot.", body = crate::problem::ErrorBody)))]
async fn token(
    State(interface): State<Interface>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, Problem> {
    let refused = |status, error, description: &str| Ok(no_token(status, error, description));
    let bad = StatusCode::BAD_REQUEST;
    let Form(request) = match form {
        Ok(form) => form,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(rejection.into()),
        Err(rejection) => return refused(bad, "invalid_request", &rejection.body_text()),
    };
    let access = interface.access();
    let now_ms = now_ms();
    let (owner, full, ends_ms) = match request.grant_type.as_str() {
        "client_credentials" => {
            let in_body = request.client_id.clone().zip(request.client_secret.clone().map(Zeroizing::new));
            let Some((id, secret)) = basic(&headers).or(in_body) else {
                let description = "client_id and client_secret were expected";
                return refused(StatusCode::UNAUTHORIZED, "invalid_client", description);
            };
            let key = keys::verify_parts(&access.store, &id, &secret, now_ms)?.filter(|key| !key.once);
            let Some(key) = key else {
                let description = "no such key, or it has ended";
                return refused(StatusCode::UNAUTHORIZED, "invalid_client", description);
            };
            (Owner::Key(key.id), key.grant, key.expires_ms.unwrap_or(u64::MAX))
        }
        "authorization_code" => {
            let person = request
                .code
                .as_deref()
                .and_then(|code| access.providers.redeem(code, &browser(&headers), &client));
            let Some(person) = person else {
                return refused(bad, "invalid_grant", "no such code, or it has ended");
            };
            (Owner::from(&person), person.grant, u64::MAX)
        }
        _ => {
            let description = "grant_type: client_credentials or authorization_code was expected";
            return refused(bad, "unsupported_grant_type", description);
        }
    };
    let scopes = match request.scope.as_deref().map(str::parse::<Scopes>) {
        None => full.scopes,
        Some(Ok(scopes)) if !scopes.is_empty() && full.scopes.has_all(scopes) => scopes,
        Some(Ok(_)) => return refused(bad, "invalid_scope", "not all of these are granted"),
        Some(Err(error)) => return refused(bad, "invalid_scope", &error.to_string()),
    };
    let grant = Grant { scopes, accounts: full.accounts };
    let lasts_ms = u64::try_from(access.issuer.lasts().as_millis()).unwrap_or(u64::MAX);
    let ends_ms = ends_ms.min(now_ms.saturating_add(lasts_ms));
    let session = sessions::begin(&access.store, owner, grant, &client, (now_ms, ends_ms))?;
    let access_token = access.issuer.issue(&access.store, &session)?;
    let detail = format!("session {}", session.id);
    let event = access.event(Kind::SessionBegun, &session.owner.id(), &client, detail);
    access.audit.record_durably(event).await?;
    let expires_in = session.expires_ms.saturating_sub(now_ms) / 1_000;
    Ok(Json(Token { access_token, token_type: "Bearer", expires_in, scope: scopes.to_string() })
        .into_response())
}

/// The public keys of the node's tokens (RFC 7517).
#[utoipa::path(get, path = "/jwks.json", tag = "access", security(()),
    responses((status = 200, description = "A set of keys.", body = serde_json::Value), Refusals))]
async fn public_keys(State(interface): State<Interface>) -> Json<JwkSet> {
    Json(interface.access().issuer.public_keys())
}

/// Where people log in.
#[derive(Debug, Serialize, ToSchema)]
struct ProvidersView {
    /// The names of the providers.
    providers: Vec<String>,
}

/// Where people log in: the providers' names, for `/login/{provider}`.
#[utoipa::path(get, path = "/login", tag = "access", security(()), responses((status = 200, body = ProvidersView), Refusals))]
async fn providers(State(interface): State<Interface>) -> Json<ProvidersView> {
    Json(ProvidersView { providers: interface.access().providers.names().map(str::to_string).collect() })
}

/// An answer that sends a browser elsewhere.
fn sent(to: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(to).map_err(|_| Problem::form("a URL was expected"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Unknown => Self::unknown(ROUTE_UNKNOWN, "no such provider"),
            LoginError::Refused(detail) => Self::unauthenticated(format_args!("login: {detail}")),
            LoginError::Roleless(_) => Self::unauthenticated(format_args!("login: {error}")),
        }
    }
}

/// Sends a browser to a provider to log in there.
#[utoipa::path(get, path = "/login/{provider}", tag = "access", security(()),
    params(("provider" = String, Path, description = "the name of the provider")),
    responses((status = 303, description = "To the provider."), Refusals))]
async fn login(
    State(interface): State<Interface>,
    Extension(client): Extension<Client>,
    Path(provider): Path<String>,
) -> Result<Response, Problem> {
    let browser = URL_SAFE_NO_PAD.encode(random(&interface.access().store)?.as_slice());
    let cookie = format!(
        "{COOKIE_NAME}={browser}; HttpOnly; SameSite=Lax; Path=/api/v1; Max-Age=600{}",
        if interface.access().providers.is_secure() { "; Secure" } else { "" }
    );
    let url = interface
        .blocking(move |interface| Ok(interface.access().providers.begin(&provider, &browser, &client)?))
        .await?;
    let mut response = sent(&url)?;
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::form("a cookie was expected"))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// What a provider sends a browser back with (RFC 6749, section 4.1.2).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Callback {
    /// The code.
    code: Option<String>,
    /// What the browser was sent with.
    state: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
    /// Why there is none.
    error: Option<String>,
}

/// The cookie of a login.
fn browser(headers: &HeaderMap) -> String {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value.to_string()).unwrap_or_default()
}

/// Where a browser comes back to from a provider. It is sent to the console, with a code for which `/token` gives a token.
#[utoipa::path(get, path = "/login/callback", tag = "access", security(()), params(Callback),
    responses((status = 303, description = "To the console."), Refusals))]
async fn callback(
    State(interface): State<Interface>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Query(Callback { code, state, iss, error }): Query<Callback>,
) -> Result<Response, Problem> {
    if let Some(error) = error {
        return Err(Problem::unauthenticated(format_args!("login: the provider says {error:?}")));
    }
    let (Some(code), Some(state)) = (code, state) else {
        return Err(Problem::form("code and state were expected"));
    };
    let browser = browser(&headers);
    let code = interface
        .blocking(move |interface| {
            let answer = Answer { state: &state, code: &code, issuer: iss.as_deref() };
            Ok(interface.access().providers.finish(&answer, &browser, &client)?)
        })
        .await?;
    // Behind the #, which no server is told.
    sent(&format!("/#login={code}"))
}
