//! Texts on their way into V8.

use desktop_runtime_core::delivery::Batch;
use desktop_runtime_core::engine::discard;
use napi::bindgen_prelude::{Result, ToNapiValue};
use napi::{check_status, sys};

/// Giving back more memory than this takes long enough to be seen (measured: 0.4 ms a MiB).
const GIANT: usize = 1 << 20;

/// JSON text, as UTF-8 that may have faults; V8 puts U+FFFD in their place.
pub struct Text(pub Vec<u8>);

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> Result<sys::napi_value> {
        string(env, &text.0, text.0.is_ascii())
    }
}

/// The same of a batch.
pub struct BatchText(pub Batch);

impl ToNapiValue for BatchText {
    unsafe fn to_napi_value(env: sys::napi_env, BatchText(batch): Self) -> Result<sys::napi_value> {
        let value = string(env, &batch, batch.is_known_ascii() || batch.is_ascii());
        if batch.len() > GIANT {
            discard(batch);
        }
        value
    }
}

fn string(env: sys::napi_env, text: &[u8], is_ascii: bool) -> Result<sys::napi_value> {
    let mut value = std::ptr::null_mut();
    let bytes = text.as_ptr().cast();
    let length = text.len().cast_signed();
    // One byte a character is what most texts are, and V8's cheapest string.
    // SAFETY: `env` is the caller's live environment, pointer and length are one slice's, V8 copies.
    check_status!(unsafe {
        if is_ascii {
            sys::napi_create_string_latin1(env, bytes, length, &raw mut value)
        } else {
            sys::napi_create_string_utf8(env, bytes, length, &raw mut value)
        }
    })?;
    Ok(value)
}
