//! P-1 to P-3, W-1, W-2: amounts, parts of them, and where they come from.

use domain::account::{Shortfall, Split, Wallet};
use domain::calendar::Unit;
use domain::catalog::Term;
use domain::ledger::Postings;
use domain::money::{Amount, AmountTooLarge, Currency};
use domain::order::Line;
use domain::pricing::{Rate, total};
use domain::time::{Instant, Period};
use proptest::prelude::*;
use testkit::rules::{amount, wallet};

use super::zones::{any_zone_and_instant, cases, zone};

/// The whole number nearest to `price * n * part / whole`; of two equally near ones the greater.
fn rounded_half_up(price: i64, n: u64, part: u64, whole: u64) -> i64 {
    let exact = i128::from(price) * i128::from(n) * i128::from(part);
    let (quotient, rest) = (exact.div_euclid(i128::from(whole)), exact.rem_euclid(i128::from(whole)));
    i64::try_from(quotient + i128::from(2 * rest >= i128::from(whole))).unwrap()
}

fn any_price() -> impl Strategy<Value = Amount> {
    (0..1_000_000_000_i64).prop_map(amount)
}

/// A part of a whole number of seconds.
fn any_part() -> impl Strategy<Value = (u64, u64)> {
    (1..40_000_000_u64).prop_flat_map(|whole| (0..=whole, Just(whole)))
}

fn any_wallet() -> impl Strategy<Value = Wallet> {
    let amounts = (0..100_000_i64, 0..100_000_i64, 0..100_000_i64, 0..100_000_i64);
    amounts.prop_map(|(used, gift, frozen, credit_limit)| Wallet {
        cash: amount(used - credit_limit),
        gift: amount(gift),
        frozen: amount(frozen),
        credit_limit: amount(credit_limit),
        n_entries: 0,
    })
}

/// The month of an instant in parts, cut at these seconds after its start.
fn parts(month: Period, cuts: &[u64]) -> Vec<Period> {
    let cut = |seconds: &u64| month.start.plus_seconds(i64::try_from(seconds % month.seconds()).unwrap());
    let mut ends: Vec<Instant> = cuts.iter().map(cut).chain([month.start, month.end]).collect();
    ends.sort_unstable();
    ends.windows(2).filter_map(|pair| Period::new(pair[0], pair[1])).collect()
}

fn monthly(price: Amount, quantity: u32) -> Rate {
    Rate { price, term: Term { unit: Unit::Month, count: 1 }, quantity }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_part_is_the_exact_fraction_rounded_half_up(price in any_price(), n in 1..1_000_u64, (part, whole) in any_part()) {
        let part_of_it = price.prorated(n, part, whole).unwrap();

        prop_assert_eq!(part_of_it.minor(), rounded_half_up(price.minor(), n, part, whole));
    }

    #[test]
    fn the_whole_as_a_part_costs_the_whole(price in any_price(), n in 1..1_000_u64, whole in 1..40_000_000_u64) {
        prop_assert_eq!(price.prorated(n, whole, whole), price.times(n));
    }

    #[test]
    fn a_longer_part_never_costs_less(price in any_price(), (part, whole) in any_part(), less in 0..1_000_000_u64) {
        let shorter = price.prorated(1, part.saturating_sub(less), whole).unwrap();

        prop_assert!(shorter <= price.prorated(1, part, whole).unwrap());
    }

    #[test]
    fn the_parts_of_a_month_cost_the_month_but_for_half_a_unit_each(
        (zone, instant) in any_zone_and_instant(),
        price in any_price(),
        quantity in 1..100_u32,
        cuts in prop::collection::vec(any::<u64>(), 0..12),
    ) {
        let parts = parts(zone.month_around(instant), &cuts);
        let rate = monthly(price, quantity);
        let lines: Vec<Line> = parts.iter().map(|part| rate.part(*part, part.start, &zone).unwrap()).collect();

        let difference = total(&lines).unwrap().minor() - price.times(u64::from(quantity)).unwrap().minor();

        prop_assert!(2 * difference.abs() <= i64::try_from(lines.len()).unwrap(), "{difference} in {} parts", lines.len());
    }

    #[test]
    fn what_is_taken_is_the_price_and_leaves_nothing_below_the_credit_limit(wallet in any_wallet(), price in 0..300_000_i64) {
        let price = amount(price);

        let taken = wallet.split(price);

        let enough = wallet.available() >= price || price == Amount::ZERO;
        prop_assert_eq!(taken.is_ok(), enough);
        let Split { gift, cash } = taken.unwrap_or(Split { gift: Amount::ZERO, cash: Amount::ZERO });
        prop_assert!(!enough || gift.plus(cash).unwrap() == price);
        prop_assert!(gift <= wallet.gift && !gift.is_negative() && !cash.is_negative());
        let after = wallet.post(&Postings::paid(gift, cash).unwrap()).unwrap();
        prop_assert!(after.available() >= wallet.available().min(Amount::ZERO));
        prop_assert!(cash == Amount::ZERO || after.cash.plus(after.credit_limit).unwrap() >= Amount::ZERO);
    }

    #[test]
    fn gift_money_goes_first(wallet in any_wallet(), price in 1..300_000_i64) {
        let split = wallet.split(amount(price));
        let gift = split.map_or(Amount::ZERO, |split| split.gift);

        prop_assert!(split.is_err() || gift == wallet.gift.min(amount(price)));
    }

    #[test]
    fn every_kind_of_posting_is_balanced(one in 0..1_000_000_000_i64, other in 0..1_000_000_000_i64) {
        let (one, other) = (amount(one), amount(other));
        let all = [Postings::funded(one), Postings::given(one), Postings::paid(one, other).unwrap()];

        prop_assert!(all.iter().all(Postings::are_balanced));
    }

    #[test]
    fn a_wallet_is_the_sum_of_what_was_posted(movements in prop::collection::vec((0..3_u8, 0..1_000_000_i64), 0..30)) {
        let all: Vec<Postings> = movements.iter().map(|(kind, minor)| posting(*kind, amount(*minor))).collect();

        let wallet = all.iter().fold(Wallet::default(), |wallet, postings| wallet.post(postings).unwrap());

        prop_assert_eq!(wallet.cash.minor(), all.iter().map(|postings| postings.cash.minor()).sum::<i64>());
        prop_assert_eq!(wallet.gift.minor(), all.iter().map(|postings| postings.gift.minor()).sum::<i64>());
        prop_assert_eq!(wallet.n_entries, u64::try_from(all.len()).unwrap());
    }
}

fn posting(kind: u8, amount: Amount) -> Postings {
    match kind {
        0 => Postings::funded(amount),
        1 => Postings::given(amount),
        _ => Postings::paid(Amount::ZERO, amount).unwrap(),
    }
}

/// What a part of a plan costs: `from` to `until`, local times in Asia/Shanghai.
fn check_part(unit: Unit, count: u32, price: i64, quantity: u32, (from, until): (&str, &str), expected: i64) {
    let zone = zone("Asia/Shanghai");
    let at = |local| zone.read(local).unwrap();
    let period = Period::new(at(from), at(until)).unwrap();
    let rate = Rate { price: amount(price), term: Term { unit, count }, quantity };
    let line = rate.part(period, period.start, &zone).unwrap();
    assert_eq!(line.amount.minor(), expected, "{line:?}");
}

#[test]
fn the_rest_of_may_2019_costs_6291_of_12000() {
    check_part(Unit::Month, 1, 12_000, 1, ("2019-05-15 17:58:00", "2019-06-01 00:00:00"), 6_291);
}

#[test]
fn three_units_are_rounded_once_and_not_each() {
    check_part(Unit::Month, 1, 10_000, 3, ("2019-05-15 17:58:00", "2019-06-01 00:00:00"), 15_727);
}

#[test]
fn half_of_february_costs_more_in_a_leap_year() {
    check_part(Unit::Month, 1, 12_000, 1, ("2025-02-14 10:00:00", "2025-03-01 00:00:00"), 6_250);
    check_part(Unit::Month, 1, 12_000, 1, ("2024-02-14 10:00:00", "2024-03-01 00:00:00"), 6_448);
}

#[test]
fn thirty_seconds_of_a_month_cost_nothing() {
    check_part(Unit::Month, 1, 12_000, 1, ("2025-05-31 23:59:30", "2025-06-01 00:00:00"), 0);
}

#[test]
fn half_a_unit_is_rounded_up() {
    check_part(Unit::Hour, 1, 1, 1, ("2025-05-31 10:30:00", "2025-05-31 11:00:00"), 1);
    check_part(Unit::Hour, 1, 1, 1, ("2025-05-31 10:30:01", "2025-05-31 11:00:00"), 0);
}

#[test]
fn a_part_of_a_plan_of_three_months_is_priced_at_a_third_of_it() {
    check_part(Unit::Month, 3, 36_000, 1, ("2019-05-15 17:58:00", "2019-06-01 00:00:00"), 6_291);
}

#[test]
fn a_part_of_a_plan_of_six_hours_is_priced_at_a_sixth_of_it() {
    check_part(Unit::Hour, 6, 600, 1, ("2024-03-10 17:30:00", "2024-03-10 18:00:00"), 50);
}

#[test]
fn a_part_of_a_day_based_term_is_priced_over_its_own_seconds() {
    check_part(Unit::Day, 30, 12_000, 1, ("2025-06-07 14:20:05", "2025-06-08 00:00:00"), 161);
}

#[test]
fn a_part_of_a_year_is_priced_over_the_calendar_year_in_which_it_starts() {
    check_part(Unit::Year, 1, 36_500, 1, ("2025-06-08 00:00:00", "2025-06-09 00:00:00"), 100);
    check_part(Unit::Year, 1, 36_600, 1, ("2024-06-08 00:00:00", "2024-06-09 00:00:00"), 100);
}

#[test]
fn an_equal_balance_is_enough_and_one_less_is_not() {
    assert!(wallet(12_000).split(amount(12_000)).is_ok());
    let short = wallet(11_999).split(amount(12_000)).unwrap_err();
    assert_eq!(short, Shortfall { price: amount(12_000), available: amount(11_999) });
    assert_eq!(short.missing().minor(), 1);
}

#[test]
fn frozen_money_pays_nothing() {
    let frozen = Wallet { frozen: amount(8_001), ..wallet(20_000) };

    assert_eq!(frozen.split(amount(12_000)).unwrap_err().missing().minor(), 1);
}

#[test]
fn gift_then_cash_then_credit_pays() {
    let rich = Wallet { gift: amount(3_000), credit_limit: amount(10_000), ..wallet(5_000) };

    let Split { gift, cash } = rich.split(amount(12_000)).unwrap();

    assert_eq!((gift.minor(), cash.minor()), (3_000, 9_000));
}

#[test]
fn what_costs_nothing_is_paid_by_a_wallet_below_zero() {
    assert!(wallet(-5).split(Amount::ZERO).is_ok());
}

#[test]
#[should_panic(expected = "postings that do not add up to zero")]
fn unbalanced_postings_are_a_bug() {
    let unbalanced = Postings { cash: amount(5), ..Postings::default() };

    let _ = wallet(0).post(&unbalanced);
}

#[test]
fn amounts_that_do_not_fit_the_books_are_refused() {
    assert_eq!(Amount::new(Amount::MAX.minor() + 1), Err(AmountTooLarge));
    assert_eq!(Amount::MAX.plus(amount(1)), Err(AmountTooLarge));
    assert_eq!(Amount::MAX.negated().minus(amount(1)), Err(AmountTooLarge));
    assert_eq!(Amount::MAX.times(2), Err(AmountTooLarge));
    assert_eq!(Amount::MAX.times(u64::MAX), Err(AmountTooLarge));
    assert_eq!(Amount::MAX.prorated(u64::MAX, u64::MAX, 1), Err(AmountTooLarge));
}

#[test]
fn an_amount_in_json_that_does_not_fit_the_books_is_refused() {
    let too_large = (Amount::MAX.minor() + 1).to_string();

    assert!(serde_json::from_str::<Amount>(&too_large).is_err());
    assert!(serde_json::from_str::<Amount>("10.5").is_err());
    assert_eq!(serde_json::from_str::<Amount>("-12").unwrap(), amount(-12));
}

#[test]
fn a_currency_writes_amounts_with_its_own_number_of_digits() {
    let format = |code: &str, minor| code.parse::<Currency>().unwrap().format(amount(minor));

    assert_eq!(format("CNY", 5), "0.05 CNY");
    assert_eq!(format("USD", -123_456), "-1234.56 USD");
    assert_eq!(format("JPY", 1_200), "1200 JPY");
    assert_eq!(format("BHD", 1_200), "1.200 BHD");
}

#[test]
fn a_currency_that_does_not_exist_is_refused() {
    assert!("XYZ1".parse::<Currency>().is_err());
    assert!("cny".parse::<Currency>().is_err());
}
