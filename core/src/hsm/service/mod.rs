//! The service: one request in, one response out, and all state in the flash.
//!
//! A fault may make a processor leave out one instruction, a branch for example. So every critical decision (whether a PIN is right, a role may
//! give a command, a policy allows a transaction, the guard allows a vote, a header may be trusted) is taken at least twice, from values that the compiler must take for
//! others ([`black_box`]), and once more where its result is used, by what is in the flash then.

mod chain;
mod people;
mod report;
mod slots;

use core::hint::black_box;

use zeroize::Zeroizing;

use crate::codec::{self, Encoded, Tag, Tagging};
use crate::consensus::{Following, SignerSet, Trusted};
use crate::crypto::Hash;
use crate::hsm::audit::{Audit, Entry, Head, NOBODY};
use crate::hsm::board::Board;
use crate::hsm::channel::compared;
use crate::hsm::flash::vault::Vault;
use crate::hsm::keys::AttestationKey;
use crate::hsm::proto::{self, Command, Nothing, Permission};
use crate::hsm::refusal::{HsmError, Refusal};
use crate::hsm::reply::Reply;
use crate::hsm::store::{StorageKey, Store, kind, random};
use crate::hsm::update::Installation;
use crate::hsm::users::{MAX_USERS, Role, User, UserName};
use crate::hsm::votes::Votes;
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
    /// The number of the role of the user at each place who is logged in. Zero is nobody, so that memory which a fault clears lets nobody in.
    roles: [u8; MAX_USERS as usize],
    /// The newest of them, whom the audit log names.
    newest: Option<u8>,
    storage_key: Option<StorageKey>,
}

impl Session {
    /// Bit `n`: the user at place `n` is logged in.
    fn places(&self) -> u8 {
        let bits = self.roles.iter().rev();
        bits.fold(0, |bits, role| bits.wrapping_shl(1) | u8::from(*role != 0))
    }
}

/// What takes several requests.
// Without allocation there is no box to put a long variant into.
#[allow(clippy::large_enum_variant)]
pub(super) enum Work {
    None,
    Sign,
    /// Raw data is being brought: it lies where the records of a transaction would.
    Data,
    /// A transaction, a checkpoint or data was signed: there lies the signature.
    Signed,
    Header {
        following: Following,
        signers: SignerSet,
        next: u8,
    },
    Update(Installation),
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
    /// Means something while the work is [`Work::Sign`], [`Work::Data`] or [`Work::Signed`].
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
        hsm.tell_of_return()?;
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
        self.permit(black_box(command))?;
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
        let logged_in = self.session.roles.iter().filter_map(|number| Role::from_number(*number));
        if logged_in.clone().any(|role| role != Role::Officer && roles & role_bit(role) != 0) {
            return Ok(());
        }
        let present = logged_in.filter(|role| *role == Role::Officer).count();
        if roles & role_bit(Role::Officer) == 0 || present == 0 {
            return Err(HsmError::Role.into());
        }
        let needed = device.map_or(1, |device| device.officers_needed);
        let enough = needed.min(self.store.officers(self.board.flash())?);
        if present >= usize::from(enough) { Ok(()) } else { Err(HsmError::Role.into()) }
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
            Command::Checkpoint => self.checkpoint(&codec::decode(body)?, reply),
            Command::Data => self.data(&codec::decode(body)?),
            Command::SignData => self.sign_data(&codec::decode(body)?, reply),
            Command::Random => self.give_random(&codec::decode(body)?, reply),
            Command::AuditHead => self.audit_head(&codec::decode(body)?, reply),
            Command::AuditRead => self.audit_read(&codec::decode(body)?, reply),
            Command::AuditTake => self.audit_take(codec::decode(body)?),
            Command::Attest => self.attest(&codec::decode(body)?, reply),
            Command::BackupKey => {
                nothing()?;
                self.backup_key(reply)
            }
            Command::Backup => self.backup(&codec::decode(body)?, reply),
            Command::Restore => self.restore(body),
            Command::BackupShares => self.backup_shares(&codec::decode(body)?, reply),
            Command::PassShare => self.pass_share(&codec::decode(body)?, reply),
            Command::RestoreShares => self.restore_shares(body),
            Command::RotateStorageKey => self.rotate_storage_key(&codec::decode(body)?),
            Command::BeginUpdate => self.begin_update(body),
            Command::UpdatePiece => self.update_piece(&codec::decode(body)?),
            Command::FinishUpdate => {
                nothing()?;
                self.finish_update()
            }
            Command::Wipe => {
                nothing()?;
                self.show("Operation", "Erase everything");
                self.confirm()?;
                self.note_if_room(Command::Wipe, 0, Hash::default())?;
                self.erase()
            }
            Command::BeginSign => self.begin_sign(&codec::decode(body)?),
            Command::Pending => self.pending(&codec::decode(body)?),
            Command::ApprovalPart => self.approval_part(&codec::decode(body)?),
            Command::Approve => self.approve(body),
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

    /// Shows what people compare of a hash.
    pub(super) fn show_code(&mut self, label: &'static str, of: &Hash) {
        self.show(label, compared(of));
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
}

const fn role_bit(role: Role) -> u8 {
    1u8.wrapping_shl(role as u32)
}
