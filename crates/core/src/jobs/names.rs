//! The ids of jobs that were submitted without one: version 4 UUIDs that nobody keeps, for a million may be queued.
//!
//! An id is its job's key, enciphered: four rounds of a Feistel network over the 122 bits that such a UUID has to give, with
//! a keyed hash as the function. So no two keys give one id, an id tells nothing of its key, and it is worked out when
//! somebody asks for it, or names it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use uuid::{Uuid, Variant};

use super::JobKey;

const ROUNDS: u8 = 4;
const HALF_BITS: u32 = 61;
const HALF: u64 = (1 << HALF_BITS) - 1;
const LARGEST_KEY: u64 = 1 << 53;

/// What an id means to the queue: ids with the same text are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// The text that [`Names`] gives the job of this key.
    Key(JobKey),
    /// Any other.
    Text(Arc<str>),
}

/// Gives one queue's jobs their ids. Clones give the same ones.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// With a random key of its own: no other queue, and no other process, gives the same ids.
    hash: RandomState,
}

impl Names {
    /// The id of the job that has this key.
    #[must_use]
    pub fn id(&self, key: JobKey) -> Uuid {
        let (mut left, mut right) = (0, key.0);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mixed(round, right));
        }
        let bits = (u128::from(left) << HALF_BITS) | u128::from(right);
        // What is left out are the four bits of the version and the two of the variant.
        let spread = (bits >> 74 << 80) | ((bits >> 62 & 0xfff) << 64) | (bits & ((1 << 62) - 1));
        uuid::Builder::from_random_bytes(spread.to_be_bytes()).into_uuid()
    }

    pub(super) fn name(&self, id: &Arc<str>) -> Name {
        self.key(id).map_or_else(|| Name::Text(Arc::clone(id)), Name::Key)
    }

    /// The key whose id this is; none of this queue's jobs need have it.
    pub(super) fn key(&self, id: &str) -> Option<JobKey> {
        let uuid = Uuid::try_parse(id).ok().filter(|uuid| is_written_so(uuid, id))?;
        let spread = uuid.as_u128();
        let bits = (spread >> 80 << 74) | ((spread >> 64 & 0xfff) << 62) | (spread & ((1 << 62) - 1));
        let half = |bits: u128| u64::try_from(bits & u128::from(HALF)).unwrap_or_default();
        let (mut left, mut right) = (half(bits >> HALF_BITS), half(bits));
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.mixed(round, left), left);
        }
        (left == 0 && right < LARGEST_KEY).then_some(JobKey(right))
    }

    fn mixed(&self, round: u8, half: u64) -> u64 {
        self.hash.hash_one((round, half)) & HALF
    }
}

/// Ids are texts: the same number written in another way is another id.
fn is_written_so(uuid: &Uuid, id: &str) -> bool {
    uuid.get_version_num() == 4
        && uuid.get_variant() == Variant::RFC4122
        && *uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_is_a_version_4_uuid_and_leads_back_to_its_key() {
        let names = Names::default();
        let keys = (0..10_000).chain([LARGEST_KEY - 1, LARGEST_KEY / 2, 1 << 31]);
        let mut ids = HashSet::new();
        for key in keys.map(JobKey) {
            let id = names.id(key);
            assert!(is_written_so(&id, &id.to_string()), "{id}");
            assert_eq!(names.key(&id.to_string()), Some(key));
            assert_eq!(names.clone().id(key), id);
            assert!(ids.insert(id), "{id} came twice");
        }
    }

    #[test]
    fn what_another_queue_named_or_what_is_written_otherwise_is_no_key() {
        let names = Names::default();
        let id = names.id(JobKey(7)).to_string();
        assert_eq!(Names::default().key(&id), None);
        for other in
            [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), "a".to_owned(), String::new()]
        {
            assert_eq!(names.key(&other), None, "{other}");
        }
    }

    #[test]
    fn every_bit_of_an_id_changes_with_half_of_the_keys() {
        let names = Names::default();
        let mut ones = [0; 128];
        for key in 0..4096 {
            let id = names.id(JobKey(key)).as_u128();
            ones.iter_mut().enumerate().for_each(|(bit, ones)| *ones += id >> bit & 1);
        }
        let fixed: Vec<usize> = (0..128).filter(|&bit| !(1500..2600).contains(&ones[bit])).collect();
        assert_eq!(fixed, [62, 63, 76, 77, 78, 79]);
    }
}
