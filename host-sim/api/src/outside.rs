//! Asks other programs over HTTP: with TLS by the roots that the machine believes, a bound on time and on what is read, and without going where an answer points to.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long one exchange may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may be.
pub const MAX_BYTES: u64 = 1 << 20;

/// Whoever asks. An answer that says that something is wrong is an answer or an error, as is said here.
pub fn agent(status_is_error: bool) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(RootCerts::PlatformVerifier);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = tls.unversioned_rustls_crypto_provider(Arc::new(provider)).build();
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
    config.http_status_as_error(status_is_error).tls_config(tls).build().into()
}

/// Whether a URL is one that secrets may go to: of https, or of this machine.
pub fn is_safe(url: &str) -> bool {
    // Before a host there may be who asks, which looks like one.
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let local = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    let rest = local.iter().find_map(|local| url.strip_prefix(local));
    url.starts_with("https://") || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

#[cfg(test)]
mod tests {
    #[test]
    fn secrets_go_over_tls_or_stay_on_the_machine() {
        for url in
            ["https://login.example/realm", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1/"]
        {
            assert!(super::is_safe(url), "{url}");
        }
        for url in [
            "http://login.example",
            "http://127.0.0.1.example/",
            "http://localhost.example",
            "http://localhost:x@login.example/",
            "ftp://x",
            "",
        ] {
            assert!(!super::is_safe(url), "{url}");
        }
    }
}
