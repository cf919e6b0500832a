//! L-4, L-8: licenses by activation code and by grant of the operator.

use domain::activation::{Grant, LicenseRefusal, UNITS_MAX};
use domain::calendar::Unit;
use domain::catalog::Term;
use domain::id::{AccountId, CodeId};
use domain::license::{Kind, Source, State};
use expect_test::expect;
use testkit::rules::{Life, license_purchase, months};

use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr";

fn site() -> Life {
    shanghai("2025-06-30 15:30:27", GOODS)
}

fn four_for_six_months() -> Grant {
    Grant { kind: Kind::Dr, quantity: 4, term: months(6) }
}

#[test]
fn a_code_makes_a_license_once_without_a_bonus() {
    let mut life = site();
    let code = life.make_code(four_for_six_months());

    let made = life.redeem(code).unwrap();
    let again = life.redeem(code);

    let license = life.license(made);
    assert_eq!((license.kind, license.source, license.total), (Kind::Dr, Source::Code, 4));
    assert_eq!((license.code_id, license.order_id, license.subscription), (Some(code), None, None));
    assert_eq!(life.show(license.expires_at), "2025-12-30 15:30:27");
    assert_eq!(again, Err(LicenseRefusal::AlreadyRedeemed));
    assert_eq!(life.licenses().len(), 1);
    check(
        &life,
        expect![[r#"
        2025-06-30 15:30:27  dr by code of 4 until 2025-12-30 15:30:27
    "#]],
    );
}

#[test]
fn a_code_of_another_account_is_unknown() {
    let mut life = site();
    let other = AccountId::from_u128(life.account().id.as_u128() + 256);
    let own = Some(life.account().id);
    let foreign = life.make_code_for(four_for_six_months(), Some(other), None);
    let mine = life.make_code_for(four_for_six_months(), own, None);

    assert_eq!(life.redeem(foreign), Err(LicenseRefusal::UnknownCode));
    assert_eq!(life.redeem(CodeId::from_u128(1)), Err(LicenseRefusal::UnknownCode));
    assert!(life.redeem(mine).is_ok());
}

#[test]
fn a_code_is_redeemed_before_it_expires() {
    let mut life = site();
    let expiry = Some("2025-07-31 00:00:00");
    let [early, late] = [(); 2].map(|()| life.make_code_for(four_for_six_months(), None, expiry));

    life.advance_to("2025-07-30 23:59:59");
    assert!(life.redeem(early).is_ok());
    life.advance_to("2025-07-31 00:00:00");

    let expired_at = life.now();
    assert_eq!(life.redeem(late), Err(LicenseRefusal::CodeExpired { expired_at }));
    assert_eq!(life.redeem(early), Err(LicenseRefusal::AlreadyRedeemed));
}

#[test]
fn the_term_of_a_code_begins_when_it_is_redeemed() {
    let mut life = site();
    let code = life.make_code(Grant { term: Term { unit: Unit::Year, count: 1 }, ..four_for_six_months() });
    life.advance_to("2025-08-01 08:00:00");

    let made = life.redeem(code).unwrap();

    assert_eq!(life.show(life.license(made).activated_at), "2025-08-01 08:00:00");
    assert_eq!(life.show(life.license(made).expires_at), "2026-08-01 08:00:00");
}

#[test]
fn a_grant_makes_a_license_of_any_term_without_a_bonus_and_keeps_the_reason() {
    let mut life = site();

    let granted = life.grant(&Grant { kind: Kind::Failback, quantity: 2, term: months(5) }).unwrap();

    let license = life.license(granted);
    assert_eq!((license.source, license.reason.as_deref()), (Source::Grant, Some("a present")));
    assert_eq!(life.show(license.expires_at), "2025-11-30 15:30:27");
    assert_eq!(life.licenses().len(), 1);
    assert!(life.orders().is_empty() && life.entries().is_empty());
}

#[test]
fn neither_codes_nor_grants_renew() {
    let mut life = site();
    life.credit(100_000);
    let code = life.make_code(four_for_six_months());
    let made = life.redeem(code).unwrap();
    let granted = life.grant(&four_for_six_months()).unwrap();

    assert_eq!(life.switch_license(made, true), Err(LicenseRefusal::AutoRenewNotSupported));
    assert_eq!(life.switch_license(granted, true), Err(LicenseRefusal::AutoRenewNotSupported));
    life.advance_to("2026-01-06 15:30:27");
    assert_eq!([made, granted].map(|id| life.license(id).state), [State::Expired, State::Expired]);
    assert_eq!(life.cash(), 100_000);
}

#[test]
fn units_and_terms_of_a_grant_have_their_limits() {
    let mut life = site();
    let units = |quantity| Grant { quantity, ..four_for_six_months() };
    let term = |unit, count| Grant { term: Term { unit, count }, ..four_for_six_months() };

    assert_eq!(life.grant(&units(0)), Err(LicenseRefusal::QuantityOutOfRange));
    assert_eq!(life.grant(&units(UNITS_MAX + 1)), Err(LicenseRefusal::QuantityOutOfRange));
    assert_eq!(life.grant(&term(Unit::Month, 0)), Err(LicenseRefusal::TermOutOfRange));
    assert_eq!(life.grant(&term(Unit::Year, 101)), Err(LicenseRefusal::TermOutOfRange));
    assert!(life.grant(&term(Unit::Year, 100)).is_ok());
    assert!(life.grant(&units(UNITS_MAX)).is_ok());
}

#[test]
fn a_grant_that_would_end_after_2500_is_refused() {
    let mut life = shanghai("2450-01-01 00:00:00", GOODS);

    let long = Grant { term: Term { unit: Unit::Year, count: 60 }, ..four_for_six_months() };

    assert_eq!(life.grant(&long), Err(LicenseRefusal::TermOutOfRange));
}

#[test]
fn hosts_of_a_code_license_go_to_a_bought_one_when_it_ends() {
    let mut life = site();
    life.credit(7_500 * 9);
    let code = life.make_code(Grant { term: months(1), ..four_for_six_months() });
    life.redeem(code).unwrap();
    life.assigns("host-1");
    life.advance_to("2025-07-10 00:00:00");
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    life.advance_to("2025-08-06 15:30:27");

    assert_eq!(life.hosts(), "host-1: dr #1\n");
}
