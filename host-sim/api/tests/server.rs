//! The listener: TLS with and without certificates of clients, and what is cut off.

mod world;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use qenex_api::config::{InterfaceConfig, TlsConfig};
use qenex_api::server::serve;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use world::World;

/// A listener that answers until it is dropped.
struct Served {
    world: World,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<Result<(), String>>,
}

impl Served {
    fn new(change: impl FnOnce(&mut InterfaceConfig)) -> Self {
        let mut config = InterfaceConfig { requests_per_minute: 0, ..InterfaceConfig::default() };
        change(&mut config);
        let world = World::configured(config);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let serving = serve(world.interface.clone(), listener, async { drop(stopped.await) });
        Self { world, address, stop: Some(stop), task: tokio::spawn(serving) }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("somebody listens")
    }
}

/// Sends bytes and reads until the other end closes: what was read.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    // A server that refuses may have closed already.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_lowercase()
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn who_is_slow_is_cut_off() {
    let served = Served::new(|config| {
        config.head_timeout_ms = 300;
        config.request_timeout_ms = 500;
    });
    let start = Instant::now();
    // A head that never ends, one that never begins, and a connection that is kept without a second request.
    let cut = ask(served.connect().await, "GET /health HTTP/1.1\r\nhost:").await;
    assert!(!cut.contains("200 ok"), "{cut}");
    assert_eq!(ask(served.connect().await, "").await, "");
    let kept = ask(served.connect().await, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(kept.contains("200 ok"), "{kept}");
    // A body that never ends.
    let key = served.world.key("s", &["submit"]).await;
    let head = format!(
        "POST /api/tx HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: 100\r\nconnection: close\r\n\r\n12"
    );
    let slow = ask(served.connect().await, &head).await;
    assert!(slow.contains("408 request timeout") && slow.contains("request_timeout"), "{slow}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn only_so_many_connections_are_open() {
    let served = Served::new(|config| config.max_connections = 3);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = served.connect().await;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is open");
        let mut buffer = [0; 12];
        stream.read_exact(&mut buffer).await.expect("it answers");
        assert_eq!(&buffer, b"HTTP/1.1 200");
        open.push(stream);
    }
    assert_eq!(ask(served.connect().await, HEALTH).await, "", "the fourth is closed");
    open.pop();
    let start = Instant::now();
    while !ask(served.connect().await, HEALTH).await.contains("200 ok") {
        assert!(start.elapsed() < Duration::from_secs(10), "there is room again");
    }
}

/// No address takes the places of all others, and a proxy that is trusted is no address.
#[tokio::test]
async fn an_address_has_only_so_many_of_them() {
    let mut served = Served::new(|config| config.max_connections_per_address = 2);
    let first = [served.connect().await, served.connect().await];
    assert_eq!(ask(served.connect().await, HEALTH).await, "", "the third is closed");
    drop(first);
    let start = Instant::now();
    while !ask(served.connect().await, HEALTH).await.contains("200 ok") {
        assert!(start.elapsed() < Duration::from_secs(10), "there is room again");
    }
    served.stop.take();
    let served = Served::new(|config| {
        config.max_connections_per_address = 2;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let _open = [served.connect().await, served.connect().await];
    assert!(ask(served.connect().await, HEALTH).await.contains("200 ok"));
}

/// A WebSocket goes on after its answer, and keeps its place.
#[tokio::test]
async fn websockets_are_connections() {
    let served = Served::new(|config| config.max_connections = 3);
    let key = served.world.key("s", &["read"]).await;
    let upgrade = format!(
        "GET /api/v1/events/ws HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = served.connect().await;
        stream.write_all(upgrade.as_bytes()).await.expect("it is open");
        let mut buffer = [0; 12];
        stream.read_exact(&mut buffer).await.expect("it answers");
        assert_eq!(&buffer, b"HTTP/1.1 101");
        open.push(stream);
    }
    assert_eq!(ask(served.connect().await, HEALTH).await, "", "the fourth is closed");
    open.pop();
    let start = Instant::now();
    while !ask(served.connect().await, HEALTH).await.contains("200 ok") {
        assert!(start.elapsed() < Duration::from_secs(10), "there is room again");
    }
}

#[tokio::test]
async fn it_ends_when_it_is_told() {
    let mut served = Served::new(|_| ());
    assert!(ask(served.connect().await, HEALTH).await.contains("200 ok"));
    served.stop.take().expect("it runs").send(()).expect("it listens");
    served.task.await.expect("it does not panic").expect("it ends well");
    assert!(TcpStream::connect(served.address).await.is_err());
}

/// A root, and a certificate under it, as files: NAME.pem and NAME.key.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec!["root".into()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    fn write(&self, folder: &Path, name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (certificate_file, key_file) =
            (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate_file, certificate.pem()).expect("a file");
        std::fs::write(&key_file, key.serialize_pem()).expect("a file");
        (certificate_file, key_file)
    }
}

/// A client that trusts a root, with a certificate if there is one.
fn connector(root: &Authority, own: Option<&(std::path::PathBuf, std::path::PathBuf)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.issuer.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
            let key = PrivateKeyDer::from_pem_file(key).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("they belong together")
        }
    };
    TlsConnector::from(Arc::new(config))
}

/// What is answered over TLS; nothing if there is no connection.
async fn ask_encrypted(served: &Served, connector: &TlsConnector, request: &str) -> String {
    let name = ServerName::try_from("localhost").expect("a name");
    match connector.connect(name, served.connect().await).await {
        Ok(stream) => ask(stream, request).await,
        Err(_) => String::new(),
    }
}

#[tokio::test]
async fn connections_are_encrypted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = authority.write(folder.path(), "server");
    let served = Served::new(|config| config.tls = Some(TlsConfig { certificate, key, client_roots: None }));
    let answer = ask_encrypted(&served, &connector(&authority, None), HEALTH).await;
    assert!(answer.contains("200 ok") && answer.contains("strict-transport-security: max-age="), "{answer}");
    assert_eq!(ask_encrypted(&served, &connector(&stranger, None), HEALTH).await, "");
    assert!(!ask(served.connect().await, HEALTH).await.contains("200 ok"), "it speaks no plain text");
}

#[tokio::test]
async fn clients_show_certificates_and_sessions_are_bound_to_them() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = authority.write(folder.path(), "server");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.issuer.pem()).expect("a file");
    let served =
        Served::new(|config| config.tls = Some(TlsConfig { certificate, key, client_roots: Some(roots) }));
    let (first, second) = (authority.write(folder.path(), "first"), authority.write(folder.path(), "second"));
    let foreign = stranger.write(folder.path(), "foreign");
    assert!(!ask_encrypted(&served, &connector(&authority, None), HEALTH).await.contains("200 ok"));
    assert!(!ask_encrypted(&served, &connector(&authority, Some(&foreign)), HEALTH).await.contains("200 ok"));
    let (first, second) = (connector(&authority, Some(&first)), connector(&authority, Some(&second)));
    assert!(ask_encrypted(&served, &first, HEALTH).await.contains("200 ok"));
    let api_key = served.world.key("k", &["read"]).await;
    let (id, secret) = api_key["qnx_".len()..].split_once('_').expect("a key");
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = format!(
        "POST /api/v1/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = first.connect(name, served.connect().await).await.expect("it is let in");
    stream.write_all(request.as_bytes()).await.expect("it is open");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let token = answer.split("\"access_token\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = token.unwrap_or_else(|| panic!("{answer}"));
    let status = format!(
        "GET /api/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    assert!(ask_encrypted(&served, &first, &status).await.contains("200 ok"));
    assert!(ask_encrypted(&served, &second, &status).await.contains("401 unauthorized"));
}

#[test]
fn wrong_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = Authority::new().write(folder.path(), "server");
    let (other, other_key) = Authority::new().write(folder.path(), "other");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let missing = folder.path().join("missing.pem");
    for (certificate, key, client_roots, expected) in [
        (&missing, &key, None, "missing.pem"),
        (&empty, &key, None, "empty.pem"),
        (&certificate, &missing, None, "missing.pem"),
        (&certificate, &certificate, None, "server.pem"),
        (&certificate, &other_key, None, "server.pem"),
        (&other, &other_key, Some(&empty), "empty.pem"),
    ] {
        let config = TlsConfig {
            certificate: certificate.clone(),
            key: key.clone(),
            client_roots: client_roots.cloned(),
        };
        let error = qenex_api::server::tls(&config).expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
}
