//! Random bytes.

use cryptoki_sys::*;
use zeroize::Zeroizing;

use crate::pointer::{Answer, list};
use crate::rv::Rv;
use crate::shared::{answer, with_module};

/// The device mixes its entropy itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SeedRandom(
    session: CK_SESSION_HANDLE,
    _seed: *mut CK_BYTE,
    _seed_len: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.session_info(session)?;
            Err(Rv(CKR_RANDOM_SEED_NOT_SUPPORTED))
        })
    })
}

/// From the device's source of entropy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    bytes: *mut CK_BYTE,
    count: CK_ULONG,
) -> CK_RV {
    /// So many are fetched at once.
    const PIECE: usize = 4_096;
    answer(|| {
        with_module(|module| {
            module.session_info(session)?;
            // Only looked at: what they are may never have been written.
            let room = unsafe { list(bytes.cast::<std::mem::MaybeUninit<u8>>(), count) }?;
            let mut at = bytes;
            for piece in room.chunks(PIECE) {
                let mut random = Zeroizing::new(vec![0; piece.len()]);
                module.random(session, &mut random)?;
                let mut count = piece.len() as CK_ULONG;
                unsafe { Answer::new(at, &mut count).write(&random) }?;
                at = at.wrapping_add(piece.len());
            }
            Ok(())
        })
    })
}
