//! What calls return.
//!
//! A refusal of the device for which PKCS#11 has a value is that value. Every other one is `CKR_VENDOR_DEFINED` and the number of its row in the one table
//! (`qenex_core::error`): a transfer above a policy's limit is `0x80000332`, 818.

use cryptoki_sys::*;
use qenex_core::crypto::SignatureError;
use qenex_core::error::{self, Code, Coded};
use qenex_core::hsm::Refusal;
use qenex_device::DeviceError;

/// A return value that is not `CKR_OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rv(pub CK_RV);

/// The refusals that PKCS#11 has values for.
const KNOWN: [(Code, CK_RV); 16] = [
    (error::DIGEST_LENGTH, CKR_DATA_LEN_RANGE),
    (error::WITNESS_TOO_LARGE, CKR_DATA_LEN_RANGE),
    (error::DEVICE_FRESH, CKR_USER_PIN_NOT_INITIALIZED),
    (error::ROLE, CKR_ACTION_PROHIBITED),
    (error::LOCKED, CKR_ACTION_PROHIBITED),
    (error::USER_UNKNOWN, CKR_PIN_INCORRECT),
    (error::PIN_FORM, CKR_PIN_LEN_RANGE),
    (error::PIN_WRONG, CKR_PIN_INCORRECT),
    (error::PIN_BLOCKED, CKR_PIN_LOCKED),
    (error::KEY_UNKNOWN, CKR_KEY_HANDLE_INVALID),
    (error::KEY_EXISTS, CKR_DEVICE_MEMORY),
    (error::KEY_PURPOSE, CKR_KEY_FUNCTION_NOT_PERMITTED),
    (error::KEY_SCHEME, CKR_KEY_FUNCTION_NOT_PERMITTED),
    (error::NOT_CONFIRMED, CKR_FUNCTION_REJECTED),
    (error::FLASH_FULL, CKR_DEVICE_MEMORY),
    (error::ENTROPY, CKR_RANDOM_NO_RNG),
];

impl From<Refusal> for Rv {
    fn from(Refusal(number): Refusal) -> Self {
        let known = KNOWN.iter().find(|(code, _)| code.number == number);
        Self(known.map_or(CKR_VENDOR_DEFINED | CK_RV::from(number), |(_, rv)| *rv))
    }
}

impl From<DeviceError> for Rv {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Refused(refusal) => refusal.into(),
            DeviceError::Line(_) | DeviceError::File(..) => Self(CKR_DEVICE_REMOVED),
            DeviceError::Stranger => Self(CKR_TOKEN_NOT_RECOGNIZED),
            DeviceError::Busy | DeviceError::Frame | DeviceError::Handshake | DeviceError::Message => {
                Self(CKR_DEVICE_ERROR)
            }
            DeviceError::Key(_) => Self(CKR_GENERAL_ERROR),
        }
    }
}

impl From<SignatureError> for Rv {
    fn from(error: SignatureError) -> Self {
        Self(match error {
            SignatureError::Length => CKR_SIGNATURE_LEN_RANGE,
            SignatureError::Malformed | SignatureError::Mismatch => CKR_SIGNATURE_INVALID,
            SignatureError::PublicKeyLength | SignatureError::PublicKeyInvalid | SignatureError::Context => {
                CKR_FUNCTION_FAILED
            }
        })
    }
}

/// Whether after this error nothing is known of the channel any more.
pub fn is_broken(error: &DeviceError) -> bool {
    !matches!(error, DeviceError::Refused(refusal) if !ends_channel(*refusal))
}

/// Refusals of the channel, not of the service.
fn ends_channel(Refusal(number): Refusal) -> bool {
    [error::CHANNEL_CLOSED, error::CHANNEL_MESSAGE, error::CHANNEL_HANDSHAKE]
        .iter()
        .any(|code| code.number == number)
}

/// The return value for a row of the one table.
pub fn coded(error: impl Coded) -> Rv {
    Refusal(error.code().number).into()
}
