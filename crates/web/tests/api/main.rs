//! The API as programs see it: the real router over the real store, at a test clock.

mod assignments;
mod authorization;
mod bad_input;
mod buying;
mod checkout;
mod codes;
mod csv;
mod failbacks;
mod idempotency;
mod licenses;
mod lists;
mod offline;
mod operations;
mod payments;
mod reference;
mod scope;
mod shop;
mod validate;
