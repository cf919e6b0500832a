//! The use cases, over a real store and a test clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod advance;
mod codes;
mod concurrency;
mod due_first;
mod failbacks;
mod forecast;
mod holder;
mod idempotency;
mod keys;
mod license_model;
mod licenses;
mod model;
mod offline;
mod scope;
mod signing;
mod site;
mod units;
mod worker;
