//! Slots and sessions.
//!
//! A slot is a device of the configuration; its number is its place there. The channel to it is open while a session is: a device serves one host
//! at a time. Its token is present where its socket or its line is. When the channel breaks, the slot's sessions are closed.

use std::collections::{BTreeMap, VecDeque};

use cryptoki_sys::*;
use qenex_core::crypto::Purpose;
use qenex_core::error::ID_SYNTAX;
use qenex_core::hsm::{Refusal, UserName};

use crate::config::Device;
use crate::mechanism;
use crate::object::{self, Half, Key, Value};
use crate::operation::Operation;
use crate::rv::Rv;
use crate::template::Template;
use crate::token::{Token, Users};

/// A device of the configuration, and the channel to it while there are sessions.
struct Slot {
    device: Device,
    token: Option<Token>,
}

/// A session.
struct Session {
    slot: usize,
    may_write: bool,
    /// Objects that were found and not yet told.
    found: Option<VecDeque<CK_OBJECT_HANDLE>>,
    signing: Option<Operation>,
    verifying: Option<Operation>,
}

/// What an operation of a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A signature is made.
    Sign,
    /// A signature is checked.
    Verify,
}

/// All of it.
pub struct Module {
    slots: Vec<Slot>,
    sessions: BTreeMap<CK_SESSION_HANDLE, Session>,
    /// Handles are never used again.
    last: CK_SESSION_HANDLE,
}

impl Module {
    /// A module over these devices.
    pub fn new(devices: Vec<Device>) -> Self {
        let slots = devices.into_iter().map(|device| Slot { device, token: None }).collect();
        Self { slots, sessions: BTreeMap::new(), last: 0 }
    }

    /// Ends all channels.
    pub fn close(self) {
        self.slots.into_iter().filter_map(|slot| slot.token).for_each(Token::close);
    }

    // ---- slots

    /// The slots, or those with a token.
    pub fn slots(&self, with_token: bool) -> Vec<CK_SLOT_ID> {
        let slots = self.slots.iter().zip(0..);
        slots.filter(|(slot, _)| !with_token || slot.device.at.exists()).map(|(_, id)| id).collect()
    }

    fn slot(&mut self, id: CK_SLOT_ID) -> Result<&mut Slot, Rv> {
        usize::try_from(id).ok().and_then(|id| self.slots.get_mut(id)).ok_or(Rv(CKR_SLOT_ID_INVALID))
    }

    /// The device of a slot.
    ///
    /// # Errors
    /// There is no such slot.
    pub fn device(&mut self, id: CK_SLOT_ID) -> Result<&Device, Rv> {
        self.slot(id).map(|slot| &slot.device)
    }

    /// Asks the device of a slot, over the channel of its sessions or over one of its own.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn with_device<R>(
        &mut self,
        id: CK_SLOT_ID,
        ask: impl FnOnce(&mut Token) -> Result<R, Rv>,
    ) -> Result<R, Rv> {
        let slot = self.slot(id)?;
        if !slot.device.at.exists() {
            return Err(Rv(CKR_TOKEN_NOT_PRESENT));
        }
        match &mut slot.token {
            Some(token) => ask(token),
            None => {
                let mut token = Token::open(&slot.device)?;
                let result = ask(&mut token);
                token.close();
                result
            }
        }
    }

    /// How many sessions a slot has, and how many of them may write.
    pub fn count_sessions(&self, id: CK_SLOT_ID) -> (CK_ULONG, CK_ULONG) {
        let of_slot = || self.sessions.values().filter(|session| session.slot as CK_SLOT_ID == id);
        let writing = of_slot().filter(|session| session.may_write).count();
        (of_slot().count() as CK_ULONG, writing as CK_ULONG)
    }

    // ---- sessions

    /// Opens a session, and with the first one of a slot its channel.
    ///
    /// # Errors
    /// The device cannot be reached, or does not know this host.
    pub fn open_session(&mut self, id: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE, Rv> {
        let may_write = flags & CKF_RW_SESSION != 0;
        let slot = self.slot(id)?;
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv(CKR_SESSION_PARALLEL_NOT_SUPPORTED));
        }
        match &slot.token {
            None if !slot.device.at.exists() => return Err(Rv(CKR_TOKEN_NOT_PRESENT)),
            None => slot.token = Some(Token::open_paired(&slot.device)?),
            Some(token) if token.login() == Some(CKU_SO) && !may_write => {
                return Err(Rv(CKR_SESSION_READ_WRITE_SO_EXISTS));
            }
            Some(_) => {}
        }
        self.last = self.last.wrapping_add(1);
        let slot = usize::try_from(id).map_err(|_| Rv(CKR_SLOT_ID_INVALID))?;
        let session = Session { slot, may_write, found: None, signing: None, verifying: None };
        self.sessions.insert(self.last, session);
        Ok(self.last)
    }

    /// Closes a session, and with the last one of a slot its channel.
    ///
    /// # Errors
    /// There is no such session.
    pub fn close_session(&mut self, handle: CK_SESSION_HANDLE) -> Result<(), Rv> {
        let closed = self.sessions.remove(&handle).ok_or(Rv(CKR_SESSION_HANDLE_INVALID))?;
        if self.sessions.values().all(|session| session.slot != closed.slot) {
            self.hang_up(closed.slot);
        }
        Ok(())
    }

    /// Closes all sessions of a slot.
    ///
    /// # Errors
    /// There is no such slot.
    pub fn close_all(&mut self, id: CK_SLOT_ID) -> Result<(), Rv> {
        self.slot(id)?;
        self.hang_up(id as usize);
        Ok(())
    }

    /// Ends the channel of a slot and the sessions that need it.
    fn hang_up(&mut self, slot: usize) {
        self.sessions.retain(|_, session| session.slot != slot);
        if let Some(token) = self.slots.get_mut(slot).and_then(|slot| slot.token.take()) {
            token.close();
        }
    }

    /// A session and its token.
    fn session(&mut self, handle: CK_SESSION_HANDLE) -> Result<(&mut Session, &mut Slot), Rv> {
        let invalid = Rv(CKR_SESSION_HANDLE_INVALID);
        let session = self.sessions.get_mut(&handle).ok_or(invalid)?;
        let slot = self.slots.get_mut(session.slot).ok_or(invalid)?;
        Ok((session, slot))
    }

    /// Lets a session use its token. A channel that breaks meanwhile ends all sessions that need it.
    fn with_token<R>(
        &mut self,
        handle: CK_SESSION_HANDLE,
        act: impl FnOnce(&mut Session, &mut Token) -> Result<R, Rv>,
    ) -> Result<R, Rv> {
        let (session, slot) = self.session(handle)?;
        let token = slot.token.as_mut().ok_or(Rv(CKR_DEVICE_REMOVED))?;
        let result = act(session, token);
        if token.is_broken() {
            let slot = session.slot;
            self.hang_up(slot);
        }
        result
    }

    /// Slot, state and flags of a session.
    ///
    /// # Errors
    /// There is no such session.
    pub fn session_info(&mut self, handle: CK_SESSION_HANDLE) -> Result<CK_SESSION_INFO, Rv> {
        self.with_token(handle, |session, token| {
            let state = match (token.login(), session.may_write) {
                (None, false) => CKS_RO_PUBLIC_SESSION,
                (None, true) => CKS_RW_PUBLIC_SESSION,
                (Some(CKU_SO), _) => CKS_RW_SO_FUNCTIONS,
                (Some(_), false) => CKS_RO_USER_FUNCTIONS,
                (Some(_), true) => CKS_RW_USER_FUNCTIONS,
            };
            let writing = if session.may_write { CKF_RW_SESSION } else { 0 };
            let slot_id = session.slot as CK_SLOT_ID;
            Ok(CK_SESSION_INFO {
                slotID: slot_id,
                state,
                flags: CKF_SERIAL_SESSION | writing,
                ulDeviceError: 0,
            })
        })
    }

    /// Logs in: the users of the configuration, or the one that is named.
    ///
    /// # Errors
    /// Somebody is logged in, or the device refused.
    pub fn log_in(
        &mut self,
        handle: CK_SESSION_HANDLE,
        kind: CK_USER_TYPE,
        pin: &[u8],
        named: Option<&[u8]>,
    ) -> Result<(), Rv> {
        let (session, slot) = self.session(handle)?;
        let names = match kind {
            CKU_USER => slot.device.users.clone(),
            CKU_SO => slot.device.officers.clone(),
            // No key asks for a login of its own.
            CKU_CONTEXT_SPECIFIC => return Err(Rv(CKR_OPERATION_NOT_INITIALIZED)),
            _ => return Err(Rv(CKR_USER_TYPE_INVALID)),
        };
        let slot = session.slot;
        let reads_only = self.sessions.values().any(|session| session.slot == slot && !session.may_write);
        self.with_token(handle, |_, token| {
            match token.login() {
                Some(already) if already == kind => return Err(Rv(CKR_USER_ALREADY_LOGGED_IN)),
                Some(_) => return Err(Rv(CKR_USER_ANOTHER_ALREADY_LOGGED_IN)),
                None if kind == CKU_SO && reads_only => return Err(Rv(CKR_SESSION_READ_ONLY_EXISTS)),
                None => {}
            }
            let users = match named {
                Some(name) => vec![(user(name)?, pin)],
                None => users(&names, pin)?,
            };
            token.log_in(kind, &users)
        })
    }

    /// Logs everybody out of the device of a session.
    ///
    /// # Errors
    /// Nobody is logged in.
    pub fn log_out(&mut self, handle: CK_SESSION_HANDLE) -> Result<(), Rv> {
        let slot = self.with_token(handle, |session, token| {
            token.login().ok_or(Rv(CKR_USER_NOT_LOGGED_IN))?;
            token.log_out().map(|()| session.slot)
        })?;
        // The objects are gone, and what was begun with them.
        for session in self.sessions.values_mut().filter(|session| session.slot == slot) {
            (session.found, session.signing, session.verifying) = (None, None, None);
        }
        Ok(())
    }

    // ---- objects

    /// Looks for objects.
    ///
    /// # Errors
    /// A search is under way.
    pub fn find(&mut self, handle: CK_SESSION_HANDLE, template: &Template<'_>) -> Result<(), Rv> {
        self.with_token(handle, |session, token| {
            if session.found.is_some() {
                return Err(Rv(CKR_OPERATION_ACTIVE));
            }
            let found =
                object::objects(token.keys()?).filter(|(key, half)| object::matches(key, *half, template));
            session.found = Some(found.map(|(key, half)| object::handle(key, half)).collect());
            Ok(())
        })
    }

    /// The next objects that were found, at most so many.
    ///
    /// # Errors
    /// No search is under way.
    pub fn found(&mut self, handle: CK_SESSION_HANDLE, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>, Rv> {
        let found = self.session(handle)?.0.found.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        Ok(found.drain(..most.min(found.len())).collect())
    }

    /// Ends a search.
    ///
    /// # Errors
    /// No search is under way.
    pub fn end_find(&mut self, handle: CK_SESSION_HANDLE) -> Result<(), Rv> {
        self.session(handle)?.0.found.take().map(drop).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    /// What an object says of these attributes.
    ///
    /// # Errors
    /// There is no such object.
    pub fn attributes(
        &mut self,
        handle: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        kinds: impl Iterator<Item = CK_ATTRIBUTE_TYPE>,
    ) -> Result<Vec<Value>, Rv> {
        self.with_token(handle, |_, token| {
            let (key, half) = object::find(token.keys()?, object).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
            Ok(kinds.map(|kind| object::attribute(key, half, kind)).collect())
        })
    }

    /// Makes a key of plain use: the handles of its public and its private object.
    ///
    /// # Errors
    /// The templates ask for what there is not, or nobody who is logged in may make keys.
    pub fn generate(
        &mut self,
        handle: CK_SESSION_HANDLE,
        kind: CK_MECHANISM_TYPE,
        public: &Template<'_>,
        private: &Template<'_>,
    ) -> Result<[CK_OBJECT_HANDLE; 2], Rv> {
        let scheme = mechanism::generated(kind).ok_or(Rv(CKR_MECHANISM_INVALID))?;
        for (template, class) in [(public, CKO_PUBLIC_KEY), (private, CKO_PRIVATE_KEY)] {
            let inconsistent = |expected: CK_ULONG, found: Option<CK_ULONG>| match found {
                Some(found) if found != expected => Err(Rv(CKR_TEMPLATE_INCONSISTENT)),
                _ => Ok(()),
            };
            inconsistent(class, template.number(CKA_CLASS)?)?;
            inconsistent(object::key_type(scheme), template.number(CKA_KEY_TYPE)?)?;
            // There are no keys of a session alone, and none that leave the device.
            template.must_be(CKA_TOKEN, true)?;
            template.must_be(CKA_SENSITIVE, true)?;
            template.must_be(CKA_EXTRACTABLE, false)?;
            match template.number(CKA_PARAMETER_SET)? {
                Some(set) if set != CKP_ML_DSA_87 => return Err(Rv(CKR_PARAMETER_SET_NOT_SUPPORTED)),
                _ => {}
            }
            match template.get(CKA_EC_PARAMS) {
                Some(curve) if !object::curves(scheme).contains(&curve) => {
                    return Err(Rv(CKR_CURVE_NOT_SUPPORTED));
                }
                _ => {}
            }
        }
        let given = |kind| private.get(kind).or(public.get(kind)).filter(|value| !value.is_empty());
        let invalid = Rv(CKR_ATTRIBUTE_VALUE_INVALID);
        let label = given(CKA_LABEL).map_or(UserName::new("PLAIN").map_err(|_| invalid), |label| {
            std::str::from_utf8(label).ok().and_then(|label| UserName::new(label).ok()).ok_or(invalid)
        })?;
        let slot = match given(CKA_ID) {
            None => None,
            Some([slot]) => Some(*slot),
            Some(_) => return Err(invalid),
        };
        self.with_token(handle, |session, token| {
            writing(session, token)?;
            let key = token.generate(scheme, label, slot)?;
            Ok([Half::Public, Half::Private].map(|half| object::handle(&key, half)))
        })
    }

    /// Deletes a key of plain use, whose private object this is. Other keys have other ways to go.
    ///
    /// # Errors
    /// It is another object, or nobody who is logged in may delete keys.
    pub fn destroy(&mut self, handle: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Result<(), Rv> {
        self.with_token(handle, |session, token| {
            let (key, half) = object::find(token.keys()?, object).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
            let (slot, purpose) = (key.slot, key.purpose);
            writing(session, token)?;
            if half == Half::Public || purpose != Purpose::Plain {
                return Err(Rv(CKR_ACTION_PROHIBITED));
            }
            token.delete(slot)
        })
    }

    // ---- signing and verifying

    fn operation(&mut self, handle: CK_SESSION_HANDLE, action: Action) -> Result<&mut Option<Operation>, Rv> {
        let session = self.session(handle)?.0;
        Ok(match action {
            Action::Sign => &mut session.signing,
            Action::Verify => &mut session.verifying,
        })
    }

    /// Begins an operation with a key.
    ///
    /// # Errors
    /// One is under way, or the key does not do this.
    pub fn begin(
        &mut self,
        handle: CK_SESSION_HANDLE,
        action: Action,
        mechanism: CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), Rv> {
        if self.operation(handle, action)?.is_some() {
            return Err(Rv(CKR_OPERATION_ACTIVE));
        }
        let begun = self.with_token(handle, |_, token| {
            if action == Action::Sign && token.login().is_none() {
                return Err(Rv(CKR_USER_NOT_LOGGED_IN));
            }
            let (key, half) = object::find(token.keys()?, key).ok_or(Rv(CKR_KEY_HANDLE_INVALID))?;
            begin(key, half, action, mechanism)
        })?;
        *self.operation(handle, action)? = Some(begun);
        Ok(())
    }

    /// Ends an operation without a result.
    ///
    /// # Errors
    /// There is no such session.
    pub fn cancel(&mut self, handle: CK_SESSION_HANDLE, action: Action) -> Result<(), Rv> {
        *self.operation(handle, action)? = None;
        Ok(())
    }

    /// The length of the signature that an operation will make.
    ///
    /// # Errors
    /// None is under way.
    pub fn signature_len(&mut self, handle: CK_SESSION_HANDLE) -> Result<usize, Rv> {
        let signing = self.operation(handle, Action::Sign)?.as_ref();
        signing.map(|signing| signing.key.scheme.signature_bytes()).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    /// Takes a part of the data. What is wrong with it ends the operation.
    ///
    /// # Errors
    /// No operation is under way, or there is too much data.
    pub fn update(&mut self, handle: CK_SESSION_HANDLE, action: Action, data: &[u8]) -> Result<(), Rv> {
        let place = self.operation(handle, action)?;
        let operation = place.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        operation.in_parts = true;
        operation.update(data).inspect_err(|_| *place = None)
    }

    /// Ends an operation, with all of its data in one part or with what came in parts.
    fn end(
        &mut self,
        handle: CK_SESSION_HANDLE,
        action: Action,
        data: Option<&[u8]>,
    ) -> Result<Operation, Rv> {
        let mut operation =
            self.operation(handle, action)?.take().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        if let Some(data) = data {
            // What came in parts ends with its last part.
            if operation.in_parts {
                return Err(Rv(CKR_OPERATION_NOT_INITIALIZED));
            }
            operation.update(data)?;
        }
        Ok(operation)
    }

    /// The signature, which ends the operation.
    ///
    /// # Errors
    /// The device refused.
    pub fn sign(&mut self, handle: CK_SESSION_HANDLE, data: Option<&[u8]>) -> Result<Vec<u8>, Rv> {
        let operation = self.end(handle, Action::Sign, data)?;
        self.with_token(handle, |_, token| token.sign(operation))
    }

    /// Whether a signature is right, which ends the operation.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(
        &mut self,
        handle: CK_SESSION_HANDLE,
        data: Option<&[u8]>,
        signature: &[u8],
    ) -> Result<(), Rv> {
        self.end(handle, Action::Verify, data)?.check(signature)
    }

    /// Fills bytes from the device's source of entropy.
    ///
    /// # Errors
    /// There is no such session.
    pub fn random(&mut self, handle: CK_SESSION_HANDLE, bytes: &mut [u8]) -> Result<(), Rv> {
        self.with_token(handle, |_, token| token.random(bytes))
    }
}

/// Begins an operation if the key's half does it by this mechanism.
fn begin(key: &Key, half: Half, action: Action, mechanism: CK_MECHANISM_TYPE) -> Result<Operation, Rv> {
    let of_scheme = mechanism::raw(key.scheme).contains(&mechanism);
    let of_key = mechanism::allowed(key.scheme, key.purpose).contains(&mechanism);
    match (action, half) {
        (Action::Sign, Half::Private) if of_key => Ok(Operation::sign(key, mechanism)),
        (Action::Verify, Half::Public) if of_scheme => Ok(Operation::verify(key, mechanism)),
        (Action::Sign, Half::Private) | (Action::Verify, Half::Public)
            if of_scheme || mechanism == mechanism::CKM_QENEX_TRANSACTION =>
        {
            Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED))
        }
        (Action::Sign, Half::Private) | (Action::Verify, Half::Public) => Err(Rv(CKR_KEY_TYPE_INCONSISTENT)),
        (Action::Sign, Half::Public) | (Action::Verify, Half::Private) => {
            Err(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED))
        }
    }
}

/// Whether a session may make and delete keys. As whom, the device asks.
fn writing(session: &Session, token: &Token) -> Result<(), Rv> {
    match (token.login(), session.may_write) {
        (None, _) => Err(Rv(CKR_USER_NOT_LOGGED_IN)),
        (Some(_), false) => Err(Rv(CKR_SESSION_READ_ONLY)),
        (Some(_), true) => Ok(()),
    }
}

fn user(name: &[u8]) -> Result<UserName, Rv> {
    let name = std::str::from_utf8(name).ok().and_then(|name| UserName::new(name).ok());
    name.ok_or(Rv::from(Refusal(ID_SYNTAX.number)))
}

/// Who logs in with the lines of a PIN: these, or where there are none those whom the lines name.
fn users<'a>(names: &[String], pin: &'a [u8]) -> Result<Users<'a>, Rv> {
    let lines: Vec<&[u8]> = pin.split(|byte| *byte == b'\n').collect();
    if names.is_empty() {
        return lines.into_iter().map(named).collect();
    }
    if names.len() != lines.len() {
        return Err(Rv(CKR_PIN_INVALID));
    }
    names.iter().zip(lines).map(|(name, pin)| Ok((user(name.as_bytes())?, pin))).collect()
}

/// A line `NAME:PIN`.
fn named(line: &[u8]) -> Result<(UserName, &[u8]), Rv> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Rv(CKR_PIN_INVALID))?;
    let (name, pin) = line.split_at(colon);
    Ok((user(name)?, pin.get(1..).unwrap_or_default()))
}
