//! Tests of the seals: what holds, what is refused and why, and that software that we did not write agrees.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod codes;
mod documents;
mod elsewhere;
mod fixtures;
mod keys;
mod license_files;
mod locked_keys;
mod page;
mod random;
mod receipts;
mod statements;
mod tampering;
