//! L-5, L-8: installations that work offline, their receipts, and license files.

use domain::failback::State;
use domain::id::InstallationId;
use domain::installation::{CHECK_OUT_MAX, Fate, InstallationRefusal, Retirement, Settled};
use domain::license::Kind;
use expect_test::expect;
use testkit::rules::{Life, license_purchase, months, receipt, unused, used};

use super::{check, shanghai};

const GOODS: &str = "fb/standard month 3 2000 CNY failback; dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY";

/// An account with a failback license of five units and an installation.
fn with_an_installation() -> (Life, InstallationId) {
    let mut life = shanghai("2025-06-30 16:55:10", GOODS);
    life.credit(1_000_000);
    life.buy_license(license_purchase("fb/standard", 5)).unwrap();
    let plant = life.register("plant", 1).unwrap();
    life.forget();
    (life, plant)
}

/// How many units of the first license are free, checked out and consumed.
fn counts(life: &Life) -> (u32, u32, u32) {
    let license = &life.licenses()[0];
    (license.n_free(), license.units.checked_out, license.units.consumed)
}

#[test]
fn one_name_is_one_installation_with_one_key() {
    let (mut life, plant) = with_an_installation();

    assert_eq!(life.register("plant", 1), Ok(plant));
    assert_eq!(life.register("plant", 2), Err(InstallationRefusal::NameTaken));
    assert_ne!(life.register("ship", 2).unwrap(), plant);
    assert_eq!(life.installations().len(), 2);
}

#[test]
fn units_are_taken_along_all_or_none() {
    let (mut life, plant) = with_an_installation();

    assert_eq!(life.check_out(plant, 6), Err(InstallationRefusal::NoUnitsAvailable));
    let none = counts(&life);
    let units = life.check_out(plant, 3).unwrap();

    assert_eq!((none, counts(&life)), ((5, 0, 0), (2, 3, 0)));
    assert_eq!(units, life.checked_out(plant));
    assert_eq!(life.check_out(plant, 3), Err(InstallationRefusal::NoUnitsAvailable));
}

#[test]
fn one_to_a_thousand_units_are_taken_along_at_once() {
    let (mut life, plant) = with_an_installation();
    let unknown = InstallationId::from_u128(1);

    assert_eq!(life.check_out(plant, 0), Err(InstallationRefusal::UnitsOutOfRange));
    assert_eq!(life.check_out(plant, CHECK_OUT_MAX + 1), Err(InstallationRefusal::UnitsOutOfRange));
    assert_eq!(life.check_out(unknown, 1), Err(InstallationRefusal::Unknown));
}

#[test]
fn units_are_taken_in_the_order_of_failbacks() {
    let (mut life, plant) = with_an_installation();
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    let units = life.check_out(plant, 2).unwrap();

    assert_eq!(units.into_iter().map(|unit| life.show_unit(unit)).collect::<Vec<_>>(), ["bonus of dr #1", "fb #1"]);
}

#[test]
fn what_is_checked_out_starts_no_failback_here() {
    let (mut life, plant) = with_an_installation();

    life.check_out(plant, 5).unwrap();

    assert!(life.start_failback("job-1", "host-1").is_err());
}

#[test]
fn a_receipt_consumes_what_was_used_and_frees_the_rest() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 3).unwrap();
    life.advance_to("2025-07-10 09:00:00");
    let used_at = life.books.at("2025-07-05 12:00:00");

    let back = vec![used(units[0], "job-1", "host-1", used_at), unused(units[1])];
    let settled = life.settle(plant, receipt(1, 1, back)).unwrap();

    let installation = life.installation(plant).clone();
    assert_eq!(settled, Settled::Done { installation, n_used: 1, n_unused: 1 });
    assert_eq!((counts(&life), life.checked_out(plant)), ((3, 1, 1), vec![units[2]]));
    let failback = &life.failbacks()[0];
    assert_eq!((failback.state, failback.unit, failback.ended_at), (State::Committed, units[0], Some(used_at)));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  3 units are checked out
        2025-07-10 09:00:00  job-1 of host-1 consumes fb #1
        2025-07-10 09:00:00  receipt 1: 1 used, 1 unused
    "#]],
    );
    expect![[r#"
        fb #1: plant, 2025-06-30 16:55:10 by customer .. 2025-07-10 09:00:00 committed by customer
        fb #2: plant, 2025-06-30 16:55:10 by customer .. 2025-07-10 09:00:00 returned by customer
        fb #3: plant, 2025-06-30 16:55:10 by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn the_same_receipt_again_changes_nothing() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    let back = vec![used(units[0], "job-1", "host-1", life.now()), unused(units[1])];
    let first = life.settle(plant, receipt(1, 1, back.clone())).unwrap();
    let events = life.events().len();

    let again = life.settle(plant, receipt(1, 1, back)).unwrap();

    assert_eq!(first, again);
    assert_eq!((counts(&life), life.events().len()), ((4, 0, 1), events));
}

#[test]
fn a_counter_that_does_not_rise_is_refused_and_reported_and_the_units_stay() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 3).unwrap();
    life.settle(plant, receipt(7, 1, vec![unused(units[0])])).unwrap();

    let same = life.settle(plant, receipt(7, 2, vec![unused(units[1])])).unwrap();
    let lower = life.settle(plant, receipt(3, 3, vec![unused(units[1])])).unwrap();

    assert_eq!(same, Settled::CounterBackwards { counter: 7, last: 7 });
    assert_eq!(lower, Settled::CounterBackwards { counter: 3, last: 7 });
    assert_eq!(counts(&life), (3, 2, 0));
    assert_eq!(life.times_of("installation.receipt_refused").len(), 2);
    assert_eq!(life.installation(plant).counter, 7);
}

#[test]
fn a_counter_may_skip_numbers() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();

    assert!(matches!(life.settle(plant, receipt(90, 1, vec![unused(units[0])])), Ok(Settled::Done { .. })));
}

#[test]
fn a_unit_that_is_not_checked_out_to_it_spoils_the_whole_receipt() {
    let (mut life, plant) = with_an_installation();
    let ship = life.register("ship", 2).unwrap();
    let own = life.check_out(plant, 1).unwrap()[0];
    let foreign = life.check_out(ship, 1).unwrap()[0];

    life.forget();

    let stray = life.settle(plant, receipt(1, 1, vec![unused(own), unused(foreign)]));
    let twice = life.settle(plant, receipt(1, 1, vec![unused(own), used(own, "job-1", "host-1", life.now())]));

    assert_eq!(stray, Ok(Settled::NotCheckedOut { number: foreign.number }));
    assert_eq!(twice, Ok(Settled::NotCheckedOut { number: own.number }));
    assert_eq!((counts(&life), life.installation(plant).counter), ((3, 2, 0), 0));
    assert_eq!((life.checked_out(plant), life.checked_out(ship)), (vec![own], vec![foreign]));
    assert_eq!(life.failbacks(), []);
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  receipt 1 is refused: fb #2 is not there, unused
        2025-06-30 16:55:10  receipt 1 is refused: fb #1 is not there, used
    "#]],
    );
}

#[test]
fn a_unit_that_was_brought_back_is_not_brought_back_again() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();
    life.settle(plant, receipt(1, 1, vec![unused(units[0])])).unwrap();

    let again = life.settle(plant, receipt(2, 2, vec![used(units[0], "job-1", "host-1", life.now())]));

    assert_eq!(again, Ok(Settled::NotCheckedOut { number: 1 }));
    assert_eq!((counts(&life), life.times_of("installation.receipt_refused").len()), ((5, 0, 0), 1));
}

#[test]
fn a_receipt_comes_also_after_the_license_expired() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    life.advance_to("2025-10-10 00:00:00");

    let back = vec![used(units[0], "job-1", "host-1", life.now()), unused(units[1])];
    life.settle(plant, receipt(1, 1, back)).unwrap();

    assert_eq!(counts(&life), (4, 0, 1));
}

#[test]
fn a_clock_that_runs_ahead_does_not_date_a_failback_into_the_future() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();
    let ahead = life.books.at("2026-01-01 00:00:00");

    life.settle(plant, receipt(1, 1, vec![used(units[0], "job-1", "host-1", ahead)])).unwrap();

    assert_eq!(life.failbacks()[0].ended_at, Some(life.now()));
}

#[test]
fn a_failback_that_was_started_here_and_done_offline_uses_one_unit() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();
    let job = life.starts("job-1", "host-1");

    life.settle(plant, receipt(1, 1, vec![used(units[0], "job-1", "host-1", life.now())])).unwrap();
    life.commit(job).unwrap();

    assert_eq!(counts(&life), (4, 0, 1));
    assert_eq!((life.failback(job).state, life.failback(job).unit), (State::Committed, units[0]));
    assert_eq!(life.times_of("failback.committed").len(), 1);
    expect![[r#"
        fb #1: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 committed by customer
        fb #2: host-1, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 cancelled by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_failback_that_lapsed_here_and_was_done_offline_uses_one_unit() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();
    let job = life.starts("job-1", "host-1");
    life.advance_to("2025-07-10 09:00:00");

    life.settle(plant, receipt(1, 1, vec![used(units[0], "job-1", "host-1", life.now())])).unwrap();
    life.commit(job).unwrap();

    assert_eq!(counts(&life), (4, 0, 1));
}

#[test]
fn one_job_with_two_units_offline_consumes_one_and_the_other_is_free() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    let back = receipt(1, 1, units.iter().map(|unit| used(*unit, "job-1", "host-1", life.now())).collect());

    let settled = life.settle(plant, back.clone()).unwrap();
    let again = life.settle(plant, back).unwrap();

    let installation = life.installation(plant).clone();
    assert_eq!(settled, Settled::Done { installation, n_used: 1, n_unused: 1 });
    assert_eq!(settled, again);
    assert_eq!((counts(&life), life.failbacks().len()), ((4, 0, 1), 1));
    assert_eq!((life.failbacks()[0].unit, life.times_of("failback.conflict").len()), (units[0], 0));
    expect![[r#"
        fb #1: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 committed by customer
        fb #2: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 returned by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_job_that_was_committed_here_consumes_no_second_unit_offline() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 1).unwrap();
    let job = life.starts("job-1", "host-1");
    life.commit(job).unwrap();

    let settled = life.settle(plant, receipt(1, 1, vec![used(units[0], "job-1", "host-1", life.now())])).unwrap();

    assert!(matches!(settled, Settled::Done { n_used: 0, n_unused: 1, .. }));
    assert_eq!((counts(&life), life.times_of("failback.conflict").len()), ((4, 0, 1), 0));
}

#[test]
fn a_unit_that_was_used_for_a_job_of_another_host_is_consumed_and_told() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    let runs = life.starts("job-1", "host-1");
    let done = life.starts("job-2", "host-1");
    life.commit(done).unwrap();
    life.forget();

    let now = life.now();
    let back = vec![used(units[0], "job-1", "host-2", now), used(units[1], "job-2", "host-2", now)];
    let settled = life.settle(plant, receipt(1, 1, back)).unwrap();

    assert!(matches!(settled, Settled::Done { n_used: 2, n_unused: 0, .. }));
    assert_eq!((life.failback(runs).state, life.failback(done).state), (State::Reserved, State::Committed));
    assert_eq!((counts(&life), life.failbacks().len()), ((1, 0, 3), 2));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  job-1 of host-2 conflicts, fb #1 is consumed
        2025-06-30 16:55:10  job-2 of host-2 conflicts, fb #2 is consumed
        2025-06-30 16:55:10  receipt 1: 2 used, 0 unused
    "#]],
    );
}

#[test]
fn a_unit_that_was_used_for_a_cancelled_job_is_consumed_and_told() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    let cancelled = life.starts("job-1", "host-1");
    life.cancel(cancelled).unwrap();
    life.forget();

    let back = units.iter().map(|unit| used(*unit, "job-1", "host-1", life.now())).collect();
    let settled = life.settle(plant, receipt(1, 1, back)).unwrap();

    assert!(matches!(settled, Settled::Done { n_used: 2, n_unused: 0, .. }));
    assert_eq!((counts(&life), life.failback(cancelled).state), ((3, 0, 2), State::Cancelled));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  job-1 of host-1 conflicts, fb #1 is consumed
        2025-06-30 16:55:10  job-1 of host-1 conflicts, fb #2 is consumed
        2025-06-30 16:55:10  receipt 1: 2 used, 0 unused
    "#]],
    );
}

#[test]
fn the_units_of_a_lost_installation_are_free_again() {
    let (mut life, plant) = with_an_installation();
    life.check_out(plant, 3).unwrap();

    let retired = life.retire(plant, Fate::Return, "the disk is dead").unwrap();

    let reason = "the disk is dead".to_owned();
    assert_eq!(retired.retired, Some(Retirement { at: life.now(), reason }));
    assert_eq!(&retired, life.installation(plant));
    assert_eq!((counts(&life), life.checked_out(plant)), ((5, 0, 0), vec![]));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  3 units are checked out
        2025-06-30 16:55:10  an installation is retired, 3 units are free: the disk is dead
    "#]],
    );
    expect![[r#"
        fb #1: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 retired by operator
        fb #2: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 retired by operator
        fb #3: plant, 2025-06-30 16:55:10 by customer .. 2025-06-30 16:55:10 retired by operator
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn the_units_of_a_lost_installation_are_consumed_each_by_a_failback_of_its_own() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    life.advance_to("2025-10-10 00:00:00");

    life.retire(plant, Fate::Consume, "the key is gone").unwrap();

    assert_eq!((counts(&life), life.checked_out(plant)), ((3, 0, 2), vec![]));
    let written_off: Vec<_> = life.failbacks().iter().map(|row| (row.unit, row.state, row.host.as_str())).collect();
    assert_eq!(written_off, units.iter().map(|unit| (*unit, State::Committed, "plant")).collect::<Vec<_>>());
    assert!(life.failbacks().iter().all(|row| row.job_id.as_str() == format!("retired-{}", row.id)));
    // Nobody knows whether they succeeded, so nothing of the kind is told.
    assert_eq!((life.times_of("failback.committed").len(), life.times_of("installation.retired").len()), (0, 1));
}

#[test]
fn retiring_an_installation_again_changes_nothing() {
    let (mut life, plant) = with_an_installation();
    life.check_out(plant, 2).unwrap();
    let first = life.retire(plant, Fate::Return, "the disk is dead");
    life.advance_to("2025-07-01 00:00:00");
    life.forget();

    let again = life.retire(plant, Fate::Consume, "another reason");

    assert_eq!(first, again);
    assert_eq!(counts(&life), (5, 0, 0));
    check(&life, expect![""]);
    assert_eq!(life.retire(InstallationId::from_u128(1), Fate::Return, "why"), Err(InstallationRefusal::Unknown));
}

#[test]
fn a_retired_installation_takes_nothing_along_and_its_receipts_are_refused_and_told() {
    let (mut life, plant) = with_an_installation();
    let units = life.check_out(plant, 2).unwrap();
    let taken = receipt(1, 1, vec![unused(units[0])]);
    life.settle(plant, taken.clone()).unwrap();
    life.retire(plant, Fate::Return, "the disk is dead").unwrap();
    let retired_at = life.now();
    life.forget();

    let late = life.settle(plant, receipt(2, 2, vec![used(units[1], "job-1", "host-1", life.now())]));
    let again = life.settle(plant, taken);

    assert_eq!(life.check_out(plant, 1), Err(InstallationRefusal::Retired { retired_at }));
    assert_eq!((late, again), (Ok(Settled::Retired { retired_at }), Ok(Settled::Retired { retired_at })));
    assert_eq!((counts(&life), life.failbacks().len()), ((5, 0, 0), 0));
    check(
        &life,
        expect![[r#"
        2025-06-30 16:55:10  receipt 2 is refused: retired
        2025-06-30 16:55:10  receipt 1 is refused: retired
    "#]],
    );
}

#[test]
fn the_name_of_a_retired_installation_is_for_the_next_one() {
    let (mut life, plant) = with_an_installation();
    life.retire(plant, Fate::Return, "the disk is dead").unwrap();

    let next = life.register("plant", 2).unwrap();

    assert_ne!(next, plant);
    assert_eq!(life.register("plant", 2), Ok(next));
    assert_eq!(life.register("plant", 1), Err(InstallationRefusal::NameTaken));
    assert_eq!(life.check_out(next, 5).map(|units| units.len()), Ok(5));
}

#[test]
fn a_file_says_what_the_account_holds() {
    let (mut life, plant) = with_an_installation();
    life.buy_license(license_purchase("dr/monthly", 2)).unwrap();
    life.assigns("host-2");
    life.assigns("host-1");
    let units = life.check_out(plant, 1).unwrap();

    let file = life.issue_file(Some(plant));

    let grants: Vec<_> = file
        .grants
        .iter()
        .map(|grant| format!("{} {} {}", life.name_of(grant.license_id), grant.total, grant.status.name()))
        .collect();
    assert_eq!(grants, ["fb 5 valid", "dr 2 valid", "bonus of dr 2 valid"]);
    let seats: Vec<_> = file.seats.iter().map(|seat| (seat.host.as_str(), life.show_unit(seat.unit))).collect();
    assert_eq!(seats, [("host-1", "dr #2".to_owned()), ("host-2", "dr #1".to_owned())]);
    assert_eq!((file.checked_out, file.installation_id), (units, Some(plant)));
    assert_eq!((file.account_id, file.issued_at), (life.account().id, life.now()));
    assert_eq!(life.show(file.refresh_after), "2025-07-07 16:55:10");
    assert_eq!(life.show(file.expires_at), "2025-07-30 16:55:10");
}

#[test]
fn files_of_the_account_and_of_its_installations_are_numbered_in_one_row() {
    let (mut life, plant) = with_an_installation();

    let files = [life.issue_file(None), life.issue_file(Some(plant)), life.issue_file(None)];

    assert_eq!(files.map(|file| file.seq), [1, 2, 3]);
}

#[test]
fn a_file_of_the_account_has_no_units_of_an_installation() {
    let (mut life, plant) = with_an_installation();
    life.check_out(plant, 2).unwrap();

    assert!(life.issue_file(None).checked_out.is_empty());
}

#[test]
fn a_file_has_no_units_of_a_license_that_has_ended() {
    let (mut life, plant) = with_an_installation();
    life.check_out(plant, 2).unwrap();
    life.advance_to("2025-09-30 16:55:10");

    let file = life.issue_file(Some(plant));

    assert!(file.checked_out.is_empty() && file.grants.is_empty());
    assert_eq!(life.checked_out(plant).len(), 2);
}

#[test]
fn a_file_shows_grace_and_suspension_and_leaves_out_what_has_ended_and_who_is_stranded() {
    let mut life = shanghai("2025-06-30 16:55:10", GOODS);
    life.credit(90_000);
    let ending = life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
    life.switch_license(ending, false).unwrap();
    life.assigns("host-1");
    let stopped = life.buy_license(license_purchase("dr/annual", 1)).unwrap();
    life.intervene(stopped, domain::activation::Intervention::Suspend, "chargeback").unwrap();
    life.advance_to("2025-08-01 00:00:00");

    let in_grace = life.issue_file(None);
    life.advance_to("2025-08-06 16:55:10");
    let ended = life.issue_file(None);

    let statuses = |file: &domain::license_file::Contents| {
        file.grants.iter().map(|grant| (grant.kind, grant.status.name())).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&in_grace), [(Kind::Dr, "grace"), (Kind::Dr, "suspended"), (Kind::Failback, "suspended")]);
    assert_eq!((in_grace.seats.len(), ended.seats.len()), (1, 0));
    assert_eq!(statuses(&ended), [(Kind::Dr, "suspended"), (Kind::Failback, "suspended")]);
}

#[test]
fn what_was_granted_can_be_taken_along_too() {
    let mut life = shanghai("2025-06-30 16:55:10", GOODS);
    let grant = domain::activation::Grant { kind: Kind::Failback, quantity: 2, term: months(1) };
    life.grant(&grant).unwrap();
    let plant = life.register("plant", 1).unwrap();

    assert_eq!(life.check_out(plant, 2).map(|units| units.len()), Ok(2));
}
