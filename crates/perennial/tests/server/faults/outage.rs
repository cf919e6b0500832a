//! The server is down for forty days (R-14, C-5).

use domain::time::Instant;
use expect_test::expect;

use crate::harness::{Order, TestSite};

const DAY: i64 = 86_400;

/// A customer who can pay and one who cannot, each with a monthly resource that ends on 15 May; down until 24 June.
struct Outage {
    site: TestSite,
    rich: String,
    funded: String,
    poor: String,
    unfunded: String,
}

impl Outage {
    fn of_forty_days() -> Self {
        let mut site = TestSite::at("2025-04-15 17:58:00");
        site.sells("uhost/monthly", "1 month", 12_000);
        let (rich, poor) = (site.customer(1_000_000), site.customer(12_000));
        let (funded, unfunded) = (site.buys(&rich, "uhost/monthly"), site.buys(&poor, "uhost/monthly"));
        site.advance_to("2025-05-15 12:00:00");
        site.stop();
        site.restart("2025-06-24 12:00:00");
        site.settle();
        Self { site, rich, funded, poor, unfunded }
    }

    fn when(&self, subject: &str, kind: &str) -> Instant {
        let events = self.site.events(&self.poor);
        let event = events.iter().find(|event| event.subject_id == subject && event.kind == kind);
        event.unwrap_or_else(|| panic!("no {kind} of {subject}")).at
    }

    /// When the customer was told for a reason.
    fn told(&self, reason: &str) -> Instant {
        let events = self.site.events(&self.poor);
        let told = events.iter().find(|event| event.kind == "reminder.sent" && event.data["reason"] == reason);
        told.unwrap_or_else(|| panic!("no message about {reason}")).at
    }
}

#[test]
fn after_forty_days_down_what_is_funded_was_renewed_as_of_when_it_was_due() {
    let outage = Outage::of_forty_days();

    outage.site.check_timeline(
        &outage.funded,
        &expect![[r#"
        2025-04-15 17:58:00  purchase completed 12000, operator: 2025-04-15 17:58:00 .. 2025-05-15 17:58:00
        2025-05-15 17:58:00  renewal completed 6291, auto: 2025-05-15 17:58:00 .. 2025-06-01 00:00:00
        2025-05-15 17:58:00  attempt succeeded: 6291 of 988000
        2025-06-01 00:00:00  renewal completed 12000, auto: 2025-06-01 00:00:00 .. 2025-07-01 00:00:00
        2025-06-01 00:00:00  attempt succeeded: 12000 of 981709
        active until 2025-07-01 00:00:00, switch on, next attempt 2025-07-01 00:00:00, suspended never, released never
    "#]],
    );
    let late = outage.site.messages(&outage.rich, &[]);
    assert_eq!(late, "", "nobody with money is told of an expiry that did not matter");
    outage.site.verify();
}

#[test]
fn after_forty_days_down_nothing_is_suspended_before_its_customer_was_told_for_a_day() {
    let outage = Outage::of_forty_days();
    let (site, restarted_at) = (&outage.site, outage.site.read("2025-06-24 12:00:00"));

    assert_eq!(site.resource(&outage.unfunded).state, "expired");
    site.advance_to("2025-07-20 00:00:00");

    let suspended_at = outage.when(&outage.unfunded, "resource.suspended");
    let released_at = outage.when(&outage.unfunded, "resource.released");
    assert!(outage.told("expired") >= restarted_at, "a message cannot have been sent while we were down");
    assert!(suspended_at >= outage.told("expired").plus_seconds(DAY));
    assert!(released_at >= outage.told("release").plus_seconds(DAY));
    expect![[r#"
        2025-04-15 17:58:00  resource.activated
        2025-05-15 17:58:00  resource.expired
        2025-06-24 12:00:00  reminder.sent
        2025-06-24 12:00:00  reminder.sent
        2025-06-25 12:00:00  resource.suspended
        2025-07-01 12:00:00  reminder.sent
        2025-07-02 12:00:00  resource.released
    "#]]
    .assert_eq(&site.happenings(&outage.poor, &outage.unfunded));
    site.verify();
}

#[test]
fn after_forty_days_down_there_is_an_arrears_order_for_every_day_until_the_customer_pays() {
    let outage = Outage::of_forty_days();
    let (site, unfunded) = (&outage.site, &outage.unfunded);

    let arrears = site.orders(&format!("resource_id={unfunded}&kind=arrears"));
    let attempts: Vec<_> = site.attempts(unfunded).into_iter().map(|attempt| site.show(attempt.at)).collect();
    site.credits(&outage.poor, 6_291 + 12_000);

    assert_eq!(arrears.len(), 40);
    check_tiles(site, &arrears, "2025-05-15 17:58:00", "2025-06-24 00:00:00");
    assert!(arrears.iter().all(|order| site.show(order.created_at).ends_with(" 01:00:00")), "{arrears:?}");
    assert_eq!((attempts.len(), &*attempts[0], &*attempts[39]), (40, "2025-05-15 17:58:00", "2025-06-23 17:58:00"));
    expect![[r#"
        active until 2025-07-01 00:00:00, switch on, next attempt 2025-07-01 00:00:00, suspended never, released never
    "#]]
    .assert_eq(&site.standing(unfunded));
    assert_eq!(site.orders(&format!("resource_id={unfunded}&state=unpaid")), []);
    assert_eq!(site.balance(&outage.poor).available, 0);
    site.verify();
}

/// The orders follow each other without gaps.
fn check_tiles(site: &TestSite, orders: &[Order], start: &str, end: &str) {
    let mut at = Some(site.read(start));
    for order in orders {
        assert_eq!(order.start, at, "{order:?}");
        at = order.end;
    }
    assert_eq!(at, Some(site.read(end)));
}

#[test]
fn a_crash_during_the_work_after_an_outage_does_it_once() {
    let mut site = TestSite::at("2025-04-15 17:58:00");
    site.sells("backup/daily", "1 day", 50);
    let customers = [(); 30].map(|()| site.customer(50 + 45 * 50));
    let resources = customers.clone().map(|account| site.buys(&account, "backup/daily"));
    site.stop();

    // Killed as soon as it listens, in the middle of forty days of work for thirty customers.
    site.restart("2025-05-25 12:00:00");
    site.kill();
    site.verify();
    site.restart("2025-05-25 12:00:00");
    site.settle();

    resources.iter().for_each(|resource| {
        let renewals = site.orders(&format!("resource_id={resource}&kind=renewal"));
        check_tiles(&site, &renewals, "2025-04-16 17:58:00", "2025-05-25 17:58:00");
    });
    let left: Vec<_> = customers.iter().map(|account| site.balance(account).cash).collect();
    assert_eq!(left, [45 * 50 - 39 * 50; 30]);
    site.verify();
}
