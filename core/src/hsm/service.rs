//! The service: one request in, one response out, and all state in the flash.

use zeroize::Zeroizing;

use super::audit::{Audit, ENTRY_BYTES, Entry, Head, NOBODY};
use super::board::Board;
use super::flash::vault::{MAX_CONTENT, Name, Vault};
use super::keys::{AttestationKey, MAX_KEYS, Slot};
use super::proto::{self, Command, Nothing, Permission};
use super::refusal::{HsmError, Refusal};
use super::reply::Reply;
use super::store::{Sealed, Secret, StorageKey, Store, device_seed, kind, random, secret};
use super::users::{Entry as PinEntry, MAX_USERS, Role, User, UserName, check_form};
use super::votes::Votes;
use crate::codec::{self, Encoded, Tag, Tagging};
use crate::consensus::{self, Following, SignerSet, Trusted};
use crate::crypto::scheme::MAX_PUBLIC_KEY_BYTES;
use crate::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, ed25519, hash};
use crate::policy::Policy;
use crate::tx::Line;
use serde::{Deserialize, Serialize};

/// The device's settings.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Device {
    name: UserName,
    officers_needed: u8,
}

impl Encoded for Device {
    const TAGGING: Tagging = Tagging::Fixed(Tag::DEVICE);
    const MAX_LEN: usize = 2 + 25 + 1;
}

/// The most hosts that a device is paired with.
const MAX_HOSTS: u8 = 4;

/// A host that a device is paired with.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Host {
    key: [u8; 32],
}

impl Encoded for Host {
    const TAGGING: Tagging = Tagging::Fixed(Tag::HOST);
    const MAX_LEN: usize = 2 + 32;
}

/// Who is logged in. All is forgotten with the channel.
#[derive(Default)]
struct Session {
    /// Bit `n`: the user at place `n`.
    users: u8,
    /// The newest of them, whom the audit log names.
    newest: Option<u8>,
    storage_key: Option<StorageKey>,
}

/// What takes several requests.
// Without allocation there is no box to put a long variant into.
#[allow(clippy::large_enum_variant)]
pub(super) enum Work {
    None,
    Sign,
    /// A transaction was signed: where its records were lies the signature.
    Signed,
    Header {
        following: Following,
        signers: SignerSet,
        next: u8,
    },
}

/// A device.
pub struct Hsm<B: Board> {
    pub(super) board: B,
    pub(super) store: Store,
    audit: Audit,
    votes: Votes,
    pub(super) trusted: Option<Trusted>,
    attestation: AttestationKey,
    session: Session,
    pub(super) work: Work,
    /// Means something while the work is [`Work::Sign`] or [`Work::Signed`].
    pub(super) sign: B::SignWork,
    /// Counts what entropy was mixed, so that no two mixtures have the same input.
    mixed: u64,
    /// When the last wrong PIN was entered.
    wrong_pin_ms: u64,
}

impl<B: Board> Hsm<B> {
    /// Starts a device: reads its flash, and finishes what a loss of power left unfinished.
    ///
    /// # Errors
    /// The flash is damaged or does not fit.
    pub fn start(mut board: B, sign: B::SignWork) -> Result<Self, Refusal> {
        let layout = board.layout();
        let store = Store(Vault::open(board.flash(), layout.vault)?);
        let taken: Head = store.get(board.flash(), kind::AUDIT, 0)?.unwrap_or_default();
        let audit = Audit::open(board.flash(), layout.audit, taken)?;
        let votes = Votes::open(board.flash(), layout.votes)?;
        let trusted = store.get(board.flash(), kind::TRUSTED, 0)?;
        let attestation = AttestationKey::of(&board)?;
        let mut hsm = Self {
            board,
            store,
            audit,
            votes,
            trusted,
            attestation,
            session: Session::default(),
            work: Work::None,
            sign,
            mixed: 0,
            wrong_pin_ms: 0,
        };
        // A wipe that the power cut off before it began: the last try of an officer was wrong.
        for index in 0..MAX_USERS {
            let user: Option<User> = hsm.store.get(hsm.board.flash(), kind::USER, index)?;
            if user.is_some_and(|user| user.role == Role::Officer)
                && hsm.store.tries(hsm.board.flash(), index)?.left == 0
            {
                hsm.erase()?;
                break;
            }
        }
        Ok(hsm)
    }

    /// The board.
    pub const fn board(&mut self) -> &mut B {
        &mut self.board
    }

    /// Ends the session: whoever comes next must log in.
    pub fn disconnect(&mut self) {
        self.session = Session::default();
        self.work = Work::None;
    }

    /// Answers one request, and returns the length of the response.
    pub fn handle(&mut self, request: &[u8], response: &mut [u8]) -> usize {
        let Some((status, body)) = response.split_first_chunk_mut::<2>() else { return 0 };
        let mut reply = Reply::new(body);
        let (refusal, len) = match self.command(request, &mut reply) {
            Ok(()) => (0, reply.len()),
            Err(Refusal(number)) => (number, 0),
        };
        *status = refusal.to_le_bytes();
        len.saturating_add(2)
    }

    fn command(&mut self, request: &[u8], reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let (number, body) = request.split_first().ok_or(HsmError::CommandUnknown)?;
        let command = Command::from_number(*number).ok_or(HsmError::CommandUnknown)?;
        self.permit(command)?;
        self.run(command, body, reply)
    }

    /// Whether those who are logged in may give a command.
    #[inline(never)] // its records must have left the stack when the command runs
    fn permit(&mut self, command: Command) -> Result<(), Refusal> {
        let device: Option<Device> = self.store.get(self.board.flash(), kind::DEVICE, 0)?;
        let roles = match (command.permission(), &device) {
            (Permission::Anyone, _) | (Permission::Fresh, None) => return Ok(()),
            (Permission::Fresh, Some(_)) => return Err(HsmError::Initialised.into()),
            (Permission::Roles(_), None) => return Err(HsmError::Fresh.into()),
            (Permission::Roles(roles), Some(_)) => roles,
        };
        let officers_needed = device.map_or(1, |device| device.officers_needed);
        let officers = self.store.officers(self.board.flash())?;
        let mut logged_in = 0u8;
        for index in 0..MAX_USERS {
            if !self.is_logged_in(index) {
                continue;
            }
            let user: Option<User> = self.store.get(self.board.flash(), kind::USER, index)?;
            match user.map(|user| user.role) {
                Some(Role::Officer) => logged_in = logged_in.saturating_add(1),
                Some(role) if roles & role_bit(role) != 0 => return Ok(()),
                _ => {}
            }
        }
        let enough = logged_in > 0 && logged_in >= officers_needed.min(officers);
        if roles & role_bit(Role::Officer) != 0 && enough { Ok(()) } else { Err(HsmError::Role.into()) }
    }

    fn is_logged_in(&self, index: u8) -> bool {
        self.session.users.wrapping_shr(u32::from(index)) & 1 == 1
    }

    #[inline(never)]
    fn run(&mut self, command: Command, body: &[u8], reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let nothing = || codec::decode::<Nothing>(body);
        match command {
            Command::Status => {
                nothing()?;
                let status = self.status()?;
                reply.value(&status)
            }
            Command::Initialise => self.initialise(&codec::decode(body)?),
            Command::Login => self.login(&codec::decode(body)?),
            Command::Logout => {
                nothing()?;
                self.disconnect();
                Ok(())
            }
            // Only a channel knows whose host it is.
            Command::Pair => Err(HsmError::ChannelClosed.into()),
            Command::Unpair => self.unpair(&codec::decode(body)?),
            Command::AddUser => self.add_user(&codec::decode(body)?),
            Command::RemoveUser => self.remove_user(&codec::decode(body)?),
            Command::SetPin => self.set_pin(&codec::decode(body)?),
            Command::ChangePin => self.change_pin(&codec::decode(body)?),
            Command::DescribeUser => {
                let info = self.describe_user(&codec::decode(body)?)?;
                reply.value(&info)
            }
            Command::CreateKey => self.create_key(&codec::decode(body)?, reply),
            Command::DescribeKey => {
                let proto::Index { index } = codec::decode(body)?;
                self.describe_key(index, reply)
            }
            Command::DeleteKey => self.delete_key(&codec::decode(body)?),
            Command::SetPolicy => self.set_policy(&codec::decode(body)?),
            Command::GetPolicy => self.get_policy(&codec::decode(body)?, reply),
            Command::Anchor => self.anchor(codec::decode(body)?),
            Command::BeginHeader => self.begin_header(&codec::decode(body)?),
            Command::Members => self.members(&codec::decode(body)?),
            Command::FinishHeader => {
                nothing()?;
                self.finish_header()
            }
            Command::Vote => self.vote(&codec::decode(body)?, reply),
            Command::AuditHead => self.audit_head(&codec::decode(body)?, reply),
            Command::AuditRead => self.audit_read(&codec::decode(body)?, reply),
            Command::AuditTake => self.audit_take(codec::decode(body)?),
            Command::Attest => self.attest(&codec::decode(body)?, reply),
            Command::BackupKey => {
                nothing()?;
                self.backup_key(reply)
            }
            Command::Backup => self.backup(&codec::decode(body)?, reply),
            Command::Restore => self.restore(&codec::decode(body)?),
            Command::RotateStorageKey => self.rotate_storage_key(&codec::decode(body)?),
            Command::Wipe => {
                nothing()?;
                self.show("Operation", "Erase everything");
                self.confirm()?;
                self.note_if_room(Command::Wipe, 0, Hash::default())?;
                self.erase()
            }
            Command::BeginSign => self.begin_sign(&codec::decode(body)?),
            Command::Pending => self.pending(&codec::decode(body)?),
            Command::Approve => self.approve(&codec::decode(body)?),
            Command::Records => self.records(&codec::decode(body)?),
            Command::Proof => self.proof(&codec::decode(body)?),
            Command::Judge => {
                nothing()?;
                self.judge(reply)
            }
            Command::Sign => {
                nothing()?;
                self.sign(reply)
            }
            Command::SignatureRest => self.signature_rest(&codec::decode(body)?, reply),
        }
    }

    // ---- what everything uses

    pub(super) fn random<const N: usize>(&mut self) -> Result<Zeroizing<[u8; N]>, Refusal> {
        random(&mut self.board, &mut self.mixed)
    }

    /// Writes an entry of the audit log. It is durable before what it is about.
    pub(super) fn note(
        &mut self,
        command: Command,
        refusal: u16,
        key: u8,
        about: Hash,
    ) -> Result<(), Refusal> {
        let entry = Entry {
            time_ms: self.trusted.map_or(0, |trusted| trusted.time_ms),
            command: command as u8,
            refusal,
            user: self.session.newest.unwrap_or(NOBODY),
            key,
            about,
        };
        self.audit.append(self.board.flash(), &entry)
    }

    pub(super) fn storage_key(&self) -> Result<&StorageKey, Refusal> {
        Ok(self.session.storage_key.as_ref().ok_or(HsmError::Locked)?)
    }

    pub(super) fn show(&mut self, label: &'static str, value: impl core::fmt::Display) {
        self.board.show(&Line::of(label, value));
    }

    pub(super) fn confirm(&mut self) -> Result<(), Refusal> {
        if self.board.confirm() { Ok(()) } else { Err(HsmError::NotConfirmed.into()) }
    }

    /// Erases all records, and with them every secret. The audit log, with the place up to which it was taken, and the votes
    /// stay: they hold no secret and must not be forgotten.
    fn erase(&mut self) -> Result<(), Refusal> {
        self.erase_but(&[kind::AUDIT])
    }

    fn erase_but(&mut self, kept: &[u8]) -> Result<(), Refusal> {
        self.store.0.wipe(self.board.flash(), kept)?;
        self.trusted = None;
        self.disconnect();
        Ok(())
    }

    // ---- the device and its users

    fn status(&mut self) -> Result<proto::Status, Refusal> {
        let device: Option<Device> = self.store.get(self.board.flash(), kind::DEVICE, 0)?;
        Ok(proto::Status {
            version: self.board.firmware().version,
            name: device.map(|device| device.name),
            officers_needed: device.map_or(0, |device| device.officers_needed),
            logged_in: self.session.users,
            unlocked: self.session.storage_key.is_some(),
            trusted: self.trust(),
            audit_count: self.audit.head().count,
            audit_taken: self.audit.taken().count,
        })
    }

    fn trust(&self) -> Option<proto::Trust> {
        self.trusted.map(|trusted| proto::Trust {
            chain_id: trusted.chain_id,
            height: trusted.height,
            time_ms: trusted.time_ms,
            header: trusted.header,
        })
    }

    fn initialise(&mut self, request: &proto::Initialise<'_>) -> Result<(), Refusal> {
        check_form(request.pin)?;
        self.note(Command::Initialise, 0, NOBODY, Hash::default())?;
        // Whatever an initialisation that was cut off has left. The host that asks is paired and stays so.
        self.erase_but(&[kind::AUDIT, kind::HOST])?;
        let storage_key = StorageKey { key: self.random()?, set: 0 };
        for which in secret::ALL {
            let root: Secret = self.random()?;
            self.put_secret(&storage_key, which, &root)?;
        }
        self.put_user(0, request.officer, Role::Officer, request.pin, &storage_key)?;
        // Last: without it the device counts as fresh.
        let device =
            Device { name: request.name, officers_needed: request.officers_needed.clamp(1, MAX_USERS) };
        self.store.put::<{ Device::MAX_LEN }, _, _>(self.board.flash(), kind::DEVICE, 0, &device)
    }

    pub(super) fn put_secret(
        &mut self,
        storage_key: &StorageKey,
        which: u8,
        root: &Secret,
    ) -> Result<(), Refusal> {
        let index = storage_key.index(which);
        let nonce = *self.random()?;
        let sealed = Sealed::new(&storage_key.key, Name { kind: kind::SECRET, index }, root, nonce)?;
        self.store.put::<{ Sealed::MAX_LEN }, _, _>(self.board.flash(), kind::SECRET, index, &sealed)
    }

    /// Seals all secrets under a new storage key, of which only the officer who asks gets a copy; others get theirs with a new
    /// PIN. What was sealed under the old key is erased.
    fn rotate_storage_key(&mut self, request: &proto::Login<'_>) -> Result<(), Refusal> {
        let (index, user, old) = self.enter(Command::RotateStorageKey, &request.user, request.pin)?;
        if user.role != Role::Officer {
            return Err(HsmError::Role.into());
        }
        let old = old.ok_or(HsmError::Locked)?;
        let new = StorageKey { key: self.random()?, set: old.set.wrapping_add(1) & 0x7f };
        self.note(Command::RotateStorageKey, 0, NOBODY, Hash::default())?;
        for which in secret::ALL {
            let root = self.store.secret(self.board.flash(), &old, old.index(which))?;
            self.put_secret(&new, which, &root)?;
        }
        // From here on the officer opens the new set; until then the old one is whole.
        self.put_user(index, user.name, user.role, request.pin, &new)?;
        for which in secret::ALL {
            let name = Name { kind: kind::SECRET, index: old.index(which) };
            self.store.0.remove(self.board.flash(), name)?;
        }
        self.store.0.compact(self.board.flash())?;
        self.session.storage_key = Some(new);
        Ok(())
    }

    fn put_user(
        &mut self,
        index: u8,
        name: UserName,
        role: Role,
        pin: &[u8],
        storage_key: &StorageKey,
    ) -> Result<(), Refusal> {
        let (salt, nonce) = (*self.random()?, *self.random()?);
        let user = User::new(self.board.unique_secret(), index, name, role, pin, salt, nonce, storage_key)?;
        self.store.put_user(self.board.flash(), index, &user)
    }

    /// Writes an entry unless the log is full: for what a full log must not prevent.
    fn note_if_room(&mut self, command: Command, refusal: u16, about: Hash) -> Result<(), Refusal> {
        match self.note(command, refusal, NOBODY, about) {
            Err(full) if full == HsmError::AuditFull.into() => Ok(()),
            result => result,
        }
    }

    /// Writes an entry about a user's own act. An auditor acts even when there is no room for it: nobody else makes room.
    fn note_of(&mut self, role: Role, command: Command, refusal: u16, about: Hash) -> Result<(), Refusal> {
        match role {
            Role::Auditor => self.note_if_room(command, refusal, about),
            Role::Officer | Role::Operator => self.note(command, refusal, NOBODY, about),
        }
    }

    fn login(&mut self, request: &proto::Login<'_>) -> Result<(), Refusal> {
        let (index, user, storage_key) = self.enter(Command::Login, &request.user, request.pin)?;
        let before = self.session.newest.replace(index);
        if let Err(refusal) = self.note_of(user.role, Command::Login, 0, Hash::default()) {
            self.session.newest = before;
            return Err(refusal);
        }
        self.session.users |= 1u8.wrapping_shl(u32::from(index));
        if storage_key.is_some() {
            self.session.storage_key = storage_key;
        }
        Ok(())
    }

    /// Checks a PIN: the place and the record of the user, and the storage key if the user has it.
    fn enter(
        &mut self,
        command: Command,
        name: &UserName,
        pin: &[u8],
    ) -> Result<(u8, User, Option<StorageKey>), Refusal> {
        let flash = self.board.flash();
        let (index, user) = self.store.user(flash, name)?.ok_or(HsmError::UserUnknown)?;
        let tries = self.store.tries(flash, index)?;
        let waited_ms = self.board.uptime_ms().saturating_sub(self.wrong_pin_ms);
        if waited_ms < tries.wait_ms() {
            return Err(HsmError::PinWait.into());
        }
        // A failure must have a place in the log before it happens.
        if user.role != Role::Auditor {
            self.audit.reserve(self.board.flash())?;
        }
        let unique_secret = Zeroizing::new(*self.board.unique_secret());
        match self.store.enter(self.board.flash(), &unique_secret, index, &user, pin)? {
            PinEntry::Right(storage_key) => Ok((index, user, storage_key)),
            wrong => {
                self.wrong_pin_ms = self.board.uptime_ms();
                let refusal = Refusal::from(HsmError::PinWrong);
                let about = hash(Domain::Pin, &[name.padded()]);
                self.note_of(user.role, command, refusal.0, about)?;
                if matches!(wrong, PinEntry::WrongAndLast) && user.role == Role::Officer {
                    self.erase()?;
                }
                Err(refusal)
            }
        }
    }

    fn add_user(&mut self, request: &proto::AddUser<'_>) -> Result<(), Refusal> {
        check_form(request.pin)?;
        let storage_key = self.storage_key()?.clone();
        let flash = self.board.flash();
        let taken = self.store.user(flash, &request.user)?.is_some();
        let free =
            (0..MAX_USERS).find(|index| !self.store.0.contains(Name { kind: kind::USER, index: *index }));
        let Some(index) = free.filter(|_| !taken) else { return Err(HsmError::UserExists.into()) };
        self.note(Command::AddUser, 0, NOBODY, hash(Domain::Pin, &[request.user.padded()]))?;
        self.put_user(index, request.user, request.role, request.pin, &storage_key)
    }

    fn remove_user(&mut self, request: &proto::NamedUser) -> Result<(), Refusal> {
        let flash = self.board.flash();
        let (index, user) = self.store.user(flash, &request.user)?.ok_or(HsmError::UserUnknown)?;
        if user.role == Role::Officer && self.store.officers(flash)? <= 1 {
            return Err(HsmError::UserLastOfficer.into());
        }
        self.note(Command::RemoveUser, 0, NOBODY, hash(Domain::Pin, &[request.user.padded()]))?;
        self.session.users &= !1u8.wrapping_shl(u32::from(index));
        Ok(self.store.0.remove(self.board.flash(), Name { kind: kind::USER, index })?)
    }

    fn set_pin(&mut self, request: &proto::SetPin<'_>) -> Result<(), Refusal> {
        check_form(request.pin)?;
        let storage_key = self.storage_key()?.clone();
        let (index, user) =
            self.store.user(self.board.flash(), &request.user)?.ok_or(HsmError::UserUnknown)?;
        self.note(Command::SetPin, 0, NOBODY, hash(Domain::Pin, &[request.user.padded()]))?;
        self.put_user(index, user.name, user.role, request.pin, &storage_key)
    }

    fn change_pin(&mut self, request: &proto::ChangePin<'_>) -> Result<(), Refusal> {
        check_form(request.new_pin)?;
        let (index, user, storage_key) = self.enter(Command::ChangePin, &request.user, request.pin)?;
        self.note_of(user.role, Command::ChangePin, 0, hash(Domain::Pin, &[request.user.padded()]))?;
        // An auditor has no storage key, and none is sealed for one.
        let none = StorageKey { key: Secret::default(), set: 0 };
        let storage_key = match user.role {
            Role::Auditor => none,
            Role::Officer | Role::Operator => storage_key.ok_or(HsmError::Locked)?,
        };
        self.put_user(index, user.name, user.role, request.new_pin, &storage_key)
    }

    fn describe_user(&mut self, request: &proto::Index) -> Result<proto::UserInfo, Refusal> {
        let user: Option<User> = self.store.get(self.board.flash(), kind::USER, request.index)?;
        Ok(proto::UserInfo {
            tries: self.store.tries(self.board.flash(), request.index)?.left,
            role: user.as_ref().map(|user| user.role),
            user: user.map(|user| user.name),
        })
    }

    // ---- hosts

    /// Whether a host with this key is paired.
    pub(super) fn is_paired(&mut self, host: &[u8; 32]) -> Result<bool, Refusal> {
        for index in 0..MAX_HOSTS {
            let known: Option<Host> = self.store.get(self.board.flash(), kind::HOST, index)?;
            if known.is_some_and(|known| known.key == *host) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pairs with a host if a person confirms that it shows the same code.
    pub(super) fn pair(&mut self, host: &[u8; 32], code: &str) -> Result<(), Refusal> {
        if self.is_paired(host)? {
            return Ok(());
        }
        let free =
            (0..MAX_HOSTS).find(|index| !self.store.0.contains(Name { kind: kind::HOST, index: *index }));
        let index = free.ok_or(HsmError::HostsFull)?;
        self.show("Operation", "Pair with this host");
        self.show("Code", code);
        self.confirm()?;
        self.note(Command::Pair, 0, NOBODY, Hash(*host))?;
        self.store.put::<{ Host::MAX_LEN }, _, _>(self.board.flash(), kind::HOST, index, &Host { key: *host })
    }

    fn unpair(&mut self, request: &proto::Index) -> Result<(), Refusal> {
        let host: Option<Host> = self.store.get(self.board.flash(), kind::HOST, request.index)?;
        let host = host.ok_or(HsmError::HostUnpaired)?;
        self.note(Command::Unpair, 0, NOBODY, Hash(host.key))?;
        Ok(self.store.0.remove(self.board.flash(), Name { kind: kind::HOST, index: request.index })?)
    }

    // ---- keys and policies

    fn create_key(&mut self, request: &proto::CreateKey, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let taken = self.store.0.contains(Name { kind: kind::KEY, index: request.slot });
        if request.slot >= MAX_KEYS || taken {
            return Err(HsmError::KeyExists.into());
        }
        // One guard watches one key for votes. Attestation and backup keys are the device's own.
        match request.purpose {
            Purpose::Transaction | Purpose::Approval => {}
            Purpose::Vote if request.scheme != Scheme::Ed25519 => return Err(HsmError::KeyScheme.into()),
            Purpose::Vote => self.no_vote_key()?,
            Purpose::Attestation | Purpose::Backup => return Err(HsmError::KeyPurpose.into()),
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

    fn describe_key(&mut self, index: u8, reply: &mut Reply<'_>) -> Result<(), Refusal> {
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

    fn delete_key(&mut self, request: &proto::Index) -> Result<(), Refusal> {
        let slot = self.store.slot(self.board.flash(), request.index)?;
        self.note(Command::DeleteKey, 0, request.index, slot.hash.0)?;
        // The key first: a policy without a key does nothing.
        for kind in [kind::KEY, kind::POLICY, kind::SIGNED] {
            self.store.0.remove(self.board.flash(), Name { kind, index: request.index })?;
        }
        Ok(())
    }

    fn set_policy(&mut self, request: &proto::SetPolicy<'_>) -> Result<(), Refusal> {
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

    fn get_policy(&mut self, request: &proto::Index, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let flash = self.board.flash();
        let read = self.store.read(flash, kind::POLICY, request.index, reply.rest())?;
        let len = read.ok_or(HsmError::KeyPolicy)?.len();
        reply.filled(len);
        Ok(())
    }

    // ---- headers and votes

    fn anchor(&mut self, request: proto::Anchor) -> Result<(), Refusal> {
        let anchor =
            consensus::Anchor { header: request.header, trusting_period_ms: request.trusting_period_ms };
        let trusted = Trusted::new(&anchor)?;
        self.show("Operation", "Anchor in chain");
        self.show("Chain", trusted.chain_id);
        self.show("Height", trusted.height);
        self.show("Header", trusted.header);
        self.confirm()?;
        self.note(Command::Anchor, 0, NOBODY, trusted.header)?;
        self.trust_in(trusted)
    }

    fn trust_in(&mut self, trusted: Trusted) -> Result<(), Refusal> {
        self.store.put::<{ Trusted::MAX_LEN }, _, _>(self.board.flash(), kind::TRUSTED, 0, &trusted)?;
        self.trusted = Some(trusted);
        Ok(())
    }

    fn begin_header(&mut self, request: &proto::BeginHeader) -> Result<(), Refusal> {
        self.work = Work::None;
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let following = trusted.follow(&request.header, &request.proposal)?;
        self.work = Work::Header { following, signers: request.signer_set(), next: 0 };
        Ok(())
    }

    fn members(&mut self, request: &proto::Members<'_>) -> Result<(), Refusal> {
        let Work::Header { following, signers, next } = &mut self.work else {
            return Err(HsmError::CommandSequence.into());
        };
        let malformed = codec::DecodeError::Malformed;
        let mut rest = request.members;
        while let Some((number, tail)) = rest.split_first() {
            let scheme = Scheme::from_number(*number)?;
            let (public_key, tail) = tail.split_at_checked(scheme.public_key_bytes()).ok_or(malformed)?;
            let (signature, tail) = if signers.contains(*next) {
                let (signature, tail) = tail.split_at_checked(scheme.signature_bytes()).ok_or(malformed)?;
                (Some(signature), tail)
            } else {
                (None, tail)
            };
            following.certificate.push(scheme, public_key, signature)?;
            *next = next.checked_add(1).ok_or(malformed)?;
            rest = tail;
        }
        Ok(())
    }

    fn finish_header(&mut self) -> Result<(), Refusal> {
        match core::mem::replace(&mut self.work, Work::None) {
            Work::Header { following, .. } => self.trust_in(following.finish()?),
            Work::None | Work::Sign | Work::Signed => Err(HsmError::CommandSequence.into()),
        }
    }

    fn vote(&mut self, request: &proto::GiveVote, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let trusted = self.trusted.ok_or(HsmError::AnchorMissing)?;
        let slot = self.store.slot(self.board.flash(), request.slot)?;
        if slot.purpose != Purpose::Vote {
            return Err(HsmError::KeyPurpose.into());
        }
        let storage_key = self.storage_key()?.clone();
        // A host that asks for a vote far ahead could otherwise block all votes before it.
        let ahead = request.vote.round().epoch.checked_sub(trusted.epoch);
        if ahead.is_none_or(|ahead| ahead > 1) {
            return Err(HsmError::KeyEpoch.into());
        }
        let marks = device_seed(&self.board, b"vote marks");
        self.votes.allow(self.board.flash(), &marks, &request.vote)?;
        let id = request.vote.id(&trusted.chain_id);
        let mut buffer = [0; ed25519::SIGNATURE_BYTES];
        let flash = self.board.flash();
        let signature = self.store.sign(flash, &storage_key, &slot, Purpose::Vote, &id, &mut buffer)?;
        reply.value(&proto::Signed { signature })
    }

    // ---- the audit log and attestation

    fn audit_head(&mut self, request: &proto::Nonce, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let head = self.audit.head();
        let signature = self.attestation.sign(&self.board, &head.id(&request.nonce))?;
        let public_key = self.attestation.public_key();
        reply.value(&proto::SignedHead { head, public_key, signature: &signature })
    }

    fn audit_read(&mut self, request: &proto::AuditFrom, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let mut room = true;
        let taken = self.audit.taken().count;
        if request.count < taken {
            return Err(HsmError::AuditHead.into());
        }
        self.audit.each(self.board.flash(), |entry: &[u8; ENTRY_BYTES], after| {
            if after.count > request.count && room {
                room = reply.bytes(entry);
            }
        })?;
        Ok(())
    }

    fn audit_take(&mut self, request: Head) -> Result<(), Refusal> {
        let place = self.audit.place(self.board.flash(), request)?;
        self.store.put::<{ Head::MAX_LEN }, _, _>(self.board.flash(), kind::AUDIT, 0, &place)?;
        self.audit.take(place);
        Ok(())
    }

    fn attest(&mut self, request: &proto::Nonce, reply: &mut Reply<'_>) -> Result<(), Refusal> {
        let device: Option<Device> = self.store.get(self.board.flash(), kind::DEVICE, 0)?;
        let firmware = self.board.firmware();
        let report = proto::Report {
            nonce: request.nonce,
            version: firmware.version,
            measurement: firmware.measurement,
            name: device.map(|device| device.name),
            audit: self.audit.head(),
            trusted: self.trust(),
        };
        let signature = self.attestation.sign(&self.board, &report.id())?;
        let public_key = self.attestation.public_key();
        reply.value(&proto::Attestation { report, public_key, signature: &signature })
    }
}

const fn role_bit(role: Role) -> u8 {
    1u8.wrapping_shl(role as u32)
}
