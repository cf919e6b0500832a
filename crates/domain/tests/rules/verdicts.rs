//! What a host may do, in every state of its license (L-6, L-7).

use domain::activation::Intervention::{Revoke, Suspend};
use domain::purchase::Purchase;
use domain::time::Instant;
use domain::verdict::{Code, Evidence, Operation, Verdict, judge};
use expect_test::{Expect, expect};
use testkit::rules::{Life, license_purchase};

use super::shanghai;

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY; fb/standard month 3 2000 CNY failback";

/// An account with a DR license of one unit that does not renew, and a host on it.
fn with_a_host() -> Life {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(1_000_000);
    life.buy_license(Purchase { auto_renew: Some(false), ..license_purchase("dr/monthly", 1) }).unwrap();
    life.assigns("seated");
    life
}

fn operations(verdict: &Verdict) -> String {
    let of = |operation: &Operation| format!(" {}", operation.name());
    verdict.allowed.iter().map(of).collect()
}

/// One line for a host that has a unit, one that never asked, and the account as a whole.
fn table(life: &Life, situation: &str) -> String {
    let line = |who: &str, verdict: &Verdict| {
        let until = verdict.until.map_or_else(|| "-".to_owned(), |until| life.show(until));
        let Verdict { code, conclusive, .. } = verdict;
        let code = code.name();
        format!("{situation:<18} {who:<8} {code:<12} {until:<19} {conclusive:<5}{}\n", operations(verdict))
    };
    let account = judge(&Evidence { assignment: None, ..life.evidence("seated") }, false, life.now());
    [line("seated", &life.verdict("seated")), line("another", &life.verdict("another")), line("account", &account)]
        .concat()
}

fn check_table(life: &Life, situation: &str, expected: Expect) {
    expected.assert_eq(&table(life, situation));
}

#[test]
fn a_valid_license_allows_everything_to_its_hosts() {
    check_table(
        &with_a_host(),
        "valid",
        expect![[r#"
        valid              seated   valid        2025-07-30 15:30:27 true  protect sync drill takeover failback
        valid              another  exhausted    -                   true  takeover failback
        valid              account  valid        2025-07-30 15:30:27 true  protect sync drill takeover failback
    "#]],
    );
}

#[test]
fn a_free_unit_is_said_to_be_free() {
    let mut life = with_a_host();
    life.buy_license(license_purchase("dr/annual", 1)).unwrap();

    check_table(
        &life,
        "valid, one free",
        expect![[r#"
        valid, one free    seated   valid        2025-07-30 15:30:27 true  protect sync drill takeover failback
        valid, one free    another  not_assigned -                   true  takeover failback
        valid, one free    account  valid        2026-06-30 15:30:27 true  protect sync drill takeover failback
    "#]],
    );
}

#[test]
fn in_the_last_week_a_license_is_expiring() {
    let mut life = with_a_host();
    life.advance_to("2025-07-23 15:30:27");

    check_table(
        &life,
        "expiring",
        expect![[r#"
        expiring           seated   expiring     2025-07-30 15:30:27 true  protect sync drill takeover failback
        expiring           another  exhausted    -                   true  takeover failback
        expiring           account  expiring     2025-07-30 15:30:27 true  protect sync drill takeover failback
    "#]],
    );
}

#[test]
fn in_grace_running_hosts_go_on_and_nothing_begins() {
    let mut life = with_a_host();
    life.advance_to("2025-07-30 15:30:27");

    check_table(
        &life,
        "grace",
        expect![[r#"
        grace              seated   grace        2025-08-06 15:30:27 true  sync drill takeover
        grace              another  exhausted    -                   true  takeover
        grace              account  grace        2025-08-06 15:30:27 true  sync drill takeover
    "#]],
    );
}

#[test]
fn after_the_grace_a_host_is_stranded_and_may_take_over() {
    let mut life = with_a_host();
    life.advance_to("2025-08-06 15:30:27");

    check_table(
        &life,
        "expired",
        expect![[r#"
        expired            seated   stranded     -                   true  takeover
        expired            another  expired      -                   true  takeover
        expired            account  expired      -                   true  takeover
    "#]],
    );
}

#[test]
fn a_suspended_license_allows_a_takeover() {
    let mut life = with_a_host();
    life.intervene(life.licenses()[0].id, Suspend, "chargeback").unwrap();

    check_table(
        &life,
        "suspended",
        expect![[r#"
            suspended          seated   suspended    2025-08-06 15:30:27 true  takeover
            suspended          another  suspended    -                   true  takeover
            suspended          account  suspended    2025-08-06 15:30:27 true  takeover
        "#]],
    );
}

#[test]
fn a_revoked_license_allows_a_takeover() {
    let mut life = with_a_host();
    life.intervene(life.licenses()[0].id, Revoke, "fraud").unwrap();

    check_table(
        &life,
        "revoked",
        expect![[r#"
        revoked            seated   stranded     -                   true  takeover
        revoked            another  expired      -                   true  takeover
        revoked            account  expired      -                   true  takeover
    "#]],
    );
}

#[test]
fn who_never_had_a_license_may_take_over() {
    check_table(
        &shanghai("2025-06-30 15:30:27", GOODS),
        "nothing",
        expect![[r#"
        nothing            seated   not_assigned -                   true  takeover
        nothing            another  not_assigned -                   true  takeover
        nothing            account  not_assigned -                   true  takeover
    "#]],
    );
}

#[test]
fn one_good_license_speaks_for_the_account() {
    let mut life = with_a_host();
    life.buy_license(license_purchase("dr/annual", 1)).unwrap();
    life.advance_to("2025-07-30 15:30:27");

    check_table(
        &life,
        "grace and valid",
        expect![[r#"
        grace and valid    seated   grace        2025-08-06 15:30:27 true  sync drill takeover failback
        grace and valid    another  not_assigned -                   true  takeover failback
        grace and valid    account  valid        2026-06-30 15:30:27 true  protect sync drill takeover failback
    "#]],
    );
}

#[test]
fn a_suspended_license_does_not_speak_for_an_account_that_has_a_valid_one() {
    let mut life = with_a_host();
    let stopped = life.buy_license(license_purchase("dr/annual", 1)).unwrap();
    life.intervene(stopped, Suspend, "chargeback").unwrap();

    check_table(
        &life,
        "one suspended",
        expect![[r#"
        one suspended      seated   valid        2025-07-30 15:30:27 true  protect sync drill takeover failback
        one suspended      another  exhausted    -                   true  takeover failback
        one suspended      account  valid        2025-07-30 15:30:27 true  protect sync drill takeover failback
    "#]],
    );
}

#[test]
fn a_failback_is_allowed_while_a_unit_is_free_or_it_runs() {
    let mut life = with_a_host();
    life.starts("job-1", "seated");
    assert_eq!(life.licenses()[1].n_free(), 0);

    assert!(life.verdict("seated").allowed.contains(&Operation::Failback));
    assert!(!life.verdict("another").allowed.contains(&Operation::Failback));
    life.commit(life.failbacks()[0].id).unwrap();
    assert!(!life.verdict("seated").allowed.contains(&Operation::Failback));
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();
    assert!(life.verdict("another").allowed.contains(&Operation::Failback));
}

#[test]
fn what_is_allowed_stays_so_until_the_first_of_it_ends() {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(1_000_000);
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();
    let dr = Purchase { auto_renew: Some(true), ..license_purchase("dr/monthly", 1) };
    life.buy_license(dr).unwrap();
    life.assigns("seated");
    life.advance_to("2025-09-20 12:00:00");

    let with_failback = life.verdict("seated");
    life.advance_to("2025-09-30 15:30:27");
    let without = life.verdict("seated");

    // The bonus is over; the failback license ends on 30 September, the DR license on 30 September and a month later.
    assert_eq!(with_failback.until.map(|until| life.show(until)).as_deref(), Some("2025-09-30 15:30:27"));
    assert!(with_failback.allowed.contains(&Operation::Failback));
    assert_eq!(without.until.map(|until| life.show(until)).as_deref(), Some("2025-10-30 15:30:27"));
    assert!(!without.allowed.contains(&Operation::Failback));
}

#[test]
fn a_running_failback_is_allowed_until_its_deadline() {
    let mut life = with_a_host();
    life.starts("job-1", "seated");

    let verdict = life.verdict("seated");

    assert_eq!(verdict.until.map(|until| life.show(until)).as_deref(), Some("2025-07-03 15:30:27"));
}

#[test]
fn nothing_against_the_customer_is_conclusive_while_due_work_waits() {
    let mut life = with_a_host();
    life.advance_to("2025-07-29 12:00:00");
    let later = |life: &Life, time: &str| -> Instant { life.books.at(time) };

    // The worker has not come yet: the expiry of 30 July is due.
    let (seated, another) = (life.evidence("seated"), life.evidence("another"));
    let late = later(&life, "2025-07-30 15:31:00");
    let grace = judge(&seated, true, late);
    let exhausted = judge(&another, true, late);
    let just_now = judge(&seated, true, later(&life, "2025-07-30 15:30:27"));
    let expired = judge(&seated, true, later(&life, "2025-08-06 15:31:00"));
    life.advance_to("2025-07-30 15:31:00");

    assert_eq!((grace.code, grace.conclusive), (Code::Grace, false));
    assert_eq!((just_now.code, just_now.conclusive), (Code::Grace, false));
    assert_eq!((exhausted.code, exhausted.conclusive), (Code::Exhausted, false));
    assert_eq!((expired.code, expired.conclusive), (Code::Expired, false));
    assert_eq!((life.verdict("seated").code, life.verdict("seated").conclusive), (Code::Grace, true));
}

#[test]
fn what_is_for_the_customer_is_conclusive_whatever_waits() {
    let life = with_a_host();
    let evidence = Evidence { due_at: Some(life.now()), ..life.evidence("seated") };

    let verdict = judge(&evidence, true, life.now());

    assert_eq!((verdict.code, verdict.conclusive), (Code::Valid, true));
}

#[test]
fn a_verdict_names_the_unit_of_the_host() {
    let life = with_a_host();

    assert_eq!(life.verdict("seated").unit.map(|unit| life.show_unit(unit)).as_deref(), Some("dr #1"));
    assert_eq!(life.verdict("another").unit, None);
}
