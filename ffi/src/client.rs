//! The client of a device: a channel, and who may use it.
//!
//! The library makes and reads frames; the caller carries them, over a serial line (see `qnx_cobs_encode`), a socket or whatever there is.
//! Besides the codes of every function, all that ask the device may return what it refuses with, what the caller's function returned, and
//! QNX_ERR_FRAME_LENGTH and QNX_ERR_CHANNEL_MESSAGE for answers that are none. A refusal leaves the channel as it was; after these
//! others it must be opened again. No PIN outlives the call that it was passed to.

use core::ffi::{c_char, c_void};

use qenex_core::error::DEVICE_LINE;
use qenex_core::hsm::client::{Client, Transport};
use qenex_core::hsm::proto::{
    AddUser, Command, Initialise, Login, MAX_FRAME, NamedUser, Nothing, Status, Trust,
};
use qenex_core::hsm::{Refusal, Role};
use zeroize::Zeroizing;

use crate::hash::{qnx_hash_t, to_c};
use crate::memory::{ArgumentError, Fallible, Lent, Plain, plain, status, unknown_number};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Bytes of the longest frame.
pub const QNX_FRAME_MAX: usize = 4096;
/// Bytes of a static key, and of the random bytes that a channel takes.
pub const QNX_CHANNEL_KEY_SIZE: usize = 32;
/// Characters of a pairing code, with the zero byte behind it.
pub const QNX_PAIRING_CODE_SIZE: usize = 25;
/// Users of a device, at most.
pub const QNX_USERS_MAX: usize = 8;

/// Carries a frame to the device and its answer back: sends the `len` bytes of `frame`, waits for the answer, writes it to `answer`, which
/// has room for `capacity` bytes, and its length to `answer_len`. Returns zero, or what the call that needed it shall return: a status,
/// where a number that is none, above 65535 or negative, becomes QNX_ERR_DEVICE_LINE. It must not use the client.
pub type qnx_exchange_t = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        frame: *const u8,
        len: usize,
        answer: *mut u8,
        capacity: usize,
        answer_len: *mut usize,
    ) -> qnx_status_t,
>;

/// An open channel to a device. Wipe it with `qnx_client_clear`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_client_t {
    /// Only the library reads it.
    pub opaque: [u64; 1152],
}
state!(qnx_client_t, Client<Callback>, 7);

/// What a user may do.
pub type qnx_role_t = u8;
/// Policies, users, keys, backups, firmware.
pub const QNX_ROLE_OFFICER: qnx_role_t = 1;
/// Signing within the policies.
pub const QNX_ROLE_OPERATOR: qnx_role_t = 2;
/// Reading and taking the audit log.
pub const QNX_ROLE_AUDITOR: qnx_role_t = 3;

/// The newest header that a device trusts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_trust_t {
    /// Its height.
    pub height: u64,
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The chain.
    pub chain_id: qnx_id_t,
    /// Its id.
    pub header: qnx_hash_t,
    /// 1 if there is such a header, else 0, and the rest is zeros.
    pub present: u8,
}

/// What a device says of itself to everybody.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_client_status_t {
    /// Entries of the audit log.
    pub audit_count: u64,
    /// Up to which entry the audit log was taken.
    pub audit_taken: u64,
    /// The chain and height that it trusts.
    pub trusted: qnx_trust_t,
    /// Its firmware's version.
    pub version: u32,
    /// Its name; an empty text before it was initialised.
    pub name: qnx_id_t,
    /// How many officers must be logged in for what officers may do.
    pub officers_needed: u8,
    /// Bit `n`: the user at place `n` is logged in.
    pub logged_in: u8,
    /// 1 if secrets can be opened.
    pub unlocked: u8,
}
plain!(qnx_trust_t, qnx_client_status_t);

/// What the caller carries frames with.
pub(crate) struct Callback {
    exchange: unsafe extern "C" fn(
        context: *mut c_void,
        frame: *const u8,
        len: usize,
        answer: *mut u8,
        capacity: usize,
        answer_len: *mut usize,
    ) -> qnx_status_t,
    context: *mut c_void,
}

impl Transport for Callback {
    type Error = Refusal;

    fn exchange(&mut self, frame: &[u8], answer: &mut [u8; MAX_FRAME]) -> Fallible<usize> {
        let mut len = 0;
        let (room, capacity) = (answer.as_mut_ptr(), answer.len());
        // SAFETY: the caller of `qnx_client_open` promised that the function can be called with this context and such pointers.
        let status = unsafe {
            (self.exchange)(self.context, frame.as_ptr(), frame.len(), room, capacity, &raw mut len)
        };
        match u16::try_from(status) {
            Ok(0) => Ok(len),
            Ok(number) => Err(Refusal(number)),
            Err(_) => Err(Refusal(DEVICE_LINE.number)),
        }
    }
}

/// Does something with an open channel.
pub(crate) unsafe fn with(
    state: *mut qnx_client_t,
    act: impl FnOnce(&mut Lent, &mut Client<Callback>) -> Fallible<()>,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let client = unsafe { lent.state(state)? };
        act(&mut lent, client)
    })())
}

/// Gives bytes to an open channel.
pub(crate) unsafe fn push(
    state: *mut qnx_client_t,
    bytes: *const u8,
    len: usize,
    act: impl FnOnce(&mut Client<Callback>, &[u8]) -> Fallible<()>,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let bytes = unsafe { lent.values(bytes, len)? };
        act(client, bytes)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

pub(crate) fn trust_to_c(trusted: &Option<Trust>) -> qnx_trust_t {
    let mut out = qnx_trust_t::zeroed();
    if let Some(trusted) = trusted {
        out.height = trusted.height;
        out.time_ms = trusted.time_ms;
        out.chain_id = trusted.chain_id.write();
        out.header = to_c(trusted.header);
        out.present = 1;
    }
    out
}

/// Opens a channel to a device, with the host's static key, which it is paired by, and 32 random bytes that are used only here. `known` is
/// the device's key, or null if the host has not met it: then whoever is at the other end answers, until the pairing codes were compared.
/// Function and context are kept until the channel is cleared.
/// QNX_ERR_DEVICE_STRANGER: the device has another key than `known`. QNX_ERR_CHANNEL_HANDSHAKE: nobody answers who has a key.
///
/// Codes: FRAME_*, CHANNEL_*, DEVICE_STRANGER, DEVICE_LINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_open(
    state: *mut qnx_client_t,
    exchange: qnx_exchange_t,
    context: *mut c_void,
    static_key: *const u8,
    random: *const u8,
    known: *const u8,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let static_key = unsafe { lent.value(static_key.cast::<[u8; QNX_CHANNEL_KEY_SIZE]>())? };
        // SAFETY: promised by the caller.
        let random = unsafe { lent.value(random.cast::<[u8; QNX_CHANNEL_KEY_SIZE]>())? };
        let known = match known.is_null() {
            true => None,
            // SAFETY: promised by the caller.
            false => Some(unsafe { lent.value(known.cast::<[u8; QNX_CHANNEL_KEY_SIZE]>())? }),
        };
        // What is wrong with the place must be known before anything is sent.
        // SAFETY: promised by the caller.
        unsafe { lent.place(state)? };
        let transport = Callback { exchange: exchange.ok_or(ArgumentError::Null)?, context };
        let client = Client::open(transport, Zeroizing::new(*static_key), Zeroizing::new(*random), known)?;
        // SAFETY: promised by the caller.
        unsafe { Lent::new().init(state, client) }
    })())
}

/// Forgets a channel and overwrites its keys. The device ends it when the next one is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_clear(state: *mut qnx_client_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_client_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_client_size() -> usize {
    real_size::<qnx_client_t>()
}

/// Whether the device said that it knows this host when the channel was opened: 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_is_paired(state: *const qnx_client_t, paired: *mut u8) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let client = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        unsafe { lent.place(paired)? }.write(client.is_paired().into());
        Ok(())
    })())
}

/// The device's key, by which it is known again: 32 bytes to `out`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_device_key(state: *const qnx_client_t, out: *mut u8) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let client = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        unsafe { lent.place(out.cast::<[u8; QNX_CHANNEL_KEY_SIZE]>())? }.write(*client.device_key());
        Ok(())
    })())
}

/// The code that a person compares with the one on the device's panel, with a zero byte. `*len` is the room of `out` before and the length
/// with the zero byte after; QNX_PAIRING_CODE_SIZE is always enough.
///
/// Codes: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_pairing_code(
    state: *const qnx_client_t,
    out: *mut c_char,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let client = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out.cast::<u8>(), len)? };
        out.put_text(&client.pairing_code())
    })())
}

/// Asks to be paired: returns when a person has confirmed on the panel that both codes are the same, or has not. Show the code before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_pair(state: *mut qnx_client_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { with(state, |_, client| Ok(client.tell(Command::Pair)?)) }
}

/// What the device says of itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_status(
    state: *mut qnx_client_t,
    out: *mut qnx_client_status_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let said: Status = client.get(Command::Status, &Nothing {})?;
        let mut status = qnx_client_status_t::zeroed();
        status.audit_count = said.audit_count;
        status.audit_taken = said.audit_taken;
        status.trusted = trust_to_c(&said.trusted);
        status.version = said.version;
        if let Some(name) = &said.name {
            status.name = name.write();
        }
        status.officers_needed = said.officers_needed;
        status.logged_in = said.logged_in;
        status.unlocked = said.unlocked.into();
        out.write(status);
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Makes a fresh device's secrets and its first officer. `officers_needed` is how many officers must be logged in for what officers may do;
/// fewer while there are fewer. A PIN has 6 to 32 printable ASCII characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_initialise(
    state: *mut qnx_client_t,
    name: *const qnx_id_t,
    officers_needed: u8,
    officer: *const qnx_id_t,
    pin: *const u8,
    pin_len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let name = Text::read(unsafe { lent.value(name)? })?;
        // SAFETY: promised by the caller.
        let officer = Text::read(unsafe { lent.value(officer)? })?;
        // SAFETY: promised by the caller.
        let pin = unsafe { lent.values(pin, pin_len)? };
        client.ask(Command::Initialise, &Initialise { name, officers_needed, officer, pin })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Logs a user in, until the channel ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_login(
    state: *mut qnx_client_t,
    user: *const qnx_id_t,
    pin: *const u8,
    pin_len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let user = Text::read(unsafe { lent.value(user)? })?;
        // SAFETY: promised by the caller.
        let pin = unsafe { lent.values(pin, pin_len)? };
        client.ask(Command::Login, &Login { user, pin })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Logs all users out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_logout(state: *mut qnx_client_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { with(state, |_, client| Ok(client.tell(Command::Logout)?)) }
}

/// Adds a user with a first PIN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_add_user(
    state: *mut qnx_client_t,
    user: *const qnx_id_t,
    role: qnx_role_t,
    pin: *const u8,
    pin_len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let user = Text::read(unsafe { lent.value(user)? })?;
        // SAFETY: promised by the caller.
        let pin = unsafe { lent.values(pin, pin_len)? };
        let role = Role::from_number(role).ok_or(unknown_number())?;
        client.ask(Command::AddUser, &AddUser { user, role, pin })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Removes a user. QNX_ERR_USER_LAST_OFFICER: one must remain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_remove_user(
    state: *mut qnx_client_t,
    user: *const qnx_id_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let user = Text::read(unsafe { lent.value(user)? })?;
        client.ask(Command::RemoveUser, &NamedUser { user })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

const _: () = assert!(
    QNX_FRAME_MAX == MAX_FRAME
        && QNX_USERS_MAX == qenex_core::hsm::MAX_USERS as usize
        && QNX_ROLE_OFFICER == Role::Officer as u8
        && QNX_ROLE_OPERATOR == Role::Operator as u8
        && QNX_ROLE_AUDITOR == Role::Auditor as u8
);
