//! Witnessed signing: the device learns what a transaction would do, and only then signs it.
//!
//! 1. [`Command::BeginSign`] brings the transaction; [`Command::Pending`] those that the key signed before and that are not final yet, in
//!    order; [`Command::Approve`] the approvals of persons, after [`Command::ApprovalPart`] if one is longer than a request.
//! 2. [`Command::Records`] bring every record that these transactions may touch, [`Command::Proof`] the proof that they are those of the
//!    newest trusted header.
//! 3. [`Command::Judge`] says what would come of it. [`Command::Sign`] does the same, shows the summary, makes durable what the
//!    signature counts for, and signs. What is longer than a response is read on with [`Command::SignatureRest`].
//!
//! Bytes that are not a transaction are never signed. Nothing of a request outlives its channel.

use core::hint::black_box;

use super::board::Board;
use super::flash::FlashError;
use super::proto::{self, Command};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::service::{Hsm, Work};
use super::signed::{MAX_PENDING, SignedSoFar};
use super::store::kind;
use super::witness::{Proven, Records};
use crate::codec::{self, Encoded};
use crate::consensus::Trusted;
use crate::crypto::{Domain, Hash, KeyHash, Purpose, hash, signing_digest, verify};
use crate::ledger::{Effects, Env, Outcome, Record, RecordId, Reject, Rule, Signers, View, transition_into};
use crate::merkle::witness::Witness;
use crate::policy::{self, Case, Executed, Exposure, MAX_APPROVERS, Policy, PolicyRefusal};
use crate::tx::{KeyRef, Summary, Transaction};

/// Bytes for the transaction and those before it.
const TRANSACTIONS: usize = 4_096;

/// A request to sign, as far as it has come. It stays in its place and is used again: a device has no room to move it.
pub struct SignWork {
    slot: u8,
    witnessed: bool,
    approvals: heapless::Vec<KeyHash, MAX_APPROVERS>,
    transactions: Transactions,
    pub(super) records: Records,
    witness: Witness,
    /// The key's policy and what the key has signed, as they were read last.
    policy: heapless::Vec<u8, { <Policy<'_> as Encoded>::MAX_LEN }>,
    signed: Option<SignedSoFar>,
    stage: Stage,
}

/// How far a witness has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Transactions and approvals may follow.
    Transactions,
    /// Records may follow.
    Records,
    /// The proof is being checked.
    Proof,
    /// The records are those of the trusted state, after the transactions that are replayed.
    Proven,
    /// Something was wrong; nothing may follow.
    Failed,
}

/// Transactions in their encodings: first the one to be signed, then those before it.
struct Transactions {
    bytes: heapless::Vec<u8, TRANSACTIONS>,
    /// Where each ends.
    ends: heapless::Vec<u16, { 1 + MAX_PENDING }>,
}

impl Transactions {
    const fn new() -> Self {
        Self { bytes: heapless::Vec::new(), ends: heapless::Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), HsmError> {
        let too_large = HsmError::WitnessTooLarge;
        if bytes.len() > <Transaction<'_> as Encoded>::MAX_LEN || self.ends.is_full() {
            return Err(too_large);
        }
        self.bytes.extend_from_slice(bytes).map_err(|_| too_large)?;
        self.ends.push(self.bytes.len() as u16).map_err(|_| too_large)
    }

    /// The bytes of a transaction: number zero is the one to be signed.
    fn bytes(&self, index: usize) -> Result<&[u8], HsmError> {
        let end = |index: usize| self.ends.get(index).copied().map(usize::from);
        let from = match index.checked_sub(1) {
            Some(before) => end(before),
            None => Some(0),
        };
        let range = from.zip(end(index)).and_then(|(from, until)| self.bytes.get(from..until));
        range.ok_or(HsmError::CommandSequence)
    }

    #[inline(never)] // it is asked for in many places
    fn get(&self, index: usize) -> Result<Transaction<'_>, Refusal> {
        // Each was decoded when it was brought.
        Ok(codec::decode_trusted(self.bytes(index)?)?)
    }

    /// The id of the one to be signed.
    fn id(&self) -> Result<Hash, HsmError> {
        Ok(hash(Domain::Transaction, &[self.bytes(0)?]))
    }

    /// How many come before the one to be signed.
    fn replayed(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }
}

impl Default for SignWork {
    fn default() -> Self {
        Self::new()
    }
}

/// What is signed by a person who approves that a key signs a transaction.
pub fn approval_id(key: &KeyHash, transaction: &Hash) -> Hash {
    hash(Domain::Approval, &[&key.0.0, &transaction.0])
}

impl SignWork {
    /// No request.
    pub const fn new() -> Self {
        Self {
            slot: 0,
            witnessed: false,
            approvals: heapless::Vec::new(),
            transactions: Transactions::new(),
            records: Records::new(),
            witness: Witness::idle(),
            policy: heapless::Vec::new(),
            signed: None,
            stage: Stage::Failed,
        }
    }

    fn restart(&mut self, slot: u8, witnessed: bool, transaction: &[u8]) -> Result<(), Refusal> {
        self.slot = slot;
        self.witnessed = witnessed;
        self.approvals.clear();
        self.transactions.bytes.clear();
        self.transactions.ends.clear();
        self.transactions.push(transaction)?;
        self.records.clear();
        self.stage = Stage::Transactions;
        Ok(())
    }

    /// Asks for the records that the transactions may touch.
    fn want_records(&mut self) -> Result<(), Refusal> {
        self.stage = Stage::Failed;
        for index in 0..=self.transactions.replayed() {
            self.records.want(&self.transactions.get(index)?)?;
        }
        self.records.sort();
        self.stage = Stage::Records;
        Ok(())
    }

    /// Accepts the witness, once, and executes the transactions that are not final yet.
    fn replay(&mut self, trusted: &Trusted) -> Result<(), Refusal> {
        match self.stage {
            Stage::Proven => return Ok(()),
            Stage::Transactions if !self.witnessed => return Ok(()),
            Stage::Proof => {}
            Stage::Transactions | Stage::Records | Stage::Failed => {
                return Err(HsmError::WitnessMissing.into());
            }
        }
        self.stage = Stage::Failed;
        self.records.check(&self.witness, &trusted.state_root)?;
        self.records.check(black_box(&self.witness), &trusted.state_root)?;
        for index in 1..=self.transactions.replayed() {
            self.records.apply(&env(trusted), &self.transactions.get(index)?)?;
        }
        self.stage = Stage::Proven;
        Ok(())
    }

    /// How many transactions of the account are final, as far as the witness shows it.
    fn final_nonce(&self) -> Result<Option<u64>, Refusal> {
        if !self.witnessed {
            return Ok(None);
        }
        let sender = RecordId::Account(self.transactions.get(0)?.sender);
        let replayed = self.transactions.replayed() as u64;
        match self.records.view().record(&sender)? {
            Some(Record::Account(account)) => Ok(Some(account.nonce.saturating_sub(replayed))),
            _ => Ok(None),
        }
    }

    fn policy(&self) -> Result<Policy<'_>, Refusal> {
        Ok(Policy::decode(&self.policy)?)
    }

    fn signed(&self) -> Result<&SignedSoFar, HsmError> {
        self.signed.as_ref().ok_or(HsmError::KeyPolicy)
    }

    /// Who approves that the key signs the transaction, if the policy names that person and the approval is right.
    fn approver(&self, key: &KeyHash, approval: &[u8]) -> Result<KeyHash, Refusal> {
        let proto::Approve { scheme, public_key, signature } = codec::decode(approval)?;
        let person = KeyHash::of(scheme, Purpose::Approval, public_key);
        let approvals = self.policy()?.approvals;
        let named = approvals.is_some_and(|approvals| approvals.approvers.contains(&person));
        if !named || self.approvals.contains(&person) {
            return Err(HsmError::ApproverUnknown.into());
        }
        let digest = signing_digest(scheme, Purpose::Approval, &approval_id(key, &self.transactions.id()?));
        verify(scheme, public_key, &digest, signature)?;
        verify(scheme, public_key, black_box(&digest), signature)?;
        Ok(person)
    }

    /// Executes the transaction and applies the policy.
    fn judge(&self, trusted: &Trusted, key: &KeyRef) -> Result<Exposure, Refusal> {
        let policy = self.policy()?;
        let signed = self.signed()?;
        let env = env(trusted);
        let transaction = self.transactions.get(0)?;
        let view = self.records.view();
        let outcome = if self.witnessed {
            match view.record(&RecordId::Account(transaction.sender))? {
                Some(Record::Account(account)) if account.authority.keys().any(|own| own == *key) => {}
                Some(_) => return Err(HsmError::KeyNotAuthorised.into()),
                None => return Err(Reject::Rule(Rule::AccountUnknown).into()),
            }
            Some(execute(&env, &transaction, &view)?)
        } else {
            // Nothing is executed, but what the transaction alone shows is checked.
            if transaction.chain_id != env.chain_id {
                return Err(Reject::Rule(Rule::WrongChain).into());
            }
            if transaction.last_valid_height < env.height {
                return Err(Reject::Rule(Rule::Expired).into());
            }
            None
        };
        let case = Case {
            transaction: &transaction,
            height: trusted.height,
            time_ms: trusted.time_ms,
            windows: &signed.windows,
            executed: outcome.as_ref().map(|outcome| Executed { before: &view, outcome }),
            approvals: self.approvals.len() as u8,
            requested_ms: signed.requested_ms(&self.transactions.id()?).unwrap_or(trusted.time_ms),
            // Scores will come from the device's own network; no host is believed.
            risk: None,
        };
        Ok(policy::judge(&policy, &case)?)
    }
}

impl<B: Board> Hsm<B> {
    fn sign_work(&mut self) -> Result<&mut SignWork, Refusal> {
        match self.work {
            Work::Sign => Ok(&mut self.sign),
            Work::None | Work::Data | Work::Signed | Work::Header { .. } | Work::Update(_) => {
                Err(HsmError::CommandSequence.into())
            }
        }
    }

    pub(super) fn begin_sign(&mut self, request: &proto::BeginSign<'_>) -> Result<(), Refusal> {
        self.work = Work::None;
        self.trusted.ok_or(HsmError::AnchorMissing)?;
        let slot = self.store.slot(self.board.flash(), request.slot)?;
        if slot.purpose != Purpose::Transaction {
            return Err(HsmError::KeyPurpose.into());
        }
        let _: Transaction<'_> = codec::decode(request.transaction)?;
        self.sign.restart(request.slot, request.witnessed, request.transaction)?;
        self.work = Work::Sign;
        Ok(())
    }

    pub(super) fn pending(&mut self, request: &proto::Piece<'_>) -> Result<(), Refusal> {
        let _: Transaction<'_> = codec::decode(request.bytes)?;
        let id = hash(Domain::Transaction, &[request.bytes]);
        let work = self.sign_work()?;
        if work.stage != Stage::Transactions || !work.witnessed {
            return Err(HsmError::CommandSequence.into());
        }
        let slot = work.slot;
        self.read_signed(slot)?;
        if !self.sign.signed()?.contains(&id) {
            return Err(HsmError::PendingUnknown.into());
        }
        Ok(self.sign.transactions.push(request.bytes)?)
    }

    /// Takes a part of an approval that is longer than a request. It lies where the records will, which come later.
    pub(super) fn approval_part(&mut self, request: &proto::Piece<'_>) -> Result<(), Refusal> {
        let work = self.sign_work()?;
        if work.stage != Stage::Transactions {
            return Err(HsmError::CommandSequence.into());
        }
        Ok(work.records.keep(request.bytes)?)
    }

    /// Takes an approval, or the rest of one.
    pub(super) fn approve(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let work = self.sign_work()?;
        let index = work.slot;
        let in_parts = work.stage == Stage::Transactions && !work.records.bytes().is_empty();
        if in_parts {
            work.records.keep(body)?;
        }
        self.read_policy(index)?;
        let slot = self.store.slot(self.board.flash(), index)?;
        let approval = if in_parts { self.sign.records.bytes() } else { body };
        let person = self.sign.approver(&slot.hash, approval);
        if in_parts {
            self.sign.records.clear();
        }
        Ok(self.sign.approvals.push(person?).map_err(|_| HsmError::ApproverUnknown)?)
    }

    pub(super) fn records(&mut self, request: &proto::Records<'_>) -> Result<(), Refusal> {
        let work = self.sign_work()?;
        if work.stage == Stage::Transactions && work.witnessed {
            work.want_records()?;
        }
        if work.stage != Stage::Records {
            return Err(HsmError::CommandSequence.into());
        }
        work.records.take(request.records).inspect_err(|_| work.stage = Stage::Failed)
    }

    pub(super) fn proof(&mut self, request: &proto::Piece<'_>) -> Result<(), Refusal> {
        let work = self.sign_work()?;
        if work.stage == Stage::Records {
            if !work.records.are_complete() {
                return Err(HsmError::WitnessMissing.into());
            }
            work.records.begin_proof(&mut work.witness)?;
            work.stage = Stage::Proof;
        }
        if work.stage != Stage::Proof {
            return Err(HsmError::CommandSequence.into());
        }
        Ok(work.witness.push(request.bytes)?)
    }

    pub(super) fn judge(&mut self, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let id = self.sign_work()?.transactions.id()?;
        let refusal = self.judgement().map_or_else(|Refusal(number)| number, |_| 0);
        reply.value(&proto::Judged { id, refusal })
    }

    pub(super) fn sign(&mut self, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let work = self.sign_work()?;
        let (index, id) = (work.slot, work.transactions.id()?);
        self.storage_key()?;
        // What was signed and counted may be asked for again: a host may have lost it.
        self.read_signed(index)?;
        if !self.sign.signed()?.contains(&id) {
            self.allow(index, id)?;
        }
        // What is in the flash decides, not that this place was reached: see the service.
        self.read_signed(index)?;
        if !self.sign.signed()?.contains(black_box(&id)) {
            return Err(HsmError::KeyPolicy.into());
        }
        self.sign_thing(index, Purpose::Transaction, &id, reply)
    }

    /// Signs the thing that `id` names, with a key of this purpose. The signature lies where a request's records would: they are not needed any more, and
    /// may be twice as long as the longest one.
    pub(super) fn sign_thing(
        &mut self,
        index: u8,
        purpose: Purpose,
        id: &Hash,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let slot = self.store.slot(self.board.flash(), index)?;
        let storage_key = self.storage_key()?.clone();
        self.work = Work::None;
        let buffer = self.sign.records.reuse();
        // There is room for every signature.
        let _ = buffer.resize(slot.scheme.signature_bytes(), 0);
        self.store.sign(self.board.flash(), &storage_key, &slot, purpose, id, buffer)?;
        self.work = Work::Signed;
        self.signature_rest(&proto::Rest { from: 0 }, reply)
    }

    pub(super) fn signature_rest(
        &mut self,
        request: &proto::Rest,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let Work::Signed = self.work else { return Err(HsmError::CommandSequence.into()) };
        let rest = self.sign.records.bytes().get(usize::from(request.from)..).unwrap_or_default();
        let signature = rest.get(..proto::SIGNATURE_PIECE).unwrap_or(rest);
        reply.value(&proto::Signed { signature })
    }

    /// Judges the transaction, shows it, and makes durable that it is signed.
    fn allow(&mut self, index: u8, id: Hash) -> Result<(), Refusal> {
        let time_ms = self.trusted.ok_or(HsmError::AnchorMissing)?.time_ms;
        let exposure = match self.judgement() {
            Err(refusal) if refusal == PolicyRefusal::Delay.into() => {
                self.remember_request(index, id, time_ms)?;
                return Err(refusal);
            }
            judgement => judgement?,
        };
        if self.judgement()? != exposure {
            return Err(HsmError::KeyPolicy.into());
        }
        let SignWork { transactions, policy, signed: Some(signed), .. } = &mut *self.sign else {
            return Err(HsmError::KeyPolicy.into());
        };
        let policy = Policy::decode(policy)?;
        let transaction = transactions.get(0)?;
        Summary::new(&transaction).lines().for_each(|line| self.board.show(&line));
        signed.add(&transaction, id)?;
        let before = signed.windows.totals(&policy, &exposure, time_ms);
        signed.windows.add(&policy, &exposure, time_ms).map_err(|()| PolicyRefusal::Window)?;
        if !signed.windows.counted(&before, &policy, black_box(&exposure), time_ms) {
            return Err(PolicyRefusal::Window.into());
        }
        if policy.confirm {
            self.confirm()?;
        }
        self.note(Command::Sign, 0, index, id)?;
        self.write_signed(index)
    }

    /// Notes when a transaction that must wait was first requested.
    fn remember_request(&mut self, index: u8, id: Hash, time_ms: u64) -> Result<(), Refusal> {
        self.read_signed(index)?;
        let Some(signed) = &mut self.sign.signed else { return Err(HsmError::KeyPolicy.into()) };
        if signed.requested_ms(&id).is_some() {
            return Ok(());
        }
        signed.request(id, time_ms);
        self.note(Command::Sign, Refusal::from(PolicyRefusal::Delay).0, index, id)?;
        self.write_signed(index)
    }

    /// Checks the witness, executes what came before and the transaction itself, and applies the policy. Returns what the signature
    /// counts for; what the key has signed and may still become final is in the work.
    fn judgement(&mut self) -> Result<Exposure, Refusal> {
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let work = self.sign_work()?;
        work.replay(&trusted)?;
        let (index, final_nonce) = (work.slot, work.final_nonce()?);
        self.read_policy(index)?;
        let slot = self.store.slot(self.board.flash(), index)?;
        self.read_signed(index)?;
        let SignWork { transactions, signed: Some(signed), .. } = &mut *self.sign else {
            return Err(HsmError::KeyPolicy.into());
        };
        signed.forget(trusted.height, final_nonce);
        signed.has_room_for(&transactions.get(0)?)?;
        let key = KeyRef { scheme: slot.scheme, hash: slot.hash };
        self.sign.judge(&trusted, &key)
    }

    /// Reads the policy of a key to its place.
    fn read_policy(&mut self, index: u8) -> Result<(), Refusal> {
        let place = &mut self.sign.policy;
        // There is room for every policy.
        let _ = place.resize(place.capacity(), 0);
        let read = self.store.read(self.board.flash(), kind::POLICY, index, place);
        let len = read.map(|bytes| bytes.map(<[u8]>::len));
        place.truncate(len.ok().flatten().unwrap_or_default());
        len?.map(drop).ok_or(HsmError::KeyPolicy.into())
    }

    /// Reads what a key has signed. A call of its own: decoding takes a large part of a device's stack, and must have left it before a
    /// transaction is executed.
    #[inline(never)]
    fn read_signed(&mut self, index: u8) -> Result<(), Refusal> {
        let place = self.sign.signed.insert(SignedSoFar::default());
        let mut buffer = [0; SignedSoFar::MAX_LEN];
        if let Some(bytes) = self.store.read(self.board.flash(), kind::SIGNED, index, &mut buffer)? {
            // The vault's own check held, so what does not decode was never written by this version.
            *place = codec::decode(bytes).map_err(|_| FlashError::Damaged)?;
        }
        Ok(())
    }

    /// Makes durable what a key has signed.
    fn write_signed(&mut self, index: u8) -> Result<(), Refusal> {
        let signed = self.sign.signed()?;
        self.store.put::<{ SignedSoFar::MAX_LEN }, _, _>(self.board.flash(), kind::SIGNED, index, signed)
    }
}

/// What executing a transaction comes to. A call of its own: its effects take a large part of a device's stack, and must have left it
/// before the policy is applied.
#[inline(never)]
fn execute<'a>(env: &Env, transaction: &Transaction<'a>, view: &Proven<'_, 'a>) -> Result<Outcome, Refusal> {
    let mut effects = Effects::default();
    transition_into(env, transaction, Signers::Assumed, view, &mut effects)?;
    Ok(effects.receipt.outcome)
}

/// The next block, as far as it is known.
const fn env(trusted: &Trusted) -> Env {
    Env { chain_id: trusted.chain_id, height: trusted.height.saturating_add(1), time_ms: trusted.time_ms }
}
