//! Officers, operators, auditors and hosts: who they are, how they enter, and the keys that open with their PINs.

use core::hint::black_box;

use zeroize::Zeroizing;

use super::{Device, Host, Hsm, MAX_HOSTS};
use crate::codec::Encoded;
use crate::crypto::{Domain, Hash, hash};
use crate::hsm::audit::NOBODY;
use crate::hsm::board::Board;
use crate::hsm::flash::vault::Name;
use crate::hsm::proto::{self, Command};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::store::{Sealed, Secret, StorageKey, kind, secret};
use crate::hsm::users::{Entry as PinEntry, MAX_USERS, Role, User, UserName, check_form};

/// Who entered a PIN that was right.
struct Entered {
    /// The place of the user.
    index: u8,
    user: User,
    /// The key that the PIN gives.
    key: Secret,
    /// The storage key, if the user has it.
    storage_key: Option<StorageKey>,
}

/// Looks once more whether the PIN was right: see the service.
fn sure(user: &User, key: &Secret) -> Result<(), HsmError> {
    if black_box(user).knows(black_box(key)) { Ok(()) } else { Err(HsmError::PinWrong) }
}

impl<B: Board> Hsm<B> {
    pub(super) fn initialise(&mut self, request: &proto::Initialise<'_>) -> Result<(), Refusal> {
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

    pub(in crate::hsm) fn put_secret(
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
    pub(super) fn rotate_storage_key(&mut self, request: &proto::Login<'_>) -> Result<(), Refusal> {
        let Entered { index, user, key, storage_key: old } =
            self.enter(Command::RotateStorageKey, &request.user, request.pin)?;
        sure(&user, &key)?;
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
    pub(super) fn note_if_room(
        &mut self,
        command: Command,
        refusal: u16,
        about: Hash,
    ) -> Result<(), Refusal> {
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

    pub(super) fn login(&mut self, request: &proto::Login<'_>) -> Result<(), Refusal> {
        let Entered { index, user, key, storage_key } =
            self.enter(Command::Login, &request.user, request.pin)?;
        let before = self.session.newest.replace(index);
        let noted = self.note_of(user.role, Command::Login, 0, Hash::default());
        if let Err(refusal) = noted.and_then(|()| self.confirm_image()) {
            self.session.newest = before;
            return Err(refusal);
        }
        sure(&user, &key)?;
        if let Some(role) = self.session.roles.get_mut(usize::from(index)) {
            *role = user.role as u8;
        }
        if storage_key.is_some() {
            self.session.storage_key = storage_key;
        }
        Ok(())
    }

    /// Checks a PIN. Whoever lets somebody do something because it was right asks [`sure`] as well.
    fn enter(&mut self, command: Command, name: &UserName, pin: &[u8]) -> Result<Entered, Refusal> {
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
            PinEntry::Right(key, storage_key) => Ok(Entered { index, user, key, storage_key }),
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

    pub(super) fn add_user(&mut self, request: &proto::AddUser<'_>) -> Result<(), Refusal> {
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

    pub(super) fn remove_user(&mut self, request: &proto::NamedUser) -> Result<(), Refusal> {
        let flash = self.board.flash();
        let (index, user) = self.store.user(flash, &request.user)?.ok_or(HsmError::UserUnknown)?;
        if user.role == Role::Officer && self.store.officers(flash)? <= 1 {
            return Err(HsmError::UserLastOfficer.into());
        }
        self.note(Command::RemoveUser, 0, NOBODY, hash(Domain::Pin, &[request.user.padded()]))?;
        if let Some(role) = self.session.roles.get_mut(usize::from(index)) {
            *role = 0;
        }
        Ok(self.store.0.remove(self.board.flash(), Name { kind: kind::USER, index })?)
    }

    pub(super) fn set_pin(&mut self, request: &proto::SetPin<'_>) -> Result<(), Refusal> {
        check_form(request.pin)?;
        let storage_key = self.storage_key()?.clone();
        let (index, user) =
            self.store.user(self.board.flash(), &request.user)?.ok_or(HsmError::UserUnknown)?;
        self.note(Command::SetPin, 0, NOBODY, hash(Domain::Pin, &[request.user.padded()]))?;
        self.put_user(index, user.name, user.role, request.pin, &storage_key)
    }

    pub(super) fn change_pin(&mut self, request: &proto::ChangePin<'_>) -> Result<(), Refusal> {
        check_form(request.new_pin)?;
        let Entered { index, user, key, storage_key } =
            self.enter(Command::ChangePin, &request.user, request.pin)?;
        sure(&user, &key)?;
        self.note_of(user.role, Command::ChangePin, 0, hash(Domain::Pin, &[request.user.padded()]))?;
        // An auditor has no storage key, and none is sealed for one.
        let none = StorageKey { key: Secret::default(), set: 0 };
        let storage_key = match user.role {
            Role::Auditor => none,
            Role::Officer | Role::Operator => storage_key.ok_or(HsmError::Locked)?,
        };
        self.put_user(index, user.name, user.role, request.new_pin, &storage_key)
    }

    pub(super) fn describe_user(&mut self, request: &proto::Index) -> Result<proto::UserInfo, Refusal> {
        let user: Option<User> = self.store.get(self.board.flash(), kind::USER, request.index)?;
        Ok(proto::UserInfo {
            tries: self.store.tries(self.board.flash(), request.index)?.left,
            role: user.as_ref().map(|user| user.role),
            user: user.map(|user| user.name),
        })
    }

    // ---- hosts

    /// Whether a host with this key is paired.
    pub(in crate::hsm) fn is_paired(&mut self, host: &[u8; 32]) -> Result<bool, Refusal> {
        for index in 0..MAX_HOSTS {
            let known: Option<Host> = self.store.get(self.board.flash(), kind::HOST, index)?;
            if known.is_some_and(|known| known.key == *host) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pairs with a host if a person confirms that it shows the same code.
    pub(in crate::hsm) fn pair(&mut self, host: &[u8; 32], code: &str) -> Result<(), Refusal> {
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

    pub(super) fn unpair(&mut self, request: &proto::Index) -> Result<(), Refusal> {
        let host: Option<Host> = self.store.get(self.board.flash(), kind::HOST, request.index)?;
        let host = host.ok_or(HsmError::HostUnpaired)?;
        self.note(Command::Unpair, 0, NOBODY, Hash(host.key))?;
        Ok(self.store.0.remove(self.board.flash(), Name { kind: kind::HOST, index: request.index })?)
    }
}
