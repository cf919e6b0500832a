//! The adapters of payment platforms, against servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adapter;
mod signature;
