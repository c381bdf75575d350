//! A batch on its way into V8.

use napi::bindgen_prelude::{Result, ToNapiValue};
use napi::{check_status, sys};

/// JSON text, as UTF-8 that may have faults; V8 puts U+FFFD in their place.
pub struct Text(pub Vec<u8>);

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> Result<sys::napi_value> {
        let mut value = std::ptr::null_mut();
        let bytes = text.0.as_ptr().cast();
        let length = text.0.len().cast_signed();
        // One byte a character is what most batches are, and V8's cheapest string.
        // SAFETY: `env` is the caller's live environment, pointer and length are one vector's, V8 copies.
        check_status!(unsafe {
            if text.0.is_ascii() {
                sys::napi_create_string_latin1(env, bytes, length, &raw mut value)
            } else {
                sys::napi_create_string_utf8(env, bytes, length, &raw mut value)
            }
        })?;
        Ok(value)
    }
}
