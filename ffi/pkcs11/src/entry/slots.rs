//! Slots and tokens: which devices there are, and what they can do.

use cryptoki_sys::*;

use crate::mechanism::TABLE;
use crate::pointer::{Answer, put};
use crate::rv::Rv;
use crate::shared::{answer, with_module};

use super::{MANUFACTURER, PIN_LENGTHS, padded};

/// The devices of the configuration, in its order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotList(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| unsafe { Answer::new(slots, count).write(&module.slots(present != CK_FALSE)) })
    })
}

/// A slot is described by where its device is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let device = module.device(slot)?;
            let present = if device.at.exists() { CKF_TOKEN_PRESENT } else { 0 };
            let about = CK_SLOT_INFO {
                slotDescription: padded(&device.at.display().to_string()),
                manufacturerID: padded(MANUFACTURER),
                flags: CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | present,
                ..CK_SLOT_INFO::default()
            };
            unsafe { put(info, about) }
        })
    })
}

/// The label is the device's name, the serial number the beginning of the key that it is known by.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let (sessions, writing) = module.count_sessions(slot);
            let (status, key) =
                module.with_device(slot, |token| Ok((token.status()?, *token.device_key())))?;
            let initialised = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
            let serial: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let [_, _, major, minor] = status.version.to_be_bytes();
            let [shortest, longest] = PIN_LENGTHS;
            let about = CK_TOKEN_INFO {
                label: padded(status.name.as_ref().map_or("", |name| name.as_str())),
                manufacturerID: padded(MANUFACTURER),
                model: padded("QENEX device"),
                serialNumber: padded(&serial),
                flags: CKF_RNG | CKF_LOGIN_REQUIRED | if status.name.is_some() { initialised } else { 0 },
                ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
                ulSessionCount: sessions,
                ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
                ulRwSessionCount: writing,
                ulMaxPinLen: longest,
                ulMinPinLen: shortest,
                ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
                ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
                ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
                ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
                hardwareVersion: CK_VERSION::default(),
                firmwareVersion: CK_VERSION { major, minor },
                utcTime: padded(""),
            };
            unsafe { put(info, about) }
        })
    })
}

/// The same for every device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    mechanisms: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.device(slot)?;
            unsafe { Answer::new(mechanisms, count).write(&TABLE.map(|info| info.mechanism)) }
        })
    })
}

/// What a mechanism does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            module.device(slot)?;
            let found =
                TABLE.iter().find(|info| info.mechanism == mechanism).ok_or(Rv(CKR_MECHANISM_INVALID))?;
            let (size, flags) = (found.key_size, found.flags);
            unsafe { put(info, CK_MECHANISM_INFO { ulMinKeySize: size, ulMaxKeySize: size, flags }) }
        })
    })
}
