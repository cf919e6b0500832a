//! Lives of customers, told to the end, with the books in order afterwards.

mod bulk;
mod deletion;
mod exempt;
mod keys;
mod licenses;
mod outlook;
mod prices;
mod recycling;
mod shortage;
mod wallet;
mod year;
mod zones;
