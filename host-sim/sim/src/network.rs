//! A network in memory, in simulated time: each link has a latency and loses some messages, or is not there.
//!
//! Messages of one link on one channel arrive in the order in which they were sent, as over TCP; those of different links and channels overtake each
//! other. Who blocks somebody neither hears nor is heard by them. What is on its way to a validator that fails is lost.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use commonware_actor::{Feedback, Unreliable};
use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select;
use commonware_p2p::{
    BlockedSubscription, Blocker, CheckedSender, LimitedSender, Manager, Message, PeerSetSubscription,
    PeerSetUpdate, Provider, Receiver, Recipients, TrackedPeers,
};
use commonware_runtime::{Clock, Handle, IoBuf, IoBufs, Spawner};
use commonware_utils::NZUsize;
use commonware_utils::channel::fallible::FallibleExt;
use commonware_utils::channel::{mpsc, ring};
use commonware_utils::ordered::Set;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a link is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long a message takes at least.
    pub latency: Duration,
    /// How much longer it may take.
    pub jitter: Duration,
    /// Of a hundred messages, so many are lost.
    pub loss_percent: u8,
}

/// The network.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
    earlier: mpsc::UnboundedSender<()>,
}

#[derive(Default)]
struct Peer {
    /// Counts its lives: a message is for one of them.
    life: u64,
    inboxes: HashMap<u64, mpsc::UnboundedSender<Message<PublicKey>>>,
    blocked: BTreeSet<PublicKey>,
    told_of_blocked: Vec<ring::Sender<Set<PublicKey>>>,
    sets: BTreeMap<u64, TrackedPeers<PublicKey>>,
    told_of_sets: Vec<mpsc::UnboundedSender<PeerSetUpdate<PublicKey>>>,
}

struct State {
    keys: Vec<PublicKey>,
    places: HashMap<PublicKey, usize>,
    peers: Vec<Peer>,
    links: Vec<Option<Link>>,
    rng: StdRng,
    count: u64,
    bytes: u64,
    /// When the last message of a link on a channel arrives.
    last: HashMap<(usize, usize, u64), SystemTime>,
    on_their_way: BinaryHeap<Reverse<OnItsWay>>,
}

struct OnItsWay {
    arrives: SystemTime,
    number: u64,
    from: usize,
    to: usize,
    life: u64,
    channel: u64,
    message: IoBuf,
}

impl OnItsWay {
    const fn order(&self) -> (SystemTime, u64) {
        (self.arrives, self.number)
    }
}

impl PartialEq for OnItsWay {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for OnItsWay {}

impl PartialOrd for OnItsWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OnItsWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl State {
    fn place(&self, key: &PublicKey) -> Option<usize> {
        self.places.get(key).copied()
    }

    fn hears(&self, to: usize, from: usize) -> bool {
        !self.peers[to].blocked.contains(&self.keys[from])
            && !self.peers[from].blocked.contains(&self.keys[to])
    }

    /// Puts a message on its way, unless it is lost. Returns whether it arrives before all others.
    fn send(&mut self, now: SystemTime, from: usize, to: usize, channel: u64, message: &IoBuf) -> bool {
        let Some(link) = self.links[from * self.keys.len() + to] else { return false };
        self.bytes += message.as_ref().len() as u64;
        if !self.hears(to, from) || self.rng.random_range(0..100) < link.loss_percent {
            return false;
        }
        let jitter_us = u64::try_from(link.jitter.as_micros()).unwrap_or(u64::MAX);
        let arrives = now + link.latency + Duration::from_micros(self.rng.random_range(0..=jitter_us));
        let last = self.last.entry((from, to, channel)).or_insert(arrives);
        *last = arrives.max(*last);
        let arrives = *last;
        let earliest = self.on_their_way.peek().is_none_or(|Reverse(first)| arrives < first.arrives);
        let (number, life) = (self.count, self.peers[to].life);
        self.count += 1;
        let message = message.clone();
        self.on_their_way.push(Reverse(OnItsWay { arrives, number, from, to, life, channel, message }));
        earliest
    }

    /// Delivers what has arrived. Returns when the next message does.
    fn deliver(&mut self, now: SystemTime) -> Option<SystemTime> {
        while let Some(Reverse(first)) = self.on_their_way.peek() {
            if first.arrives > now {
                return Some(first.arrives);
            }
            let Some(Reverse(arrived)) = self.on_their_way.pop() else { break };
            let OnItsWay { from, to, life, channel, message, .. } = arrived;
            if self.peers[to].life == life
                && self.hears(to, from)
                && let Some(inbox) = self.peers[to].inboxes.get(&channel)
            {
                inbox.send_lossy((self.keys[from].clone(), message));
            }
        }
        None
    }
}

impl Network {
    /// A network of these peers without links. The task delivers its messages.
    pub fn new<E: Clock + Spawner>(context: E, seed: u64, keys: Vec<PublicKey>) -> (Self, Handle<()>) {
        let (earlier, mut earlier_ones) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(State {
            places: keys.iter().cloned().zip(0..).collect(),
            peers: keys.iter().map(|_| Peer::default()).collect(),
            links: vec![None; keys.len() * keys.len()],
            rng: StdRng::seed_from_u64(seed),
            count: 0,
            bytes: 0,
            last: HashMap::new(),
            on_their_way: BinaryHeap::new(),
            keys,
        }));
        let network = Self { state: Arc::clone(&state), earlier };
        let task = context.spawn(move |context| async move {
            loop {
                let next = lock(&state).deliver(context.current());
                match next {
                    Some(next) => select! {
                        _ = context.sleep_until(next) => {},
                        _ = earlier_ones.recv() => {},
                    },
                    None => {
                        if earlier_ones.recv().await.is_none() {
                            return;
                        }
                    }
                }
            }
        });
        (network, task)
    }

    /// Makes each link as this says.
    pub fn connect(&self, link: impl Fn(usize, usize) -> Option<Link>) {
        let mut state = lock(&self.state);
        let count = state.keys.len();
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                state.links[from * count + to] = link(from, to);
            }
        }
    }

    /// Bytes that were given to links, lost ones too.
    pub fn bytes(&self) -> u64 {
        lock(&self.state).bytes
    }

    /// Ends a life of a peer and begins the next: what was on its way to it is lost, and nobody is blocked or tracked.
    pub fn begin<E: Clock>(&self, context: E, place: usize) -> Port<E> {
        let mut state = lock(&self.state);
        let life = state.peers[place].life + 1;
        state.peers[place] = Peer { life, ..Peer::default() };
        Port { network: self.clone(), context: Arc::new(context), place }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a peer is at the network.
pub struct Port<E> {
    network: Network,
    context: Arc<E>,
    place: usize,
}

impl<E> Clone for Port<E> {
    fn clone(&self) -> Self {
        Self { network: self.network.clone(), context: Arc::clone(&self.context), place: self.place }
    }
}

impl<E> fmt::Debug for Port<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<E: Clock> Port<E> {
    /// Its ends of a channel.
    pub fn register(&self, channel: u64) -> (Outbox<E>, Inbox) {
        let (inbox, messages) = mpsc::unbounded_channel();
        lock(&self.network.state).peers[self.place].inboxes.insert(channel, inbox);
        (Outbox { port: self.clone(), channel }, Inbox(messages))
    }
}

/// The sending end of a channel.
#[derive(Debug)]
pub struct Outbox<E> {
    port: Port<E>,
    channel: u64,
}

impl<E> Clone for Outbox<E> {
    fn clone(&self) -> Self {
        Self { port: self.port.clone(), channel: self.channel }
    }
}

impl<E: Clock> LimitedSender for Outbox<E> {
    type PublicKey = PublicKey;
    type Checked<'a> = Sending<E>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Sending<E>, SystemTime> {
        let state = lock(&self.port.network.state);
        let own = self.port.place;
        let recipients = match recipients {
            Recipients::All => (0..state.keys.len()).filter(|to| *to != own).collect(),
            Recipients::Some(keys) => {
                keys.iter().filter_map(|key| state.place(key)).filter(|to| *to != own).collect()
            }
            Recipients::One(key) => state.place(&key).into_iter().filter(|to| *to != own).collect(),
        };
        drop(state);
        Ok(Sending { outbox: self.clone(), recipients })
    }
}

/// A message of which is known whom it is for.
#[derive(Debug)]
pub struct Sending<E> {
    outbox: Outbox<E>,
    recipients: Vec<usize>,
}

impl<E: Clock> CheckedSender for Sending<E> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        let state = lock(&self.outbox.port.network.state);
        self.recipients.iter().map(|to| state.keys[*to].clone()).collect()
    }

    fn send(self, message: impl Into<IoBufs> + Send, _: bool) -> Unreliable<Feedback> {
        let Outbox { port, channel } = &self.outbox;
        let now = port.context.current();
        let message: IoBufs = message.into();
        let message = message.coalesce();
        let mut state = lock(&port.network.state);
        let mut earlier = false;
        for to in &self.recipients {
            earlier |= state.send(now, port.place, *to, *channel, &message);
        }
        drop(state);
        if earlier {
            port.network.earlier.send_lossy(());
        }
        Unreliable::new(Feedback::Ok)
    }
}

/// The receiving end of a channel.
#[derive(Debug)]
pub struct Inbox(mpsc::UnboundedReceiver<Message<PublicKey>>);

/// The network is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the network is gone")
    }
}

impl std::error::Error for Gone {}

impl Receiver for Inbox {
    type Error = Gone;
    type PublicKey = PublicKey;

    async fn recv(&mut self) -> Result<Message<PublicKey>, Gone> {
        self.0.recv().await.ok_or(Gone)
    }

    fn capacity(&self) -> NonZeroUsize {
        NZUsize!(1_024)
    }
}

impl<E: Clock> Provider for Port<E> {
    type PublicKey = PublicKey;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<PublicKey>> {
        lock(&self.network.state).peers[self.place].sets.get(&id).cloned()
    }

    async fn subscribe(&mut self) -> PeerSetSubscription<PublicKey> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let peer = &mut lock(&self.network.state).peers[self.place];
        if let Some(update) = latest(&peer.sets) {
            sender.send_lossy(update);
        }
        peer.told_of_sets.push(sender);
        receiver
    }
}

fn latest(sets: &BTreeMap<u64, TrackedPeers<PublicKey>>) -> Option<PeerSetUpdate<PublicKey>> {
    let (index, latest) = sets.last_key_value()?;
    let all = |of: fn(&TrackedPeers<PublicKey>) -> &Set<PublicKey>| {
        Set::from_iter_dedup(sets.values().flat_map(|set| of(set).iter().cloned()))
    };
    let all = TrackedPeers::new(all(|set| &set.primary), all(|set| &set.secondary));
    Some(PeerSetUpdate { index: *index, latest: latest.clone(), all })
}

/// Sets of peers that are remembered.
const SETS: usize = 4;

impl<E: Clock> Manager for Port<E> {
    fn track<R>(&mut self, id: u64, peers: R) -> Feedback
    where
        R: Into<TrackedPeers<PublicKey>> + Send,
    {
        let peer = &mut lock(&self.network.state).peers[self.place];
        peer.sets.insert(id, peers.into());
        while peer.sets.len() > SETS {
            peer.sets.pop_first();
        }
        if let Some(update) = latest(&peer.sets) {
            peer.told_of_sets.retain(|told| told.send_lossy(update.clone()));
        }
        Feedback::Ok
    }
}

impl<E: Clock> Blocker for Port<E> {
    type PublicKey = PublicKey;

    fn block(&mut self, key: PublicKey) -> Feedback {
        let peer = &mut lock(&self.network.state).peers[self.place];
        if peer.blocked.insert(key) {
            let blocked = Set::from_iter_dedup(peer.blocked.iter().cloned());
            peer.told_of_blocked.retain_mut(|told| told.send_lossy(blocked.clone()));
        }
        Feedback::Ok
    }

    fn blocked(&mut self) -> BlockedSubscription<PublicKey> {
        let (mut sender, receiver) = ring::channel(NZUsize!(1));
        let peer = &mut lock(&self.network.state).peers[self.place];
        if sender.send_lossy(Set::from_iter_dedup(peer.blocked.iter().cloned())) {
            peer.told_of_blocked.push(sender);
        }
        receiver
    }
}
