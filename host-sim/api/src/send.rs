//! Tells people and programs of alerts: webhooks, Alertmanager, gateways for short messages, e-mail.
//!
//! A thread of its own sends; what cannot be sent is tried again for some minutes, and then given up with a line in the log. Each place hears of an alert when it begins and when it ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport as _};
use qenex_monitor::alerts::Alert;
use serde_json::{Value, json};
use ureq::Agent;
use zeroize::Zeroizing;

use crate::config::SendConfig;
use crate::outside::{TIMEOUT, agent};

/// So many alerts wait to be sent.
const QUEUE: usize = 256;

/// How long to wait before each further attempt.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];

/// Where alerts go.
enum Place {
    Webhook { url: String },
    Alertmanager { url: String },
    Sms { url: String, to: String },
    Email { transport: Box<SmtpTransport>, from: Mailbox, to: Vec<Mailbox> },
}

/// Sends alerts.
pub struct Sender(Vec<SyncSender<Arc<Alert>>>);

fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    text.map_err(|error| format!("{}: {error}", path.display()))
}

impl Place {
    fn new(config: &SendConfig) -> Result<Self, String> {
        let checked = |url: &str| {
            let right = url.starts_with("https://") || url.starts_with("http://");
            right
                .then(|| url.to_string())
                .ok_or_else(|| format!("alerts: {url:?}: a URL of http or https was expected"))
        };
        Ok(match config {
            SendConfig::Webhook { url } => Self::Webhook { url: checked(url)? },
            SendConfig::Alertmanager { url } => {
                Self::Alertmanager { url: format!("{}/api/v2/alerts", checked(url)?.trim_end_matches('/')) }
            }
            SendConfig::Sms { url, to } => Self::Sms { url: checked(url)?, to: to.clone() },
            SendConfig::Email { smtp, user, password_file, from, to } => {
                let wrong = |error: &dyn std::fmt::Display| format!("alerts: {smtp}: {error}");
                let mailbox = |text: &String| {
                    text.parse::<Mailbox>().map_err(|error| format!("alerts: {text:?}: {error}"))
                };
                let mut transport =
                    SmtpTransport::from_url(smtp).map_err(|error| wrong(&error))?.timeout(Some(TIMEOUT));
                if let Some((user, path)) = user.as_ref().zip(password_file.as_ref()) {
                    let password = read(path)?.trim().to_string();
                    transport = transport.credentials(Credentials::new(user.clone(), password));
                }
                Self::Email {
                    transport: Box::new(transport.build()),
                    from: mailbox(from)?,
                    to: to.iter().map(mailbox).collect::<Result<_, _>>()?,
                }
            }
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Webhook { url } | Self::Alertmanager { url } | Self::Sms { url, .. } => url,
            Self::Email { .. } => "e-mail",
        }
    }

    fn send(&self, agent: &Agent, alert: &Alert) -> Result<(), String> {
        let post = |url: &str, body: Value| {
            agent.post(url).send_json(body).map(|_| ()).map_err(|error| error.to_string())
        };
        match self {
            Self::Webhook { url } => post(url, json!(alert)),
            Self::Alertmanager { url } => post(url, json!([of_alertmanager(alert)])),
            Self::Sms { url, to } => post(url, json!({ "to": to, "message": line(alert) })),
            Self::Email { transport, from, to } => {
                let mut message = Message::builder().from(from.clone()).subject(line(alert));
                for to in to {
                    message = message.to(to.clone());
                }
                let body = format!("{}\r\n\r\n{}\r\n", alert.summary, alert.detail);
                let message = message.body(body).map_err(|error| error.to_string())?;
                transport.send(&message).map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }
}

/// An alert in a line.
fn line(alert: &Alert) -> String {
    let state = if alert.ended_ms.is_some() { "over" } else { alert.severity.as_str() };
    format!("QENEX {state}: {}: {}", alert.rule, alert.summary)
}

/// As Alertmanager takes it (API version 2).
fn of_alertmanager(alert: &Alert) -> Value {
    let mut value = json!({
        "labels": { "alertname": alert.rule, "severity": alert.severity.as_str(), "job": "qenex" },
        "annotations": { "summary": alert.summary, "description": alert.detail },
        "startsAt": rfc3339(alert.began_ms),
    });
    if let Some(ended_ms) = alert.ended_ms {
        value["endsAt"] = rfc3339(ended_ms).into();
    }
    value
}

/// A time as RFC 3339 writes it.
fn rfc3339(at_ms: u64) -> String {
    let at = std::time::UNIX_EPOCH + Duration::from_millis(at_ms);
    humantime::format_rfc3339_millis(at).to_string()
}

fn work(place: &Place, alerts: &Receiver<Arc<Alert>>) {
    let agent = agent(true);
    for alert in alerts {
        let mut waits = AGAIN.iter();
        while let Err(error) = place.send(&agent, &alert) {
            match waits.next() {
                Some(wait) => std::thread::sleep(*wait),
                None => {
                    tracing::error!(rule = %alert.rule, place = place.name(), "nobody is told: {error}");
                    break;
                }
            }
        }
    }
}

impl Sender {
    /// To these places.
    ///
    /// # Errors
    /// One of them is none: a sentence that says what was expected.
    pub fn new(places: &[SendConfig]) -> Result<Self, String> {
        let mut queues = Vec::new();
        for config in places {
            let place = Place::new(config)?;
            let (queue, alerts) = sync_channel(QUEUE);
            std::thread::spawn(move || work(&place, &alerts));
            queues.push(queue);
        }
        Ok(Self(queues))
    }

    /// Sends an alert to all places, soon.
    pub fn send(&self, alert: Arc<Alert>) {
        for queue in &self.0 {
            if let Err(TrySendError::Full(alert)) = queue.try_send(Arc::clone(&alert)) {
                tracing::error!(rule = %alert.rule, "too many alerts wait to be sent");
            }
        }
    }
}
