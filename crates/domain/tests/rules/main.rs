//! Tests of the rules, subject by subject, through the functions that everybody else calls.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod arrears;
mod calendar;
mod codes;
mod exempt;
mod failbacks;
mod forecast;
mod grace;
mod ids;
mod interventions;
mod labels;
mod licenses;
mod manual;
mod money;
mod offline;
mod outage;
mod payments;
mod pending;
mod prices;
mod purchase;
mod random_license_life;
mod random_life;
mod recycling;
mod reminders;
mod renewal;
mod seed;
mod states;
mod switch;
mod time;
mod timers;
mod units;
mod verdicts;
mod wallet;
mod zones;

use expect_test::Expect;
use testkit::rules::{Life, books};

/// A new account of a site in Asia/Shanghai that sells these goods, at a local time.
fn shanghai(start: &str, goods: &str) -> Life {
    Life::new(books("Asia/Shanghai", goods), start)
}

/// A new account of a site in America/New_York.
fn new_york(start: &str, goods: &str) -> Life {
    Life::new(books("America/New_York", goods), start)
}

/// Compares what happened so far.
fn check(life: &Life, timeline: Expect) {
    timeline.assert_eq(&life.timeline());
}
