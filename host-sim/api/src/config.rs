//! The configuration of the interface.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use qenex_device::operator::Operator;
use qenex_monitor::rules::Change;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::grant::Accounts;
use crate::access::scope::{Role, Scopes};

/// How a node answers programs. What is not said is as in [`InterfaceConfig::default`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InterfaceConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate that it shows; without, it speaks plainly, which is for this machine or behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// What everybody may do, without a key.
    pub public: Scopes,
    /// How often each caller may ask in a minute; zero for as often as it likes.
    pub requests_per_minute: u32,
    /// How many connections are open at a time.
    pub max_connections: usize,
    /// How many of them from one address (a /64 with IPv6), unless it is a trusted proxy's.
    pub max_connections_per_address: usize,
    /// How long a body may be.
    pub max_body_bytes: usize,
    /// How long a request may take from its head to its answer.
    pub request_timeout_ms: u64,
    /// How long the head of a request may take, or the greeting of TLS.
    pub head_timeout_ms: u64,
    /// How long a token lasts.
    pub token_seconds: u64,
    /// OpenID providers whose tokens count, and where people log in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<ProviderConfig>,
    /// Where browsers reach this node: `https://HOST`. They come back there from a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Accounts for which the node itself signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custody: Option<CustodyConfig>,
    /// When something is worth an alert, and who is told.
    pub alerts: AlertsConfig,
    /// Proxies whose `X-Forwarded-For` is believed: addresses, or networks such as `10.0.0.0/28`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<Network>,
}

impl Default for InterfaceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_080)),
            tls: None,
            public: Scopes::default(),
            requests_per_minute: 100,
            max_connections: 200,
            max_connections_per_address: 100,
            max_body_bytes: 1 << 20,
            request_timeout_ms: 10_000,
            head_timeout_ms: 10_000,
            token_seconds: 900,
            providers: Vec::new(),
            public_url: None,
            custody: None,
            alerts: AlertsConfig::default(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network
            .map(Self)
            .map_err(|_| format!("{text:?}: an address or a network such as 10.0.0.0/28 was expected"))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// When something is worth an alert, and who is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// What is other than [`qenex_monitor::rules`] says, by the names of the rules.
    pub rules: BTreeMap<String, Change>,
    /// Who is told.
    pub send: Vec<SendConfig>,
}

/// Who is told of alerts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "to")]
pub enum SendConfig {
    /// A program, which gets the alert as JSON.
    Webhook {
        /// Where.
        url: String,
    },
    /// Prometheus' Alertmanager.
    Alertmanager {
        /// Where it is, without the path.
        url: String,
    },
    /// A gateway for short messages, which gets `{"to": ..., "message": ...}`.
    Sms {
        /// Where.
        url: String,
        /// Whom to tell.
        #[serde(rename = "number")]
        to: String,
    },
    /// People.
    Email {
        /// The server: `smtps://HOST`, `smtp://HOST?tls=required`, or `smtp://HOST` without encryption.
        smtp: String,
        /// Who logs in there, if anybody must.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The file of his password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password_file: Option<PathBuf>,
        /// The sender.
        from: String,
        /// Whom to tell.
        #[serde(rename = "recipients")]
        to: Vec<String>,
    },
}

/// An OpenID provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// What it is called here: letters, digits and `-`.
    pub name: String,
    /// Its issuer, exactly as its tokens name it.
    pub issuer: String,
    /// What its tokens for programs must name as their audience.
    pub audience: String,
    /// The claim that says what somebody may do: its name, or a JSON pointer to it, such as `/realm_access/roles`.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// What its values stand for. The first one that a token names counts, and no other.
    pub roles: Vec<RoleConfig>,
    /// Requests in a minute of each of its subjects, if they are other than everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// This node's name at the provider: with it, people log in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The file of the secret that belongs to it, if the provider wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked of it when somebody logs in, beside `openid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub login_scopes: Vec<String>,
}

fn roles_claim() -> String {
    "roles".into()
}

/// What a value of a provider's claim stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleConfig {
    /// The value.
    pub value: String,
    /// The scopes of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// More scopes.
    #[serde(default)]
    pub scopes: Scopes,
    /// For which accounts: `*`, or a list.
    pub accounts: Accounts,
}

/// Files in PEM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The roots of clients' certificates. With it, every client must have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_roots: Option<PathBuf>,
}

/// Accounts whose keys are in a device of the node's. What may be signed for each is for the policy of its key in the device to say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyConfig {
    /// The folder of a simulated device, which runs in the node's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<PathBuf>,
    /// The socket or the serial line of a device. It is another one than that which votes: a device serves one host at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<PathBuf>,
    /// The folder that pairing made.
    pub host: PathBuf,
    /// The operator who lets it sign.
    pub user: String,
    /// The file of the operator's PIN.
    pub pin_file: PathBuf,
    /// The slot of each account's key.
    pub accounts: BTreeMap<String, u8>,
    /// The account that opens the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar: Option<String>,
    /// For how many blocks a transaction is valid.
    #[serde(default = "validity_blocks")]
    pub validity_blocks: u64,
    /// What it pays.
    #[serde(default = "fee")]
    pub fee: String,
}

impl CustodyConfig {
    /// How its operator reaches the device.
    pub fn operator(&self) -> Operator<'_> {
        let Self { soft, at, host, user, pin_file, .. } = self;
        Operator { soft: soft.as_deref(), at: at.as_deref(), host, user, pin_file }
    }
}

fn validity_blocks() -> u64 {
    100
}

fn fee() -> String {
    "0".into()
}

impl InterfaceConfig {
    /// The paths of its files.
    pub fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tls = self.tls.iter_mut();
        let tls = tls.flat_map(|tls| {
            [&mut tls.certificate, &mut tls.key].into_iter().chain(tls.client_roots.as_mut())
        });
        let custody = self.custody.iter_mut().flat_map(|custody| {
            let device = custody.soft.as_mut().into_iter().chain(custody.at.as_mut());
            [&mut custody.host, &mut custody.pin_file].into_iter().chain(device)
        });
        let passwords = self.alerts.send.iter_mut().filter_map(|send| match send {
            SendConfig::Email { password_file, .. } => password_file.as_mut(),
            _ => None,
        });
        let secrets = self.providers.iter_mut().filter_map(|provider| provider.client_secret_file.as_mut());
        tls.chain(custody).chain(passwords).chain(secrets)
    }
}
