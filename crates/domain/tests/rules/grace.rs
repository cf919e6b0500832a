//! L-7: the grace of a DR license.

use domain::event::{Body, Event};
use domain::license::State;
use domain::order::OrderKind;
use domain::purchase::Purchase;
use domain::resource::Outcome;
use expect_test::expect;
use testkit::rules::{Life, license_purchase, months};

use super::{check, new_york, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY";

/// An account whose one license of two units, with a host, expires unpaid on 30 July 2025.
fn unpaid() -> (Life, domain::id::LicenseId) {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(15_000);
    let dr = life.buy_license(license_purchase("dr/monthly", 2)).unwrap();
    life.assigns("host-1");
    (life, dr)
}

#[test]
fn it_is_tried_every_day_for_seven_days_and_has_expired_then() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-07-30 00:00:00");
    life.forget();

    life.advance_to("2025-09-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is not renewed: 0 of 15000
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr at 2025-08-06 15:30:27
        2025-07-31 15:30:27  dr is not renewed: 0 of 15000
        2025-08-01 15:30:27  dr is not renewed: 0 of 15000
        2025-08-02 15:30:27  dr is not renewed: 0 of 15000
        2025-08-03 15:30:27  dr is not renewed: 0 of 15000
        2025-08-04 15:30:27  dr is not renewed: 0 of 15000
        2025-08-05 15:30:27  dr is not renewed: 0 of 15000
        2025-08-06 15:30:27  dr is not renewed: 0 of 15000
        2025-08-06 15:30:27  dr has expired
        2025-08-06 15:30:27  hosts of dr: 0 go on, 1 stranded host-1
    "#]],
    );
    assert_eq!(life.license(dr).state, State::Expired);
}

#[test]
fn each_postponement_says_when_it_is_tried_again_and_the_last_one_that_it_is_not() {
    let (mut life, _) = unpaid();
    life.advance_to("2025-08-06 15:30:27");

    let next = |event: &Event| {
        let Body::RenewalPostponed { next_attempt_at, .. } = &event.body else { return None };
        Some(next_attempt_at.map(|at| life.show(at)))
    };
    let said: Vec<_> = life.events().iter().filter_map(next).collect();

    assert_eq!(said.len(), 8);
    assert_eq!(said[0].as_deref(), Some("2025-07-31 15:30:27"));
    assert_eq!((said[6].as_deref(), said[7].as_deref()), (Some("2025-08-06 15:30:27"), None));
}

#[test]
fn its_hosts_go_on_and_no_other_host_gets_a_unit() {
    let (mut life, _) = unpaid();

    life.advance_to("2025-08-06 15:30:26");

    assert_eq!(life.hosts(), "host-1: dr #1\n");
    assert!(life.assign("host-2").is_err());
    assert!(!life.assign("host-1").unwrap().is_new);
}

#[test]
fn a_credit_renews_at_once_from_the_old_end() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-08-02 09:00:00");
    life.forget();

    life.credit(15_000);

    check(
        &life,
        expect![[r#"
        2025-08-02 09:00:00  credit 15000: cash 15000, gift 0
        2025-08-02 09:00:00  dr is renewed by auto for 15000: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
    "#]],
    );
    assert_eq!((life.license(dr).state, life.license(dr).attempted_at), (State::Valid, None));
    assert_eq!(life.show(life.license(dr).ends_at), "2025-09-06 15:30:27");
    assert!(life.assign("host-2").is_ok());
}

#[test]
fn gift_money_freed_money_and_a_higher_credit_limit_renew_at_once_too() {
    let (life, dr) = unpaid();
    let [mut gifted, mut freed, mut trusted] = [(); 3].map(|()| life.clone());
    freed.credit(15_000);
    let freeze = freed.freeze(15_000).unwrap();
    [&mut gifted, &mut freed, &mut trusted].into_iter().for_each(|life| life.advance_to("2025-08-02 09:00:00"));

    gifted.gift(15_000);
    freed.unfreeze(freeze);
    trusted.limit_credit(15_000).unwrap();

    assert_eq!([&gifted, &freed, &trusted].map(|life| life.license(dr).state), [State::Valid; 3]);
}

#[test]
fn a_credit_in_the_last_second_renews_and_one_at_the_end_comes_too_late() {
    let (mut life, dr) = unpaid();
    let mut late = life.clone();
    life.advance_to("2025-08-06 15:30:26");
    late.advance_to("2025-08-06 15:30:27");

    life.credit(15_000);
    late.credit(15_000);

    assert_eq!((life.license(dr).state, life.cash()), (State::Valid, 0));
    assert_eq!((late.license(dr).state, late.cash()), (State::Expired, 15_000));
    assert_eq!(late.hosts(), "host-1: stranded\n");
}

#[test]
fn a_small_credit_is_an_attempt_of_its_own_and_the_daily_series_stays() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-07-31 12:00:00");

    life.credit(14_999);
    life.advance_to("2025-07-31 16:00:00");

    let attempts: Vec<_> = life.attempts_of(dr).iter().map(|attempt| life.show(attempt.at)).collect();
    assert_eq!(attempts, ["2025-07-30 15:30:27", "2025-07-31 12:00:00", "2025-07-31 15:30:27"]);
    assert!(life.attempts_of(dr).iter().all(|attempt| attempt.outcome == Outcome::InsufficientBalance));
}

#[test]
fn turning_the_switch_on_renews_at_once() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(15_000);
    let off = Purchase { auto_renew: Some(false), ..license_purchase("dr/monthly", 1) };
    let dr = life.buy_license(off).unwrap();
    life.advance_to("2025-08-02 09:00:00");
    life.forget();

    life.switch_license(dr, true).unwrap();

    check(
        &life,
        expect![[r#"
        2025-08-02 09:00:00  dr switch on
        2025-08-02 09:00:00  dr is renewed by auto for 7500: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
    "#]],
    );
}

#[test]
fn with_the_switch_off_nothing_is_tried_and_it_ends_all_the_same() {
    let (mut life, dr) = unpaid();
    life.credit(100_000);
    life.switch_license(dr, false).unwrap();

    life.advance_to("2025-08-06 15:30:27");

    assert!(life.attempts_of(dr).is_empty());
    assert_eq!((life.license(dr).state, life.cash()), (State::Expired, 100_000));
}

#[test]
fn turning_the_switch_off_stops_the_daily_attempts() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-08-01 12:00:00");

    life.switch_license(dr, false).unwrap();
    life.credit(100_000);
    life.advance_to("2025-08-05 12:00:00");

    assert_eq!(life.attempts_of(dr).len(), 2);
    assert_eq!(life.license(dr).state, State::Grace);
}

#[test]
fn a_renewal_in_grace_brings_no_bonus() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-08-02 09:00:00");

    life.credit(15_000);

    assert_eq!(life.licenses().len(), 2);
    assert_eq!(life.license(life.bonus_of(dr)).state, State::Expired);
}

#[test]
fn what_was_granted_has_grace_and_is_never_tried() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(100_000);
    let grant = domain::activation::Grant { kind: domain::license::Kind::Dr, quantity: 1, term: months(1) };
    let granted = life.grant(&grant).unwrap();

    life.advance_to("2025-08-06 15:30:26");
    let before = life.license(granted).state;
    life.advance_to("2025-08-06 15:30:27");

    assert_eq!((before, life.license(granted).state), (State::Grace, State::Expired));
    assert!(life.attempts_of(granted).is_empty());
}

#[test]
fn it_is_seven_days_of_the_wall_clock_over_a_clock_change() {
    let mut life = new_york("2025-02-05 14:00:00", "dr/monthly month 1 7500 USD dr");
    life.credit(7_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    life.advance_to("2025-03-12 13:59:59");
    let before = life.license(dr).state;
    life.advance_to("2025-03-12 14:00:00");

    assert_eq!((before, life.license(dr).state), (State::Grace, State::Expired));
    assert_eq!(life.attempts_of(dr).last().unwrap().at.to_string(), "2025-03-12T18:00:00Z");
}

#[test]
fn down_over_the_whole_grace_the_customer_is_told_and_has_a_day() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-07-29 12:00:00");
    life.forget();

    life.down_until("2025-08-10 08:00:00");
    let told = life.license(dr).state;
    life.advance_to("2025-08-11 08:00:00");

    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-07-30 15:30:27  bonus of dr has expired (done 2025-08-10 08:00:00)
        2025-07-30 15:30:27  dr is in grace until 2025-08-11 08:00:00 (done 2025-08-10 08:00:00)
        2025-08-10 08:00:00  message: expired dr at 2025-08-11 08:00:00
        2025-07-31 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-01 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-02 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-03 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-04 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-05 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-06 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-07 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-08 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-09 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-10 15:30:27  dr is not renewed: 0 of 15000
        2025-08-11 08:00:00  dr has expired
        2025-08-11 08:00:00  hosts of dr: 0 go on, 1 stranded host-1
    "#]],
    );
    assert_eq!((told, life.license(dr).state), (State::Grace, State::Expired));
}

#[test]
fn down_over_the_whole_grace_money_that_comes_within_the_day_renews() {
    let (mut life, dr) = unpaid();
    life.down_until("2025-08-10 08:00:00");

    life.advance_to("2025-08-11 07:59:59");
    life.credit(15_000);

    assert_eq!(life.license(dr).state, State::Valid);
    assert_eq!(life.show(life.license(dr).expires_at), "2025-08-30 15:30:27");
    assert_eq!(life.hosts(), "host-1: dr #1\n");
}

#[test]
fn down_over_the_end_of_the_grace_the_customer_is_told_again_and_has_a_day() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-08-05 12:00:00");
    life.forget();

    life.down_until("2025-08-10 08:00:00");
    let told = life.license(dr).state;
    life.advance_to("2025-08-11 08:00:00");

    check(
        &life,
        expect![[r#"
        2025-08-05 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-06 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-10 08:00:00  message: expired dr at 2025-08-11 08:00:00
        2025-08-07 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-08 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-09 15:30:27  dr is not renewed: 0 of 15000 (done 2025-08-10 08:00:00)
        2025-08-10 15:30:27  dr is not renewed: 0 of 15000
        2025-08-11 08:00:00  dr has expired
        2025-08-11 08:00:00  hosts of dr: 0 go on, 1 stranded host-1
    "#]],
    );
    assert_eq!((told, life.license(dr).state), (State::Grace, State::Expired));
}

#[test]
fn a_few_minutes_too_late_is_no_outage() {
    let (mut life, dr) = unpaid();
    life.advance_to("2025-08-06 12:00:00");

    life.down_until("2025-08-06 15:35:27");

    assert_eq!(life.license(dr).state, State::Expired);
    assert_eq!(life.license(dr).ended_at.map(|at| life.show(at)).as_deref(), Some("2025-08-06 15:30:27"));
}

#[test]
fn down_in_the_first_days_of_the_grace_it_ends_as_planned() {
    let (mut life, dr) = unpaid();

    life.down_until("2025-08-02 08:00:00");

    assert_eq!(life.show(life.license(dr).ends_at), "2025-08-06 15:30:27");
}

#[test]
fn with_money_an_outage_renews_as_due() {
    let (mut life, dr) = unpaid();
    life.credit(45_000);

    life.down_until("2025-10-10 08:00:00");

    let dates: Vec<_> =
        life.orders_of(dr, OrderKind::Renewal).iter().map(|order| life.show(order.created_at)).collect();
    assert_eq!(dates, ["2025-07-30 15:30:27", "2025-08-30 15:30:27", "2025-09-30 15:30:27"]);
    assert_eq!(life.license(dr).state, State::Valid);
}
