//! Objects: finding keys, reading their attributes, making and destroying them.

use cryptoki_sys::*;

use crate::mechanism;
use crate::object::Value;
use crate::pointer::{Answer, get, list, put};
use crate::rv::Rv;
use crate::shared::{answer, with_module};
use crate::template::Template;

/// The objects of a device are known to those who are logged in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    answer(|| with_module(|module| module.find(session, &unsafe { Template::read(template, count) }?)))
}

/// The next objects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            unsafe { put(count, most) }?;
            let room = unsafe { Answer::new(objects, count).room() }?.ok_or(Rv(CKR_ARGUMENTS_BAD))?;
            let found = module.found(session, room)?;
            unsafe { Answer::new(objects, count).write(&found) }
        })
    })
}

/// Ends a search.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.end_find(session)))
}

/// What an object says of attributes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let kinds = unsafe { list(template, count) }?.iter().map(|attribute| attribute.type_);
            let values = module.attributes(session, object, kinds)?;
            let mut result = Ok(());
            for (index, value) in values.iter().enumerate() {
                // The list has as many entries as there are values.
                let attribute = template.wrapping_add(index);
                if let Err(rv) = unsafe { answer_attribute(attribute, value) } {
                    result = Err(rv);
                }
            }
            result
        })
    })
}

/// Writes the value of one attribute, or why there is none.
unsafe fn answer_attribute(attribute: *mut CK_ATTRIBUTE, value: &Value) -> Result<(), Rv> {
    let CK_ATTRIBUTE { type_, pValue: place, .. } = *unsafe { get(attribute) }?;
    let unavailable = move |rv| {
        let unavailable = CK_ATTRIBUTE { type_, pValue: place, ulValueLen: CK_UNAVAILABLE_INFORMATION };
        unsafe { put(attribute, unavailable) }.and(Err(Rv(rv)))
    };
    match value {
        Value::Sensitive => unavailable(CKR_ATTRIBUTE_SENSITIVE),
        Value::Unknown => unavailable(CKR_ATTRIBUTE_TYPE_INVALID),
        Value::Bytes(bytes) => {
            let length = unsafe { &raw mut (*attribute).ulValueLen };
            match unsafe { Answer::new(place.cast::<u8>(), length).write(bytes) } {
                Err(Rv(CKR_BUFFER_TOO_SMALL)) => unavailable(CKR_BUFFER_TOO_SMALL),
                result => result,
            }
        }
    }
}

/// Deletes a key of plain use; officers may.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    answer(|| with_module(|module| module.destroy(session, object)))
}

/// Makes a key of plain use; officers may. `CKA_ID`, one byte, chooses the slot in the device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public_template: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private_template: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    answer(|| {
        with_module(|module| {
            let kind = unsafe { mechanism::read(mechanism) }?;
            let public = unsafe { Template::read(public_template, public_count) }?;
            let private = unsafe { Template::read(private_template, private_count) }?;
            // Before anything happens: where the handles go.
            unsafe { put(public_key, 0).and(put(private_key, 0)) }?;
            let [public, private] = module.generate(session, kind, &public, &private)?;
            unsafe { put(public_key, public).and(put(private_key, private)) }
        })
    })
}
