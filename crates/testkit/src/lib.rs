//! What tests are built from. Development only.
//!
//! [`rules`] has catalogs, resources and wallets in one line each, and [`rules::Life`], a whole account in memory whose clock
//! is moved by hand. [`store`] has a database in a folder that vanishes, and the use cases over it.

pub mod rules;
pub mod store;
