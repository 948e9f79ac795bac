//! The listener: TLS, how many connections there are, how long a head may take.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::gauge;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower_layer::Layer as _;

use crate::Interface;
use crate::access::limits::caller;
use crate::config::{InterfaceConfig, TlsConfig};
use crate::guard::ClientCertificate;

/// How long to wait after a connection that was not accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// How long a client may take to receive what is sent to it, before something of it arrives.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests that have begun may take when the node is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Reads certificates and key, and the roots of clients' certificates.
///
/// # Errors
/// A file is not there, or holds something else.
pub fn tls(config: &TlsConfig) -> Result<Arc<ServerConfig>, String> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = |path: &Path| {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let read = read.map_err(|error| wrong(path, &error))?;
        if read.is_empty() { Err(wrong(path, &"a certificate in PEM was expected")) } else { Ok(read) }
    };
    let chain = certificates(&config.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|error| wrong(&config.key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = match &config.client_roots {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).map_err(|error| wrong(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(path, &error))?)
        }
    };
    let mut server =
        builder.with_single_cert(chain, key).map_err(|error| wrong(&config.certificate, &error))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// Answers until it is told to stop; then requests that have begun are answered.
///
/// Only HTTP/1.1 is spoken: whoever waits to learn which version comes waits without a limit. Connections beyond the most that may be open are closed.
///
/// # Errors
/// The listener fails, or the certificate cannot be read.
pub async fn serve(
    interface: Interface,
    listener: std::net::TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), String> {
    let InterfaceConfig { tls: encrypted, max_connections, head_timeout_ms, trusted_proxies, .. } =
        interface.access().config.clone();
    let of_each = Arc::new(Addresses::new(interface.access().config.max_connections_per_address));
    let head_timeout = Duration::from_millis(head_timeout_ms);
    let encrypted = encrypted.as_ref().map(tls).transpose()?.map(TlsAcceptor::from);
    let listener = TcpListener::from_std(listener).map_err(|error| error.to_string())?;
    let open = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let router = interface.router();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of one connection, or because too many files are open: either passes.
                tracing::warn!("a connection is not accepted: {error}");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&open).try_acquire_owned() else { continue };
        let peer = address.ip().to_canonical();
        let is_proxy = trusted_proxies.iter().any(|proxy| proxy.has(peer));
        let counted = if is_proxy { Some(None) } else { of_each.count(peer).map(Some) };
        let Some(counted) = counted else { continue };
        let _ = stream.set_nodelay(true);
        let stopping = interface.stopping();
        let place = Place(Arc::new((permit, counted)));
        let connection = Connection { router: router.clone(), address, head_timeout, stopping, place };
        let encrypted = encrypted.clone();
        tokio::spawn(async move {
            match encrypted {
                None => connection.answer(stream, None).await,
                Some(acceptor) => {
                    let greeting = tokio::time::timeout(head_timeout, acceptor.accept(stream)).await;
                    let Ok(Ok(stream)) = greeting else { return };
                    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let certificate = certificate.map(|certificate| {
                        ClientCertificate(URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)))
                    });
                    connection.answer(stream, certificate).await;
                }
            }
        });
    }
    drop(listener);
    interface.stop();
    // Who takes longer is cut off.
    let all = u32::try_from(max_connections).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(GRACE, open.acquire_many(all)).await;
    Ok(())
}

/// A connection's place among those that may be open. What goes on after an answer, as a WebSocket does, keeps a copy.
#[derive(Clone)]
pub struct Place(
    #[allow(dead_code, reason = "it is held, and given back with its last copy")]
    Arc<(OwnedSemaphorePermit, Option<Counted>)>,
);

/// How many connections each address has open.
struct Addresses {
    most: usize,
    open: Mutex<HashMap<String, usize>>,
}

/// A connection that counts for its address until it is dropped.
struct Counted {
    caller: String,
    of: Arc<Addresses>,
}

impl Addresses {
    fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// Counts a connection; nothing if its address has as many as it may.
    fn count(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let caller = caller(address);
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = all.get(&caller).copied().unwrap_or(0);
        if open >= self.most {
            return None;
        }
        all.insert(caller.clone(), open + 1);
        Some(Counted { caller, of: Arc::clone(self) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.caller) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(all.remove(&self.caller)),
        }
    }
}

/// A connection, and what answers it.
struct Connection {
    router: Router,
    address: SocketAddr,
    head_timeout: Duration,
    stopping: watch::Receiver<bool>,
    place: Place,
}

impl Connection {
    async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        certificate: Option<ClientCertificate>,
    ) {
        let open = gauge!("qenex_http_connections");
        open.increment(1.0);
        // Around the router, which is the same for all connections, and not into each of its routes.
        let service = Extension(ConnectInfo(self.address)).layer(self.router);
        let service = Extension(self.place).layer(Extension(certificate).layer(service));
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = builder.serve_connection(stream, TowerToHyperService::new(service)).with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let mut stopping = self.stopping;
        let stop = async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        // How it ends is for the other end to say.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = stop => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
        open.decrement(1.0);
    }
}
