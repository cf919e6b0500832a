//! R-10, R-11: renewals by hand.

use domain::order::OrderKind;
use domain::renewal::{Choice, Command, Length, RenewalRefusal, quote};
use domain::resource::State;
use expect_test::expect;
use testkit::rules::{books, code, one_term, resource};

use super::{check, shanghai};

const UHOST: &str = "uhost/monthly month 1 12000 CNY; uhost/thirty day 30 12000 CNY; uhost/annual year 1 120000 CNY";

/// What a choice would be for a monthly resource bought on 10 May 2025 12:00, asked for at a local time.
fn check_quote(choice: Choice, now: &str, expected: &str) {
    let books = books("Asia/Shanghai", UHOST);
    let uhost = resource(&books, "2025-05-10 12:00:00", "uhost/monthly");
    let quote = quote(&uhost, Command::Manual(choice), &books.books(), books.at(now));
    let shown = quote.map(|quote| {
        let (start, end) = (books.zone.show(quote.period.start), books.zone.show(quote.period.end));
        format!("{} {start} .. {end}, {} x {}", quote.amount, quote.terms, quote.plan)
    });
    assert_eq!(shown.unwrap_or_else(|refusal| refusal.to_string()), expected);
}

#[test]
fn it_starts_at_the_old_end_and_is_not_aligned() {
    check_quote(one_term(), "2025-05-20 00:00:00", "12000 2025-06-10 12:00:00 .. 2025-07-10 12:00:00, 1 x monthly");
}

#[test]
fn the_number_of_terms_is_chosen_freely() {
    let three = Choice { length: Length::Terms(3), ..one_term() };
    check_quote(three, "2025-05-20 00:00:00", "36000 2025-06-10 12:00:00 .. 2025-09-10 12:00:00, 3 x monthly");
}

#[test]
fn the_plan_is_chosen_freely_among_those_of_the_product() {
    let annual = Choice { plan: Some(code("annual")), ..one_term() };
    check_quote(annual, "2025-05-20 00:00:00", "120000 2025-06-10 12:00:00 .. 2026-06-10 12:00:00, 1 x annual");
}

#[test]
fn to_the_end_of_the_month_costs_a_part_of_it() {
    let month_end = Choice { length: Length::MonthEnd, ..one_term() };
    check_quote(month_end, "2025-06-12 09:00:00", "8200 2025-06-10 12:00:00 .. 2025-07-01 00:00:00, 1 x monthly");
}

#[test]
fn only_a_monthly_plan_runs_to_the_end_of_the_month() {
    let thirty = Choice { plan: Some(code("thirty")), length: Length::MonthEnd, ..one_term() };
    check_quote(thirty, "2025-05-20 00:00:00", "only a monthly plan can run to the month's end");
}

#[test]
fn a_plan_of_another_product_is_refused() {
    let other = Choice { plan: Some(code("hourly")), ..one_term() };
    check_quote(other, "2025-05-20 00:00:00", "the product has no plan hourly");
}

#[test]
fn no_terms_and_more_than_a_century_are_refused() {
    let terms = |n| Choice { length: Length::Terms(n), ..one_term() };
    check_quote(terms(0), "2025-05-20 00:00:00", "the number of terms is between 1 and 1200");
    check_quote(terms(1_201), "2025-05-20 00:00:00", "the number of terms is between 1 and 1200");
}

#[test]
fn what_does_not_reach_past_now_is_refused_with_the_number_of_terms_needed() {
    let needs = "the renewal would end in the past; it needs at least 3 terms";
    check_quote(one_term(), "2025-08-10 12:00:00", needs);
    check_quote(Choice { length: Length::Terms(2), ..one_term() }, "2025-08-10 12:00:00", needs);
    check_quote(Choice { length: Length::MonthEnd, ..one_term() }, "2025-08-10 12:00:00", needs);
}

#[test]
fn one_second_past_now_is_enough() {
    let two = Choice { length: Length::Terms(2), ..one_term() };
    check_quote(two, "2025-08-10 11:59:59", "24000 2025-06-10 12:00:00 .. 2025-08-10 12:00:00, 2 x monthly");
}

#[test]
fn hours_that_end_now_do_not_reach_past_now() {
    let books = books("Asia/Shanghai", "gpu/hourly hour 1 100 CNY suspend_after=P3D release_after=P10D");
    let gpu = resource(&books, "2025-03-10 16:00:00", "gpu/hourly");
    let three = Command::Manual(Choice { length: Length::Terms(3), ..one_term() });

    let refusal = quote(&gpu, three, &books.books(), books.at("2025-03-10 20:00:00"));

    assert_eq!(refusal, Err(RenewalRefusal::TermTooShort { needs_at_least: 4 }));
}

#[test]
fn the_choice_is_stored_and_renews_from_then_on() {
    let goods = "uhost/thirty day 30 12000 CNY; uhost/monthly month 1 13000 CNY";
    let mut life = shanghai("2025-05-08 10:00:00", goods);
    life.credit(100_000);
    let uhost = life.buys("uhost/thirty");
    let choice = Choice { plan: Some(code("monthly")), length: Length::Terms(2), ..one_term() };
    life.renew(uhost, choice).unwrap();

    life.advance_to("2025-09-01 00:00:00");

    check(
        &life,
        expect![[r#"
        2025-05-08 10:00:00  credit 100000: cash 100000, gift 0
        2025-05-08 10:00:00  uhost is bought for 12000: 2025-05-08 10:00:00 .. 2025-06-07 10:00:00, cash 88000
        2025-05-08 10:00:00  uhost is renewed by customer for 26000: 2025-06-07 10:00:00 .. 2025-08-07 10:00:00, cash 62000
        2025-08-07 10:00:00  uhost is renewed by auto for 10309: 2025-08-07 10:00:00 .. 2025-09-01 00:00:00, cash 51691
        2025-09-01 00:00:00  uhost is renewed by auto for 26000: 2025-09-01 00:00:00 .. 2025-11-01 00:00:00, cash 25691
    "#]],
    );
}

#[test]
fn to_the_end_of_the_month_keeps_the_stored_number_of_terms() {
    let mut life = shanghai("2025-05-10 12:00:00", UHOST);
    life.credit(1_000_000);
    let uhost = life.buys("uhost/monthly");
    life.renew(uhost, Choice { length: Length::Terms(3), ..one_term() }).unwrap();

    life.renew(uhost, Choice { length: Length::MonthEnd, ..one_term() }).unwrap();

    assert_eq!(life.resource(uhost).terms, 3);
    assert_eq!(life.show(life.resource(uhost).expires_at), "2025-10-01 00:00:00");
}

#[test]
fn a_manual_month_is_not_aligned_and_the_automatic_renewal_after_it_is() {
    let mut life = shanghai("2025-03-10 12:00:00", UHOST);
    life.credit(32_323);
    let uhost = life.buys("uhost/monthly");
    life.advance_to("2025-04-01 08:00:00");
    life.renew(uhost, one_term()).unwrap();

    life.advance_to("2025-05-10 12:00:00");

    check(
        &life,
        expect![[r#"
        2025-03-10 12:00:00  credit 32323: cash 32323, gift 0
        2025-03-10 12:00:00  uhost is bought for 12000: 2025-03-10 12:00:00 .. 2025-04-10 12:00:00, cash 20323
        2025-04-01 08:00:00  uhost is renewed by customer for 12000: 2025-04-10 12:00:00 .. 2025-05-10 12:00:00, cash 8323
        2025-05-10 12:00:00  uhost is renewed by auto for 8323: 2025-05-10 12:00:00 .. 2025-06-01 00:00:00, cash 0
    "#]],
    );
}

#[test]
fn manual_months_count_from_the_anchor() {
    let mut life = shanghai("2025-01-31 10:00:00", UHOST);
    life.credit(1_000_000);
    let uhost = life.buys("uhost/monthly");

    life.renew(uhost, one_term()).unwrap();
    life.renew(uhost, Choice { length: Length::Terms(2), ..one_term() }).unwrap();

    assert_eq!(life.show(life.resource(uhost).expires_at), "2025-05-31 10:00:00");
}

#[test]
fn another_unit_starts_a_new_count() {
    let mut life = shanghai("2025-01-31 10:00:00", UHOST);
    life.credit(1_000_000);
    let uhost = life.buys("uhost/monthly");

    life.renew(uhost, Choice { plan: Some(code("thirty")), ..one_term() }).unwrap();
    life.renew(uhost, Choice { plan: Some(code("monthly")), ..one_term() }).unwrap();

    // 28 February, 30 days later 30 March, a month after that 30 April.
    assert_eq!(life.show(life.resource(uhost).expires_at), "2025-04-30 10:00:00");
}

#[test]
fn without_money_it_is_refused_and_nothing_changes() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(23_999);
    let uhost = life.buys_switched_off("uhost/thirty");
    life.advance_to("2025-06-08 10:00:00");
    let before = life.timeline();

    let refusal = life.renew(uhost, one_term()).unwrap_err();

    assert!(matches!(refusal, RenewalRefusal::InsufficientBalance(short) if short.missing().minor() == 1));
    assert_eq!(life.timeline(), before);
    assert_eq!(life.resource(uhost).state, State::Expired);
}

#[test]
fn while_suspended_it_resumes_the_resource_and_revokes_the_arrears() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(12_000);
    let uhost = life.buys_switched_off("uhost/thirty");
    life.advance_to("2025-06-12 09:00:00");
    life.credit(12_000);
    life.forget();

    life.renew(uhost, one_term()).unwrap();

    check(
        &life,
        expect![[r#"
        2025-06-12 09:00:00  uhost is renewed by customer for 12000: 2025-06-07 14:20:05 .. 2025-07-07 14:20:05, cash 0
        2025-06-12 09:00:00  uhost owes nothing any more
        2025-06-12 09:00:00  uhost is resumed
    "#]],
    );
    let superseded = life.orders_of(uhost, OrderKind::Arrears);
    let renewal = life.orders_of(uhost, OrderKind::Renewal)[0].id;
    assert!(superseded.iter().all(|order| order.superseded_by == Some(renewal)));
}

#[test]
fn an_hourly_renewal_may_leave_the_switch_off() {
    let mut life = shanghai("2025-03-10 16:00:00", "gpu/hourly hour 1 100 CNY");
    life.credit(400);
    let gpu = life.buys_switched_off("gpu/hourly");

    life.renew(gpu, Choice { auto_renew_after: Some(false), ..one_term() }).unwrap();
    let opted_out = life.resource(gpu).auto_renew;
    life.renew(gpu, one_term()).unwrap();

    assert!(!opted_out);
    assert!(life.resource(gpu).auto_renew);
    assert_eq!(life.times_of("resource.auto_renew_changed").len(), 1);
}

#[test]
fn a_daily_or_monthly_renewal_leaves_the_switch_as_it_is() {
    let mut life = shanghai("2025-05-08 10:00:00", UHOST);
    life.credit(48_000);
    let ids = ["uhost/monthly", "uhost/thirty"].map(|plan| life.buys_switched_off(plan));

    life.renew(ids[0], one_term()).unwrap();
    life.renew(ids[1], one_term()).unwrap();

    assert_eq!(ids.map(|id| life.resource(id).auto_renew), [false, false]);
}

#[test]
fn what_has_ended_is_not_renewed() {
    let mut life = shanghai("2025-05-08 14:20:05", UHOST);
    life.credit(24_000);
    let released = life.buys("uhost/thirty");
    let deleted = life.buys("uhost/thirty");
    life.advance_to("2025-06-08 00:00:00");
    life.delete(deleted).unwrap();
    life.advance_to("2025-06-17 14:20:05");
    life.credit(50_000);

    let refusals = [released, deleted].map(|id| life.renew(id, one_term()).unwrap_err());

    let ended = |state| RenewalRefusal::Ended { state };
    assert_eq!(refusals, [ended(State::Released), ended(State::Deleted)]);
    assert_eq!(life.cash(), 50_000);
}

#[test]
fn to_the_end_of_the_month_with_another_plan_is_one_term_of_it() {
    let goods = "uhost/hourly hour 1 100 CNY; uhost/monthly month 1 12000 CNY";
    let mut life = shanghai("2025-05-10 12:00:00", goods);
    life.credit(1_000_000);
    let uhost = life.buys("uhost/hourly");
    life.renew(uhost, Choice { length: Length::Terms(720), ..one_term() }).unwrap();

    let monthly = Choice { plan: Some(code("monthly")), length: Length::MonthEnd, ..one_term() };
    life.renew(uhost, monthly).unwrap();

    assert_eq!(life.resource(uhost).terms, 1);
}
