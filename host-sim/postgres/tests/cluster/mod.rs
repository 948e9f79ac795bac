//! A primary and a standby of their own, on this machine, as whoever may run them: a server refuses root.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qenex_postgres::Postgres;
use qenex_postgres::connection::Settings;
use qenex_store::StoreError;
use tempfile::TempDir;

/// Who runs servers where the test is root: nobody.
const NOBODY: u32 = 65_534;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The programs of the newest server that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("the Debian package postgresql");
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path().join("bin")).collect();
    versions.sort();
    versions.pop().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn program(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    command.stdin(Stdio::null()).current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {} {said}", String::from_utf8_lossy(&output.stdout));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server.
pub struct Server {
    data: PathBuf,
    pub port: u16,
    running: Option<Child>,
}

impl Server {
    fn start(data: PathBuf, port: u16) -> Self {
        let mut server = Self { data, port, running: None };
        server.resume();
        server
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        let log =
            fs::File::options().create(true).append(true).open(self.data.with_extension("log")).unwrap();
        let mut command = program("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        // A group of its own, which can be killed as a whole.
        command.process_group(0).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        let begun = Instant::now();
        let ready = || {
            program("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            let log = || fs::read_to_string(self.data.with_extension("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it with all that belongs to it, at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            let group = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
            child.wait().unwrap();
        }
    }

    /// Makes a primary of a standby.
    pub fn promote(&self) {
        run(program("pg_ctl").args(["promote", "-w", "-D"]).arg(&self.data));
    }

    /// Says something to it in SQL; returns what it answers.
    pub fn sql(&self, said: &str) -> String {
        let port = self.port.to_string();
        let mut command = program("psql");
        command.args(["-h", "127.0.0.1", "-U", "qenex", "-d", "postgres", "-p", &port, "-XAtq", "-c", said]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{said}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.kill();
        }
    }
}

/// A primary, and a standby that follows it.
pub struct Cluster {
    pub primary: Server,
    pub standby: Option<Server>,
    folder: TempDir,
}

impl Cluster {
    /// One server.
    pub fn alone() -> Self {
        let folder = TempDir::new().unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("primary");
        run(program("initdb").arg("-D").arg(&data).args([
            "-U",
            "qenex",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
        ]));
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nshared_buffers = 64MB\nmax_wal_senders = 4\n",
            folder.path().display()
        );
        append(&data.join("postgresql.conf"), &settings);
        let primary = Server::start(data, free_port());
        Self { primary, standby: None, folder }
    }

    /// One server that lets nobody in but over TLS and with a password, and the certificate that its own is signed with: its own.
    pub fn closed(password: &str) -> (Self, PathBuf) {
        let mut cluster = Self::alone();
        cluster.primary.sql(&format!("ALTER USER qenex PASSWORD '{password}'"));
        cluster.primary.kill();
        let (data, folder) = (cluster.folder.path().join("primary"), cluster.folder.path());
        let certificate = folder.join("certificate.pem");
        let mut made = Command::new("openssl");
        made.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        made.args(["-subj", "/CN=database", "-addext", "subjectAltName=IP:127.0.0.1"]);
        made.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        run(made.arg("-keyout").arg(data.join("server.key")).arg("-out").arg(&certificate));
        fs::copy(&certificate, data.join("server.crt")).unwrap();
        for file in ["server.key", "server.crt"] {
            fs::set_permissions(data.join(file), fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(data.join(file), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        append(&data.join("postgresql.conf"), "ssl = on\n");
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        cluster.primary.resume();
        (cluster, certificate)
    }

    /// Two, of which the second has what the first has confirmed.
    pub fn synchronous() -> Self {
        let cluster = Self::asynchronous();
        cluster.primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        cluster.primary.sql("SELECT pg_reload_conf()");
        let begun = Instant::now();
        while cluster.primary.sql("SELECT sync_state FROM pg_stat_replication") != "sync" {
            assert!(begun.elapsed() < PATIENCE, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        cluster
    }

    /// Two, of which the second has what it has.
    pub fn asynchronous() -> Self {
        let mut cluster = Self::alone();
        let data = cluster.folder.path().join("standby");
        let from =
            format!("host=127.0.0.1 port={} user=qenex application_name=standby", cluster.primary.port);
        run(program("pg_basebackup")
            .args(["-d", &from, "-R", "-X", "stream", "-c", "fast", "-D"])
            .arg(&data));
        cluster.standby = Some(Server::start(data, free_port()));
        cluster
    }

    /// Both hosts.
    pub fn url(&self) -> String {
        let servers = std::iter::once(&self.primary).chain(&self.standby);
        let hosts: Vec<String> = servers.map(|server| format!("127.0.0.1:{}", server.port)).collect();
        format!("postgresql://qenex@{}/postgres", hosts.join(","))
    }

    pub fn settings(&self) -> Settings {
        Settings {
            url: self.url(),
            replicas: None,
            password: None,
            ca: None,
            connections: 4,
            patience: Duration::from_secs(60),
            mark: None,
        }
    }

    pub fn open(&self, genesis: &[u8; 32]) -> Result<Postgres, StoreError> {
        Postgres::open(&self.settings(), genesis)
    }
}

fn append(path: &Path, text: &str) {
    let there = fs::read_to_string(path).unwrap();
    fs::write(path, there + text).unwrap();
}
