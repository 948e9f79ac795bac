//! What handles secrets takes the same time for all of them: the image executes the same instructions, in the same order.
//!
//! Secrets come with fresh devices, whose unique secret and seed of the entropy are drawn, and with them every salt, nonce, root and key; a device
//! then has a few rounds, each with a new PIN, salt and key. All else is the same from the reset on: the commands, the names, the lengths, where
//! records lie in the flash, how many messages the channel has seen, and when. A round is compared with the same round of other devices. So what
//! is compared is whole answers, from the frame to the sealed response, and in them each call of the functions that work with a secret. The exceptions are functions whose time may depend on what they are given, because it is public or may be
//! (`PUBLIC` in `counts.py` names them): above all, a signature is verified before its release, in variable time. What COBS makes of a ciphertext
//! depends on its zeros and is not counted either.
//!
//! Addresses of data are not compared: a Cortex-M33 has no cache for them. tests/secrets looks for such that depend on secrets.
//!
//! ML-DSA is compared run by run where attempts and stages are equal, and attempt by attempt: the attempts that end at the same check are one
//! class, and so is what comes before the first. Together these are the whole run, so a run whose stages no other one has is compared as well. How
//! many attempts a signature takes and where each one ends is independent of the secret (FIPS 204, section 6.2).
//!
//! `QENEX_SECRETS` says how many secrets; `QENEX_SEED` replays a run.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::collections::{BTreeMap, BTreeSet};

use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::error::PIN_WRONG;
use qenex_core::hsm::Role;
use qenex_core::hsm::proto::{Command, Index};
use qenex_firmware_tests::device::{
    HOST, Session, add_user, chain, create_key, create_key_of, initialise, is_refusal, login, login_with,
    notarize, set_pin, set_policy_of, set_up, transfer, vote_with,
};
use qenex_firmware_tests::{Count, Counts};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use zeroize::Zeroizing;

/// How many secrets where `QENEX_SECRETS` does not say.
const SECRETS: usize = 20;

/// A device is made for so many secrets of what a device can have anew: PINs and keys.
const ROUNDS: u8 = 5;

/// The slow schemes sign with fewer secrets: one for so many.
const EVERY: usize = 5;
/// So many keys of each in one device.
const KEYS: u8 = 4;

/// So many devices in one emulator: it dies of more than a thousand changes of what it follows.
const DEVICES: usize = 20;

/// A seed of the entropy whose first two blocks, which the channel's key comes of, begin with the same byte: comparing them once took longer.
const ALIKE: [u8; 32] = [
    0x88, 0x21, 0x6b, 0xd2, 0x81, 0x80, 0x18, 0x08, 0xcb, 0xf9, 0x7c, 0x20, 0xf8, 0x56, 0xa3, 0xc6, 0x3c,
    0x38, 0x03, 0x9f, 0x3c, 0x23, 0xbb, 0x3a, 0xf1, 0x76, 0xe1, 0x38, 0x10, 0x90, 0x5f, 0xb2,
];

/// A tick of the device's clock, in instructions.
const TICK: u64 = 50;

fn secrets() -> usize {
    std::env::var("QENEX_SECRETS").map_or(SECRETS, |text| text.parse().unwrap())
}

fn generator() -> StdRng {
    let seed: u64 = std::env::var("QENEX_SEED").map_or_else(|_| rand::random(), |text| text.parse().unwrap());
    println!("replay with QENEX_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// What was executed under each name: how many instructions, and which, each with how often.
#[derive(Default)]
struct Classes(BTreeMap<String, BTreeMap<(u64, String), u64>>);

impl Classes {
    fn add(&mut self, counts: Vec<Count>) {
        for count in counts {
            let class = self.0.entry(count.name).or_default();
            *class.entry((count.instructions, count.digest)).or_default() += 1;
        }
    }

    /// Prints all classes; fails where two runs of one differ by more than a tick, or in what they executed.
    fn judge(&self) {
        let mut differ = BTreeSet::new();
        for (name, class) in &self.0 {
            let counts = || class.keys().map(|(count, _)| *count);
            let (least, most) = (counts().min().unwrap(), counts().max().unwrap());
            let runs: u64 = class.values().sum();
            println!("{name}: {runs} runs, {least} to {most} instructions, {} ways", class.len());
            if most - least > TICK || class.len() != 1 {
                differ.insert(name);
            }
        }
        assert!(differ.is_empty(), "differ by secrets: {differ:?}");
    }

    fn has(&self, name: &str, runs: usize) {
        let seen: u64 = self.0.get(name).map_or(0, |class| class.values().sum());
        assert!(seen >= runs as u64, "{name}: {seen} runs");
    }

    /// The runs of classes with such names that have several runs.
    fn shared(&self, start: &str, part: &str) -> u64 {
        let classes = self.0.iter().filter(|(name, _)| name.starts_with(start) && name.contains(part));
        classes.map(|(_, class)| class.values().sum::<u64>()).filter(|runs| *runs > 1).sum()
    }
}

/// A PIN of a fixed length.
fn pin(random: &mut StdRng) -> [u8; 12] {
    std::array::from_fn(|_| random.random_range(b' '..=b'~'))
}

/// A fresh device with a random secret, and a channel to it.
fn open<'c>(counts: &'c Counts, entropy: &[u8; 32], random: &mut StdRng) -> (Session<'c>, Vec<Count>) {
    counts.make_device(entropy, &random.random()).unwrap();
    let open = || Session::open(counts.line().unwrap(), &Zeroizing::new(HOST), None).unwrap();
    counts.follow("handshake", 2, open).unwrap()
}

#[test]
fn pins_channels_and_votes_take_the_same_time_for_all_secrets() {
    let (mut random, mut counts, mut classes) = (generator(), Counts::start().unwrap(), Classes::default());
    let devices = secrets().div_ceil(usize::from(ROUNDS));
    for device in 1..=devices {
        if device % DEVICES == 0 {
            counts = Counts::start().unwrap();
        }
        let entropy = if device == 1 { ALIKE } else { random.random() };
        let (mut session, handshake) = open(&counts, &entropy, &mut random);
        classes.add(handshake);
        initialise(&mut session).unwrap();
        add_user(&mut session, "OSCAR", Role::Operator, &pin(&mut random)).unwrap();
        chain().unwrap().anchor(&mut session, 10).unwrap();
        for round in 0..ROUNDS {
            let (right, wrong) = (pin(&mut random), pin(&mut random));
            set_pin(&mut session, "OSCAR", &right).unwrap();
            create_key(&mut session, round, Purpose::Vote).unwrap();
            let mut follow = |name: &str, act: &mut dyn FnMut(&mut Session<'_>)| {
                let name = format!("{name} of round {round}");
                classes.add(counts.follow(&name, 1, || act(&mut session)).unwrap().1);
            };
            follow("a wrong PIN", &mut |session| {
                assert!(is_refusal(&login_with(session, "OSCAR", &wrong), PIN_WRONG.number));
            });
            follow("the right PIN", &mut |session| login_with(session, "OSCAR", &right).unwrap());
            follow("the vote", &mut |session| drop(vote_with(session, round, notarize(7, 1)).unwrap()));
            // There is one for votes at a time.
            session.ask(Command::DeleteKey, &Index { index: round }).unwrap();
        }
    }
    classes.judge();
    for round in 0..ROUNDS {
        for name in ["a wrong PIN", "the right PIN", "the vote"] {
            classes.has(&format!("{name} of round {round}, frame 1"), devices);
        }
    }
    for (name, times) in [("handshake, frame 1", 1), ("handshake, frame 2", 1), ("X25519 in exchange", 3)] {
        classes.has(name, devices * times);
    }
    let rounds = devices * usize::from(ROUNDS);
    for (name, times) in [
        ("key of a PIN in enter", 2),
        ("compare in open", 2),
        ("compare in enter", 1),
        ("unseal in open", 1),
        ("unseal in secret", 1),
        ("Ed25519 in sign", 1),
    ] {
        classes.has(name, rounds * times);
    }
    // What differs is seen: a right PIN opens more than a wrong one.
    let [right, wrong] =
        ["the right PIN", "a wrong PIN"].map(|name| &classes.0[&format!("{name} of round 0, frame 1")]);
    assert!(right.keys().all(|way| !wrong.contains_key(way)));
}

#[test]
fn transactions_in_the_slow_schemes_take_the_same_time_for_all_secrets() {
    let (mut random, mut counts, mut classes) = (generator(), Counts::start().unwrap(), Classes::default());
    let devices = secrets().div_ceil(EVERY * usize::from(KEYS));
    for device in 1..=devices {
        if device % DEVICES == 0 {
            counts = Counts::start().unwrap();
        }
        let entropy = random.random();
        let (mut session, _) = open(&counts, &entropy, &mut random);
        set_up(&mut session).unwrap();
        for key in 0..KEYS {
            for (first, scheme, frames) in [(4, Scheme::P256, 1), (4 + KEYS, Scheme::MlDsa87, 2)] {
                let slot = first + key;
                login(&mut session, "ALICE").unwrap();
                create_key_of(&mut session, slot, Purpose::Transaction, scheme).unwrap();
                set_policy_of(&mut session, slot).unwrap();
                login(&mut session, "OSCAR").unwrap();
                session.bring(slot, &transfer(0, 5).unwrap(), &[], None).unwrap();
                let answer = format!("signing in slot {slot}");
                classes.add(counts.follow(&answer, frames, || session.sign().unwrap()).unwrap().1);
            }
        }
    }
    classes.judge();
    let keys = devices * usize::from(KEYS);
    classes.has("P-256 in sign", keys);
    classes.has("public key of ML-DSA-87 in release", keys);
    classes.has("ML-DSA-87, expanding the key and the first commitment", keys);
    let runs = classes.shared("ML-DSA-87, ", " attempts, ");
    println!("{runs} of {keys} signatures of ML-DSA-87 have another one with the same attempts and stages");
}
