//! B-1, B-2, L-1 to L-4, L-7: buying licenses and renewing them.

use domain::activation::LicenseRefusal;
use domain::catalog::{CatalogRefusal, Durations, ProductDraft, ProductKind, Suspend, put_product};
use domain::license::{Kind, License, Source, State, Status};
use domain::order::{OrderKind, Trigger};
use domain::purchase::{Purchase, PurchaseRefusal};
use domain::renewal::Length;
use domain::resource::Outcome;
use domain::time::{Instant, Wait};
use expect_test::expect;
use testkit::rules::{Life, code, license_purchase};

use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY; dr/day day 1 300 CNY; \
                     fb/standard month 3 2000 CNY failback";

/// An account with so much money on 30 June 2025.
fn with_cash(minor: i64) -> Life {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(minor);
    life
}

/// Why a purchase is refused; nothing of it stays.
fn check_refused(purchase: Purchase, refusal: PurchaseRefusal) {
    let mut life = with_cash(1_000_000_000);
    let before = (life.timeline(), *life.wallet());

    assert_eq!(life.buy_license(purchase), Err(refusal));
    assert_eq!((life.timeline(), *life.wallet()), before);
    assert!(life.licenses().is_empty() && life.orders().is_empty());
}

#[test]
fn without_consent_there_is_no_order() {
    check_refused(
        Purchase { terms_version: None, ..license_purchase("dr/monthly", 5) },
        PurchaseRefusal::ConsentRequired,
    );
    check_refused(
        Purchase { terms_version: None, ..license_purchase("fb/standard", 5) },
        PurchaseRefusal::ConsentRequired,
    );
}

#[test]
fn the_order_keeps_which_terms_were_accepted_by_whom_and_when() {
    let mut life = with_cash(7_500);
    let purchase = Purchase { terms_version: Some("2025-06".to_owned()), ..license_purchase("dr/monthly", 1) };

    let license = life.buy_license(purchase).unwrap();

    let order = life.orders_of(license, OrderKind::Purchase)[0];
    assert_eq!(order.terms_version.as_deref(), Some("2025-06"));
    assert_eq!((order.trigger, order.created_at), (Trigger::Customer, life.now()));
    assert_eq!(life.license(license).order_id, Some(order.id));
}

#[test]
fn a_dr_license_is_sold_with_a_choice_of_the_switch() {
    let undecided = Purchase { auto_renew: None, ..license_purchase("dr/monthly", 5) };
    check_refused(undecided, PurchaseRefusal::AutoRenewRequired);

    let mut life = with_cash(15_000);
    let on = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let off = life.buy_license(Purchase { auto_renew: Some(false), ..license_purchase("dr/monthly", 1) }).unwrap();
    assert!(life.license(on).auto_renew);
    assert!(!life.license(off).auto_renew);
}

#[test]
fn one_to_ten_thousand_units_are_sold() {
    let refusal = PurchaseRefusal::QuantityOutOfRange { max: 10_000 };
    check_refused(license_purchase("dr/monthly", 0), refusal.clone());
    check_refused(license_purchase("fb/standard", 0), refusal.clone());
    check_refused(license_purchase("dr/monthly", 10_001), refusal);

    let mut life = with_cash(75_007_500);
    let all = life.buy_license(license_purchase("dr/monthly", 10_000)).unwrap();
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    assert_eq!((life.license(all).total, life.cash()), (10_000, 0));
}

#[test]
fn a_license_lasts_for_whole_terms_and_has_nothing_to_configure() {
    check_refused(
        Purchase { length: Length::MonthEnd, ..license_purchase("dr/monthly", 1) },
        PurchaseRefusal::NotAligned,
    );
    check_refused(
        Purchase { configuration: "{\"cpu\":2}".to_owned(), ..license_purchase("dr/monthly", 1) },
        PurchaseRefusal::NotConfigurable,
    );
}

#[test]
fn a_failback_license_is_bought_with_its_quantity_only() {
    let two_terms = Purchase { length: Length::Terms(2), ..license_purchase("fb/standard", 1) };
    check_refused(two_terms, PurchaseRefusal::TermsOutOfRange { max: 1 });
    let renewing = Purchase { auto_renew: Some(true), ..license_purchase("fb/standard", 1) };
    check_refused(renewing, PurchaseRefusal::AutoRenewNotSupported);

    let mut life = with_cash(2_000);
    let off = Purchase { auto_renew: Some(false), ..license_purchase("fb/standard", 1) };
    assert!(life.buy_license(off).is_ok());
}

#[test]
fn one_unit_too_little_buys_neither_license_nor_bonus() {
    let mut life = with_cash(74_999);

    let refusal = life.buy_license(license_purchase("dr/monthly", 10)).unwrap_err();

    assert!(matches!(refusal, PurchaseRefusal::InsufficientBalance(short) if short.missing().minor() == 1));
    assert!(life.licenses().is_empty());
    assert_eq!(life.cash(), 74_999);
}

#[test]
fn a_license_and_its_bonus_begin_with_the_payment_and_end_together() {
    let mut life = with_cash(75_000);

    let dr = life.buy_license(license_purchase("dr/monthly", 10)).unwrap();

    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  credit 75000: cash 75000, gift 0
        2025-06-30 15:30:27  dr is bought for 75000: 2025-06-30 15:30:27 .. 2025-07-30 15:30:27, cash 0
        2025-06-30 15:30:27  bonus of dr of 10 until 2025-07-30 15:30:27
    "#]],
    );
    let (dr, bonus) = (life.license(dr), life.license(life.bonus_of(dr)));
    assert_eq!((dr.kind, dr.source, dr.total), (Kind::Dr, Source::Purchase, 10));
    assert_eq!((bonus.kind, bonus.source, bonus.total), (Kind::Failback, Source::Bonus, 10));
    assert_eq!((bonus.activated_at, bonus.expires_at), (dr.activated_at, dr.expires_at));
    assert_eq!((bonus.order_id, bonus.subscription, bonus.auto_renew), (dr.order_id, None, false));
    assert_eq!((life.show(dr.ends_at), bonus.ends_at), ("2025-08-06 15:30:27".to_owned(), bonus.expires_at));
}

#[test]
fn every_purchase_brings_its_own_bonus_and_a_failback_license_brings_none() {
    let mut life = with_cash(100_000);
    let first = life.buy_license(license_purchase("dr/monthly", 3)).unwrap();
    let second = life.buy_license(license_purchase("dr/annual", 1)).unwrap();
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    assert_eq!(life.license(life.bonus_of(first)).total, 3);
    assert_eq!(life.show(life.license(life.bonus_of(second)).expires_at), "2026-06-30 15:30:27");
    assert_eq!(life.licenses().len(), 5);
}

#[test]
fn three_months_from_30_june_end_on_30_september_at_the_same_second() {
    let mut life = shanghai("2025-06-30 16:19:29", GOODS);
    life.credit(2_000);

    let fb = life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    assert_eq!(life.show(life.license(fb).expires_at), "2025-09-30 16:19:29");
    assert_eq!(life.license(fb).service_life_days(&life.books.zone), 92);
}

#[test]
fn a_failback_license_expires_by_itself_without_grace_and_never_renews() {
    let mut life = with_cash(50_000);
    let fb = life.buy_license(license_purchase("fb/standard", 2)).unwrap();
    life.forget();

    life.advance_to("2025-09-30 15:30:26");
    assert_eq!(life.license(fb).state, State::Valid);
    life.advance_to("2025-12-31 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-09-30 15:30:27  fb has expired
    "#]],
    );
    assert!(life.attempts_of(fb).is_empty());
    assert_eq!(life.switch_license(fb, false), Err(LicenseRefusal::Ended { state: State::Expired }));
}

#[test]
fn only_what_was_bought_as_a_dr_license_can_be_switched_on() {
    let mut life = with_cash(9_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let fb = life.buy_license(license_purchase("fb/standard", 1)).unwrap();
    let bonus = life.bonus_of(dr);

    assert_eq!(life.switch_license(fb, true), Err(LicenseRefusal::AutoRenewNotSupported));
    assert_eq!(life.switch_license(bonus, true), Err(LicenseRefusal::AutoRenewNotSupported));
    assert!(life.switch_license(bonus, false).is_ok());
    assert!(!life.switch_license(dr, false).unwrap().auto_renew);
    assert_eq!(life.times_of("license.auto_renew_changed").len(), 1);
}

#[test]
fn a_dr_license_renews_from_its_own_end_with_the_same_id_and_its_bonus_does_not() {
    let mut life = with_cash(150_000);
    let dr = life.buy_license(license_purchase("dr/monthly", 10)).unwrap();
    life.forget();

    life.advance_to("2025-07-30 15:30:27");

    check(
        &life,
        expect![[r#"
        2025-07-30 15:30:27  dr is renewed by auto for 75000: 2025-07-30 15:30:27 .. 2025-08-30 15:30:27, cash 0
        2025-07-30 15:30:27  bonus of dr has expired
    "#]],
    );
    assert_eq!(life.license(dr).state, State::Valid);
    assert_eq!(life.license(life.bonus_of(dr)).state, State::Expired);
    assert_eq!(life.licenses().len(), 2);
}

#[test]
fn months_are_counted_from_the_anchor_and_never_aligned() {
    let mut life = shanghai("2025-01-31 10:00:00", GOODS);
    life.credit(37_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    life.advance_to("2025-06-01 00:00:00");

    let ends = life.orders_of(dr, OrderKind::Renewal).into_iter().map(|order| life.show(order.period.unwrap().end));
    let expected = ["2025-03-31 10:00:00", "2025-04-30 10:00:00", "2025-05-31 10:00:00", "2025-06-30 10:00:00"];
    assert_eq!(ends.collect::<Vec<_>>(), expected);
}

#[test]
fn an_annual_license_of_29_february_comes_back_to_it() {
    let mut life = shanghai("2024-02-29 12:00:00", GOODS);
    life.credit(300_000);
    let dr = life.buy_license(license_purchase("dr/annual", 1)).unwrap();

    life.advance_to("2027-03-01 00:00:00");

    assert_eq!(life.show(life.license(dr).expires_at), "2028-02-29 12:00:00");
}

#[test]
fn a_renewal_keeps_the_number_of_units_and_of_terms() {
    let mut life = with_cash(45_000 * 2);
    let purchase = Purchase { length: Length::Terms(2), ..license_purchase("dr/monthly", 3) };
    let dr = life.buy_license(purchase).unwrap();

    life.advance_to("2025-08-30 15:30:27");

    let order = life.orders_of(dr, OrderKind::Renewal)[0];
    assert_eq!((order.amount.minor(), order.lines[0].quantity), (45_000, 3));
    assert_eq!(life.show(life.license(dr).expires_at), "2025-10-30 15:30:27");
}

#[test]
fn a_renewal_costs_what_is_in_force_for_renewals_at_the_old_end() {
    let mut life = with_cash(7_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    life.books.reprice("dr/monthly", 9_000, "2025-07-01 00:00:00", "2025-07-31 00:00:00");

    life.advance_to("2025-08-02 00:00:00");
    life.credit(20_000);
    let first = life.orders_of(dr, OrderKind::Renewal)[0].amount.minor();
    life.advance_to("2025-08-30 15:30:27");

    assert_eq!((first, life.orders_of(dr, OrderKind::Renewal)[1].amount.minor()), (7_500, 9_000));
}

#[test]
fn a_short_term_is_caught_up_in_one_order_all_or_nothing() {
    let mut life = with_cash(300);
    let dr = life.buy_license(license_purchase("dr/day", 1)).unwrap();
    life.advance_to("2025-07-05 15:30:26");
    life.forget();

    life.credit(1_199);
    life.credit(1);

    check(
        &life,
        expect![[r#"
        2025-07-05 15:30:26  credit 1199: cash 1199, gift 0
        2025-07-05 15:30:26  dr is not renewed: 1199 of 1200
        2025-07-05 15:30:26  credit 1: cash 1200, gift 0
        2025-07-05 15:30:26  dr is renewed by auto for 1200 in 4 lines: 2025-07-01 15:30:27 .. 2025-07-05 15:30:27, cash 0
    "#]],
    );
    assert_eq!(life.orders_of(dr, OrderKind::Renewal)[0].lines.len(), 4);
}

#[test]
fn resources_are_renewed_before_licenses_and_what_is_never_suspended_comes_last() {
    let mut life = shanghai(
        "2025-06-01 10:00:00",
        "dr/thirty day 30 7500 CNY dr; dns/thirty day 30 7500 CNY suspend=never; ddos/thirty day 30 7500 CNY exempt; \
         uhost/thirty day 30 7500 CNY suspend_after=P9D release_after=P12D",
    );
    life.credit(4 * 7_500);
    let dns = life.buys("dns/thirty");
    let ddos = life.buys("ddos/thirty");
    let dr = life.buy_license(license_purchase("dr/thirty", 1)).unwrap();
    let uhost = life.buys("uhost/thirty");
    life.switch(ddos, false).unwrap();
    life.advance_to("2025-07-01 10:00:00");

    let ends = |life: &Life| {
        [life.resource(uhost).expires_at, life.license(dr).expires_at, life.resource(dns).expires_at]
            .map(|at| at > life.now())
    };
    life.credit(7_500);
    let first = ends(&life);
    life.credit(7_500);
    let second = ends(&life);
    life.credit(7_500);

    assert_eq!([first, second, ends(&life)], [[true, false, false], [true, true, false], [true, true, true]]);
}

#[test]
fn of_a_resource_and_a_license_due_at_one_instant_the_resource_gets_the_money() {
    let mut life = shanghai("2025-06-01 10:00:00", "dr/thirty day 30 7500 CNY dr; uhost/thirty day 30 7500 CNY");
    life.credit(3 * 7_500);
    let dr = life.buy_license(license_purchase("dr/thirty", 1)).unwrap();
    let uhost = life.buys("uhost/thirty");

    life.advance_to("2025-07-01 10:00:00");

    assert_eq!(life.attempts_of(uhost)[0].outcome, Outcome::Succeeded);
    assert_eq!(life.attempts_of(dr)[0].outcome, Outcome::InsufficientBalance);
}

#[test]
fn a_renewal_takes_the_newest_version_of_the_product() {
    let mut life = with_cash(15_000);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let now = life.now();
    life.books.revise("dr", "align=false", now);
    let before = life.license(dr).subscription.unwrap().product_version;

    life.advance_to("2025-07-30 15:30:27");

    assert_eq!((before, life.license(dr).subscription.unwrap().product_version), (1, 2));
}

#[test]
fn of_two_licenses_the_one_that_ends_first_gets_the_money_and_what_does_not_fit_is_skipped() {
    let mut life = with_cash(7_500 + 75_000 + 15_000);
    let big = life.buy_license(license_purchase("dr/monthly", 10)).unwrap();
    life.advance_to("2025-07-01 15:30:27");
    let late = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let later = life.buy_license(license_purchase("dr/monthly", 2)).unwrap();
    life.advance_to("2025-08-02 00:00:00");

    life.credit(22_499);

    let outcomes = [big, late, later].map(|id| life.attempts_of(id).last().unwrap().outcome);
    assert_eq!(outcomes, [Outcome::InsufficientBalance, Outcome::Succeeded, Outcome::InsufficientBalance]);
    assert_eq!(life.cash(), 14_999);
}

#[test]
fn what_a_license_is_good_for_follows_the_clock_however_late_the_worker_is() {
    let mut life = with_cash(7_500);
    let dr = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let (dr, bonus) = (life.license(dr), life.license(life.bonus_of(dr)));
    let at = |license: &License, time: &str| {
        let at = life.books.at(time);
        (license.status(at), license.is_live(at), license.gives_units(at))
    };

    assert_eq!(at(dr, "2025-07-30 15:30:26"), (Status::Valid, true, true));
    assert_eq!(at(dr, "2025-07-30 15:30:27"), (Status::Grace, true, false));
    assert_eq!(at(dr, "2025-08-06 15:30:26"), (Status::Grace, true, false));
    assert_eq!(at(dr, "2025-08-06 15:30:27"), (Status::Expired, false, false));
    assert_eq!(at(bonus, "2025-07-30 15:30:26"), (Status::Valid, true, true));
    assert_eq!(at(bonus, "2025-07-30 15:30:27"), (Status::Expired, false, false));
    let suspended = License { state: State::Suspended, ..dr.clone() };
    assert_eq!(at(&suspended, "2025-07-01 00:00:00"), (Status::Suspended, false, false));
    assert_eq!(at(&suspended, "2025-08-06 15:30:27"), (Status::Expired, false, false));
    let revoked = License { state: State::Revoked, ..dr.clone() };
    assert_eq!(at(&revoked, "2025-07-01 00:00:00"), (Status::Revoked, false, false));
}

#[test]
fn a_license_product_has_no_recycling_to_choose() {
    let plain = ProductDraft {
        code: code("dr"),
        name: "DR".to_owned(),
        kind: ProductKind::DrLicense,
        exempt: false,
        align: true,
        suspend: Suspend::AfterWindow,
        release_when_off: false,
        durations: Durations::default(),
    };
    let put = |draft: ProductDraft| put_product(None, draft, Instant::MIN).map(|product| product.is_some());
    let window = Durations { window: Some(Wait::days(1)), ..Durations::default() };
    let refused = Err(CatalogRefusal::NotForLicenses);

    assert_eq!(put(ProductDraft { exempt: true, ..plain.clone() }), refused);
    assert_eq!(put(ProductDraft { suspend: Suspend::Never, ..plain.clone() }), refused);
    assert_eq!(put(ProductDraft { release_when_off: true, ..plain.clone() }), refused);
    assert_eq!(put(ProductDraft { durations: window, ..plain.clone() }), refused);
    assert_eq!(put(ProductDraft { kind: ProductKind::FailbackLicense, exempt: true, ..plain.clone() }), refused);
    assert_eq!(put(plain), Ok(true));
}

#[test]
fn the_kind_of_a_product_never_changes() {
    let life = shanghai("2025-06-30 15:30:27", GOODS);
    let dr = life.books.books().catalog.offering(code("dr")).unwrap().product().clone();
    let draft = ProductDraft {
        code: dr.code,
        name: dr.name.clone(),
        kind: ProductKind::FailbackLicense,
        exempt: false,
        align: true,
        suspend: Suspend::AfterWindow,
        release_when_off: false,
        durations: Durations::default(),
    };

    assert_eq!(put_product(Some(&dr), draft, life.now()), Err(CatalogRefusal::KindFixed { product: code("dr") }));
}

#[test]
fn a_license_is_reminded_of_seven_three_and_one_days_before_and_a_yearly_one_thirty_days_before() {
    let mut life = with_cash(82_500);
    let off = |plan| Purchase { auto_renew: Some(false), ..license_purchase(plan, 1) };
    life.buy_license(off("dr/monthly")).unwrap();
    life.buy_license(off("dr/annual")).unwrap();
    life.forget();

    life.advance_to("2026-06-29 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-07-23 10:00:00  message: expiring dr at 2025-07-30 15:30:27
        2025-07-27 10:00:00  message: expiring dr at 2025-07-30 15:30:27
        2025-07-29 10:00:00  message: expiring dr at 2025-07-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr at 2025-08-06 15:30:27
        2025-08-06 15:30:27  dr has expired
        2026-05-31 10:00:00  message: expiring dr-2 at 2026-06-30 15:30:27
        2026-06-23 10:00:00  message: expiring dr-2 at 2026-06-30 15:30:27
        2026-06-27 10:00:00  message: expiring dr-2 at 2026-06-30 15:30:27
        2026-06-29 10:00:00  message: expiring dr-2 at 2026-06-30 15:30:27
    "#]],
    );
}

#[test]
fn a_license_that_renews_is_reminded_of_only_when_the_balance_does_not_cover_it() {
    let mut rich = with_cash(15_000);
    rich.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    let mut poor = with_cash(14_999);
    poor.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    rich.advance_to("2025-07-30 12:00:00");
    poor.advance_to("2025-07-30 12:00:00");

    assert!(rich.times_of("reminder.sent").is_empty());
    assert_eq!(poor.times_of("reminder.sent"), ["2025-07-23 10:00:00", "2025-07-27 10:00:00", "2025-07-29 10:00:00"]);
    assert_eq!(poor.times_of("balance.low").len(), 3);
}

#[test]
fn after_a_renewal_the_next_expiry_is_reminded() {
    let mut life = with_cash(15_000);
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    life.advance_to("2025-08-30 12:00:00");

    assert_eq!(life.times_of("reminder.sent"), ["2025-08-23 10:00:00", "2025-08-27 10:00:00", "2025-08-29 10:00:00"]);
}

#[test]
fn one_message_names_resources_and_licenses() {
    let mut life = shanghai("2025-06-01 10:00:00", "uhost/thirty day 30 500 CNY; dr/thirty day 30 500 CNY dr");
    life.credit(1_000);
    life.buys("uhost/thirty");
    life.buy_license(license_purchase("dr/thirty", 1)).unwrap();
    life.forget();

    life.advance_to("2025-06-24 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-06-24 10:00:00  message: expiring uhost at 2025-07-01 10:00:00, dr at 2025-07-01 10:00:00
        2025-06-24 10:00:00  balance low: 0 of 1000
    "#]],
    );
}

#[test]
fn a_failback_license_is_never_reminded_of() {
    let mut life = with_cash(2_000);
    let fb = life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    assert_eq!(life.next_due(), Some(life.license(fb).expires_at));
    life.advance_to("2025-12-31 00:00:00");
    assert!(life.times_of("reminder.sent").is_empty());
}

#[test]
fn the_forecast_has_dr_licenses_and_leaves_out_what_does_not_renew() {
    let mut life = with_cash(100_000);
    let dr = life.buy_license(license_purchase("dr/monthly", 2)).unwrap();
    life.buy_license(Purchase { auto_renew: Some(false), ..license_purchase("dr/monthly", 1) }).unwrap();
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    let forecast = life.forecast(90);

    let items: Vec<_> = forecast.items.iter().map(|item| (life.show(item.at), item.amount.minor())).collect();
    assert!(forecast.items.iter().all(|item| item.holding == dr.into()));
    assert_eq!(items, [("2025-07-30 15:30:27".to_owned(), 15_000), ("2025-08-30 15:30:27".to_owned(), 15_000)]);
}

#[test]
fn the_forecast_of_a_license_in_grace_has_all_cycles_of_its_next_attempt() {
    let mut life = with_cash(300);
    life.buy_license(license_purchase("dr/day", 1)).unwrap();
    life.advance_to("2025-07-04 00:00:00");

    let forecast = life.forecast(1);

    let items: Vec<_> = forecast.items.iter().map(|item| (life.show(item.at), item.amount.minor())).collect();
    assert_eq!(items, [("2025-07-04 15:30:27".to_owned(), 1_200)]);
}
