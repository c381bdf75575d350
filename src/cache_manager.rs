//! `CacheManager`'s native half.

use std::path::PathBuf;
use std::sync::Arc;

use desktop_runtime_core::cache::{
    Command, Disk, JSON, Key, Memory, Record, Submit, UNDEFINED, Work, entry_size,
};
use desktop_runtime_core::delivery::{Delivery, Tenant};
use desktop_runtime_core::fault::{Faults, Place, caught, insisted};
use napi::bindgen_prelude::{
    ArrayBuffer, Env, Error, Float64ArraySlice, Result, Uint8ArraySlice, Uint32ArraySlice, Utf16String,
};
use napi_derive::napi;

use crate::engine_client::{count, number};
use crate::held::{self, Held};
use crate::port::Port;

/// Staged commands that are handed to the disk thread before the app's turn is over.
const MANY: usize = 64;

/// The options of `CacheManager`, checked and with defaults filled in by the facade.
#[napi(object)]
pub struct NativeCacheOptions {
    /// Left out: memory alone.
    pub folder: Option<String>,
    pub max_memory_size: f64,
    /// Left out: no limit.
    pub max_disk_size: Option<f64>,
}

/// The figures of `getStats()` that are known here.
#[napi(object)]
pub struct NativeCacheStats {
    pub memory_size: f64,
    pub disk_size: f64,
    pub disk_count: f64,
    pub evictions: f64,
}

#[napi]
pub struct NativeCache {
    memory: Memory,
    max_memory_size: Option<u64>,
    disk: Held<Option<Arc<Disk>>>,
    faults: Faults,
    staged: Vec<Command>,
    /// Slots that had to go, until JavaScript fetches them.
    gone: Vec<u32>,
}

/// What a write answers, as bits: the disk's queue took an entry, slots of memory have to go, the queue refused an entry.
const TAKEN: u32 = 1;
const GONE: u32 = 2;
const REFUSED: u32 = 4;

/// Numbers in a row of `several`.
const ROW: usize = 7;

/// What a row of `several` asks for, as the facade numbers it.
#[derive(Clone, Copy, PartialEq)]
enum Ask {
    /// The entry of a key that memory does not have.
    Get,
    /// The entry of a key that memory has.
    GetKnown,
    Has,
    /// An entry whose value is the next text.
    Set,
    SetUndefined,
    Delete,
    /// An entry that was read from disk has a place in memory.
    Promote,
}

impl Ask {
    const ALL: [Self; 7] =
        [Self::Get, Self::GetKnown, Self::Has, Self::Set, Self::SetUndefined, Self::Delete, Self::Promote];

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of the facade's"
    )]
    fn of(number: f64) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }
}

/// A moment of the facade's, milliseconds since the epoch.
#[expect(clippy::cast_possible_truncation, reason = "whole, and in range, or it saturates")]
fn moment(ms: f64) -> i64 {
    ms as i64
}

fn key(units: &Utf16String) -> Key {
    Key::from_units(units)
}

/// A number of the facade's that is whole, and not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, or it saturates")]
fn whole(number: f64) -> u32 {
    number as u32
}

fn keys(joined: &Utf16String, lengths: &Uint32ArraySlice<'_>) -> Vec<Key> {
    Key::split(joined, lengths)
}

#[napi]
impl NativeCache {
    /// `id` is what the port's `deliver` is called with.
    #[napi(constructor, catch_unwind)]
    pub fn new(port: &Port, id: u32, options: NativeCacheOptions) -> Self {
        let disk = options.folder.map(|folder| {
            let max_size = options.max_disk_size.and_then(count).map(|max| max as u64);
            Disk::new(&PathBuf::from(folder), max_size, Delivery::new(id, port.waker()))
        });
        if let Some(disk) = &disk {
            port.adopt(disk);
        }
        let max = count(options.max_memory_size).map(|max| max as u64);
        Self {
            memory: Memory::new(max, disk.is_none()),
            max_memory_size: max,
            disk: Held::new(disk),
            faults: Faults::default(),
            staged: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// A new entry in a slot of memory. `kind` and `length` are the value's, as the disk has them; of a value that it
    /// cannot have, a kind of bytes and the size. Says whether slots have to go: `take_gone` gives them.
    #[napi(catch_unwind)]
    pub fn put(
        &mut self,
        slot: u32,
        kind: u8,
        length: f64,
        expires_at: Option<f64>,
        created_at: f64,
    ) -> bool {
        self.faults.visit(Place::Export);
        self.place(slot, kind, length, expires_at, created_at);
        !self.gone.is_empty()
    }

    /// The slots that go after a write; those that it was about may be among them.
    #[napi(catch_unwind)]
    pub fn take_gone(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.gone)
    }

    /// The first of these slots were used, in this order.
    #[napi(catch_unwind)]
    pub fn hits(&mut self, slots: Uint32ArraySlice<'_>, count: u32) {
        self.memory.hits(&slots[..slots.len().min(count as usize)]);
    }

    /// The entry in a slot of memory is gone.
    #[napi(catch_unwind)]
    pub fn remove(&mut self, slot: u32) {
        self.memory.remove(slot);
    }

    /// Memory is empty.
    #[napi(catch_unwind)]
    pub fn remove_all(&mut self) {
        self.memory.clear();
    }

    /// Several commands at once, in their order, as rows of numbers: what is asked ([`Ask`]), ticket, time, units of the
    /// key, slot of memory (negative: none), units of the text, expiry (not a number: none). For an entry that goes
    /// to memory alone the ticket is the kind of its value.
    ///
    /// `keys` are the keys, joined, and `texts` the JSON texts, a line each. Answers bits: 1 the disk's queue took an entry,
    /// 2 slots of memory have to go, 4 the queue refused an entry (the older one goes).
    #[napi(catch_unwind)]
    pub fn several(
        &mut self,
        rows: Float64ArraySlice<'_>,
        count: u32,
        keys: Utf16String,
        texts: String,
    ) -> u32 {
        self.faults.visit(Place::Export);
        let mut keys: &[u16] = &keys;
        let mut texts = texts.split('\n');
        let mut answer = 0;
        for &[ask, ticket, now, units, slot, length, expires_at] in
            rows.as_chunks::<ROW>().0.iter().take(count as usize)
        {
            let Some(ask) = Ask::of(ask) else { continue };
            let (ticket, units) = (whole(ticket), whole(units) as usize);
            let expires_at = (!expires_at.is_nan()).then_some(expires_at);
            let (name, rest) = keys.split_at(units.min(keys.len()));
            keys = rest;
            let key = Key::from_units(name);
            let kind = match ask {
                Ask::Set => JSON,
                Ask::SetUndefined => UNDEFINED,
                Ask::Promote => u8::try_from(ticket).unwrap_or(JSON),
                _ => {
                    let work = match ask {
                        Ask::Has => Work::Has(key),
                        Ask::Delete => Work::Delete(key),
                        _ => Work::Get { key, known: ask == Ask::GetKnown },
                    };
                    self.ask(ticket, now, work);
                    continue;
                }
            };
            if slot >= 0.0 {
                self.place(whole(slot), kind, length, expires_at, now);
            }
            if ask != Ask::Promote {
                let value = if ask == Ask::Set { texts.next().unwrap_or_default() } else { "" };
                answer |= self.store(ticket, now, key, kind, value.into(), expires_at);
            }
        }
        answer | self.has_gone()
    }

    /// Puts an entry of bytes into memory and on disk; `kind` is the facade's name for what they are. Answers the same bits.
    #[napi(catch_unwind)]
    pub fn set_bytes(
        &mut self,
        ticket: u32,
        now: f64,
        name: Utf16String,
        kind: u8,
        bytes: Uint8ArraySlice<'_>,
        expires_at: Option<f64>,
        slot: u32,
    ) -> u32 {
        self.faults.visit(Place::Export);
        self.place(slot, kind, number(bytes.len() as u64), expires_at, now);
        self.store(ticket, now, key(&name), kind, bytes.to_vec(), expires_at) | self.has_gone()
    }

    /// The key has a value that the disk cannot have: an older one goes.
    #[napi(catch_unwind)]
    pub fn refuse(&mut self, ticket: u32, now: f64, name: Utf16String) {
        self.ask(ticket, now, Work::Refuse(key(&name)));
    }

    /// `joined` and `lengths` are the keys that memory had.
    #[napi(catch_unwind)]
    pub fn clear(
        &mut self,
        ticket: u32,
        now: f64,
        prefix: Option<Utf16String>,
        joined: Utf16String,
        lengths: Uint32ArraySlice<'_>,
    ) {
        let prefix = prefix.as_ref().map(key);
        self.ask(ticket, now, Work::Clear { prefix, memory: keys(&joined, &lengths) });
    }

    /// `joined` and `lengths` are the expired keys that memory had.
    #[napi(catch_unwind)]
    pub fn prune(&mut self, ticket: u32, now: f64, joined: Utf16String, lengths: Uint32ArraySlice<'_>) {
        self.ask(ticket, now, Work::Prune { memory: keys(&joined, &lengths) });
    }

    #[napi(catch_unwind)]
    pub fn keys(&mut self, ticket: u32, now: f64, prefix: Utf16String) {
        self.ask(ticket, now, Work::Keys(key(&prefix)));
    }

    /// Memory used these keys, in this order.
    #[napi(catch_unwind)]
    pub fn touch(&mut self, ticket: u32, now: f64, joined: Utf16String, lengths: Uint32ArraySlice<'_>) {
        self.ask(ticket, now, Work::Touch(keys(&joined, &lengths)));
    }

    /// Answered when everything before is written and the files are closed.
    #[napi(catch_unwind)]
    pub fn close(&mut self, ticket: u32) {
        self.ask(ticket, 0.0, Work::Close);
    }

    /// Hands what was asked to the disk thread.
    #[napi(catch_unwind)]
    pub fn flush(&mut self) {
        if let Some(disk) = &*self.disk {
            disk.submit(&mut self.staged);
        }
    }

    /// The bytes of a value that was found.
    #[napi(catch_unwind)]
    pub fn take_bytes<'env>(&self, env: &'env Env, ticket: u32) -> Result<ArrayBuffer<'env>> {
        let bytes = self.disk.as_ref().and_then(|disk| disk.take_binary(ticket));
        // Copied: Electron allows no memory of others in an ArrayBuffer.
        ArrayBuffer::copy_from(env, bytes.ok_or_else(|| Error::from_reason("no such value"))?)
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> NativeCacheStats {
        let (size, count) = self.disk.as_ref().map_or((0, 0), |disk| disk.figures());
        NativeCacheStats {
            memory_size: number(self.memory.size()),
            disk_size: number(size.unsigned_abs()),
            disk_count: number(count.unsigned_abs()),
            evictions: number(self.memory.evictions()),
        }
    }

    /// A panic was caught in a method of this object: memory begins anew, empty. What is staged stays so.
    #[napi(catch_unwind)]
    pub fn panicked(&mut self) {
        let fresh = Memory::new(self.max_memory_size, self.disk.is_none());
        let old = std::mem::replace(&mut self.memory, fresh);
        self.gone = Vec::new();
        caught(|| drop(old));
    }

    /// For tests: the next `times` visits of a place panic; `batch` is one, among the commands of this turn.
    #[napi(catch_unwind, skip_typescript)]
    pub fn fault(&mut self, place: String, times: u32) -> Result<()> {
        if place == "batch" {
            self.ask(0, 0.0, Work::Fault);
            return Ok(());
        }
        match (held::place(&place)?, &*self.disk) {
            (place @ Place::Export, _) | (place, None) => self.faults.ask(place, times),
            (place, Some(disk)) => disk.faults().ask(place, times),
        }
        Ok(())
    }
}

impl NativeCache {
    fn ask(&mut self, ticket: u32, now: f64, work: Work) {
        self.staged.push(Command { ticket, now_ms: moment(now), work });
        if self.staged.len() >= MANY {
            self.flush();
        }
    }

    /// Slots that have to go are added to those that JavaScript fetches.
    fn place(&mut self, slot: u32, kind: u8, length: f64, expires_at: Option<f64>, created_at: f64) {
        let length = count(length).map_or(u64::MAX, |length| length as u64);
        let size = entry_size(kind, length, expires_at.map(moment), moment(created_at));
        // One that had to go for an entry before this one is taken again.
        self.gone.retain(|gone| *gone != slot);
        self.memory.put(slot, size, &mut self.gone);
    }

    fn has_gone(&self) -> u32 {
        if self.gone.is_empty() { 0 } else { GONE }
    }

    fn store(
        &mut self,
        ticket: u32,
        now: f64,
        key: Key,
        kind: u8,
        value: Vec<u8>,
        expires_at: Option<f64>,
    ) -> u32 {
        let record = Record { kind, value, expires_at: expires_at.map(moment), created_at: moment(now) };
        let work = Work::Set(key, record);
        let (answer, work) = match &*self.disk {
            Some(disk) if disk.admit(&work) == Submit::Full => {
                let Work::Set(key, _) = work else { return 0 };
                (REFUSED, Work::Refuse(key))
            }
            _ => (TAKEN, work),
        };
        self.ask(ticket, now, work);
        answer
    }
}

impl Drop for NativeCache {
    fn drop(&mut self) {
        if let Some(disk) = &*self.disk {
            insisted(|| {
                disk.faults().visit(Place::Drop);
                Arc::clone(disk).abandon();
            });
        }
    }
}
