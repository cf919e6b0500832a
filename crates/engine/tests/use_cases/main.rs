//! The use cases, over a real store and a test clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod advance;
mod concurrency;
mod due_first;
mod forecast;
mod idempotency;
mod keys;
mod model;
mod scope;
mod site;
mod worker;
