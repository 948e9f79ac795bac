//! The configuration of the interface.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use qenex_device::operator::Operator;
use qenex_monitor::rules::Change;
use serde::{Deserialize, Serialize};

use crate::access::scope::Scopes;

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
    /// How long a body may be.
    pub max_body_bytes: usize,
    /// How long a request may take from its head to its answer.
    pub request_timeout_ms: u64,
    /// How long the head of a request may take, or the greeting of TLS.
    pub head_timeout_ms: u64,
    /// How long a token lasts.
    pub token_seconds: u64,
    /// Accounts for which the node itself signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custody: Option<CustodyConfig>,
    /// When something is worth an alert, and who is told.
    pub alerts: AlertsConfig,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for InterfaceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_080)),
            tls: None,
            public: Scopes::default(),
            requests_per_minute: 100,
            max_connections: 200,
            max_body_bytes: 1 << 20,
            request_timeout_ms: 10_000,
            head_timeout_ms: 10_000,
            token_seconds: 900,
            custody: None,
            alerts: AlertsConfig::default(),
            trusted_proxies: Vec::new(),
        }
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
        tls.chain(custody).chain(passwords)
    }
}
