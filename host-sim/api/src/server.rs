//! The listener: TLS, how many connections there are, how long a head may take.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::server::TlsStream;
use tower::Layer as _;

use crate::Interface;
use crate::config::{InterfaceConfig, TlsConfig};
use crate::guard::ClientCertificate;

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
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// A connection, which counts among the open ones until it ends.
struct Counted<T> {
    stream: T,
    _permit: OwnedSemaphorePermit,
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> std::task::Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Closes connections beyond the most that may be open.
#[derive(Clone)]
struct Bounded {
    open: Arc<Semaphore>,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Bounded {
    type Stream = Counted<TcpStream>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let open = Arc::clone(&self.open);
        Box::pin(async move {
            let permit = open.try_acquire_owned().map_err(io::Error::other)?;
            let (stream, service) = NoDelayAcceptor.accept(stream, service).await?;
            Ok((Counted { stream, _permit: permit }, service))
        })
    }
}

/// Shows the service whose certificate the client has.
#[derive(Clone)]
struct Certified(RustlsAcceptor<Bounded>);

impl<S: Send + 'static> Accept<TcpStream, S> for Certified {
    type Stream = TlsStream<Counted<TcpStream>>;
    type Service = AddExtension<S, Option<ClientCertificate>>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            let (_, connection) = stream.get_ref();
            let certificate = connection.peer_certificates().and_then(<[_]>::first);
            let hash = |certificate: &CertificateDer<'_>| URL_SAFE_NO_PAD.encode(Sha256::digest(certificate));
            let certificate = certificate.map(|certificate| ClientCertificate(hash(certificate)));
            let service = Extension(certificate).layer(service);
            Ok((stream, service))
        })
    }
}

/// Answers until the interface is told to stop; then requests that have begun are answered.
///
/// # Errors
/// The listener fails, or the certificate cannot be read.
pub async fn serve(
    interface: Interface,
    listener: std::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let InterfaceConfig { tls: encrypted, max_connections, head_timeout_ms, .. } =
        interface.access().config.clone();
    let head_timeout = Duration::from_millis(head_timeout_ms);
    let handle = axum_server::Handle::new();
    let graceful = handle.clone();
    tokio::spawn(async move {
        stop.await;
        graceful.graceful_shutdown(Some(GRACE));
    });
    let mut server = axum_server::from_tcp(listener).map_err(|error| error.to_string())?.handle(handle);
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(head_timeout));
    let bounded = Bounded { open: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))) };
    let service = interface.router().into_make_service_with_connect_info::<std::net::SocketAddr>();
    let served = match &encrypted {
        None => server.acceptor(bounded).serve(service).await,
        Some(config) => {
            let config = RustlsConfig::from_config(tls(config)?);
            let acceptor = RustlsAcceptor::new(config).handshake_timeout(head_timeout).acceptor(bounded);
            server.acceptor(Certified(acceptor)).serve(service).await
        }
    };
    served.map_err(|error| error.to_string())
}
