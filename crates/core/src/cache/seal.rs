//! The last generation that was committed, written beside the database: a database that is behind it lost a piece of
//! its write-ahead log, and old values would come back as if they were current.
//!
//! A power cut may take the last transactions and keep the seal, so a seal counts only until the machine starts anew.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::cache::record::sum;

/// What was committed last, as far as was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Of which database.
    pub database: i64,
    /// Its generation.
    pub generation: i64,
    /// Since which start of the machine.
    pub boot: u64,
}

const LENGTH: usize = 32;

impl Seal {
    fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.database.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.generation.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.boot.to_be_bytes());
        let checksum = sum(&bytes[..24]);
        bytes[24..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    pub fn write(self, mut file: &File) -> io::Result<()> {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&self.bytes())
    }

    /// `None`: there is none, or one that cannot be read.
    pub fn read(mut file: &File) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        let number = |at: usize| bytes[at..].first_chunk::<8>().copied().unwrap_or_default();
        let seal = Self {
            database: i64::from_be_bytes(number(0)),
            generation: i64::from_be_bytes(number(8)),
            boot: u64::from_be_bytes(number(16)),
        };
        (seal.bytes() == bytes).then_some(seal)
    }
}
