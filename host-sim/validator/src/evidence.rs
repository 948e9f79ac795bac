//! Evidence: two votes that contradict each other, reported to the ledger.
//!
//! The engine notices what one validator sends that an honest one never would. A node whose operator gave it a key of an account makes a transaction of it; the
//! ledger slashes and bars the validator once, whoever reports it first.

use std::collections::BTreeSet;

use commonware_actor::Feedback;
use commonware_codec::{Encode, ReadExt};
use commonware_consensus::simplex::types::{Activity, Finalize, Notarize, Nullify, Subject};
use commonware_consensus::{Epochable, Reporter as EngineReporter};
use commonware_cryptography::certificate::Attestation;
use commonware_runtime::{Handle, Spawner};
use commonware_utils::channel::mpsc;
use qenex_consensus::{HeaderId, Scheme, VoteKey, vote_of};
use qenex_core::codec::Lent;
use qenex_core::consensus::{Vote, contradict};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{self, Hash, Purpose, Scheme as Signatures};
use qenex_core::id::{AccountId, ChainId};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{MAX_SIGNED_LEN, Op, Report, Signature, SignedVote, Transaction, encode_signed};
use qenex_node::block::Batch;

use crate::epochs::Schemes;
use crate::ledger::{Ledger, Shared};

/// How many blocks a report may wait.
const VALID_BLOCKS: u64 = 1_000;

/// Who reports: an account whose one key is this.
#[derive(Debug)]
pub struct Reporter {
    /// The account.
    pub account: AccountId,
    /// Its key.
    pub key: SecretKey,
}

/// A vote with its signature.
type Signed = (Vote, [u8; 64]);

/// Two votes of one key that contradict each other; the signatures verify.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The key.
    pub vote_key: VoteKey,
    votes: [Signed; 2],
}

/// Listens to the engine.
#[derive(Clone)]
pub struct Watcher {
    chain_id: ChainId,
    schemes: Schemes,
    found: mpsc::UnboundedSender<Evidence>,
}

impl Watcher {
    /// Hands what it finds to a channel.
    pub const fn new(chain_id: ChainId, schemes: Schemes, found: mpsc::UnboundedSender<Evidence>) -> Self {
        Self { chain_id, schemes, found }
    }

    fn evidence(&self, activity: &Activity<Scheme, HeaderId>) -> Option<Evidence> {
        // The engine keeps the two votes to itself; their encoding does not.
        let (epoch, one, other) = match activity {
            Activity::ConflictingNotarize(both) => {
                let mut bytes = both.encode();
                (both.epoch(), notarize(&mut bytes)?, notarize(&mut bytes)?)
            }
            Activity::ConflictingFinalize(both) => {
                let mut bytes = both.encode();
                (both.epoch(), finalize(&mut bytes)?, finalize(&mut bytes)?)
            }
            Activity::NullifyFinalize(both) => {
                let mut bytes = both.encode();
                (both.epoch(), nullify(&mut bytes)?, finalize(&mut bytes)?)
            }
            _ => return None,
        };
        let scheme = self.schemes.of(epoch.get())?;
        let place = scheme.validators().place(one.1.signer)?;
        let vote_key = *scheme.validators().vote_keys().get(usize::from(place))?;
        let votes = [self.signed(one, &vote_key)?, self.signed(other, &vote_key)?];
        contradict(&votes[0].0, &votes[1].0).then_some(Evidence { vote_key, votes })
    }

    /// A vote whose signature verifies: the engine hands on what it has not checked, too.
    fn signed(&self, (vote, attestation): (Vote, Attestation<Scheme>), key: &VoteKey) -> Option<Signed> {
        let signature = *attestation.signature.get()?;
        let digest = crypto::signing_digest(Signatures::Ed25519, Purpose::Vote, &vote.id(&self.chain_id));
        crypto::verify(Signatures::Ed25519, key, &digest, &signature).ok()?;
        Some((vote, signature))
    }
}

impl EngineReporter for Watcher {
    type Activity = Activity<Scheme, HeaderId>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        if let Some(evidence) = self.evidence(&activity)
            && self.found.send(evidence).is_err()
        {
            return Feedback::Closed;
        }
        Feedback::Ok
    }
}

type Given = (Vote, Attestation<Scheme>);

fn notarize(bytes: &mut impl commonware_codec::Buf) -> Option<Given> {
    let vote = Notarize::<Scheme, HeaderId>::read(bytes).ok()?;
    Some((vote_of(&Subject::Notarize { proposal: &vote.proposal })?, vote.attestation))
}

fn finalize(bytes: &mut impl commonware_codec::Buf) -> Option<Given> {
    let vote = Finalize::<Scheme, HeaderId>::read(bytes).ok()?;
    Some((vote_of(&Subject::Finalize { proposal: &vote.proposal })?, vote.attestation))
}

fn nullify(bytes: &mut impl commonware_codec::Buf) -> Option<Given> {
    let vote = Nullify::<Scheme>::read(bytes).ok()?;
    Some((vote_of::<HeaderId>(&Subject::Nullify { round: vote.round })?, vote.attestation))
}

/// Reports what is found, each validator once.
pub fn start<E: Spawner>(
    context: E,
    ledger: Shared,
    reporter: Option<Reporter>,
    mut found: mpsc::UnboundedReceiver<Evidence>,
    submitted: mpsc::Sender<Batch>,
) -> Handle<()> {
    context.spawn(move |_| async move {
        let mut reported = BTreeSet::new();
        while let Some(evidence) = found.recv().await {
            if reported.contains(&evidence.vote_key) {
                continue;
            }
            let report = {
                let ledger = ledger.lock();
                let Some(validator) = holder(&ledger, &evidence.vote_key) else { continue };
                tracing::error!(
                    validator = validator.as_str(),
                    "two votes contradict each other: {:?}",
                    evidence.votes.map(|(vote, _)| vote)
                );
                let Some(reporter) = &reporter else {
                    reported.insert(evidence.vote_key);
                    continue;
                };
                report(&ledger, reporter, validator, &evidence)
            };
            let Some(report) = report else { continue };
            if let Err(error) = ledger.submit(&report) {
                tracing::error!("the report of it is not taken: {error:?}");
                continue;
            }
            reported.insert(evidence.vote_key);
            let _ = submitted.send([report].into_iter().collect()).await;
        }
    })
}

/// The validator whose key of votes this is, or was.
fn holder(ledger: &Ledger, vote_key: &VoteKey) -> Option<AccountId> {
    match ledger.node().chain().record(&RecordId::Key(Hash(*vote_key))) {
        Ok(Some(Record::Holder(holder))) => Some(holder.account),
        _ => None,
    }
}

/// The signed transaction.
fn report(
    ledger: &Ledger,
    reporter: &Reporter,
    validator: AccountId,
    evidence: &Evidence,
) -> Option<Vec<u8>> {
    let tip = ledger.tip();
    let [first, second] = evidence
        .votes
        .each_ref()
        .map(|(vote, signature)| SignedVote { vote: *vote, signature: Lent(signature) });
    let transaction = Transaction {
        chain_id: tip.chain_id,
        sender: reporter.account,
        nonce: ledger.node().chain().account(reporter.account)?.nonce,
        last_valid_height: tip.height.saturating_add(VALID_BLOCKS),
        fee: Amount::ZERO,
        op: Op::Report(Report { validator, vote_key: Lent(&evidence.vote_key), first, second }),
    };
    let signature = reporter.key.sign(Purpose::Transaction, &transaction.id()).ok()?;
    let public_key = reporter.key.public_key();
    let signatures =
        [Signature { scheme: Signatures::Ed25519, public_key: &public_key, signature: &signature }];
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    encode_signed(&transaction, &signatures, &mut buffer).map(<[u8]>::to_vec).ok()
}
