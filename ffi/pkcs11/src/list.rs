//! The functions that an application finds: those of PKCS#11 2.40, 3.0 and 3.2. What the module does not do says so.

use cryptoki_sys::*;

use crate::entry::*;

/// A function of any signature that is not supported.
trait Unsupported {
    const FUNCTION: Self;
}

macro_rules! unsupported {
    ($($parameter:ident)*) => {
        impl<$($parameter),*> Unsupported for Option<unsafe extern "C" fn($($parameter),*) -> CK_RV> {
            const FUNCTION: Self = {
                unsafe extern "C" fn refuse<$($parameter),*>($(_: $parameter),*) -> CK_RV {
                    CKR_FUNCTION_NOT_SUPPORTED
                }
                Some(refuse::<$($parameter),*>)
            };
        }
    };
}

unsupported!(A);
unsupported!(A B);
unsupported!(A B C);
unsupported!(A B C D);
unsupported!(A B C D E);
unsupported!(A B C D E F);
unsupported!(A B C D E F G);
unsupported!(A B C D E F G H);
unsupported!(A B C D E F G H I);
unsupported!(A B C D E F G H I J);
unsupported!(A B C D E F G H I J K);
unsupported!(A B C D E F G H I J K L);

/// The lists of all versions: a later one begins with the functions of the one before it.
macro_rules! lists {
    (
        2.40 { $($done:ident)* } not { $($none:ident)* }
        3.0 { $($done_30:ident)* } not { $($none_30:ident)* }
        3.2 { $($none_32:ident)* }
    ) => {
        /// PKCS#11 2.40.
        pub static LIST_2_40: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($done: Some($done),)*
            $($none: Unsupported::FUNCTION,)*
        };

        /// PKCS#11 3.0.
        pub static LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($done: Some($done),)*
            $($none: Unsupported::FUNCTION,)*
            $($done_30: Some($done_30),)*
            $($none_30: Unsupported::FUNCTION,)*
        };

        /// PKCS#11 3.2.
        pub static LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($done: Some($done),)*
            $($none: Unsupported::FUNCTION,)*
            $($done_30: Some($done_30),)*
            $($none_30: Unsupported::FUNCTION,)*
            $($none_32: Unsupported::FUNCTION,)*
        };
    };
}

lists! {
    2.40 {
        C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo
        C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo C_Login C_Logout
        C_DestroyObject C_GetAttributeValue C_FindObjectsInit C_FindObjects C_FindObjectsFinal
        C_SignInit C_Sign C_SignUpdate C_SignFinal C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal
        C_GenerateKeyPair C_SeedRandom C_GenerateRandom C_GetFunctionStatus C_CancelFunction
    } not {
        C_InitToken C_InitPIN C_SetPIN C_GetOperationState C_SetOperationState C_CreateObject C_CopyObject C_GetObjectSize C_SetAttributeValue
        C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignRecoverInit C_SignRecover C_VerifyRecoverInit C_VerifyRecover
        C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate
        C_GenerateKey C_WrapKey C_UnwrapKey C_DeriveKey C_WaitForSlotEvent
    }
    3.0 {
        C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel
    } not {
        C_MessageEncryptInit C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
        C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal
        C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal
        C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal
    }
    3.2 {
        C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit C_VerifySignature C_VerifySignatureUpdate C_VerifySignatureFinal
        C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
    }
}

/// An interface, which points to what never changes.
#[repr(transparent)]
pub struct Interface(pub CK_INTERFACE);

// SAFETY: its pointers are to statics that nobody writes to.
unsafe impl Sync for Interface {}

const fn interface<T>(list: &'static T) -> Interface {
    let name = c"PKCS 11".as_ptr().cast_mut().cast();
    // A child of a fork finds a module that is not initialised, and may initialise it.
    Interface(CK_INTERFACE {
        pInterfaceName: name,
        pFunctionList: std::ptr::from_ref(list).cast_mut().cast(),
        flags: CKF_INTERFACE_FORK_SAFE,
    })
}

/// All interfaces, the newest first, and their versions.
pub static INTERFACES: [(Interface, CK_VERSION); 3] = [
    (interface(&LIST_3_2), CK_VERSION { major: 3, minor: 2 }),
    (interface(&LIST_3_0), CK_VERSION { major: 3, minor: 0 }),
    (interface(&LIST_2_40), CK_VERSION { major: 2, minor: 40 }),
];
