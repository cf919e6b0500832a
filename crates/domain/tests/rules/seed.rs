//! The examples of the two documents that the product follows, with their own dates and prices.

use expect_test::expect;
use testkit::rules::one_term;

use super::{check, shanghai};

#[test]
fn renewal_of_15_may_2019_runs_to_the_end_of_may_then_by_calendar_months() {
    let mut life = shanghai("2019-04-15 17:58:00", "uhost/monthly month 1 12000 CNY");
    life.credit(42_291);
    life.buys("uhost/monthly");

    life.advance_to("2019-07-02 00:00:00");

    check(&life, expect![""]);
}

#[test]
fn thirty_days_bought_on_8_may_renew_on_7_june_for_120_yuan() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(24_000);
    life.buys("uhost/thirty");

    life.advance_to("2019-06-07 09:30:00");

    check(&life, expect![""]);
}

#[test]
fn with_less_than_120_yuan_on_7_june_nothing_is_charged_until_the_recharge() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(23_999);
    life.buys("uhost/thirty");

    life.advance_to("2019-06-07 09:30:00");
    life.credit(1);

    check(&life, expect![""]);
}

#[test]
fn with_the_switch_off_it_is_in_arrears_from_7_june_and_not_released() {
    let mut life = shanghai("2019-05-08 09:30:00", "uhost/thirty day 30 12000 CNY");
    life.credit(99_999);
    let uhost = life.buys("uhost/thirty");
    life.switch(uhost, false).unwrap();

    life.advance_to("2019-08-30 12:00:00");

    check(&life, expect![""]);
    assert_eq!(life.next_due(), None);
}

#[test]
fn the_first_hourly_renewal_runs_to_the_whole_hour_for_half_the_price() {
    let mut life = shanghai("2024-03-10 16:30:00", "gpu/hourly hour 1 100 CNY");
    life.credit(250);
    life.buys("gpu/hourly");

    life.advance_to("2024-03-10 19:00:00");

    check(&life, expect![""]);
}

#[test]
fn manual_renewal_of_an_hourly_resource_turns_its_switch_on() {
    let mut life = shanghai("2024-03-10 16:30:00", "gpu/hourly hour 1 100 CNY");
    life.credit(350);
    let gpu = life.buys("gpu/hourly");
    life.switch(gpu, false).unwrap();

    life.advance_to("2024-03-10 17:10:00");
    life.renew(gpu, one_term()).unwrap();
    life.advance_to("2024-03-10 18:30:00");

    check(&life, expect![""]);
}

#[test]
fn after_a_recharge_the_renewal_continues_from_the_previous_cycle_and_arrears_are_revoked() {
    let mut life = shanghai("2025-04-28 14:00:00", "uhost/monthly month 1 12000 CNY");
    life.credit(12_000);
    life.buys("uhost/monthly");

    life.advance_to("2025-05-30 11:00:00");
    life.credit(1_323);

    check(&life, expect![""]);
    assert_eq!(life.cash(), 0);
}
