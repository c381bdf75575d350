//! The cache's disk tier from outside: real folders, real databases, real damage. Contract section 5.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod damage;
mod model;
mod several;
mod support;
mod version1;
