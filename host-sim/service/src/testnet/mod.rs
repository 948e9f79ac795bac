//! A new chain: for each validator a simulated device with a key of votes, a key of the network and a configuration; and one genesis for all. Nodes that
//! follow have no device, and where work decides none has.
//!
//! The devices are initialised here: whoever made the chain knows their PINs, which lie beside them. That is what a test network is.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use commonware_cryptography::Signer as _;
use qenex_api::access::scope::Scope;
use qenex_api::config::InterfaceConfig;
use qenex_consensus::CheckpointSigner as _;
use qenex_core::consensus::finality_key;
use qenex_core::crypto::secret::label_seed;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, ed25519};
use qenex_core::hsm::proto::Command;
use qenex_core::id::NATIVE_ASSET;
use qenex_device::commission::{CHECKPOINTS, OPERATOR, VOTES, anchor, commission, create_checkpoint_key};
use qenex_device::host::Host;
use qenex_device::port::Port;
use qenex_device::soft::{Person, SoftBoard};
use qenex_device::{Client, DeviceError};
use qenex_node::chain::Chain;
use zeroize::Zeroizing;

mod custody;

use crate::config::{Config, DeviceConfig, PeerConfig, StateSyncConfig};
use crate::error::ServiceError;
use crate::genesis_file::{AccountFile, Consensus, GenesisFile, StakingFile, ValidatorFile, WorkFile};
use crate::run::peer_key;
use crate::stake::checkpoint_signer;
use custody::Vault;

/// What a new chain is like.
#[derive(Clone, Debug)]
pub struct NewTestnet {
    /// What decides.
    pub consensus: Consensus,
    /// How many validators, or miners.
    pub validators: u16,
    /// How many nodes follow without a vote, where validators decide.
    pub followers: u16,
    /// How many accounts that hold something, for clients.
    pub clients: u32,
    /// Blocks of an epoch, where validators decide.
    pub epoch_blocks: u64,
    /// Between the times of two blocks, at least, where validators decide.
    pub block_interval_ms: u64,
    /// How many of the newest blocks the validators keep; all where nothing is said.
    pub history_blocks: Option<u64>,
    /// The machine of each node, where they are not all on this one.
    pub hosts: Vec<IpAddr>,
    /// The first of the ports: each validator takes two, the same on every machine if there are several.
    pub base_port: u16,
    /// Where the devices of the validators are, one for each: new ones, at whose panels somebody confirms. Simulated ones otherwise.
    pub devices: Vec<PathBuf>,
    /// How many accounts are in the custody of a second device of the first validator's, where validators decide; the first one opens the others.
    pub custody: u8,
    /// When the chain begins, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// The public label of the keys of accounts: everybody can sign for them.
pub const LABEL: &str = "qenex-testnet";

/// What a validator has at stake, in whole units.
const STAKE: u64 = 1_000_000;

/// How work decides: blocks of a second, hashes that one thread makes in a part of it, and finality a minute and a half deep.
const WORK: WorkFile = WorkFile { hashes: 100_000, interval_ms: 1_000, halving_ms: 60_000, depth: 100 };

/// How long a device believes a set of validators without news: a week.
const TRUSTING_PERIOD_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// A validator, or a node that follows, asks for a state if its newest block is older than this when it starts.
const BEHIND_SECONDS: u64 = 3_600;
const FOLLOWER_BEHIND_SECONDS: u64 = 5;

/// The account of a client.
pub fn client_account(index: u32) -> String {
    format!("ACC{:06}", index + 1)
}

/// Makes a chain in a folder that is not there yet. Returns the configurations: of the validators, and then of those that follow.
///
/// # Errors
/// The folder exists, cannot be written, or a device refuses.
pub fn create(folder: &Path, new: &NewTestnet) -> Result<Vec<PathBuf>, ServiceError> {
    std::fs::create_dir(folder).map_err(|error| ServiceError::file(folder, error))?;
    let made = fill(folder, new);
    if made.is_err() {
        // Half a chain is of no use to anybody, and would be in the way of the next try. What failed matters more than this.
        let _ = std::fs::remove_dir_all(folder);
    }
    made
}

fn fill(folder: &Path, new: &NewTestnet) -> Result<Vec<PathBuf>, ServiceError> {
    let config = |name: String| folder.join(name).join("config.json");
    let validators = (1..=new.validators).map(|number| (config(format!("validator-{number}")), true));
    let followers = (1..=new.followers).map(|number| (config(format!("follower-{number}")), false));
    let mut members = validators
        .chain(followers)
        .enumerate()
        .map(|(index, (config, votes))| {
            let votes = votes && new.consensus == Consensus::Stake;
            Member::create(&config, votes.then(|| new.devices.get(index).map(PathBuf::as_path)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (validators, followers) = members.split_at(new.validators.into());
    let follower_keys: Vec<String> = followers.iter().map(|member| member.peer_key.clone()).collect();
    let vault = (new.custody > 0).then(|| Vault::create(&folder.join("validator-1"), new.custody));
    let mut vault = vault.transpose()?;
    let file = genesis(validators, vault.as_ref(), new);
    let path = folder.join("genesis.json");
    write(
        &path,
        &serde_json::to_vec_pretty(&file).map_err(|error| ServiceError::file(&path, error))?,
        0o644,
    )?;
    let genesis = file.genesis().map_err(|error| ServiceError::file(&path, error))?;
    let header = Chain::new(&genesis, usize::MAX)?.tip().clone();
    let at = |index: usize, of: u16| match new.hosts.get(index) {
        Some(host) => SocketAddr::new(*host, new.base_port.saturating_add(of)),
        None => {
            let port = new.base_port.saturating_add(2 * index as u16 + of);
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
        }
    };
    let mut custody = vault.as_mut().map(|vault| vault.anchor(&header)).transpose()?;
    let keys: Vec<String> = members.iter().map(|member| member.peer_key.clone()).collect();
    for (index, member) in members.iter_mut().enumerate() {
        let device = member.device.as_mut().map(|device| device.anchor(&header)).transpose()?;
        let account_key = device.as_ref().map(|_| "account.key".into());
        if account_key.is_some() {
            let seed = Zeroizing::new(Hash(label_seed(LABEL, &account(index))).to_string());
            write(&member.config.with_file_name("account.key"), format!("{}\n", &*seed).as_bytes(), 0o600)?;
        }
        let by_stake = new.consensus == Consensus::Stake;
        // Who begins later begins with a state.
        let follows = index >= usize::from(new.validators);
        let behind_seconds = if follows { FOLLOWER_BEHIND_SECONDS } else { BEHIND_SECONDS };
        let peers = keys.iter().enumerate().filter(|(other, _)| *other != index);
        let config = Config {
            genesis: "../genesis.json".into(),
            data: "data".into(),
            peer_key: "peer.key".into(),
            // Who follows proposes nothing.
            account: account(index.min(usize::from(new.validators) - 1)),
            account_key,
            checkpoint_key: device
                .as_ref()
                .filter(|device| device.checkpoint_slot.is_none())
                .map(|_| "checkpoint.key".into()),
            device,
            listen: at(index, 0),
            address: at(index, 0),
            peers: peers.map(|(other, key)| PeerConfig { key: key.clone(), address: at(other, 0) }).collect(),
            database: None,
            backup: None,
            followers: follower_keys.iter().filter(|key| **key != keys[index]).cloned().collect(),
            // Whoever reaches a chain for tests may read it and send to it, as often as he likes.
            interface: InterfaceConfig {
                listen: at(index, 1),
                public: [Scope::Read, Scope::Submit].into_iter().collect(),
                requests_per_minute: 0,
                // Of the first one.
                custody: custody.take(),
                ..InterfaceConfig::default()
            },
            // Several share a machine.
            mining_threads: (new.consensus == Consensus::Pow).then_some(1),
            block_interval_ms: new.block_interval_ms,
            history_blocks: new.history_blocks,
            snapshot_epochs: 1,
            state_sync: by_stake.then_some(StateSyncConfig { behind_seconds, trusted: None }),
        };
        let text =
            serde_json::to_vec_pretty(&config).map_err(|error| ServiceError::file(&member.config, error))?;
        write(&member.config, &text, 0o644)?;
    }
    Ok(members.into_iter().map(|member| member.config).collect())
}

fn account(index: usize) -> String {
    format!("VALIDATOR_{}", index + 1)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ServiceError> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| ServiceError::file(path, error))?;
    file.write_all(bytes).map_err(|error| ServiceError::file(path, error))
}

fn random() -> Result<Zeroizing<[u8; 32]>, ServiceError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| ServiceError::Ended(error.to_string()))?;
    Ok(bytes)
}

/// Pairs a new device with a host whose key lies in a folder, and makes up the PINs of its officer and its operator, which lie there, too.
fn pair(folder: &Path, at: Option<&Path>) -> Result<(Client<Port>, [Zeroizing<String>; 2]), ServiceError> {
    let host = Host::new(&folder.join("host"));
    let mut client = match at {
        Some(at) => host.connect(at)?,
        None => {
            let board = SoftBoard::open(&folder.join("device"), Person::Confirms)?;
            board.connect(&host.static_key()?, host.known_device()?.as_ref())?
        }
    };
    client.tell(Command::Pair)?;
    host.remember(client.device_key())?;
    let pin = |name: &str| {
        let pin: String = Hash(*random()?).to_string().chars().take(16).collect();
        write(&folder.join(name), format!("{pin}\n").as_bytes(), 0o600)?;
        Ok::<_, ServiceError>(Zeroizing::new(pin))
    };
    let pins = [pin("officer.pin")?, pin("operator.pin")?];
    Ok((client, pins))
}

/// A node while its chain is made.
struct Member {
    config: PathBuf,
    peer_key: String,
    /// What votes, where validators decide.
    device: Option<Device>,
}

/// The device of a validator.
struct Device {
    /// Where it is, if it is not simulated.
    at: Option<PathBuf>,
    vote_key: String,
    finality_key: String,
    client: Client<Port>,
}

impl Member {
    /// A key of the network, and a device for who votes: the one that is named, or a simulated one.
    fn create(config: &Path, device: Option<Option<&Path>>) -> Result<Self, ServiceError> {
        let folder = config.parent().unwrap_or(Path::new("."));
        std::fs::create_dir(folder).map_err(|error| ServiceError::file(folder, error))?;
        let peer_file = folder.join("peer.key");
        write(&peer_file, format!("{}\n", Hash(*random()?)).as_bytes(), 0o600)?;
        let key = peer_key(&peer_file)?.public_key();
        let peer: [u8; 32] = key.as_ref().try_into().map_err(|_| DeviceError::Message)?;
        let device = device.map(|at| Device::create(folder, at)).transpose()?;
        Ok(Self { config: config.to_path_buf(), peer_key: Hash(peer).to_string(), device })
    }
}

impl Device {
    /// A device with an officer, an operator, a key of votes and one of checkpoints. That of a simulated device lies beside it.
    fn create(folder: &Path, at: Option<&Path>) -> Result<Self, ServiceError> {
        let (mut client, pins) = pair(folder, at)?;
        let vote_key = commission(&mut client, pins[0].as_bytes(), pins[1].as_bytes())?;
        let checkpoint_key = match at {
            Some(_) => create_checkpoint_key(&mut client)?,
            None => {
                let file = folder.join("checkpoint.key");
                write(&file, format!("{}\n", Hash(*random()?)).as_bytes(), 0o600)?;
                checkpoint_signer(&file)?.public_key().to_vec()
            }
        };
        Ok(Self {
            at: at.map(Path::to_path_buf),
            vote_key: Hash(vote_key).to_string(),
            finality_key: finality_key(&checkpoint_key).to_string(),
            client,
        })
    }

    /// The officer vouches for the genesis. Returns what a node's configuration says of the device.
    fn anchor(&mut self, header: &qenex_core::consensus::Header) -> Result<DeviceConfig, ServiceError> {
        anchor(&mut self.client, header, TRUSTING_PERIOD_MS)?;
        Ok(DeviceConfig {
            soft: self.at.is_none().then(|| "device".into()),
            checkpoint_slot: self.at.as_ref().map(|_| CHECKPOINTS),
            at: self.at.clone(),
            host: "host".into(),
            user: OPERATOR.into(),
            pin_file: "operator.pin".into(),
            slot: VOTES,
        })
    }
}

fn genesis(members: &[Member], vault: Option<&Vault>, new: &NewTestnet) -> GenesisFile {
    let owner = |id: &str| {
        let seed = label_seed(LABEL, id);
        let public = ed25519::SecretKey::from_seed(&seed).map(|key| key.public_key()).unwrap_or_default();
        KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &public).0.to_string()
    };
    let entry = |id: String, kind: &str, balances: &[(&str, u64)]| AccountFile {
        owner: owner(&id),
        id,
        kind: kind.into(),
        balances: balances.iter().map(|(asset, amount)| ((*asset).to_string(), amount.to_string())).collect(),
    };
    let native = NATIVE_ASSET.as_str();
    let mut accounts = vec![entry("SYSTEM".into(), "system", &[])];
    accounts
        .extend((0..members.len()).map(|index| entry(account(index), "institution", &[(native, 2 * STAKE)])));
    accounts
        .extend((0..new.clients).map(|index| {
            entry(client_account(index), "individual", &[(native, 1_000), ("USDC", 1_000_000)])
        }));
    accounts.extend(vault.iter().flat_map(|vault| vault.accounts()));
    let validators = members.iter().enumerate().filter_map(|(index, member)| {
        let device = member.device.as_ref()?;
        Some(ValidatorFile {
            account: account(index),
            vote_key: device.vote_key.clone(),
            peer_key: member.peer_key.clone(),
            finality_key: device.finality_key.clone(),
            commission_bps: 1_000,
            stake: STAKE.to_string(),
        })
    });
    let by_stake = new.consensus == Consensus::Stake;
    GenesisFile {
        chain_id: "QENEX-TESTNET".into(),
        consensus: new.consensus,
        time_ms: new.time_ms,
        assets: BTreeMap::from([(native.into(), "SYSTEM".into()), ("USDC".into(), "SYSTEM".into())]),
        accounts,
        staking: by_stake.then(|| StakingFile {
            epoch_blocks: new.epoch_blocks,
            seats_max: u8::try_from(2 * new.validators).unwrap_or(u8::MAX),
            min_stake: (STAKE / 10).to_string(),
            unbonding_epochs: 10,
            jail_epochs: 2,
            missed_limit: 50,
            slash_bps: 500,
            block_reward: "0.01".into(),
        }),
        validators: validators.collect(),
        work: (!by_stake).then_some(WORK),
    }
}
