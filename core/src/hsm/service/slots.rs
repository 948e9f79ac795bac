//! Keys and their policies.

use super::Hsm;
use crate::codec::Encoded;
use crate::crypto::scheme::MAX_PUBLIC_KEY_BYTES;
use crate::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, hash};
use crate::hsm::board::Board;
use crate::hsm::flash::vault::{MAX_CONTENT, Name};
use crate::hsm::keys::{MAX_KEYS, Slot};
use crate::hsm::proto::{self, Command};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::reply::Reply;
use crate::hsm::store::kind;
use crate::policy::Policy;

impl<B: Board> Hsm<B> {
    pub(super) fn create_key(
        &mut self,
        request: &proto::CreateKey,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let taken = self.store.0.contains(Name { kind: kind::KEY, index: request.slot });
        if request.slot >= MAX_KEYS || taken {
            return Err(HsmError::KeyExists.into());
        }
        // One guard watches one key for votes. Attestation and backup keys are the device's own, images are signed by their vendor.
        match request.purpose {
            Purpose::Transaction | Purpose::Approval => {}
            Purpose::Vote if request.scheme != Scheme::Ed25519 => return Err(HsmError::KeyScheme.into()),
            Purpose::Vote => self.no_vote_key()?,
            Purpose::Checkpoint if request.scheme != Scheme::Hybrid => return Err(HsmError::KeyScheme.into()),
            Purpose::Checkpoint => {}
            // Each half of a hybrid's signature of raw data would count alone.
            Purpose::Plain if request.scheme == Scheme::Hybrid => return Err(HsmError::KeyScheme.into()),
            Purpose::Plain => {}
            Purpose::Attestation | Purpose::Backup | Purpose::Firmware => {
                return Err(HsmError::KeyPurpose.into());
            }
        }
        let mut slot = Slot {
            label: request.label,
            scheme: request.scheme,
            purpose: request.purpose,
            path: request.path,
            hash: KeyHash(Hash::default()),
            public_key: None,
        };
        let storage_key = self.storage_key()?.clone();
        let key = self.store.secret_key(self.board.flash(), &storage_key, &slot)?;
        slot.hash = key.key_hash(slot.purpose)?;
        slot.public_key = key.short_public_key();
        self.note(Command::CreateKey, 0, request.slot, slot.hash.0)?;
        self.store.put::<{ Slot::MAX_LEN }, _, _>(self.board.flash(), kind::KEY, request.slot, &slot)?;
        self.describe_key(request.slot, reply)
    }

    fn no_vote_key(&mut self) -> Result<(), Refusal> {
        for index in 0..MAX_KEYS {
            let slot: Option<Slot> = self.store.get(self.board.flash(), kind::KEY, index)?;
            if slot.is_some_and(|slot| slot.purpose == Purpose::Vote) {
                return Err(HsmError::KeyExists.into());
            }
        }
        Ok(())
    }

    pub(super) fn describe_key(&mut self, index: u8, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let slot = self.store.slot(self.board.flash(), index)?;
        let policy = self.policy_hash(index)?;
        // The public key needs the secret one; it is shown where that can be opened.
        let mut buffer = [0; MAX_PUBLIC_KEY_BYTES];
        let public_key = match &self.session.storage_key {
            Some(storage_key) => {
                let key = self.store.secret_key(self.board.flash(), storage_key, &slot)?;
                key.public_key(&mut buffer)?
            }
            None => &[],
        };
        reply.value(&proto::KeyInfo {
            label: slot.label,
            scheme: slot.scheme,
            purpose: slot.purpose,
            path: slot.path,
            hash: slot.hash,
            policy,
            public_key,
        })
    }

    // A call of its own: the policy must have left the stack before a public key is made.
    #[inline(never)]
    fn policy_hash(&mut self, index: u8) -> Result<Option<Hash>, Refusal> {
        let mut buffer = [0; MAX_CONTENT];
        let policy = self.store.read(self.board.flash(), kind::POLICY, index, &mut buffer)?;
        Ok(policy.map(|policy| hash(Domain::Policy, &[policy])))
    }

    pub(super) fn delete_key(&mut self, request: &proto::Index) -> Result<(), Refusal> {
        let slot = self.store.slot(self.board.flash(), request.index)?;
        self.note(Command::DeleteKey, 0, request.index, slot.hash.0)?;
        // The key first: a policy without a key does nothing.
        for kind in [kind::KEY, kind::POLICY, kind::SIGNED] {
            self.store.0.remove(self.board.flash(), Name { kind, index: request.index })?;
        }
        Ok(())
    }

    pub(super) fn set_policy(&mut self, request: &proto::SetPolicy<'_>) -> Result<(), Refusal> {
        let slot = self.store.slot(self.board.flash(), request.slot)?;
        if slot.purpose != Purpose::Transaction {
            return Err(HsmError::KeyPurpose.into());
        }
        let policy = Policy::decode(request.policy)?;
        let about = hash(Domain::Policy, &[request.policy]);
        self.show("Operation", "Set policy");
        self.show("Key", slot.label);
        self.show("Account", policy.account);
        self.confirm()?;
        self.note(Command::SetPolicy, 0, request.slot, about)?;
        let name = Name { kind: kind::POLICY, index: request.slot };
        Ok(self.store.0.put(self.board.flash(), name, request.policy)?)
    }

    pub(super) fn get_policy(
        &mut self,
        request: &proto::Index,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refusal> {
        let flash = self.board.flash();
        let read = self.store.read(flash, kind::POLICY, request.index, reply.rest())?;
        let len = read.ok_or(HsmError::KeyPolicy)?.len();
        reply.filled(len);
        Ok(())
    }
}
