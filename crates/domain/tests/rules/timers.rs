//! C-1 to C-6, R-13: when each step of a resource is due, state by state and policy by policy.

use domain::recycling::{Timers, timers};
use domain::resource::{Overdue, Resource, State};
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

/// A resource as it is right after it came into a state at the time that the rules give. Warned is one whose customer was
/// warned of suspension and release when the rules say so.
fn in_state(books: &OwnedBooks, state: State, auto_renew: bool, is_warned: bool) -> Resource {
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
    if is_warned {
        let due = timers(&resource, &policy, &books.zone);
        resource.overdue.suspension_warned_at = due.warn_of_suspension.or(resource.overdue.suspension_warned_at);
        resource.overdue.release_warned_at = due.warn_of_release;
    }
    resource
}

fn row(books: &OwnedBooks, (state, is_warned): (State, bool), auto_renew: bool) -> String {
    let resource = in_state(books, state, auto_renew, is_warned);
    let timers = timers(&resource, &books.books().policy(&resource), &books.zone);
    let (warned, switch) = (if is_warned { "warned " } else { "" }, if auto_renew { "on" } else { "off" });
    let name = format!("{} {warned}{switch}", state.name());
    format!("  {name:<20}|{}\n", show(&timers, resource.expires_at))
}

const ROWS: [(State, bool); 7] = [
    (State::Active, false),
    (State::Expired, false),
    (State::Expired, true),
    (State::Suspended, false),
    (State::Suspended, true),
    (State::Released, false),
    (State::Deleted, false),
];

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
    let rows = ROWS.iter().flat_map(|state| [true, false].map(|auto_renew| row(&books, *state, auto_renew)));
    format!("{policy}\n{}", rows.collect::<String>())
}

fn check_table(expected: Expect) {
    let steps = ["attempt", "expire", "arrears", "warn", "suspend", "warn", "release"];
    let head = steps.map(|step| format!(" {step:<8}")).concat();
    let tables: String = POLICIES.iter().map(|(policy, goods)| table(policy, goods)).collect();
    expected.assert_eq(&format!("{:<22}|{}\n{tables}", "after expiry", head.trim_end()));
}

#[test]
fn the_steps_of_every_state_and_policy_are_due_then() {
    check_table(expect![[r#"
        after expiry          | attempt  expire   arrears  warn     suspend  warn     release
        monthly
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d13h   +2d0h    -        +9d0h    -
          expired off         | -        -        +0d13h   +2d0h    -        -        -
          expired warned on   | +1d0h    -        +0d13h   -        +3d0h    -        +10d0h
          expired warned off  | -        -        +0d13h   -        +3d0h    -        -
          suspended on        | +1d0h    -        +0d13h   -        -        +9d0h    -
          suspended off       | -        -        +0d13h   -        -        -        -
          suspended warned on | +1d0h    -        +0d13h   -        -        -        +10d0h
          suspended warned off| -        -        +0d13h   -        -        -        -
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        hourly
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d12h   -        +0d1h    +0d23h   -
          expired off         | -        -        +0d12h   -        +0d1h    -        -
          expired warned on   | +1d0h    -        +0d12h   -        +0d1h    -        +1d0h
          expired warned off  | -        -        +0d12h   -        +0d1h    -        -
          suspended on        | +1d0h    -        +0d12h   -        -        +0d23h   -
          suspended off       | -        -        +0d12h   -        -        -        -
          suspended warned on | +1d0h    -        +0d12h   -        -        -        +1d0h
          suspended warned off| -        -        +0d12h   -        -        -        -
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        exempt
          active on           | -1d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | -        -        -        -        -        +0d0h    -
          expired off         | -        -        -        -        -        +0d0h    -
          expired warned on   | -        -        -        -        -        -        +1d0h
          expired warned off  | -        -        -        -        -        -        +1d0h
          suspended on        | -        -        -        -        -        +0d0h    -
          suspended off       | -        -        -        -        -        +0d0h    -
          suspended warned on | -        -        -        -        -        -        +1d0h
          suspended warned off| -        -        -        -        -        -        +1d0h
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        never suspended
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d13h   -        -        -        -
          expired off         | -        -        +0d13h   -        -        -        -
          expired warned on   | +1d0h    -        +0d13h   -        -        -        -
          expired warned off  | -        -        +0d13h   -        -        -        -
          suspended on        | +1d0h    -        -        -        -        -        -
          suspended off       | -        -        -        -        -        -        -
          suspended warned on | +1d0h    -        -        -        -        -        -
          suspended warned off| -        -        -        -        -        -        -
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        release when off
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d13h   +2d0h    -        +9d0h    -
          expired off         | -        -        +0d13h   +2d0h    -        +9d0h    -
          expired warned on   | +1d0h    -        +0d13h   -        +3d0h    -        +10d0h
          expired warned off  | -        -        +0d13h   -        +3d0h    -        +10d0h
          suspended on        | +1d0h    -        +0d13h   -        -        +9d0h    -
          suspended off       | -        -        +0d13h   -        -        +9d0h    -
          suspended warned on | +1d0h    -        +0d13h   -        -        -        +10d0h
          suspended warned off| -        -        +0d13h   -        -        -        +10d0h
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        own waits
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d13h   -        +1d0h    +2d0h    -
          expired off         | -        -        +0d13h   -        +1d0h    -        -
          expired warned on   | +1d0h    -        +0d13h   -        +1d0h    -        +4d0h
          expired warned off  | -        -        +0d13h   -        +1d0h    -        -
          suspended on        | +1d0h    -        +0d13h   -        -        +2d0h    -
          suspended off       | -        -        +0d13h   -        -        -        -
          suspended warned on | +1d0h    -        +0d13h   -        -        -        +4d0h
          suspended warned off| -        -        +0d13h   -        -        -        -
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
        at once
          active on           | +0d0h    +0d0h    -        -        -        -        -
          active off          | -        +0d0h    -        -        -        -        -
          expired on          | +1d0h    -        +0d13h   -        +0d0h    +0d0h    -
          expired off         | -        -        +0d13h   -        +0d0h    -        -
          expired warned on   | +1d0h    -        +0d13h   -        +0d0h    -        +1d0h
          expired warned off  | -        -        +0d13h   -        +0d0h    -        -
          suspended on        | +1d0h    -        -        -        -        +0d0h    -
          suspended off       | -        -        -        -        -        -        -
          suspended warned on | +1d0h    -        -        -        -        -        +1d0h
          suspended warned off| -        -        -        -        -        -        -
          released on         | -        -        -        -        -        -        -
          released off        | -        -        -        -        -        -        -
          deleted on          | -        -        -        -        -        -        -
          deleted off         | -        -        -        -        -        -        -
    "#]]);
}

#[test]
fn a_release_waits_for_an_attempt_that_failed() {
    let books = books("Asia/Shanghai", "p/p month 1 12000 CNY");
    let tried = in_state(&books, State::Suspended, true, true);
    let untried = Resource { overdue: Overdue { attempted_at: None, ..tried.overdue }, ..tried.clone() };
    let release = |resource: &Resource| timers(resource, &books.books().policy(resource), &books.zone).release;

    assert!(release(&tried).is_some());
    assert_eq!(release(&untried), None);
}
