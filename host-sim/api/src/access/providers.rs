//! OpenID providers (OpenID Connect Core and Discovery 1.0): their tokens count as their configuration says, and people log in there for a session here.
//!
//! A provider's keys are found by discovery, when the first token comes and again when one names a key that is not known, at most every ten seconds; keys that it has withdrawn
//! are gone with the next discovery, an hour later at the latest. A token is signed by RS256, PS256, ES256 or EdDSA, names this node's audience, and has not ended. What it may
//! do follows from a claim: the first role of the configuration that it names counts, and no other, so that the scopes of one never go with the accounts of another.
//!
//! Logging in is the authorization code flow with PKCE (RFC 7636), a nonce, and a cookie that binds it to the browser it began in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous, decode, decode_header};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::http::Response;
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _,
};
use qenex_node::error::in_full;
use serde_json::Value;
use ureq::Agent;
use zeroize::Zeroizing;

use super::Denied;
use super::grant::{Accounts, Grant, Principal};
use super::limits::caller;
use super::scope::{Role, Scopes};
use super::sessions::Client;
use crate::config::{InterfaceConfig, ProviderConfig};
use crate::outside::{MAX_BYTES, agent, is_safe};

/// Between two discoveries, at least.
const AGAIN: Duration = Duration::from_secs(10);

/// How old keys may be.
const STALE: Duration = Duration::from_secs(3_600);

/// How many wait at a time for what comes of one.
const MOST_WAITING: usize = 16;

/// How far clocks may be apart.
const LEEWAY_SECONDS: u64 = 5;

/// How long somebody may take to log in, and how many may be about to.
const LOGIN: Duration = Duration::from_secs(600);
const MOST_LOGINS: usize = 1_000;
const MOST_LOGINS_OF_EACH: usize = 20;

/// How long the code counts that a page is sent back with.
const CODE: Duration = Duration::from_secs(60);

const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Where a browser comes back to.
pub const CALLBACK: &str = "/api/v1/login/callback";

/// What a provider said of itself.
#[derive(Default)]
struct Discovered {
    metadata: Option<CoreProviderMetadata>,
    keys: Vec<(Jwk, DecodingKey)>,
    at: Option<Instant>,
}

/// A provider.
struct Provider {
    config: ProviderConfig,
    secret: Option<Zeroizing<String>>,
    discovered: RwLock<Discovered>,
    /// When it was tried last; held while it is.
    tried: Mutex<Option<Instant>>,
    /// How many wait for that.
    waiting: AtomicUsize,
}

/// Somebody who is about to log in.
struct Login {
    provider: usize,
    verifier: PkceCodeVerifier,
    nonce: Nonce,
    /// What the cookie says of the browser.
    browser: String,
    /// Who began it, as limits know him.
    caller: String,
    begun: Instant,
}

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub struct Person {
    /// The issuer.
    pub provider: String,
    /// His name there.
    pub subject: String,
    /// What he may do.
    pub grant: Grant,
    /// Requests in a minute, if they are other than the configuration's.
    pub requests_per_minute: Option<u32>,
}

impl Person {
    /// As limits and the audit log know him.
    pub fn id(&self) -> String {
        format!("provider:{}:{}", self.provider, self.subject)
    }
}

/// The providers of a node.
pub struct Providers {
    agent: Agent,
    public_url: Option<String>,
    all: Vec<Provider>,
    logins: Mutex<BTreeMap<String, Login>>,
    /// Codes with which pages get their sessions, each once.
    codes: Mutex<BTreeMap<String, Arrived>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    fn new(config: &ProviderConfig) -> Result<Self, String> {
        let wrong = |what: &str| format!("providers: {:?}: {what}", config.name);
        if config.name.is_empty()
            || !config.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(wrong("a name of letters, digits and - was expected"));
        }
        if config.name == "callback" {
            return Err(wrong("another name was expected"));
        }
        if !is_safe(&config.issuer) {
            return Err(wrong("an issuer of https was expected, or one of this machine"));
        }
        if config.audience.is_empty() {
            return Err(wrong("an audience was expected"));
        }
        if config.client_id.as_ref() == Some(&config.audience) {
            return Err(wrong(
                "another audience than client_id was expected: what people log in with is no token for programs",
            ));
        }
        if config.roles.is_empty() {
            return Err(wrong("roles were expected: without one nobody may do anything"));
        }
        if let Some(role) = config.roles.iter().find(|role| role.role.is_none() && role.scopes.is_empty()) {
            return Err(wrong(&format!("{:?}: a role or scopes were expected", role.value)));
        }
        let secret = config.client_secret_file.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).map(Zeroizing::new);
            let text = text.map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
            Ok::<_, String>(Zeroizing::new(text.trim().to_string()))
        });
        Ok(Self {
            secret: secret.transpose()?,
            config: config.clone(),
            discovered: RwLock::default(),
            tried: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The values of the claim that says what somebody may do.
    fn values<'c>(&self, claims: &'c Value) -> Vec<&'c str> {
        let claim = &self.config.roles_claim;
        // A name, or a JSON pointer (RFC 6901).
        let found = if claim.starts_with('/') { claims.pointer(claim) } else { claims.get(claim) };
        match found {
            Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Who these claims are about, and what he may do.
    fn person(&self, claims: &Value) -> Result<Person, String> {
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        let values = self.values(claims);
        let role = self.config.roles.iter().find(|role| values.contains(&role.value.as_str()));
        let grant =
            role.map_or(Grant { scopes: Scopes::default(), accounts: Accounts::NONE }, |role| Grant {
                scopes: role.scopes.or(role.role.map(Role::scopes).unwrap_or_default()),
                accounts: role.accounts.clone(),
            });
        Ok(Person {
            provider: self.config.issuer.clone(),
            subject: subject.ok_or("sub was expected")?.chars().take(128).collect(),
            grant,
            requests_per_minute: self.config.requests_per_minute,
        })
    }
}

/// The claims of a token whose signature nobody has looked at.
fn unverified(token: &str) -> Option<Value> {
    dangerous::insecure_decode::<Value>(token).ok().map(|decoded| decoded.claims)
}

impl Providers {
    /// Those of a configuration. Browsers reach this node at a URL, if people log in.
    ///
    /// # Errors
    /// One of them lacks something: a sentence that says what was expected.
    pub fn new(config: &InterfaceConfig) -> Result<Self, String> {
        let (all, public_url) = (&config.providers, config.public_url.as_deref());
        if all.iter().any(|provider| provider.client_id.is_some()) && !public_url.is_some_and(is_safe) {
            return Err("public_url: a URL of https was expected, or one of this machine: there browsers come back from a provider".into());
        }
        let providers = all.iter().map(Provider::new).collect::<Result<Vec<_>, _>>()?;
        for (place, provider) in providers.iter().enumerate() {
            let same = |other: &Provider| {
                other.config.name == provider.config.name || other.config.issuer == provider.config.issuer
            };
            if providers[..place].iter().any(same) {
                return Err(format!("providers: {:?} is there twice", provider.config.name));
            }
        }
        Ok(Self {
            agent: agent(false),
            public_url: public_url.map(|url| url.trim_end_matches('/').to_string()),
            all: providers,
            logins: Mutex::default(),
            codes: Mutex::default(),
        })
    }

    /// Whether browsers reach this node over TLS.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The names of those where people log in.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let with_login = self.all.iter().filter(|provider| provider.config.client_id.is_some());
        with_login.map(|provider| provider.config.name.as_str())
    }

    /// Who has a token of one of them; nothing if it is no token of theirs.
    ///
    /// # Errors
    /// It does not count, or is signed by a key that has to be looked for ([`Denied::Key`]).
    pub fn principal(&self, token: &str, client: &Client) -> Result<Option<Principal>, Denied> {
        let Some(issuer) =
            unverified(token).and_then(|claims| Some(claims.get("iss")?.as_str()?.to_string()))
        else {
            return Ok(None);
        };
        let found = self.all.iter().enumerate().find(|(_, provider)| provider.config.issuer == issuer);
        let Some((place, provider)) = found else { return Ok(None) };
        let invalid =
            |detail: String| Denied::Invalid(format!("token of {}: {detail}", provider.config.name));
        let header = decode_header(token).map_err(|error| invalid(error.to_string()))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid(format!("{:?}: RS256, PS256, ES256 or EdDSA was expected", header.alg)));
        }
        let discovered = provider.discovered.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = discovered.at.is_some_and(|at| at.elapsed() < STALE);
        let fits = |key: &&(Jwk, DecodingKey)| header.kid.is_none() || key.0.common.key_id == header.kid;
        let mut candidates = discovered.keys.iter().filter(fits);
        let Some((jwk, key)) = candidates.next().filter(|_| is_fresh) else { return Err(Denied::Key(place)) };
        if header.kid.is_none() && candidates.next().is_some() {
            return Err(invalid("it does not say which key has signed it".into()));
        }
        let named = jwk.common.key_algorithm.map(|named| format!("{named:?}"));
        if named.is_some_and(|named| named != format!("{:?}", header.alg)) {
            return Err(invalid("its key signs by another algorithm".into()));
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&provider.config.issuer]);
        validation.set_audience(&[&provider.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let decoded = decode::<Value>(token, key, &validation);
        let claims = decoded.map_err(|error| invalid(error.to_string()))?.claims;
        // A token that is bound to a certificate (RFC 8705, section 3.1) is nobody else's.
        // What else it may be bound to is not looked at here.
        let bound = claims.get("cnf").map(|cnf| cnf.get("x5t#S256").and_then(Value::as_str));
        if let Some(bound) = bound
            && (bound.is_none() || bound != client.certificate.as_deref())
        {
            let name = &provider.config.name;
            return Err(Denied::Misused(format!("token of {name}: it belongs to another client")));
        }
        let person = provider.person(&claims).map_err(invalid)?;
        Ok(Some(Principal {
            id: person.id(),
            session: None,
            grant: person.grant,
            requests_per_minute: person.requests_per_minute,
            once: None,
        }))
    }

    /// Asks a provider what it is and which keys it has, unless that was tried a moment ago. Blocks.
    ///
    /// # Errors
    /// It does not answer, or is another one than was expected.
    pub fn discover(&self, place: usize) -> Result<(), String> {
        let Some(provider) = self.all.get(place) else { return Ok(()) };
        // One asks, few wait for what comes of it: whoever shows made-up tokens must not take all threads.
        if provider.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            provider.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err("too many wait for the provider".into());
        }
        let mut tried = lock(&provider.tried);
        provider.waiting.fetch_sub(1, Ordering::Relaxed);
        if tried.is_some_and(|at| at.elapsed() < AGAIN) {
            return Ok(());
        }
        let found = self.metadata(&provider.config.issuer).and_then(|metadata| {
            let set = serde_json::to_value(metadata.jwks()).map_err(|error| error.to_string())?;
            let set: JwkSet = serde_json::from_value(set).map_err(|error| error.to_string())?;
            // Keys of a kind that is not known here sign nothing here.
            let keys = set.keys.into_iter().filter_map(|jwk| {
                let key = DecodingKey::from_jwk(&jwk).ok()?;
                Some((jwk, key))
            });
            Ok((metadata, keys.collect()))
        });
        // From its end on: whoever waited does not ask again.
        *tried = Some(Instant::now());
        let (metadata, keys) = found.inspect_err(|error| {
            tracing::warn!(provider = provider.config.name, "the provider cannot be asked: {error}");
        })?;
        *provider.discovered.write().unwrap_or_else(PoisonError::into_inner) =
            Discovered { metadata: Some(metadata), keys, at: Some(Instant::now()) };
        Ok(())
    }

    fn metadata(&self, issuer: &str) -> Result<CoreProviderMetadata, String> {
        let issuer = IssuerUrl::new(issuer.into()).map_err(|error| error.to_string())?;
        CoreProviderMetadata::discover(&issuer, &|request| self.exchange(request))
            .map_err(|error| in_full(&error))
    }

    /// One exchange with a provider.
    fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let url = request.uri().to_string();
        if !is_safe(&url) {
            return Err(ureq::Error::BadUri(url));
        }
        let answer = match request.method().as_str() {
            "GET" => self.agent.run(request.map(|_| ()))?,
            _ => self.agent.run(request)?,
        };
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(MAX_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, body))
    }

    /// Begins a login: where the browser is sent. `browser` is what its cookie says, and has to say when it comes back. Blocks.
    ///
    /// # Errors
    /// There is no such provider, or it does not answer.
    pub fn begin(&self, name: &str, browser: &str, client: &Client) -> Result<String, LoginError> {
        let found = self.all.iter().position(|provider| provider.config.name == name);
        let place = found.filter(|place| self.all[*place].config.client_id.is_some());
        let place = place.ok_or(LoginError::Unknown)?;
        let provider = &self.all[place];
        let asked = self.client(place)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = asked.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in &provider.config.login_scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let caller = caller(client.address);
        let login = Login {
            provider: place,
            verifier,
            nonce,
            browser: browser.into(),
            caller,
            begun: Instant::now(),
        };
        let mut logins = lock(&self.logins);
        logins.retain(|_, login| login.begun.elapsed() < LOGIN);
        // Where there are too many the oldest one goes: of the same caller, or else of all.
        let own = logins.values().filter(|other| other.caller == login.caller).count();
        if own >= MOST_LOGINS_OF_EACH || logins.len() >= MOST_LOGINS {
            let goes = |other: &Login| own < MOST_LOGINS_OF_EACH || other.caller == login.caller;
            let oldest = logins.iter().filter(|(_, other)| goes(other)).min_by_key(|(_, other)| other.begun);
            if let Some(state) = oldest.map(|(state, _)| state.clone()) {
                logins.remove(&state);
            }
        }
        logins.insert(state.secret().clone(), login);
        Ok(url.to_string())
    }

    /// What asks a provider, which is discovered if that was long ago.
    fn client(&self, place: usize) -> Result<Configured, LoginError> {
        let refused = |error: String| LoginError::Refused(error);
        let Provider { config, secret, discovered, .. } = &self.all[place];
        let fresh = || {
            let discovered = discovered.read().unwrap_or_else(PoisonError::into_inner);
            let is_fresh = discovered.at.is_some_and(|at| at.elapsed() < STALE);
            discovered.metadata.clone().filter(|_| is_fresh)
        };
        let metadata = match fresh() {
            Some(metadata) => metadata,
            None => {
                self.discover(place).map_err(refused)?;
                fresh().ok_or_else(|| refused("it did not answer a moment ago".into()))?
            }
        };
        let id = ClientId::new(config.client_id.clone().unwrap_or_default());
        let secret = secret.as_ref().map(|secret| ClientSecret::new(secret.to_string()));
        let callback = format!("{}{CALLBACK}", self.public_url.as_deref().unwrap_or_default());
        let callback = RedirectUrl::new(callback).map_err(|error| refused(error.to_string()))?;
        Ok(CoreClient::from_provider_metadata(metadata, id, secret).set_redirect_uri(callback))
    }

    /// Ends a login: the code with which the page gets its session. Blocks.
    ///
    /// # Errors
    /// It was not begun here or by this browser, took too long, or the provider says something else than was expected.
    pub fn finish(&self, answer: &Answer<'_>, browser: &str, client: &Client) -> Result<String, LoginError> {
        let Answer { state, code, issuer } = *answer;
        let refused = |error: String| LoginError::Refused(error);
        let begun = lock(&self.logins).remove(state);
        let begun = begun.filter(|login| login.begun.elapsed() < LOGIN && login.browser == browser);
        let Login { provider: place, verifier, nonce, .. } =
            begun.ok_or_else(|| refused("it was not begun in this browser, or too long ago".into()))?;
        // RFC 9207: that it is the provider to which the browser was sent.
        if issuer.is_some_and(|issuer| issuer != self.all[place].config.issuer) {
            return Err(refused("another provider answers than was asked".into()));
        }
        let asked = self.client(place)?;
        let request = asked.exchange_code(AuthorizationCode::new(code.into()));
        let request = request.map_err(|error| refused(error.to_string()))?.set_pkce_verifier(verifier);
        let tokens =
            request.request(&|request| self.exchange(request)).map_err(|error| refused(in_full(&error)))?;
        let token = tokens.id_token().ok_or_else(|| refused("no ID token came".into()))?;
        // The signature, the issuer, the audience, the time, the nonce.
        if token.claims(&asked.id_token_verifier(), &nonce).is_err() {
            // It may be under a key that the provider did not have a while ago.
            self.discover(place).map_err(refused)?;
            let asked = self.client(place)?;
            token.claims(&asked.id_token_verifier(), &nonce).map_err(|error| refused(in_full(&error)))?;
        }
        let claims =
            unverified(&token.to_string()).ok_or_else(|| refused("an ID token was expected".into()))?;
        let person = self.all[place].person(&claims).map_err(refused)?;
        if person.grant.scopes.is_empty() {
            return Err(LoginError::Roleless(person.id()));
        }
        let code = CsrfToken::new_random_len(32).into_secret();
        let mut codes = lock(&self.codes);
        codes.retain(|_, arrived| arrived.at.elapsed() < CODE);
        codes.insert(
            code.clone(),
            Arrived { person, client: client.clone(), browser: browser.into(), at: Instant::now() },
        );
        Ok(code)
    }

    /// Who has logged in and came back with this code, which counts once, in the browser in which he did.
    pub fn redeem(&self, code: &str, browser: &str, client: &Client) -> Option<Person> {
        let arrived = lock(&self.codes).remove(code)?;
        let is_his = arrived.client == *client && arrived.browser == browser;
        (is_his && arrived.at.elapsed() < CODE).then_some(arrived.person)
    }
}

/// What a provider sends a browser back with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// What the browser was sent with.
    pub state: &'a str,
    /// The code.
    pub code: &'a str,
    /// Who answers, if the provider says so.
    pub issuer: Option<&'a str>,
}

/// Somebody who came back and gets his session next.
struct Arrived {
    person: Person,
    client: Client,
    browser: String,
    at: Instant,
}

/// A client of a provider that was discovered.
type Configured = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why somebody is not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such provider.
    #[error("no such provider")]
    Unknown,
    /// Something is not as it must be.
    #[error("{0}")]
    Refused(String),
    /// Nothing is granted to him.
    #[error("{0}: nothing is granted to whoever this is")]
    Roleless(String),
}
