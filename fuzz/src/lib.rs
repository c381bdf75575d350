//! What the fuzz targets judge the core by: the same rules again, as plainly as they can be written, slow and recursive.
//! Nothing here is shared with the core but the types of the answers.

pub mod damage;
pub mod framing;
pub mod json;
pub mod line;
