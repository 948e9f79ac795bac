//! Looks at all that a node needs before somebody finds out at night: its files, its folders, its ports, its database, its device, its peers, its backup, its providers.
//!
//! Nothing is changed, and nothing is begun that would outlive the look. A node that runs may be looked at: what it holds is said to be held.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qenex_api::access::providers::Providers;
use qenex_backup::place::Place;
use qenex_device::DeviceError;
use qenex_device::operator::Operator;
use serde::Serialize;

use crate::config::{Config, Overrides};
use crate::run::check;

/// How long another node may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A disk with less room than this is nearly full.
const ROOM_BYTES: u64 = 10 << 30;

/// Files that a node has open beside its connections, about.
const OTHER_FILES: u64 = 512;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Well,
    /// It works, and somebody should look at it.
    Doubtful,
    /// It does not work.
    Ill,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub state: State,
    /// What was found, and what was expected.
    pub detail: String,
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &str, state: State, detail: impl std::fmt::Display) {
        self.0.push(Finding { what: what.into(), state, detail: detail.to_string() });
    }

    /// Well with what it is, or ill with the error.
    fn tried(&mut self, what: &str, tried: Result<impl std::fmt::Display, impl std::fmt::Display>) {
        match tried {
            Ok(found) => self.add(what, State::Well, found),
            Err(error) => self.add(what, State::Ill, error),
        }
    }
}

/// Looks at the node of a configuration.
pub fn examine(path: &Path, overrides: &Overrides) -> Vec<Finding> {
    let mut findings = Findings::default();
    let config = match Config::read(path, overrides) {
        Ok(config) => config,
        Err(error) => {
            findings.add("configuration", State::Ill, error);
            return findings.0;
        }
    };
    findings.tried(
        "configuration",
        check(path, overrides).map(|()| "it and the files that it names are as they should be"),
    );
    secrets(&config, &mut findings);
    let runs = data(&config, &mut findings);
    files(&config, &mut findings);
    for (what, address) in
        [("port of peers", config.listen), ("port of the interface", config.interface.listen)]
    {
        port(what, address, runs, &mut findings);
    }
    peers(&config, &mut findings);
    if let Some(device) = &config.device {
        reach("device that votes", &device.operator(), runs, &mut findings);
    }
    if let Some(custody) = &config.interface.custody {
        reach("device of the custody", &custody.operator(), runs, &mut findings);
    }
    if let Some(database) = &config.database {
        let asked = database.settings().and_then(|settings| Ok(qenex_postgres::look(&settings)?));
        match asked {
            Ok(found) if found.standbys.is_empty() => findings.add(
                "database",
                State::Doubtful,
                format_args!("{found}; no standby has to have what is committed (synchronous_standby_names): what is lost with its disk is lost"),
            ),
            asked => findings.tried("database", asked),
        }
    }
    match &config.backup {
        None => findings.add(
            "backup",
            State::Doubtful,
            "the configuration names none: what is lost with this machine is lost",
        ),
        Some(backup) if will_be(Path::new(&backup.to)) => {
            findings.add(
                "backup",
                State::Doubtful,
                format_args!("{} is not there yet; the node makes it", backup.to),
            );
        }
        Some(backup) => {
            let found =
                Place::open(&backup.to).and_then(|place| Ok((place.runs()?.len(), place.states()?.len())));
            let found =
                found.map(|(runs, states)| format!("{}: {runs} runs of blocks, {states} states", backup.to));
            findings.tried("backup", found);
        }
    }
    providers(&config, &mut findings);
    findings.0
}

/// Whether there is no such folder yet, and one in which it can be.
fn will_be(folder: &Path) -> bool {
    !folder.exists() && folder.parent().is_some_and(Path::is_dir)
}

/// Files that only the node should read.
fn secrets(config: &Config, findings: &mut Findings) {
    let mut files: Vec<&PathBuf> = vec![&config.peer_key];
    files.extend(&config.account_key);
    files.extend(&config.checkpoint_key);
    files.extend(config.device.iter().map(|device| &device.pin_file));
    files.extend(config.database.iter().filter_map(|database| database.password_file.as_ref()));
    files.extend(config.interface.custody.iter().map(|custody| &custody.pin_file));
    files.extend(config.interface.tls.iter().map(|tls| &tls.key));
    files.extend(
        config.interface.providers.iter().filter_map(|provider| provider.client_secret_file.as_ref()),
    );
    let open: Vec<String> = files
        .into_iter()
        .filter(|path| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        findings.add("secret files", State::Well, "only their owner reads them");
    } else {
        let detail = format_args!(
            "others than their owner may read them: {}; chmod 600 was expected",
            open.join(", ")
        );
        findings.add("secret files", State::Doubtful, detail);
    }
}

/// The folder of the data, and its disk. Returns whether a node has the ledger open.
fn data(config: &Config, findings: &mut Findings) -> bool {
    let there = config.data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let room = rustix::fs::statvfs(there).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    match room {
        Ok(bytes) => {
            let state = if bytes < ROOM_BYTES { State::Doubtful } else { State::Well };
            let detail = format_args!("{}: {} GiB of the disk are free", config.data.display(), bytes >> 30);
            findings.add("folder of the data", state, detail);
        }
        Err(error) => {
            findings.add("folder of the data", State::Ill, format_args!("{}: {error}", there.display()))
        }
    }
    if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_err() {
        findings.add("folder of the data", State::Ill, format_args!("{} cannot be written", there.display()));
    }
    let lock = config.data.join("ledger").join("lock");
    let runs = std::fs::File::open(&lock).is_ok_and(|file| file.try_lock().is_err());
    if runs {
        findings.add("node", State::Well, "it runs");
    }
    runs
}

/// How many files may be open.
fn files(config: &Config, findings: &mut Findings) {
    let wanted = OTHER_FILES + config.interface.max_connections as u64;
    let may = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let enough = may.is_none_or(|may| may >= wanted);
    let may = may.map_or("any number of".into(), |may| may.to_string());
    let state = if enough { State::Well } else { State::Doubtful };
    findings.add(
        "open files",
        state,
        format_args!("{may} files may be open (ulimit -n); {wanted} were expected"),
    );
}

fn port(what: &str, address: SocketAddr, runs: bool, findings: &mut Findings) {
    match TcpListener::bind(address) {
        Ok(_) if runs => {
            findings.add(what, State::Ill, format_args!("{address}: the node runs and does not listen there"))
        }
        Ok(_) => findings.add(what, State::Well, format_args!("{address} is free")),
        Err(_) if runs => findings.add(what, State::Well, format_args!("{address}: the node listens there")),
        Err(error) => findings.add(what, State::Ill, format_args!("{address}: {error}")),
    }
}

/// Whether somebody listens where the others should be.
fn peers(config: &Config, findings: &mut Findings) {
    let away: Vec<String> = config
        .peers
        .iter()
        .filter(|peer| TcpStream::connect_timeout(&peer.address, PATIENCE).is_err())
        .map(|peer| peer.address.to_string())
        .collect();
    let (all, there) = (config.peers.len(), config.peers.len() - away.len());
    match (all, away.is_empty()) {
        (0, _) => findings.add("peers", State::Doubtful, "the configuration names none: the node is alone"),
        (_, true) => findings.add("peers", State::Well, format_args!("all {all} listen")),
        _ => {
            let detail = format_args!("{there} of {all} listen; nobody does at {}", away.join(", "));
            findings.add("peers", if there == 0 { State::Ill } else { State::Doubtful }, detail);
        }
    }
}

fn reach(what: &str, operator: &Operator<'_>, runs: bool, findings: &mut Findings) {
    // A device serves one host at a time.
    if runs {
        return findings.add(what, State::Well, "the node has it; GET /api/device says how it is");
    }
    let connected = operator.connect().map(|_| format!("{} is logged in", operator.user));
    findings.tried(what, connected.map_err(|error: DeviceError| error.to_string()));
}

fn providers(config: &Config, findings: &mut Findings) {
    let interface = &config.interface;
    let Ok(providers) = Providers::new(interface) else { return };
    for (provider, place) in interface.providers.iter().zip(0..) {
        let what = format!("provider {}", provider.name);
        findings.tried(&what, providers.discover(place).map(|()| format!("{} answers", provider.issuer)));
    }
}
