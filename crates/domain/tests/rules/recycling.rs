//! C-1, C-4 to C-7: expired, suspended, released, deleted, and what saves a resource on the way.

use domain::desk::ResourceRefusal;
use domain::order::{OrderKind, OrderState};
use domain::resource::State;
use expect_test::expect;
use testkit::rules::one_term;

use super::{check, new_york, shanghai};

const UHOST: &str = "uhost/thirty day 30 12000 CNY";

#[test]
fn nobody_pays_a_resource_with_its_switch_off_so_it_is_suspended_and_kept() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(12_000);
    let uhost = life.buys_switched_off("uhost/thirty");

    life.advance_to("2026-08-06 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 14:20:05  credit 12000: cash 12000, gift 0
        2025-05-08 14:20:05  uhost is bought for 12000: 2025-05-08 14:20:05 .. 2025-06-07 14:20:05, cash 0
        2025-05-31 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-04 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-06 10:00:00  message: expiring uhost at 2025-06-07 14:20:05
        2025-06-07 14:20:05  uhost expires; suspended 2025-06-10 14:20:05, released never
        2025-06-07 14:20:05  message: expired uhost at 2025-06-07 14:20:05
        2025-06-08 01:00:00  uhost owes 161: 2025-06-07 14:20:05 .. 2025-06-08 00:00:00
        2025-06-09 01:00:00  uhost owes 400: 2025-06-08 00:00:00 .. 2025-06-09 00:00:00
        2025-06-09 14:20:05  message: suspension uhost at 2025-06-10 14:20:05
        2025-06-10 01:00:00  uhost owes 400: 2025-06-09 00:00:00 .. 2025-06-10 00:00:00
        2025-06-10 14:20:05  uhost is suspended; released never
        2025-06-11 01:00:00  uhost owes 239: 2025-06-10 00:00:00 .. 2025-06-10 14:20:05
    "#]],
    );
    assert_eq!(life.outlook(uhost).release_at, None);
}

#[test]
fn a_credit_in_the_last_second_still_renews() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-06-17 14:20:04");
    life.credit(12_000);
    life.advance_to("2025-06-17 14:20:06");

    assert_eq!(life.show(life.resource(uhost).expires_at), "2025-07-07 14:20:05");
    assert_eq!(life.times_of("resource.released").len(), 0);
}

#[test]
fn what_was_released_is_not_revived_by_money() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-17 14:20:05");

    life.credit(50_000);

    let ended = ResourceRefusal::Ended { state: State::Released };
    assert_eq!(life.resource(uhost).state, State::Released);
    assert_eq!(life.switch(uhost, false), Err(ended));
    assert_eq!(life.delete(uhost), Err(ended));
    assert_eq!(life.cash(), 50_000);
    assert_eq!(life.next_due(), None);
}

#[test]
fn an_hourly_resource_is_suspended_after_an_hour_and_released_after_a_day() {
    let mut life = shanghai("2025-03-10 16:00:00", "gpu/hourly hour 1 100 CNY");
    life.credit(100);
    life.buys("gpu/hourly");

    life.advance_to("2025-03-11 17:00:00");

    check(
        &life,
        expect![[r#"
        2025-03-10 16:00:00  credit 100: cash 100, gift 0
        2025-03-10 16:00:00  gpu is bought for 100: 2025-03-10 16:00:00 .. 2025-03-10 17:00:00, cash 0
        2025-03-10 17:00:00  gpu is not renewed: 0 of 100
        2025-03-10 17:00:00  gpu expires; suspended 2025-03-10 18:00:00, released 2025-03-11 17:00:00
        2025-03-10 17:00:00  message: expired gpu at 2025-03-10 17:00:00
        2025-03-10 18:00:00  gpu is suspended; released 2025-03-11 17:00:00
        2025-03-11 01:00:00  gpu owes 100: 2025-03-10 17:00:00 .. 2025-03-10 18:00:00
        2025-03-11 16:00:00  message: release gpu at 2025-03-11 17:00:00
        2025-03-11 17:00:00  gpu is not renewed: 0 of 2500
        2025-03-11 17:00:00  gpu owes nothing any more
        2025-03-11 17:00:00  gpu is released
    "#]],
    );
}

#[test]
fn a_product_may_release_with_the_switch_off_too() {
    let mut life = shanghai("2025-05-08 14:20:05", "trial/thirty day 30 12000 CNY release_when_off");
    life.credit(12_000);
    let trial = life.buys_switched_off("trial/thirty");

    life.advance_to("2025-06-17 14:20:04");
    let before = life.resource(trial).state;
    life.advance_to("2025-06-17 14:20:05");

    assert_eq!((before, life.resource(trial).state), (State::Suspended, State::Released));
    assert!(life.attempts_of(trial).is_empty());
}

#[test]
fn a_product_may_never_suspend_and_then_never_releases() {
    let mut life = shanghai("2025-05-08 10:00:00", "dns/thirty day 30 3000 CNY suspend=never release_when_off");
    life.credit(3_000);
    let dns = life.buys("dns/thirty");

    life.advance_to("2025-08-06 12:00:00");

    assert_eq!(life.resource(dns).state, State::Expired);
    assert_eq!(life.orders_of(dns, OrderKind::Arrears).len(), 60);
    assert_eq!((life.outlook(dns).suspend_at, life.outlook(dns).release_at), (None, None));
}

#[test]
fn a_product_has_its_own_days() {
    let mut life =
        shanghai("2025-05-08 10:00:00", "scratch/thirty day 30 12000 CNY suspend_after=P1D release_after=P2D");
    life.credit(12_000);
    life.buys("scratch/thirty");

    life.advance_to("2025-06-09 10:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 12000: cash 12000, gift 0
        2025-05-08 10:00:00  scratch is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 0
        2025-05-31 10:00:00  message: expiring scratch at 2025-06-07 10:00:00
        2025-05-31 10:00:00  balance low: 0 of 12000
        2025-06-04 10:00:00  message: expiring scratch at 2025-06-07 10:00:00
        2025-06-04 10:00:00  balance low: 0 of 12000
        2025-06-06 10:00:00  message: expiring scratch at 2025-06-07 10:00:00
        2025-06-06 10:00:00  balance low: 0 of 12000
        2025-06-07 10:00:00  scratch is not renewed: 0 of 12000
        2025-06-07 10:00:00  scratch expires; suspended 2025-06-08 10:00:00, released 2025-06-09 10:00:00
        2025-06-07 10:00:00  message: expired scratch at 2025-06-07 10:00:00
        2025-06-08 01:00:00  scratch owes 233: 2025-06-07 10:00:00 .. 2025-06-08 00:00:00
        2025-06-08 10:00:00  scratch is not renewed: 0 of 12000
        2025-06-08 10:00:00  message: release scratch at 2025-06-09 10:00:00
        2025-06-08 10:00:00  scratch is suspended; released 2025-06-09 10:00:00
        2025-06-09 01:00:00  scratch owes 167: 2025-06-08 00:00:00 .. 2025-06-08 10:00:00
        2025-06-09 10:00:00  scratch is not renewed: 0 of 12000
        2025-06-09 10:00:00  scratch owes nothing any more
        2025-06-09 10:00:00  scratch is released
    "#]],
    );
}

#[test]
fn a_policy_that_changes_holds_from_the_next_renewal_on() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-07 12:00:00");

    life.books.revise("uhost", "suspend_after=P1D release_after=P2D", life.now());
    life.advance_to("2025-06-10 09:59:59");
    let untouched = life.resource(uhost).state;
    life.credit(12_000);
    life.advance_to("2025-07-08 10:00:00");

    assert_eq!(untouched, State::Expired);
    assert_eq!(life.resource(uhost).state, State::Suspended);
}

#[test]
fn switched_on_late_without_money_it_is_released_only_a_day_after_a_warning() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys_switched_off("uhost/thirty");
    life.advance_to("2025-06-27 10:00:00");
    life.forget();

    life.switch(uhost, true).unwrap();
    life.advance_to("2025-07-07 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-27 10:00:00  uhost switch on
        2025-06-27 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-27 10:00:00  message: release uhost at 2025-06-28 10:00:00
        2025-06-28 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-28 10:00:00  uhost owes nothing any more
        2025-06-28 10:00:00  uhost is released
    "#]],
    );
}

#[test]
fn a_warning_from_before_the_switch_went_off_does_not_count_when_it_is_on_again() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-17 09:00:00");
    life.switch(uhost, false).unwrap();
    life.advance_to("2025-06-20 09:00:00");
    life.forget();

    life.switch(uhost, true).unwrap();
    life.advance_to("2025-06-22 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-20 09:00:00  uhost switch on
        2025-06-20 09:00:00  uhost is not renewed: 0 of 12000
        2025-06-20 09:00:00  message: release uhost at 2025-06-21 09:00:00
        2025-06-20 10:00:00  uhost is not renewed: 0 of 12000
        2025-06-21 09:00:00  uhost owes nothing any more
        2025-06-21 09:00:00  uhost is released
    "#]],
    );
}

#[test]
fn deleting_revokes_the_arrears_and_leaves_an_order_of_zero() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-09 11:00:00");
    life.forget();

    let order = life.delete(uhost).unwrap();
    life.credit(50_000);
    life.advance_to("2025-07-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-09 11:00:00  uhost owes nothing any more
        2025-06-09 11:00:00  uhost is deleted
        2025-06-09 11:00:00  credit 50000: cash 50000, gift 0
    "#]],
    );
    assert_eq!((order.kind, order.state, order.amount.minor()), (OrderKind::Deletion, OrderState::Completed, 0));
    assert_eq!(life.resource(uhost).state, State::Deleted);
}

#[test]
fn what_is_active_is_not_deleted() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");

    assert_eq!(life.delete(uhost), Err(ResourceRefusal::Active));
}

#[test]
fn a_renewal_clears_what_was_done_about_the_old_expiry() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(12_000);
    let uhost = life.buys("uhost/thirty");
    life.advance_to("2025-06-12 09:00:00");

    life.credit(12_000);
    life.advance_to("2025-07-10 14:20:05");

    assert_eq!(life.times_of("resource.suspended"), ["2025-06-10 14:20:05", "2025-07-10 14:20:05"]);
    assert_eq!(life.resource(uhost).state, State::Suspended);
    assert!(life.renew(uhost, one_term()).is_err());
}

#[test]
fn an_hour_is_an_hour_also_when_clocks_go_back() {
    let mut life = new_york("2025-11-02T05:30:00Z", "gpu/hourly hour 1 100 USD");
    life.credit(100);
    let gpu = life.buys("gpu/hourly");

    // It expires at the second 01:30 of that night.
    life.advance_to("2025-11-02T07:29:59Z");
    let before = life.resource(gpu).state;
    life.advance_to("2025-11-02T07:30:00Z");

    assert_eq!(life.resource(gpu).expires_at.to_string(), "2025-11-02T06:30:00Z");
    assert_eq!((before, life.resource(gpu).state), (State::Expired, State::Suspended));
}
