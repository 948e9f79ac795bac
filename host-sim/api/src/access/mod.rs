//! Who may ask what.
//!
//! | module | what it is for |
//! |---|---|
//! | [`scope`] | what a caller may do: scopes, and roles that are bundles of them |
//! | [`grant`] | what somebody was granted, and who he is |
//! | [`keys`] | API keys |
//! | [`sessions`] | sessions, which can be revoked and are bound to a client |
//! | [`providers`] | tokens of OpenID providers, and logging in there |
//! | [`tokens`] | the node's own tokens, one for each session |
//! | [`limits`] | how often somebody may ask |
//!
//! A key is shown as `Authorization: Bearer qnx_...` or `X-API-Key`, a token as `Authorization: Bearer`. Whoever shows nothing is the public.

pub mod grant;
pub mod keys;
pub mod limits;
pub mod providers;
pub mod scope;
pub mod sessions;
pub mod tokens;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::audit::{Audit, Event, Kind};
use crate::config::InterfaceConfig;
use crate::store::{Store, StoreError};
use grant::{Accounts, Grant, Principal};
use limits::Limits;
use providers::Providers;
use scope::Scopes;
use sessions::Client;
use tokens::Issuer;

/// The header for keys.
pub const KEY_HEADER: &str = "x-api-key";

/// 256 random bits.
pub(crate) fn random(store: &Store) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| store.failed(error))?;
    Ok(bytes)
}

/// The time, since the beginning of 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Why somebody is not who he says.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// What he showed does not count.
    #[error("{0}")]
    Invalid(String),
    /// A key has to be asked for that signed it: the provider's place.
    #[error("no key of this provider signed it")]
    Key(usize),
    /// It belongs to another client.
    #[error("{0}")]
    Misused(String),
    /// It could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keys, sessions, tokens, limits and the audit log of a node.
pub struct Access {
    /// The database.
    pub store: Arc<Store>,
    /// The node's own tokens.
    pub issuer: Issuer,
    /// Providers whose tokens count.
    pub providers: Providers,
    /// What was refused and changed.
    pub audit: Audit,
    /// How often callers may ask.
    pub limits: Limits,
    /// The configuration.
    pub config: InterfaceConfig,
}

impl Access {
    /// Opens what a database holds; the providers are those of the configuration. The tokens' issuer has this name.
    ///
    /// # Errors
    /// The database fails, or there is no entropy.
    pub fn open(
        store: Store,
        config: InterfaceConfig,
        providers: Providers,
        issuer: &str,
    ) -> Result<Self, StoreError> {
        let store = Arc::new(store);
        let lasts = Duration::from_secs(config.token_seconds);
        Ok(Self {
            issuer: Issuer::open(&store, issuer, lasts, now_ms())?,
            providers,
            audit: Audit::open(Arc::clone(&store))?,
            limits: Limits::default(),
            store,
            config,
        })
    }

    /// A key that makes the first administrator's and ends with that; nothing if there is an administrator. One that was not used gives way to a new one.
    ///
    /// # Errors
    /// The database fails, or there is no entropy.
    pub fn first_key(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let now_ms = now_ms();
        for key in keys::all(&self.store)?.into_iter().filter(|key| key.is_valid(now_ms)) {
            if key.once {
                keys::revoke(&self.store, &key.id, now_ms)?;
            } else if key.grant.scopes.has(scope::Scope::Admin) {
                return Ok(None);
            }
        }
        let new = keys::NewKey {
            name: "the first administrator".into(),
            grant: Grant { scopes: Scopes::all(), accounts: Accounts::All },
            requests_per_minute: None,
            expires_ms: None,
            once: true,
        };
        Ok(Some(keys::create(&self.store, new, now_ms)?.1))
    }

    /// Whoever shows nothing.
    pub fn public(&self, client: &Client) -> Principal {
        Principal {
            id: limits::caller(client.address),
            session: None,
            grant: Grant { scopes: self.config.public, accounts: Accounts::NONE },
            requests_per_minute: None,
            once: None,
        }
    }

    /// Who sends a request with these headers.
    ///
    /// # Errors
    /// What is shown does not count, or cannot be looked up.
    pub fn principal(&self, headers: &HeaderMap, client: &Client) -> Result<Principal, Denied> {
        let invalid = |detail: &str| Denied::Invalid(detail.into());
        let text = |name: &str| {
            let mut all = headers.get_all(name).iter();
            match (all.next(), all.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| invalid("a header is not ASCII")),
                (Some(_), Some(_)) => Err(invalid("one header of its kind was expected")),
            }
        };
        let bearer = match text(AUTHORIZATION.as_str())? {
            None => None,
            Some(value) => match value.split_once(' ') {
                Some((scheme, shown)) if scheme.eq_ignore_ascii_case("bearer") => Some(shown.trim()),
                // The credentials of a client, which the route for tokens looks at.
                Some((scheme, _)) if scheme.eq_ignore_ascii_case("basic") => None,
                _ => return Err(invalid("Authorization: Bearer was expected")),
            },
        };
        let shown = match (bearer, text(KEY_HEADER)?) {
            (Some(_), Some(_)) => return Err(invalid("a key or a token was expected, not both")),
            (None, None) => return Ok(self.public(client)),
            (Some(token), None) if !token.starts_with(keys::PREFIX) => {
                return self.bearer_of(token, client);
            }
            (Some(key), None) | (None, Some(key)) => key,
        };
        let key = keys::verify(&self.store, shown, now_ms())?;
        key.map(|key| key.principal()).ok_or_else(|| invalid("no such key, or it has ended"))
    }

    /// Who has a token: of the node's own, or of a provider.
    fn bearer_of(&self, token: &str, client: &Client) -> Result<Principal, Denied> {
        if let Some(principal) = self.providers.principal(token, client)? {
            return Ok(principal);
        }
        let claims = self.issuer.verify(token).map_err(|error| Denied::Invalid(format!("token: {error}")))?;
        let Some((session, owner)) = sessions::valid(&self.store, &claims.sid, now_ms())? else {
            return Err(Denied::Invalid(format!("session {} is over", claims.sid)));
        };
        if !session.is_bound_to(client) {
            return Err(Denied::Misused(format!("session {} belongs to another client", claims.sid)));
        }
        Ok(Principal { session: Some(session.id), grant: session.grant, once: None, ..owner })
    }

    /// An event of a caller, as it is written down.
    pub fn event(&self, kind: Kind, principal: &str, client: &Client, detail: String) -> Event {
        Event {
            time_ms: now_ms(),
            kind,
            principal: principal.into(),
            address: Some(client.address),
            request: String::new(),
            status: 200,
            code: None,
            detail,
        }
    }
}
