//! The part of the ledger's state that a request proves: the records, and how transactions change them.
//!
//! The records lie one behind the other in a buffer of fixed size, as they were encoded; what a transaction writes is appended.

use super::refusal::{HsmError, Refusal};
use crate::codec::{self, Encoded};
use crate::crypto::Hash;
use crate::crypto::scheme::MAX_SIGNATURE_BYTES;
use crate::ledger::{self, Effects, Env, Record, RecordId, Signers, View, ViewError, transition_into};
use crate::merkle::proof::MAX_WITNESS_KEYS;
use crate::merkle::state::value_hash;
use crate::merkle::witness::{Access, Witness};
use crate::tx::Transaction;

/// Bytes for records.
const ARENA: usize = 8_192;

/// Where a record lies: from, until. Nothing where there is none.
type Span = Option<(u16, u16)>;

/// Records by their ids, in ascending order of their keys.
pub(super) struct Records {
    ids: heapless::Vec<RecordId, MAX_WITNESS_KEYS>,
    spans: heapless::Vec<Span, MAX_WITNESS_KEYS>,
    arena: heapless::Vec<u8, ARENA>,
}

/// The records as the rules read them.
pub(super) struct Proven<'r, 'a> {
    ids: &'r [RecordId],
    spans: &'r [Span],
    bytes: &'a [u8],
}

impl<'a> View<'a> for Proven<'_, 'a> {
    fn record(&self, id: &RecordId) -> Result<Option<Record<'a>>, ViewError> {
        let index = self.ids.iter().position(|known| known == id).ok_or(ViewError::Unproven)?;
        let Some((from, until)) = self.spans.get(index).copied().ok_or(ViewError::Unproven)? else {
            return Ok(None);
        };
        let bytes = self.bytes.get(usize::from(from)..usize::from(until)).ok_or(ViewError::Damaged)?;
        codec::decode(bytes).map(Some).map_err(|_| ViewError::Damaged)
    }
}

impl Records {
    /// No records.
    pub(super) const fn new() -> Self {
        Self { ids: heapless::Vec::new(), spans: heapless::Vec::new(), arena: heapless::Vec::new() }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.spans.clear();
        self.arena.clear();
    }

    /// The buffer for something else: the records are gone.
    pub(super) fn reuse(&mut self) -> &mut heapless::Vec<u8, ARENA> {
        self.clear();
        &mut self.arena
    }

    /// Puts bytes of something else behind those that the buffer holds.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Result<(), HsmError> {
        self.arena.extend_from_slice(bytes).map_err(|_| HsmError::WitnessTooLarge)
    }

    /// Lets bytes of something else be worked on in their place, with all room behind them: `work` gets their number and the buffer, and returns how
    /// many it leaves at the front. On a refusal none are left.
    pub(super) fn replace<E>(
        &mut self,
        work: impl FnOnce(usize, &mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let held = self.arena.len();
        // The room behind what is held.
        let _ = self.arena.resize(ARENA, 0);
        let left = work(held, &mut self.arena);
        self.arena.truncate(*left.as_ref().unwrap_or(&0));
        left.map(drop)
    }

    /// What the buffer holds.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.arena
    }

    /// Asks for all records that a transaction may touch.
    pub(super) fn want(&mut self, transaction: &Transaction<'_>) -> Result<(), Refusal> {
        for id in &ledger::access(transaction) {
            if !self.ids.contains(id) {
                self.ids.push(*id).map_err(|_| HsmError::WitnessTooLarge)?;
            }
        }
        Ok(())
    }

    /// Puts the ids in the order of their keys.
    pub(super) fn sort(&mut self) {
        let mut keyed = heapless::Vec::<(Hash, RecordId), MAX_WITNESS_KEYS>::new();
        for id in &self.ids {
            // As many as there are ids.
            let _ = keyed.push((id.key(), *id));
            // Down to its place: the sorts of the standard library can panic.
            let mut rest = keyed.as_mut_slice();
            while let [front @ .., newest] = rest
                && let Some(before) = front.last_mut()
                && before.0 > newest.0
            {
                core::mem::swap(before, newest);
                rest = front;
            }
        }
        self.ids.iter_mut().zip(&keyed).for_each(|(slot, (_, id))| *slot = *id);
    }

    /// Whether every record that was asked for is there.
    pub(super) fn are_complete(&self) -> bool {
        self.spans.len() == self.ids.len()
    }

    /// Takes the next records: each its length as two bytes little-endian, zero where there is none, and its encoding.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut rest = bytes;
        while let Some((len, tail)) = rest.split_first_chunk::<2>() {
            let len = usize::from(u16::from_le_bytes(*len));
            let (record, tail) = tail.split_at_checked(len).ok_or(codec::DecodeError::Malformed)?;
            if self.are_complete() {
                return Err(HsmError::WitnessMissing.into());
            }
            let span = self.append(record)?;
            self.spans.push(span).map_err(|_| HsmError::WitnessTooLarge)?;
            rest = tail;
        }
        if rest.is_empty() { Ok(()) } else { Err(codec::DecodeError::Malformed.into()) }
    }

    fn append(&mut self, record: &[u8]) -> Result<Span, Refusal> {
        if record.is_empty() {
            return Ok(None);
        }
        let from = self.arena.len() as u16;
        self.arena.extend_from_slice(record).map_err(|_| HsmError::WitnessTooLarge)?;
        Ok(Some((from, self.arena.len() as u16)))
    }

    /// Starts the check of a proof about exactly these records.
    pub(super) fn begin_proof(&self, witness: &mut Witness) -> Result<(), Refusal> {
        Ok(witness.restart(self.ids.iter().map(|id| (id.key(), Access::Read)))?)
    }

    /// Accepts the records if they are those that the proof shows under this root.
    pub(super) fn check(&self, witness: &Witness, root: &Hash) -> Result<(), Refusal> {
        let proven = witness.finish(root)?;
        if proven.values.len() != self.spans.len() {
            return Err(HsmError::WitnessMissing.into());
        }
        for (value, span) in proven.values.iter().zip(&self.spans) {
            let given = match span {
                Some((from, until)) => {
                    self.arena.get(usize::from(*from)..usize::from(*until)).map(value_hash)
                }
                None => None,
            };
            if given != *value {
                return Err(HsmError::WitnessRecord.into());
            }
        }
        Ok(())
    }

    /// The state that the rules read.
    pub(super) fn view(&self) -> Proven<'_, '_> {
        Proven { ids: &self.ids, spans: &self.spans, bytes: &self.arena }
    }

    /// Executes a transaction and keeps what it changes. A call of its own: the effects take a large part of a device's stack.
    #[inline(never)]
    pub(super) fn apply(&mut self, env: &Env, transaction: &Transaction<'_>) -> Result<(), Refusal> {
        let used = self.arena.len();
        // Room for what is written behind what is read.
        let _ = self.arena.resize(ARENA, 0);
        let (lent, free) = self.arena.split_at_mut_checked(used).unwrap_or_default();
        let written = {
            let view = Proven { ids: &self.ids, spans: &self.spans, bytes: lent };
            let mut effects = Effects::default();
            transition_into(env, transaction, Signers::Assumed, &view, &mut effects)
                .map_err(Refusal::from)
                .and_then(|()| write(&effects, &self.ids, used, free))
        };
        let end = match &written {
            Ok(list) => list.iter().filter_map(|(_, span)| *span).map(|(_, until)| usize::from(until)).max(),
            Err(_) => None,
        };
        self.arena.truncate(end.unwrap_or(used));
        for (index, span) in &written? {
            if let Some(slot) = self.spans.get_mut(*index) {
                *slot = *span;
            }
        }
        Ok(())
    }
}

type Written = heapless::Vec<(usize, Span), { crate::ledger::MAX_WRITES }>;

/// Encodes the writes of a transaction into `free`, which starts at `at` in the arena.
fn write(effects: &Effects<'_>, ids: &[RecordId], at: usize, free: &mut [u8]) -> Result<Written, Refusal> {
    let mut written = Written::new();
    let mut at = at;
    let mut rest = free;
    for (id, record) in &effects.writes {
        let index = ids.iter().position(|known| known == id).ok_or(ViewError::Unproven)?;
        let span = match record {
            None => None,
            Some(record) => {
                let len = codec::encode(record, rest).map_err(|_| HsmError::WitnessTooLarge)?.len();
                let (_, tail) = rest.split_at_mut_checked(len).ok_or(HsmError::WitnessTooLarge)?;
                rest = tail;
                let from = at as u16;
                at = at.saturating_add(len);
                Some((from, at as u16))
            }
        };
        written.push((index, span)).map_err(|_| HsmError::WitnessTooLarge)?;
    }
    Ok(written)
}

const _: () = assert!(ARENA >= MAX_SIGNATURE_BYTES);
const _: () = assert!(ARENA <= u16::MAX as usize && <Record<'_> as Encoded>::MAX_LEN <= ARENA);
