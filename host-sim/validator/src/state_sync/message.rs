//! What nodes say to each other about states.
//!
//! | message | bytes |
//! |---|---|
//! | what is there? | 0 |
//! | the newest state that is offered | 1, the epoch (u64; zero for none) |
//! | a checkpoint is asked for | 2, the epoch |
//! | a checkpoint | 3, the epoch, its bytes ([`crate::checkpoint`]) |
//! | a section is asked for | 4, the epoch, the section (u32; see [`crate::snapshots`]) |
//! | a section | 5, the epoch, the section, its bytes |
//! | it is not there | 6, the epoch, the section; for a checkpoint the greatest number |
//!
//! Numbers are little-endian.

/// A section of the list, and of the block; parts follow.
pub const LIST: u32 = 0;
pub const BLOCK: u32 = 1;
pub const PARTS: u32 = 2;

/// The section that stands for a checkpoint.
pub const CHECKPOINT: u32 = u32::MAX;

/// What a message asks for or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub epoch: u64,
    pub section: u32,
}

impl Wanted {
    pub const fn checkpoint(epoch: u64) -> Self {
        Self { epoch, section: CHECKPOINT }
    }

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (section, rest) = rest.split_first_chunk()?;
        let wanted = Self { epoch: u64::from_le_bytes(*epoch), section: u32::from_le_bytes(*section) };
        Some((wanted, rest))
    }
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Ask,
    Offer { epoch: u64 },
    Want(Wanted),
    Have(Wanted, Vec<u8>),
    Nothing(Wanted),
}

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let (kind, wanted) = match self {
            Self::Ask => return vec![0],
            Self::Offer { epoch } => return [&[1][..], &epoch.to_le_bytes()].concat(),
            Self::Want(wanted) => (2, wanted),
            Self::Have(wanted, _) => (3, wanted),
            Self::Nothing(wanted) => (6, wanted),
        };
        let of_section = u8::from(wanted.section != CHECKPOINT) * 2;
        let mut out = vec![if kind == 6 { kind } else { kind + of_section }];
        out.extend_from_slice(&wanted.epoch.to_le_bytes());
        if kind == 6 || wanted.section != CHECKPOINT {
            out.extend_from_slice(&wanted.section.to_le_bytes());
        }
        if let Self::Have(_, bytes) = self {
            out.extend_from_slice(bytes);
        }
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let epoch = || rest.split_first_chunk().map(|(epoch, rest)| (u64::from_le_bytes(*epoch), rest));
        let checkpoint = || epoch().map(|(epoch, rest)| (Wanted::checkpoint(epoch), rest));
        let section = || Wanted::split(rest).filter(|(wanted, _)| *kind == 6 || wanted.section != CHECKPOINT);
        let (message, rest) = match kind {
            0 => (Self::Ask, rest),
            1 => epoch().map(|(epoch, rest)| (Self::Offer { epoch }, rest))?,
            2 => checkpoint().map(|(wanted, rest)| (Self::Want(wanted), rest))?,
            3 => checkpoint().map(|(wanted, rest)| (Self::Have(wanted, rest.to_vec()), &[][..]))?,
            4 => section().map(|(wanted, rest)| (Self::Want(wanted), rest))?,
            5 => section().map(|(wanted, rest)| (Self::Have(wanted, rest.to_vec()), &[][..]))?,
            6 => section().map(|(wanted, rest)| (Self::Nothing(wanted), rest))?,
            _ => return None,
        };
        rest.is_empty().then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_they_were_and_nothing_else_is_one() {
        let part = Wanted { epoch: 7, section: 3 };
        let messages = [
            Message::Ask,
            Message::Offer { epoch: 300 },
            Message::Want(Wanted::checkpoint(5)),
            Message::Have(Wanted::checkpoint(5), vec![1, 2, 3]),
            Message::Want(part),
            Message::Have(part, vec![4; 100]),
            Message::Nothing(part),
            Message::Nothing(Wanted::checkpoint(8)),
        ];
        for message in messages {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes).as_ref(), Some(&message));
            if !matches!(message, Message::Have(..)) {
                assert_eq!(Message::decode(&[&bytes[..], &[0]].concat()), None);
                assert_eq!(Message::decode(&bytes[..bytes.len() - 1]), None);
            }
        }
        // A section that stands for a checkpoint has a message of its own.
        let section = [&[4][..], &5_u64.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
        for wrong in [&section[..], &[], &[7], &[3, 0, 0]] {
            assert_eq!(Message::decode(wrong), None);
        }
    }
}
