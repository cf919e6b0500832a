//! The API as programs see it: the real router over the real store, at a test clock.

mod bad_input;
mod buying;
mod idempotency;
mod lists;
mod operations;
mod reference;
mod scope;
mod shop;
