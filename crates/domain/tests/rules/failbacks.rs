//! L-5: failbacks, each of which uses one unit once.

use domain::failback::{Commit, FailbackRefusal, Input, State};
use domain::id::FailbackId;
use domain::license::Status;
use expect_test::expect;
use testkit::rules::{Life, license_purchase, months};

use super::{check, shanghai};

const GOODS: &str = "fb/standard month 3 2000 CNY failback; fb/month month 1 900 CNY; dr/monthly month 1 7500 CNY dr";

/// An account with a failback license of so many units.
fn with_units(quantity: u32) -> Life {
    let mut life = shanghai("2025-06-30 16:55:10", GOODS);
    life.credit(1_000_000);
    life.buy_license(license_purchase("fb/standard", quantity)).unwrap();
    life.forget();
    life
}

/// How many units of the first license are free, reserved and consumed.
fn counts(life: &Life) -> (u32, u32, u32) {
    let license = &life.licenses()[0];
    (license.n_free(), license.units.reserved, license.units.consumed)
}

#[test]
fn every_state_takes_these_inputs_and_refuses_the_others() {
    let head: String = Input::ALL.iter().map(|input| format!(" {:<16}", format!("{input:?}"))).collect();
    let after = |state: State, input: &Input| match state.apply(*input) {
        Ok(next) => next.name().to_owned(),
        Err(refusal) => format!("({refusal:?})"),
    };
    let row = |state: State| {
        let cells: String = Input::ALL.iter().map(|input| format!(" {:<16}", after(state, input))).collect();
        format!("{:<9} |{}\n", state.name(), cells.trim_end())
    };
    let table: String = State::ALL.into_iter().map(row).collect();

    expect![[r#"
                  | Beat             Commit           Cancel           Lapse
        reserved  | reserved         committed        cancelled        lapsed
        committed | (AlreadyConsumed) committed        (AlreadyConsumed) (AlreadyConsumed)
        cancelled | (Cancelled)      (Cancelled)      cancelled        (Cancelled)
        lapsed    | lapsed           committed        cancelled        lapsed
    "#]]
    .assert_eq(&format!("{:<9} |{}\n{table}", "", head.trim_end()));
}

#[test]
fn a_unit_is_reserved_when_it_starts_and_consumed_when_it_succeeds() {
    let mut life = with_units(2);

    let job = life.starts("job-1", "host-1");
    let reserved = counts(&life);
    let committed = life.commit(job).unwrap();

    assert_eq!((reserved, counts(&life)), ((1, 1, 0), (1, 0, 1)));
    assert!(matches!(committed, Commit::Done(failback) if failback.state == State::Committed));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  job-1 of host-1 consumes fb #1
    "#]],
    );
    expect![[r#"
        fb #1: host-1, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 committed by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn whatever_is_repeated_it_is_consumed_once() {
    let mut life = with_units(2);
    let job = life.starts("job-1", "host-1");

    let again = life.start_failback("job-1", "host-1").unwrap();
    life.commit(job).unwrap();
    let repeated = life.commit(job).unwrap();
    let after = life.start_failback("job-1", "host-1").unwrap();

    assert_eq!((again.is_new, again.failback.id), (false, job));
    assert!(matches!(repeated, Commit::AlreadyDone(_)));
    assert_eq!((after.is_new, after.failback.id, after.failback.state), (false, job, State::Committed));
    assert_eq!(life.cancel(job), Err(FailbackRefusal::AlreadyConsumed));
    assert_eq!(life.beat(job), Err(FailbackRefusal::AlreadyConsumed));
    assert_eq!(counts(&life), (1, 0, 1));
    assert_eq!(life.times_of("failback.committed").len(), 1);
}

#[test]
fn a_unit_that_is_cancelled_before_is_free_again() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");
    assert_eq!(life.start_failback("job-2", "host-2"), Err(FailbackRefusal::NoUnitsAvailable));

    let cancelled = life.cancel(job).unwrap();
    let again = life.cancel(job).unwrap();
    let other = life.starts("job-3", "host-2");
    life.commit(other).unwrap();

    assert_eq!(cancelled, again);
    assert_eq!(life.failback(other).unit, life.failback(job).unit);
    assert_eq!(life.licenses()[0].status(life.now()), Status::Exhausted);
    expect![[r#"
        fb #1: host-1, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 cancelled by customer
        fb #1: host-2, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 committed by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_cancelled_failback_is_neither_committed_nor_started_again() {
    let mut life = with_units(2);
    let job = life.starts("job-1", "host-1");
    life.cancel(job).unwrap();

    assert_eq!(life.commit(job), Err(FailbackRefusal::Cancelled));
    assert_eq!(life.beat(job), Err(FailbackRefusal::Cancelled));
    let again = life.start_failback("job-1", "host-1").unwrap();
    assert_eq!((again.is_new, again.failback.state), (false, State::Cancelled));
    assert_eq!(counts(&life), (2, 0, 0));
}

#[test]
fn a_job_is_the_failback_of_one_host() {
    let mut life = with_units(2);
    life.starts("job-1", "host-1");

    assert_eq!(life.start_failback("job-1", "host-2"), Err(FailbackRefusal::JobOfAnotherHost));
    assert_eq!(counts(&life), (1, 1, 0));
}

#[test]
fn what_does_not_exist_is_unknown() {
    let mut life = with_units(1);
    let unknown = FailbackId::from_u128(1);

    assert_eq!(life.commit(unknown), Err(FailbackRefusal::Unknown));
    assert_eq!(life.cancel(unknown), Err(FailbackRefusal::Unknown));
    assert_eq!(life.beat(unknown), Err(FailbackRefusal::Unknown));
}

#[test]
fn units_are_taken_by_earliest_expiration_then_bonus_then_age() {
    let mut life = with_units(1);
    life.buy_license(license_purchase("fb/month", 1)).unwrap();
    life.buy_license(license_purchase("fb/month", 1)).unwrap();
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    let jobs = ["job-1", "job-2", "job-3", "job-4"].map(|job| life.starts(job, "host-1"));

    let units = jobs.map(|job| life.show_unit(life.failback(job).unit));
    assert_eq!(units, ["bonus of dr #1", "fb-2 #1", "fb-3 #1", "fb #1"]);
}

#[test]
fn of_what_is_no_bonus_the_older_license_is_used_first_wherever_it_comes_from() {
    let mut life = shanghai("2025-06-30 16:55:10", GOODS);
    life.credit(1_000_000);
    let grant = domain::activation::Grant { kind: domain::license::Kind::Failback, quantity: 1, term: months(3) };
    let code = life.make_code(grant.clone());
    life.grant(&grant).unwrap();
    life.redeem(code).unwrap();
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    let jobs = ["job-1", "job-2", "job-3"].map(|job| life.starts(job, "host-1"));

    let units = jobs.map(|job| life.show_unit(life.failback(job).unit));
    assert_eq!(units, ["granted failback #1", "failback by code #1", "fb #1"]);
}

#[test]
fn after_the_end_no_failback_starts() {
    let mut life = with_units(1);

    life.advance_to("2025-09-30 16:55:10");

    assert_eq!(life.start_failback("job-1", "host-1"), Err(FailbackRefusal::NoUnitsAvailable));
}

#[test]
fn what_is_reserved_is_consumed_also_after_its_license_expired() {
    let mut life = with_units(1);
    life.advance_to("2025-09-30 16:55:09");
    let job = life.starts("job-1", "host-1");

    life.advance_to("2025-10-02 00:00:00");
    life.commit(job).unwrap();

    assert_eq!(counts(&life), (0, 0, 1));
    check(
        &life,
        expect![[r#"
        2025-09-30 16:55:10  fb has expired
        2025-10-02 00:00:00  job-1 of host-1 consumes fb #1
    "#]],
    );
}

#[test]
fn what_is_cancelled_after_its_license_expired_is_free_and_of_no_use() {
    let mut life = with_units(1);
    life.advance_to("2025-09-30 16:55:09");
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-10-02 00:00:00");

    life.cancel(job).unwrap();

    assert_eq!(counts(&life), (1, 0, 0));
    assert_eq!(life.start_failback("job-2", "host-1"), Err(FailbackRefusal::NoUnitsAvailable));
}

#[test]
fn not_heard_of_for_72_hours_its_unit_is_free_again() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");

    life.advance_to("2025-07-03 16:55:09");
    let before = counts(&life);
    life.advance_to("2025-07-03 16:55:10");

    assert_eq!((before, counts(&life)), ((0, 1, 0), (1, 0, 0)));
    assert_eq!(life.failback(job).state, State::Lapsed);
    check(
        &life,
        expect![[r#"
        2025-07-03 16:55:10  job-1 of host-1 lapses
    "#]],
    );
    expect![[r#"
        fb #1: host-1, 2025-06-30 16:55:10 by customer .. 2025-07-03 16:55:10 lapsed by system
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_unit_that_is_free_since_a_moment_is_taken_by_the_next_request() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");

    life.stand_at("2025-07-03 16:55:10");
    let other = life.starts("job-2", "host-2");

    assert_eq!((life.failback(job).state, life.failback(other).unit), (State::Lapsed, life.failback(job).unit));
}

#[test]
fn a_sign_of_life_gives_it_another_72_hours() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-03 16:55:09");

    let deadline = life.beat(job).unwrap().deadline;
    life.advance_to("2025-07-06 16:55:08");
    let before = life.failback(job).state;
    life.advance_to("2025-07-06 16:55:09");

    assert_eq!(life.show(deadline), "2025-07-06 16:55:09");
    assert_eq!((before, life.failback(job).state), (State::Reserved, State::Lapsed));
    assert_eq!(life.beat(job), Err(FailbackRefusal::Lapsed));
}

#[test]
fn while_we_were_down_no_sign_of_life_could_reach_us_so_it_has_its_time_again() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");

    life.down_until("2025-07-05 00:00:00");
    let after = (life.failback(job).state, life.show(life.failback(job).deadline));
    life.advance_to("2025-07-08 00:00:00");

    assert_eq!(after, (State::Reserved, "2025-07-08 00:00:00".to_owned()));
    assert_eq!(life.failback(job).state, State::Lapsed);
}

#[test]
fn a_late_commit_consumes_the_unit_that_it_had() {
    let mut life = with_units(2);
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-04 00:00:00");

    life.commit(job).unwrap();

    assert_eq!(life.show_unit(life.failback(job).unit), "fb #1");
    assert_eq!(counts(&life), (1, 0, 1));
    expect![[r#"
        fb #1: host-1, 2025-06-30 16:55:10 by customer .. 2025-07-03 16:55:10 lapsed by system
        fb #1: host-1, 2025-07-04 00:00:00 by customer .. 2025-07-04 00:00:00 committed by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_late_commit_takes_its_own_unit_also_when_another_would_be_used_first() {
    let mut life = with_units(1);
    life.buy_license(license_purchase("fb/month", 1)).unwrap();
    let first = life.starts("job-1", "host-1");
    let job = life.starts("job-2", "host-2");
    life.cancel(first).unwrap();
    life.advance_to("2025-07-04 00:00:00");

    life.commit(job).unwrap();

    assert_eq!(life.show_unit(life.failback(job).unit), "fb #1");
}

#[test]
fn a_late_commit_takes_another_unit_when_its_own_is_in_use() {
    let mut life = with_units(2);
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-04 00:00:00");
    let other = life.starts("job-2", "host-2");

    life.commit(job).unwrap();
    life.commit(other).unwrap();

    assert_eq!([job, other].map(|job| life.show_unit(life.failback(job).unit)), ["fb #2", "fb #1"]);
    assert_eq!(counts(&life), (0, 0, 2));
}

#[test]
fn a_late_commit_takes_a_unit_of_another_license_when_its_own_has_ended() {
    let mut life = with_units(1);
    life.advance_to("2025-09-30 16:55:09");
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-10-04 00:00:00");
    life.buy_license(license_purchase("fb/standard", 1)).unwrap();

    life.commit(job).unwrap();

    assert_eq!(life.show_unit(life.failback(job).unit), "fb-2 #1");
    assert_eq!(counts(&life), (1, 0, 0));
}

#[test]
fn a_late_commit_without_a_free_unit_is_refused_and_reported_until_one_is_free() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-04 00:00:00");
    let other = life.starts("job-2", "host-2");

    let refused = life.commit(job).unwrap();
    life.cancel(other).unwrap();
    let accepted = life.commit(job).unwrap();

    assert_eq!(refused, Commit::NoUnitsAvailable);
    assert!(matches!(accepted, Commit::Done(_)));
    assert_eq!(life.times_of("failback.refused"), ["2025-07-04 00:00:00"]);
    assert_eq!(counts(&life), (0, 0, 1));
}

#[test]
fn a_lapsed_failback_that_is_cancelled_stays_so() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-04 00:00:00");

    life.cancel(job).unwrap();

    assert_eq!(life.failback(job).state, State::Cancelled);
    assert_eq!(life.commit(job), Err(FailbackRefusal::Cancelled));
    assert_eq!(counts(&life), (1, 0, 0));
}

#[test]
fn a_license_whose_units_are_all_consumed_is_exhausted_until_it_expires() {
    let mut life = with_units(1);
    let job = life.starts("job-1", "host-1");
    let reserved = life.licenses()[0].status(life.now());

    life.commit(job).unwrap();
    let consumed = life.licenses()[0].status(life.now());
    life.advance_to("2025-09-30 16:55:10");

    assert_eq!((reserved, consumed), (Status::Valid, Status::Exhausted));
    assert_eq!(life.licenses()[0].status(life.now()), Status::Expired);
}
