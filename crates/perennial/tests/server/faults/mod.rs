//! What must not cost anyone money or data.

mod configuration;
mod crash;
mod database;
mod disk;
mod maintenance;
mod outage;
mod request;
mod stopping;
mod units;
