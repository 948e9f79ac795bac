//! What an application asks of objects: a list of attributes.

use cryptoki_sys::*;

use crate::pointer;
use crate::rv::Rv;

/// Attributes with their values, which are the application's.
#[derive(Clone, Debug, Default)]
pub struct Template<'a>(Vec<(CK_ATTRIBUTE_TYPE, &'a [u8])>);

impl<'a> Template<'a> {
    /// Reads an application's list.
    ///
    /// # Safety
    /// The pointers are as the standard says of templates, for the time of the call.
    ///
    /// # Errors
    /// A pointer is null where there is something.
    pub unsafe fn read(attributes: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Self, Rv> {
        // SAFETY: passed on.
        let attributes = unsafe { pointer::list(attributes, count) }?;
        let read = |attribute: &CK_ATTRIBUTE| {
            // SAFETY: passed on.
            let value = unsafe { pointer::list(attribute.pValue.cast::<u8>(), attribute.ulValueLen) };
            Ok((attribute.type_, value?))
        };
        attributes.iter().map(read).collect::<Result<_, Rv>>().map(Self)
    }

    /// Whether something holds for all of them.
    pub fn all(&self, mut holds: impl FnMut(CK_ATTRIBUTE_TYPE, &[u8]) -> bool) -> bool {
        self.0.iter().all(|(kind, value)| holds(*kind, value))
    }

    /// The value of an attribute.
    pub fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]> {
        self.0.iter().find(|(of, _)| *of == kind).map(|(_, value)| *value)
    }

    /// The value of one that is a number.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<CK_ULONG>, Rv> {
        let invalid = |_| Rv(CKR_ATTRIBUTE_VALUE_INVALID);
        self.get(kind).map(|value| value.try_into().map(CK_ULONG::from_ne_bytes).map_err(invalid)).transpose()
    }

    /// Refuses another truth than this one.
    ///
    /// # Errors
    /// The attribute is there and says something else.
    pub fn must_be(&self, kind: CK_ATTRIBUTE_TYPE, truth: bool) -> Result<(), Rv> {
        match self.get(kind) {
            None => Ok(()),
            Some([value]) if (*value != CK_FALSE) == truth => Ok(()),
            Some(_) => Err(Rv(CKR_ATTRIBUTE_VALUE_INVALID)),
        }
    }
}
