//! The store: read functions, and one way to write.
//!
//! [`Store::transact`] locks an account, loads a [`View`] of it, lets a decision be made, writes its [`ChangeSet`] and
//! commits. Nothing else opens a transaction, so locking, group commit, idempotency and retries are right in one place.
//! The account is the unit of consistency. Adapters translate, they do not decide.

pub mod port;
pub mod sqlite;

pub use port::*;
