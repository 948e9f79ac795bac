//! Commonware's engine with the ledger's votes: validators of two epochs finalize headers in the deterministic runtime, one of
//! them votes from a device, and the core's light client follows what they finalized.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod common;

use std::collections::{BTreeMap, HashMap};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use commonware_actor::Feedback;
use commonware_codec::{Decode, Encode};
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::scheme::reporter::AttributableReporter;
use commonware_consensus::simplex::types::{Activity, Context, Finalization, Proposal, Subject};
use commonware_consensus::simplex::{
    Config, Engine, Floor, ForwardPolicy, Plan, SkipBudget, SkipPolicy, max_payload_size,
};
use commonware_consensus::types::{Epoch, Round, ViewDelta};
use commonware_consensus::{Automaton, CertifiableAutomaton, Epochable, Relay, Reporter};
use commonware_cryptography::certificate::{Scheme as _, Verifier as _};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Quota, Runner, Supervisor, deterministic};
use commonware_utils::channel::oneshot;
use commonware_utils::{NZDuration, NZU16, NZU32, NZUsize, probability};
use qenex_consensus::{
    Certificate, DeviceSigner, HeaderId, Scheme, Signature, Validator, Validators, VoteKey, VoteSigner,
    proposal_of, vote_of,
};
use qenex_core::codec;
use qenex_core::consensus::{Anchor, Header, LightError, Trusted, Vote};
use qenex_core::crypto::{Hash, Purpose, Scheme as Signatures};
use qenex_core::error::{CERTIFICATE_SIGNATURE, Coded, KEY_EPOCH, VOTE_CONTRADICTS};
use qenex_core::hsm::proto::{self, AddUser, Command, CreateKey, Initialise, KeyInfo, Login};
use qenex_core::hsm::{Role, UserName};
use qenex_device::Client;
use qenex_device::serve::serve;
use qenex_device::soft::{Person, SoftBoard};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use zeroize::Zeroizing;

use common::{Keys, chain, header};

/// The last heights of epochs 1 and 2; the first header of all stands alone in epoch 0.
const LAST: [u64; 2] = [10, 18];
const PERIOD_MS: u64 = 100_000;
const SLOT: u8 = 3;

/// What the validators of one epoch agree on without a vote.
#[derive(Clone)]
struct Rules {
    last: u64,
    validators: Hash,
    next: Hash,
}

impl Rules {
    /// The one header that may follow another in a round: the last of an epoch is proposed again until it is final.
    fn next(&self, parent: &Header, round: Round) -> Header {
        let epoch = round.epoch().get();
        if parent.height == self.last && parent.epoch == epoch {
            return parent.clone();
        }
        let next = if parent.height + 1 == self.last { self.next } else { self.validators };
        Header {
            state_root: Hash([round.view().get() as u8; 32]),
            ..header(Some(parent), epoch, self.validators, next)
        }
    }
}

/// What all validators see: bodies of blocks travel beside the engine.
#[derive(Default)]
struct World {
    headers: HashMap<HeaderId, Header>,
    /// What each validator saw become final, by view.
    finalized: BTreeMap<usize, BTreeMap<Round, Finalization<Scheme, HeaderId>>>,
    nullified: u64,
}

/// A validator beside its engine.
#[derive(Clone)]
struct Node {
    index: usize,
    rules: Rules,
    world: Arc<Mutex<World>>,
}

impl Node {
    fn next(&self, context: &Context<HeaderId, PublicKey>) -> Header {
        self.rules.next(&self.world.lock().unwrap().headers[&context.parent.1], context.round)
    }
}

/// An answer that is there already.
fn answered<T>(answer: T) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let _ = sender.send(answer);
    receiver
}

impl Automaton for Node {
    type Context = Context<HeaderId, PublicKey>;
    type Digest = HeaderId;

    async fn propose(&mut self, context: Self::Context) -> oneshot::Receiver<HeaderId> {
        let next = self.next(&context);
        let id = HeaderId(next.id());
        self.world.lock().unwrap().headers.insert(id, next);
        answered(id)
    }

    async fn verify(&mut self, context: Self::Context, payload: HeaderId) -> oneshot::Receiver<bool> {
        answered(self.next(&context).id() == payload.0)
    }
}

impl CertifiableAutomaton for Node {}

impl Relay for Node {
    type Digest = HeaderId;
    type PublicKey = PublicKey;
    type Plan = Plan<PublicKey>;

    fn broadcast(&mut self, _: HeaderId, _: Plan<PublicKey>) -> Feedback {
        Feedback::Ok
    }
}

impl Reporter for Node {
    type Activity = Activity<Scheme, HeaderId>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        let mut world = self.world.lock().unwrap();
        match activity {
            Activity::Finalization(finalization) => {
                let round = finalization.proposal.round;
                world.finalized.entry(self.index).or_default().insert(round, finalization);
            }
            Activity::Nullification(_) => world.nullified += 1,
            Activity::ConflictingNotarize(_)
            | Activity::ConflictingFinalize(_)
            | Activity::NullifyFinalize(_) => panic!("nobody contradicts himself here"),
            _ => {}
        }
        Feedback::Ok
    }
}

/// A validator: its keys of the network, and who signs its votes.
struct Member {
    index: usize,
    validator: Validator,
    signer: Arc<dyn VoteSigner>,
}

type TestOracle = Oracle<PublicKey, deterministic::Context>;

/// Starts the engines of an epoch, on channels of their own.
async fn start(
    context: &deterministic::Context,
    oracle: &TestOracle,
    members: &[&Member],
    validators: &Validators,
    rules: &Rules,
    genesis: &Header,
    world: &Arc<Mutex<World>>,
) -> Vec<Handle<()>> {
    let epoch = genesis.epoch + 1;
    let mut engines = Vec::new();
    for member in members {
        let context =
            context.child("validator").with_attribute("epoch", epoch).with_attribute("index", member.index);
        let scheme = Scheme::signer(chain(), validators.clone(), member.signer.clone()).unwrap();
        let node = Node { index: member.index, rules: rules.clone(), world: world.clone() };
        let control = oracle.control(member.validator.peer.clone());
        let quota = Quota::per_second(NZU32!(1_024));
        let votes = control.register(3 * epoch, quota).await.unwrap();
        let certificates = control.register(3 * epoch + 1, quota).await.unwrap();
        let resolver = control.register(3 * epoch + 2, quota).await.unwrap();
        // The engine's reporter hands on only what verifies.
        let reporter = AttributableReporter::new(
            context.child("reporter"),
            scheme.clone(),
            node.clone(),
            Sequential,
            true,
        );
        let config = Config {
            scheme,
            elector: RoundRobin::<commonware_cryptography::Sha256>::default(),
            blocker: control,
            automaton: node.clone(),
            relay: node,
            reporter,
            track_historical_votes: true,
            strategy: Sequential,
            partition: format!("validator-{}-epoch-{epoch}", member.index),
            mailbox_size: NZUsize!(1024),
            epoch: Epoch::new(epoch),
            floor: Floor::Genesis(HeaderId(genesis.id())),
            replay_buffer: NZUsize!(65_536),
            write_buffer: NZUsize!(65_536),
            page_cache: CacheRef::new(NZU16!(1_024), NZUsize!(10)),
            leader_timeout: Duration::from_millis(500),
            certification_timeout: Duration::from_secs(1),
            timeout_retry: Duration::from_secs(2),
            view_retention: ViewDelta::new(10),
            skip: SkipPolicy::Enabled { timeout: Duration::from_secs(4), budget: SkipBudget::Participants },
            fetch_timeout: NZDuration!(Duration::from_secs(1)),
            fetch_retry_delay: Duration::from_millis(100),
            forward: ForwardPolicy::Disabled,
        };
        engines.push(Engine::new(context.child("engine"), config).start(votes, certificates, resolver));
    }
    engines
}

/// Waits until each of these validators saw the last header of the epoch become final, and returns one's finalizations.
async fn until_final(
    context: &deterministic::Context,
    members: &[&Member],
    epoch: u64,
    last: u64,
    world: &Arc<Mutex<World>>,
) -> Vec<(Header, Finalization<Scheme, HeaderId>)> {
    loop {
        {
            let world = world.lock().unwrap();
            let of = |member: &Member| {
                let finalized = world.finalized.get(&member.index).into_iter().flatten();
                finalized
                    .filter(|(round, _)| round.epoch().get() == epoch)
                    .map(|(_, finalization)| {
                        (world.headers[&finalization.proposal.payload].clone(), finalization.clone())
                    })
                    .collect::<Vec<_>>()
            };
            let done = |member: &&Member| of(member).iter().any(|(header, _)| header.height == last);
            if members.iter().all(done) {
                return of(members[0]);
            }
        }
        context.sleep(Duration::from_millis(100)).await;
    }
}

/// Follows each header of an epoch by its certificate, which goes through its bytes first.
fn follow_all(
    mut trusted: Trusted,
    validators: &Validators,
    finalized: &[(Header, Finalization<Scheme, HeaderId>)],
) -> Trusted {
    let verifier = Scheme::verifier(chain(), validators.clone());
    for (header, finalization) in finalized {
        let proposal = proposal_of(&finalization.proposal).unwrap();
        let bytes = finalization.encode();
        let bound = verifier.certificate_codec_config();
        let decoded = Finalization::<Scheme, HeaderId>::decode_cfg(bytes, &bound).unwrap();
        assert_eq!(
            (&decoded.proposal, &decoded.certificate),
            (&finalization.proposal, &finalization.certificate)
        );
        match trusted.follow(header, &proposal) {
            Ok(mut following) => {
                validators.present(&decoded.certificate, &mut following.certificate).unwrap();
                trusted = following.finish(&trusted).unwrap();
                assert_eq!(trusted.header, header.id());
            }
            // The last header of an epoch, once more.
            Err(error) => assert_eq!((error, header.id()), (LightError::NotNewer, trusted.header)),
        }
    }
    trusted
}

/// A simulated device in a directory of its own.
struct SoftDevice {
    directory: PathBuf,
    client: Client<UnixStream>,
}

fn user(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

const OFFICER_PIN: &[u8] = b"alice's pin";
const OPERATOR_PIN: &[u8] = b"oscar's pin";

impl SoftDevice {
    /// A new device, paired with this host, with its officer logged in.
    fn start(rng: &mut StdRng) -> Self {
        let name = format!("qenex-consensus-{}-{}", std::process::id(), rng.random::<u64>());
        let directory = std::env::temp_dir().join(name);
        let mut device = SoftBoard::open(&directory, Person::Confirms).unwrap().start().unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        // The thread ends when this side hangs up.
        std::thread::spawn(move || serve(&mut device, there));
        let mut client = Client::open(here, &Zeroizing::new([7; 32]), None).unwrap();
        client.tell(Command::Pair).unwrap();
        let (name, officer) = (user("VALIDATOR"), user("ALICE"));
        client
            .ask(Command::Initialise, &Initialise { name, officers_needed: 1, officer, pin: OFFICER_PIN })
            .unwrap();
        client.ask(Command::Login, &Login { user: officer, pin: OFFICER_PIN }).unwrap();
        let operator = AddUser { user: user("OSCAR"), role: Role::Operator, pin: OPERATOR_PIN };
        client.ask(Command::AddUser, &operator).unwrap();
        Self { directory, client }
    }

    /// Makes a key of votes and returns its public half.
    fn create_key(&mut self) -> VoteKey {
        let (scheme, purpose) = (Signatures::Ed25519, Purpose::Vote);
        let request = CreateKey { slot: SLOT, scheme, purpose, path: 0, label: user("VOTES") };
        let body = self.client.ask(Command::CreateKey, &request).unwrap();
        codec::decode::<KeyInfo<'_>>(&body).unwrap().public_key.try_into().unwrap()
    }

    /// The officer anchors the device and leaves, an operator comes; from now on it signs votes.
    fn into_signer(mut self, genesis: &Header) -> (Directory, DeviceSigner<UnixStream>) {
        let anchor = proto::Anchor { trusting_period_ms: PERIOD_MS, header: genesis.clone() };
        self.client.ask(Command::Anchor, &anchor).unwrap();
        self.client.tell(Command::Logout).unwrap();
        self.client.ask(Command::Login, &Login { user: user("OSCAR"), pin: OPERATOR_PIN }).unwrap();
        (Directory(self.directory), DeviceSigner::new(self.client, SLOT).unwrap())
    }
}

/// Is removed when the test is over.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Five validators, the first four of whom decide in epoch 1 and the last four in epoch 2, where one of them is away: then every
/// certificate needs the second one, whose key is in a device. The device makes its key itself: the seed replays all but that.
#[test]
fn validators_finalize_headers_that_the_light_client_follows() {
    let seed = common::seed();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut device = SoftDevice::start(&mut rng);
    let keys: Vec<Keys> = (0..5).map(|_| Keys::random(&mut rng)).collect();
    let mut all: Vec<Validator> = keys.iter().map(Keys::validator).collect();
    all[1].vote_key = device.create_key();
    let (first, second) =
        (Validators::new(all[..4].to_vec()).unwrap(), Validators::new(all[1..].to_vec()).unwrap());
    let genesis = header(None, 0, first.hash(), first.hash());
    let (_directory, device) = device.into_signer(&genesis);
    let device = Arc::new(device);
    assert_eq!(device.vote_key(), all[1].vote_key);

    let members: Vec<Member> = all
        .iter()
        .enumerate()
        .map(|(index, validator)| {
            let signer: Arc<dyn VoteSigner> = if index == 1 { device.clone() } else { keys[index].signer() };
            Member { index, validator: validator.clone(), signer }
        })
        .collect();
    let world = Arc::new(Mutex::new(World::default()));
    world.lock().unwrap().headers.insert(HeaderId(genesis.id()), genesis.clone());
    let anchor = Anchor { header: genesis.clone(), trusting_period_ms: PERIOD_MS };
    let trusted = Trusted::new(&anchor).unwrap();

    let config =
        deterministic::Config::default().with_seed(seed).with_timeout(Some(Duration::from_secs(600)));
    deterministic::Runner::new(config).start(|context| async move {
        let peers: Vec<PublicKey> = all.iter().map(|validator| validator.peer.clone()).collect();
        let oracle = network(&context, &peers).await;

        let here: Vec<&Member> = members[..4].iter().collect();
        let rules = Rules { last: LAST[0], validators: first.hash(), next: second.hash() };
        let engines = start(&context, &oracle, &here, &first, &rules, &genesis, &world).await;
        let finalized = until_final(&context, &here, 1, LAST[0], &world).await;
        engines.iter().for_each(Handle::abort);
        let trusted = follow_all(trusted, &first, &finalized);
        assert_eq!((trusted.height, trusted.epoch, trusted.next_validators), (LAST[0], 1, second.hash()));

        // The device does not vote in an epoch that it has no reason to believe in.
        let (boundary, finalization) = finalized.iter().find(|(header, _)| header.height == LAST[0]).unwrap();
        let ahead = Vote::Nullify(qenex_core::consensus::Round { epoch: 2, view: 1 });
        assert_eq!(device.sign(&chain(), &ahead), Err(KEY_EPOCH));
        let proposal = proposal_of(&finalization.proposal).unwrap();
        let wrong = changed(&finalization.certificate);
        let refused = device.follow(boundary, &proposal, &first, &wrong).unwrap_err();
        assert_eq!(refused.code(), CERTIFICATE_SIGNATURE);
        device.follow(boundary, &proposal, &first, &finalization.certificate).unwrap();

        let here: Vec<&Member> = members[1..4].iter().collect();
        let rules = Rules { last: LAST[1], validators: second.hash(), next: second.hash() };
        let engines = start(&context, &oracle, &here, &second, &rules, boundary, &world).await;
        let finalized = until_final(&context, &here, 2, LAST[1], &world).await;
        engines.iter().for_each(Handle::abort);
        let trusted = follow_all(trusted, &second, &finalized);
        assert_eq!((trusted.height, trusted.epoch), (LAST[1], 2));
        let place = second.vote_keys().iter().position(|key| *key == device.vote_key()).unwrap();
        let by_device = |(_, finalization): &(Header, Finalization<Scheme, HeaderId>)| {
            finalization.certificate.signers().contains(place as u8)
        };
        assert!(finalized.iter().all(by_device));

        // The absent leader's views ended without a block, and nobody was ever blocked for what he sent.
        let nullified = world.lock().unwrap().nullified;
        let blocked = oracle.blocked().await.unwrap();
        println!(
            "epoch 2: {} certificates of finality, {nullified} of ends without a block",
            finalized.len()
        );
        assert!(nullified > 0 && blocked.is_empty(), "{nullified} {blocked:?}");

        // The guard still stands behind the scheme: the same vote again, and none that contradicts it.
        let scheme = Scheme::signer(chain(), second.clone(), device.clone()).unwrap();
        let (_, last) = finalized.last().unwrap();
        let given = Subject::Finalize { proposal: &last.proposal };
        let again = scheme.sign(given).unwrap();
        assert_eq!(Some(again.signature.get().unwrap()), signature_at(&last.certificate, place as u8));
        let other = Proposal { payload: HeaderId(Hash([1; 32])), ..last.proposal };
        for contradiction in [
            Subject::Finalize { proposal: &other },
            Subject::Notarize { proposal: &other },
            Subject::Nullify { round: last.proposal.round },
        ] {
            assert_eq!(device.sign(&chain(), &vote_of(&contradiction).unwrap()), Err(VOTE_CONTRADICTS));
            assert_eq!(scheme.sign(contradiction), None);
        }
    });
}

/// A network of these peers, each linked with each.
async fn network(context: &deterministic::Context, peers: &[PublicKey]) -> TestOracle {
    let config = simulated::Config {
        max_size: max_payload_size::<Scheme, HeaderId>(peers.len() as u32) as u32,
        max_peers_per_set: NZUsize!(5),
        disconnect_on_block: true,
        tracked_peer_sets: NZUsize!(1),
    };
    let (network, oracle) = Network::new_with_peers(context.child("network"), config, peers.to_vec()).await;
    network.start();
    let link = Link {
        latency: Duration::from_millis(20),
        jitter: Duration::from_millis(5),
        success_rate: probability!(1.0),
    };
    for from in peers {
        for to in peers.iter().filter(|to| *to != from) {
            oracle.add_link(from.clone(), to.clone(), link.clone()).await.unwrap();
        }
    }
    oracle
}

fn changed(certificate: &Certificate) -> Certificate {
    let mut signatures = certificate.signatures().to_vec();
    signatures[0][0] ^= 1;
    Certificate::new(*certificate.signers(), signatures).unwrap()
}

/// The signature of the member at this place.
fn signature_at(certificate: &Certificate, place: u8) -> Option<&Signature> {
    let before = (0..place).filter(|other| certificate.signers().contains(*other)).count();
    certificate.signers().contains(place).then(|| &certificate.signatures()[before])
}
