//! A site for tests: one server process on a folder of its own, and the words to use it with.

mod client;
mod dice;
mod load;
mod process;
mod shop;
mod site;
mod timeline;
mod wire;

pub(crate) use client::{Answer, Client};
pub(crate) use dice::Dice;
pub(crate) use load::{Customer, Deed, Load};
pub(crate) use process::{Process, perennial, perennial_with, program};
pub(crate) use site::{OPERATOR_KEY, Site, TestSite};
pub(crate) use wire::{Attempt, Order};
