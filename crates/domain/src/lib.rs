//! The rules of Perennial: pure functions over data.
//!
//! A rule is a function from what was loaded, a command and `now` to a decision, or to a refusal that says why not. Nothing
//! here reads a clock, draws a random number, waits or does I/O. The numbers of the rules (`R-3`) are those of
//! `docs/rules.md`.
//!
//! Read in this order: [`id`], [`money`], [`time`], [`calendar`], [`catalog`], [`pricing`], [`order`], [`account`],
//! [`ledger`], [`resource`], [`license`], then **[`renewal`]**, the heart, [`recycling`] and [`due`]; [`unit`],
//! [`assignment`] and [`failback`] say what the units of a license are used for.

pub mod account;
pub mod activation;
pub mod assignment;
pub mod calendar;
pub mod catalog;
pub mod change;
pub mod desk;
pub mod draft;
pub mod due;
pub mod event;
pub mod failback;
pub mod forecast;
pub mod holding;
pub mod id;
pub mod installation;
pub mod label;
pub mod ledger;
pub mod license;
pub mod license_file;
pub mod money;
pub mod order;
pub mod payment;
pub mod pricing;
pub mod purchase;
pub mod recycling;
pub mod reminder;
pub mod renewal;
pub mod resource;
pub mod settlement;
pub mod time;
pub mod unit;
pub mod verdict;
