//! C-1 to C-6, R-13: when each step of a resource is due, state by state and policy by policy.

use domain::recycling::{Timers, timers};
use domain::resource::{Resource, State};
use domain::time::Instant;
use expect_test::{Expect, expect};
use testkit::rules::{OwnedBooks, books, resource};

const POLICIES: [(&str, &str); 7] = [
    ("monthly", "p/p month 1 12000 CNY"),
    ("hourly", "p/p hour 1 100 CNY"),
    ("exempt", "p/p month 1 12000 CNY exempt"),
    ("never suspended", "p/p month 1 12000 CNY suspend=never"),
    ("release when off", "p/p month 1 12000 CNY release_when_off"),
    ("own waits", "p/p month 1 12000 CNY suspend_after=P1D release_after=P4D warn_before=P2D"),
    ("at once", "p/p month 1 12000 CNY suspend_after=PT0S release_after=PT0S warn_before=PT0S"),
];

/// A resource as it is right after it came into a state at the time that the rules give.
fn in_state(books: &OwnedBooks, state: State, auto_renew: bool) -> Resource {
    let bought = resource(books, "2025-05-10 12:00:00", "p/p");
    let mut resource = Resource { state, auto_renew, ..bought };
    let policy = books.books().policy(&resource);
    let expiry = resource.expires_at;
    if state != State::Active {
        resource.overdue.told_at = Some(expiry);
        resource.overdue.attempted_at = Some(expiry).filter(|_| auto_renew && !policy.exempt);
    }
    if state == State::Suspended {
        let suspended_at = policy.suspend_after.map(|wait| books.zone.after(expiry, wait));
        resource.overdue.suspended_at = Some(suspended_at.unwrap_or(expiry));
        resource.overdue.suspension_warned_at = Some(expiry);
    }
    resource
}

fn row(books: &OwnedBooks, state: State, auto_renew: bool) -> String {
    let resource = in_state(books, state, auto_renew);
    let timers = timers(&resource, &books.books().policy(&resource), &books.zone);
    let name = format!("{} {}", state.name(), if auto_renew { "on" } else { "off" });
    format!("  {name:<13}|{}\n", show(&timers, resource.expires_at))
}

/// The timers as days, hours and seconds after the expiry.
fn show(timers: &Timers, expiry: Instant) -> String {
    let Timers { attempt, expire, arrears, warn_of_suspension, warn_of_release, suspend, release } = *timers;
    let all = [attempt, expire, arrears, warn_of_suspension, suspend, warn_of_release, release];
    let after = |at: Option<Instant>| at.map_or_else(|| "-".to_owned(), |at| wait(at.seconds_since(expiry)));
    all.map(|at| format!(" {:<8}", after(at))).concat().trim_end().to_owned()
}

fn wait(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "+" };
    let (days, hours) = (seconds.abs() / 86_400, seconds.abs() % 86_400 / 3_600);
    assert_eq!(seconds % 3_600, 0, "a timer at a whole hour");
    format!("{sign}{days}d{hours}h")
}

fn table(policy: &str, goods: &str) -> String {
    let books = books("Asia/Shanghai", goods);
    let rows = State::ALL.iter().flat_map(|state| [true, false].map(|auto_renew| row(&books, *state, auto_renew)));
    format!("{policy}\n{}", rows.collect::<String>())
}

#[expect(clippy::needless_pass_by_value, reason = "the expectation is written at the call")]
fn check_table(expected: Expect) {
    let steps = ["attempt", "expire", "arrears", "warn", "suspend", "warn", "release"];
    let head = steps.map(|step| format!(" {step:<8}")).concat();
    let tables: String = POLICIES.iter().map(|(policy, goods)| table(policy, goods)).collect();
    expected.assert_eq(&format!("{:<15}|{}\n{tables}", "after expiry", head.trim_end()));
}

#[test]
fn the_steps_of_every_state_and_policy_are_due_then() {
    check_table(expect![""]);
}
