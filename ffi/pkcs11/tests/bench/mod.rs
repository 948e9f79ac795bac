//! A simulated device on a socket, set up and paired, and the configuration of the module for it: one for all tests of a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use qenex_core::codec::{Encoded, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::hsm::proto::{AddUser, Anchor, Command, CreateKey, Initialise, Login, SetPolicy};
use qenex_core::hsm::{Role, UserName};
use qenex_core::id::{AccountId, ChainId, NATIVE_ASSET, Reference};
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy, Sorted};
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_device::Host;
use qenex_device::client::Client;
use qenex_device::port::Port;
use qenex_device::serve::{listen, serve};
use qenex_device::soft::{Person, SoftBoard};
use tempfile::TempDir;

pub const OFFICER_PIN: &str = "the officer's pin";
pub const OPERATOR_PIN: &str = "the operator's pin";
/// The configuration that names users, an operator and an officer, and an officer; and the one that names nobody. Both have a second slot without a device.
pub const NAMED: &str = "named.json";
pub const UNNAMED: &str = "unnamed.json";
/// The slots of the device's keys that the module did not make.
pub const TRANSACTIONS: u8 = 0;
pub const VOTES: u8 = 1;
pub const HYBRID: u8 = 2;

/// The device and where it is.
pub struct Bench {
    folder: TempDir,
    pub public_key: Vec<u8>,
}

fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

impl Bench {
    /// The folder of the configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The module, as it was built with these tests.
    pub fn module() -> PathBuf {
        std::env::current_exe().unwrap().with_file_name("libqenex_pkcs11.so")
    }

    /// The device, to be used by one test at a time.
    pub fn take() -> (&'static Self, MutexGuard<'static, ()>) {
        static BENCH: OnceLock<Bench> = OnceLock::new();
        static USED: Mutex<()> = Mutex::new(());
        let guard = USED.lock().unwrap_or_else(PoisonError::into_inner);
        let bench = BENCH.get_or_init(Self::start);
        bench.configure(NAMED);
        (bench, guard)
    }

    /// The configuration that the module reads when it is initialised.
    pub fn configure(&self, file: &str) {
        // SAFETY: the only other threads are the device's, which reads no variables, and those of tests that wait for this one.
        unsafe { std::env::set_var("QENEX_PKCS11", self.folder().join(file)) };
    }

    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path().join("socket");
        let listener = listen(&at).unwrap();
        let mut device =
            SoftBoard::open(&folder.path().join("device"), Person::Confirms).unwrap().start().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A host that hangs up in the middle of a frame is no failure of the device.
                let _ = serve(&mut device, stream.unwrap());
            }
        });
        let slot = r#"{"at": "socket", "host": "host""#;
        let nowhere = r#"{"at": "nowhere", "host": "host"}"#;
        let users = r#""users": ["OSCAR", "ALICE"], "officers": ["ALICE"]"#;
        for (file, slots) in [(NAMED, format!("{slot}, {users}}}")), (UNNAMED, format!("{slot}}}"))] {
            std::fs::write(folder.path().join(file), format!(r#"{{"slots": [{slots}, {nowhere}]}}"#))
                .unwrap();
        }

        let host = Host::new(&folder.path().join("host"));
        let mut client = Client::connect(&at, &host.static_key().unwrap(), None).unwrap();
        client.tell(Command::Pair).unwrap();
        host.remember(client.device_key()).unwrap();
        let public_key = set_up(&mut client);
        client.hang_up();
        Self { folder, public_key }
    }
}

/// Users, a key of each purpose that there is besides plain use, a policy and an anchor. Returns the public key for transactions.
fn set_up(client: &mut Client<Port>) -> Vec<u8> {
    let officer = Initialise {
        name: name("VAULT"),
        officers_needed: 1,
        officer: name("ALICE"),
        pin: OFFICER_PIN.as_bytes(),
    };
    client.ask(Command::Initialise, &officer).unwrap();
    client.ask(Command::Login, &Login { user: name("ALICE"), pin: OFFICER_PIN.as_bytes() }).unwrap();
    for (user, role) in [("OSCAR", Role::Operator), ("AUDREY", Role::Auditor)] {
        client
            .ask(Command::AddUser, &AddUser { user: name(user), role, pin: OPERATOR_PIN.as_bytes() })
            .unwrap();
    }
    let mut public_key = Vec::new();
    for (slot, scheme, purpose) in [
        (TRANSACTIONS, Scheme::Ed25519, Purpose::Transaction),
        (VOTES, Scheme::Ed25519, Purpose::Vote),
        (HYBRID, Scheme::Hybrid, Purpose::Transaction),
    ] {
        let create = CreateKey { slot, scheme, purpose, path: 0, label: name("LEDGER") };
        let body = client.ask(Command::CreateKey, &create).unwrap();
        if slot == TRANSACTIONS {
            let info: qenex_core::hsm::proto::KeyInfo<'_> = qenex_core::codec::decode(&body).unwrap();
            public_key = info.public_key.to_vec();
        }
    }
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    let mut room = [0; 256];
    let policy = encode(&policy(&mut room), &mut buffer).unwrap();
    client.ask(Command::SetPolicy, &SetPolicy { slot: TRANSACTIONS, policy }).unwrap();
    client.ask(Command::Anchor, &Anchor { trusting_period_ms: 1_000_000, header: header() }).unwrap();
    public_key
}

/// Transfers of at most a hundred units, without a witness.
fn policy(room: &mut [u8]) -> Policy<'_> {
    let rule = AssetRule {
        asset: NATIVE_ASSET,
        max_per_transaction: Amount::from_whole(100),
        window: None,
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    Policy {
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: Amount::from_whole(1),
        max_validity_blocks: 100,
        assets: Sorted::new([rule], room).unwrap(),
        ..Policy::nothing(AccountId::new("BANK_001").unwrap())
    }
}

fn chain() -> ChainId {
    ChainId::new("QENEX-TEST").unwrap()
}

fn header() -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: chain(),
        epoch: 4,
        view: 0,
        height: 10,
        parent: Hash([1; 32]),
        time_ms: 10_000,
        proposer: AccountId::new("VALIDATOR_1").unwrap(),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators: Hash([5; 32]),
        next_validators: Hash([5; 32]),
        seal: Default::default(),
    }
}

/// A transfer of so many units: its encoding and its id.
pub fn transfer(nonce: u64, units: u64) -> (Vec<u8>, Hash) {
    let to = AccountId::new("SHOP").unwrap();
    let leg = Leg { to, amount: Amount::from_whole(units), reference: Reference::new("A 1").unwrap() };
    let legs = LegsBuf::new(&[leg]).unwrap();
    let transaction = Transaction {
        chain_id: chain(),
        sender: AccountId::new("BANK_001").unwrap(),
        nonce,
        last_valid_height: 50,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: NATIVE_ASSET, legs: legs.get() }),
    };
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    (encode(&transaction, &mut buffer).unwrap().to_vec(), transaction.id())
}
