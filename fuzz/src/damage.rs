//! What may become of a file's bytes.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// Damages a file by up to eight accidents; `other` is what a confused disk may put in its place.
pub fn damage(u: &mut Unstructured<'_>, file: &mut Vec<u8>, other: &[u8]) -> Result<()> {
    for _ in 0..u.arbitrary::<u8>()? % 9 {
        let at = place(u, file.len())?;
        let end = at + place(u, (file.len() - at).min(200))?;
        match u.arbitrary::<u8>()? % 9 {
            0 => file.truncate(at),
            1 => file[at..end].fill(0),
            2 => drop(file.drain(at..end)),
            3 => {
                let copy = file[at..end].to_vec();
                let to = place(u, file.len())?;
                drop(file.splice(to..to, copy));
            }
            4 => {
                let from = place(u, other.len())?;
                let piece = &other[from..(from + end - at).min(other.len())];
                drop(file.splice(at..end, piece.iter().copied()));
            }
            5 => file.insert(at, b'\n'),
            6 | 7 => {
                let byte = u.arbitrary()?;
                if let Some(there) = file.get_mut(at) {
                    *there = byte;
                }
            }
            _ => {
                let bit = u.arbitrary::<u8>()? % 8;
                if let Some(there) = file.get_mut(at) {
                    *there ^= 1 << bit;
                }
            }
        }
    }
    Ok(())
}

/// From 0 up to and including `length`.
fn place(u: &mut Unstructured<'_>, length: usize) -> Result<usize> {
    Ok(usize::from(u.arbitrary::<u16>()?) % (length + 1))
}
