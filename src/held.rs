//! What a class holds. A garbage collector lets it go, through a frame that no panic may pass: it would end the host.

use std::ops::{Deref, DerefMut};

use desktop_runtime_core::fault::{Place, caught};
use napi::bindgen_prelude::{Error, Result};

/// A value whose drop does not panic.
pub struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("taken out by drop alone")
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("taken out by drop alone")
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        caught(|| drop(value));
    }
}

/// The place that a test names.
pub fn place(name: &str) -> Result<Place> {
    Place::named(name).ok_or_else(|| Error::from_reason(format!("no such place: {name}")))
}
