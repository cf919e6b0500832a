//! B-5: the operator suspends, reinstates and revokes licenses, with a reason.

use domain::activation::Intervention::{Reinstate, Revoke, Suspend};
use domain::activation::LicenseRefusal;
use domain::id::LicenseId;
use domain::license::State;
use domain::order::OrderKind;
use domain::purchase::Purchase;
use expect_test::expect;
use testkit::rules::{Life, license_purchase};

use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY";

/// An account with a DR license of one unit and a host on it.
fn with_a_license(cash: i64) -> (Life, LicenseId) {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(7_500 + cash);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    life.assigns("host-1");
    life.forget();
    (life, dr)
}

#[test]
fn a_license_is_suspended_and_reinstated_together_with_its_bonus_and_the_reason_is_kept() {
    let (mut life, dr) = with_a_license(1);
    let bonus = life.bonus_of(dr);

    life.intervene(dr, Suspend, "chargeback").unwrap();
    let suspended = [dr, bonus].map(|id| life.license(id).state);
    life.intervene(dr, Reinstate, "it was paid again").unwrap();

    assert_eq!(suspended, [State::Suspended, State::Suspended]);
    assert_eq!([dr, bonus].map(|id| life.license(id).state), [State::Valid, State::Valid]);
    assert_eq!(life.license(bonus).reason.as_deref(), Some("it was paid again"));
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is suspended: chargeback
        2025-06-30 15:30:27  bonus of dr is suspended: chargeback
        2025-06-30 15:30:27  dr is reinstated: it was paid again
        2025-06-30 15:30:27  bonus of dr is reinstated: it was paid again
    "#]],
    );
}

#[test]
fn doing_it_again_changes_nothing() {
    let (mut life, dr) = with_a_license(1);
    life.intervene(dr, Suspend, "chargeback").unwrap();

    let again = life.intervene(dr, Suspend, "another reason").unwrap();
    life.intervene(dr, Revoke, "fraud").unwrap();
    let revoked = life.intervene(dr, Revoke, "another reason").unwrap();

    assert_eq!((again.reason.as_deref(), revoked.reason.as_deref()), (Some("chargeback"), Some("fraud")));
    assert_eq!(life.times_of("license.suspended").len(), 2);
    assert_eq!(life.times_of("license.revoked").len(), 2);
}

#[test]
fn only_what_is_suspended_is_reinstated_and_what_has_ended_stays_so() {
    let (mut life, dr) = with_a_license(1);
    let bonus = life.bonus_of(dr);

    assert_eq!(life.intervene(dr, Reinstate, "why"), Err(LicenseRefusal::NotSuspended));
    life.advance_to("2025-07-30 15:30:27");
    assert_eq!(life.intervene(bonus, Suspend, "why"), Err(LicenseRefusal::Ended { state: State::Expired }));
    life.intervene(dr, Revoke, "fraud").unwrap();
    assert_eq!(life.intervene(dr, Reinstate, "why"), Err(LicenseRefusal::Ended { state: State::Revoked }));
    assert_eq!(life.switch_license(dr, false), Err(LicenseRefusal::Ended { state: State::Revoked }));
}

#[test]
fn a_suspended_license_gives_no_units_and_keeps_its_hosts() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(15_000);
    let dr = life.buy_license(license_purchase("dr/monthly", 2)).unwrap();
    life.assigns("host-1");

    life.intervene(dr, Suspend, "chargeback").unwrap();

    assert!(life.assign("host-2").is_err());
    assert!(life.assign_from("host-2", dr).is_err());
    assert!(life.start_failback("job-1", "host-1").is_err());
    assert_eq!(life.hosts(), "host-1: dr #1\n");
    life.intervene(dr, Reinstate, "it was paid again").unwrap();
    assert!(life.assign("host-2").is_ok());
    assert!(life.start_failback("job-1", "host-1").is_ok());
}

#[test]
fn while_it_is_suspended_it_does_not_renew_and_at_the_end_of_its_grace_it_has_expired() {
    let (mut life, dr) = with_a_license(100_000);
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.forget();

    life.advance_to("2025-08-01 00:00:00");
    life.credit(5);
    life.advance_to("2025-09-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  bonus of dr has expired
        2025-08-01 00:00:00  credit 5: cash 100005, gift 0
        2025-08-06 15:30:27  dr has expired
        2025-08-06 15:30:27  hosts of dr: 0 go on, 1 stranded host-1
    "#]],
    );
    assert!(life.attempts_of(dr).is_empty());
}

#[test]
fn reinstated_before_its_expiry_it_renews_as_ever() {
    let (mut life, dr) = with_a_license(7_500);
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-07-30 15:30:26");

    life.intervene(dr, Reinstate, "it was paid again").unwrap();
    life.advance_to("2025-07-30 15:30:27");

    assert_eq!(life.show(life.license(dr).expires_at), "2025-08-30 15:30:27");
}

#[test]
fn reinstated_after_its_expiry_it_is_tried_then_and_not_dated_back() {
    let (mut life, dr) = with_a_license(0);
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-01 09:00:00");
    life.credit(7_500);
    life.advance_to("2025-08-02 09:00:00");

    life.intervene(dr, Reinstate, "it was paid again").unwrap();

    let renewal = life.orders_of(dr, OrderKind::Renewal)[0];
    assert_eq!(life.show(renewal.created_at), "2025-08-02 09:00:00");
    assert_eq!(life.show(renewal.period.unwrap().start), "2025-07-30 15:30:27");
    assert!(life.entries().is_sorted_by(|one, next| one.at <= next.at));
    assert_eq!(life.license(dr).state, State::Valid);
}

#[test]
fn reinstated_after_its_expiry_without_money_it_is_in_grace_and_tried_daily() {
    let (mut life, dr) = with_a_license(0);
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-02 09:00:00");
    life.forget();

    life.intervene(dr, Reinstate, "a mistake").unwrap();
    life.advance_to("2025-08-03 16:00:00");

    check(
        &life,
        expect![[r#"
        2025-08-02 09:00:00  dr is reinstated: a mistake
        2025-08-02 09:00:00  dr is not renewed: 0 of 7500
        2025-07-30 15:30:27  dr is in grace until 2025-08-06 15:30:27 (done 2025-08-02 09:00:00)
        2025-08-02 09:00:00  message: expired dr at 2025-08-06 15:30:27
        2025-08-02 15:30:27  dr is not renewed: 0 of 7500
        2025-08-03 15:30:27  dr is not renewed: 0 of 7500
    "#]],
    );
    assert_eq!(life.license(dr).state, State::Grace);
    assert_eq!(life.hosts(), "host-1: dr #1\n");
}

#[test]
fn suspended_and_reinstated_in_its_grace_no_attempt_is_repeated() {
    let (mut life, dr) = with_a_license(0);
    life.advance_to("2025-07-31 16:00:00");
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-03 09:00:00");

    life.intervene(dr, Reinstate, "a mistake").unwrap();
    life.advance_to("2025-08-03 16:00:00");

    let attempts: Vec<_> = life.attempts_of(dr).iter().map(|attempt| life.show(attempt.at)).collect();
    let expected = ["2025-07-30 15:30:27", "2025-07-31 15:30:27", "2025-08-03 09:00:00", "2025-08-03 15:30:27"];
    assert_eq!(attempts, expected);
    assert_eq!(life.show(life.license(dr).ends_at), "2025-08-06 15:30:27");
}

#[test]
fn reinstated_on_the_last_day_of_its_grace_the_customer_has_a_day() {
    let (mut life, dr) = with_a_license(0);
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-06 09:00:00");

    life.intervene(dr, Reinstate, "a mistake").unwrap();

    assert_eq!(life.show(life.license(dr).ends_at), "2025-08-07 09:00:00");
}

#[test]
fn a_reinstated_license_is_reminded_of() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(7_500);
    let off = Purchase { auto_renew: Some(false), ..license_purchase("dr/monthly", 1) };
    let dr = life.buy_license(off).unwrap();
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-07-24 12:00:00");

    life.intervene(dr, Reinstate, "a mistake").unwrap();
    life.advance_to("2025-07-30 12:00:00");

    assert_eq!(life.times_of("reminder.sent"), ["2025-07-27 10:00:00", "2025-07-29 10:00:00"]);
}

#[test]
fn the_bonus_ends_at_its_expiry_also_while_it_is_suspended() {
    let (mut life, dr) = with_a_license(0);
    life.intervene(dr, Suspend, "chargeback").unwrap();

    life.advance_to("2025-08-01 00:00:00");
    life.intervene(dr, Reinstate, "a mistake").unwrap();

    assert_eq!(life.license(life.bonus_of(dr)).state, State::Expired);
}

#[test]
fn a_bonus_can_be_suspended_alone() {
    let (mut life, dr) = with_a_license(0);
    let bonus = life.bonus_of(dr);

    life.intervene(bonus, Suspend, "misuse").unwrap();

    assert_eq!((life.license(dr).state, life.license(bonus).state), (State::Valid, State::Suspended));
}

#[test]
fn when_a_license_is_revoked_its_hosts_go_to_another_and_its_bonus_goes_with_it() {
    let (mut life, dr) = with_a_license(75_000);
    life.buy_license(license_purchase("dr/annual", 1)).unwrap();
    life.forget();

    life.intervene(dr, Revoke, "paid twice").unwrap();

    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr is revoked: paid twice
        2025-06-30 15:30:27  hosts of dr: 1 go on, 0 stranded
        2025-06-30 15:30:27  bonus of dr is revoked: paid twice
    "#]],
    );
    assert_eq!(life.hosts(), "host-1: dr-2 #1\n");
    assert_eq!(life.license(life.bonus_of(dr)).state, State::Revoked);
}

#[test]
fn a_failback_that_runs_on_a_revoked_license_may_still_succeed() {
    let (mut life, dr) = with_a_license(0);
    let failback = life.starts("job-1", "host-1");
    life.intervene(dr, Revoke, "fraud").unwrap();

    life.commit(failback).unwrap();

    assert_eq!(life.license(life.bonus_of(dr)).units.consumed, 1);
}

#[test]
fn the_switch_of_a_suspended_license_can_be_turned_and_is_followed_when_it_is_reinstated() {
    let (mut life, dr) = with_a_license(7_500);
    life.switch_license(dr, false).unwrap();
    life.intervene(dr, Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-01 00:00:00");

    life.switch_license(dr, true).unwrap();
    let tried = life.attempts_of(dr).len();
    life.intervene(dr, Reinstate, "a mistake").unwrap();

    assert_eq!(tried, 0);
    assert_eq!(life.show(life.license(dr).expires_at), "2025-08-30 15:30:27");
}

#[test]
fn what_is_not_of_this_account_is_unknown() {
    let (mut life, _) = with_a_license(0);
    let (_, foreign) = with_a_license(0);
    let foreign = LicenseId::from_u128(foreign.as_u128() + 256);

    assert_eq!(life.intervene(foreign, Suspend, "why"), Err(LicenseRefusal::Unknown));
    assert_eq!(life.switch_license(foreign, true), Err(LicenseRefusal::Unknown));
}
