//! L-5, L-6: units, and the hosts that they protect.

use domain::activation::Intervention::Revoke;
use domain::activation::{Grant, UNITS_MAX};
use domain::assignment::AssignmentRefusal;
use domain::id::{AssignmentId, LicenseId};
use domain::license::{Input, Kind, State};
use domain::purchase::Purchase;
use domain::unit::UseKind;
use expect_test::{Expect, expect};
use testkit::rules::{Life, license_purchase, months};

use super::{check, shanghai};

const GOODS: &str = "dr/monthly month 1 7500 CNY dr; dr/annual year 1 75000 CNY; fb/standard month 3 2000 CNY failback";

/// An account with money.
fn rich() -> Life {
    let mut life = shanghai("2025-06-30 15:30:27", GOODS);
    life.credit(10_000_000);
    life
}

/// Buys a license of so many units that does not renew.
fn buys_once(life: &mut Life, plan: &str, quantity: u32) -> LicenseId {
    life.buy_license(Purchase { auto_renew: Some(false), ..license_purchase(plan, quantity) }).unwrap()
}

/// Compares the hosts and their units.
fn check_hosts(life: &Life, hosts: Expect) {
    hosts.assert_eq(&life.hosts());
}

fn row<T>(name: &str, inputs: &[T], after: impl Fn(&T) -> &'static str) -> String {
    let cells: String = inputs.iter().map(|input| format!(" {:<11}", after(input))).collect();
    format!("{name:<11} |{}\n", cells.trim_end())
}

#[test]
fn a_unit_goes_from_these_uses_to_those_and_what_is_consumed_stays_so() {
    let head = row("", &UseKind::ALL, |kind| kind.name());
    let may = |from: UseKind| row(from.name(), &UseKind::ALL, |to| if from.may_become(*to) { "yes" } else { "-" });
    let table: String = UseKind::ALL.into_iter().map(may).collect();

    expect![[r#"
                    | free        assigned    reserved    consumed    checked_out
        free        | -           yes         yes         -           yes
        assigned    | yes         -           -           -           -
        reserved    | yes         -           -           yes         -
        consumed    | -           -           -           -           -
        checked_out | yes         -           -           yes         -
    "#]]
    .assert_eq(&format!("{head}{table}"));
}

#[test]
fn every_state_of_a_license_takes_these_inputs_and_no_other() {
    let names = Input::ALL.map(|input| format!("{input:?}"));
    let head: String = names.iter().map(|name| format!(" {name:<11}")).collect();
    let after = |state: State| row(state.name(), &Input::ALL, |input| state.apply(*input).map_or("-", State::name));
    let table: String = State::ALL.into_iter().map(after).collect();

    expect![[r#"
                    | Renew       EnterGrace  Expire      Suspend     Reinstate   Revoke
        valid       | valid       grace       expired     suspended   -           revoked
        grace       | valid       -           expired     suspended   -           revoked
        suspended   | -           -           expired     -           valid       revoked
        expired     | -           -           -           -           -           -
        revoked     | -           -           -           -           -           -
    "#]]
    .assert_eq(&format!("{:<11} |{}\n{table}", "", head.trim_end()));
}

#[test]
fn a_license_that_has_ended_takes_no_input() {
    let takes_none = |state: &State| Input::ALL.iter().all(|input| state.apply(*input).is_err());

    let finals: Vec<_> = State::ALL.into_iter().filter(|state| state.is_final()).collect();

    assert_eq!(finals, State::ALL.into_iter().filter(takes_none).collect::<Vec<_>>());
    let refused = State::Expired.apply(Input::Renew).unwrap_err();
    assert_eq!(refused.to_string(), "a license that is expired cannot take Renew");
}

#[test]
fn a_host_is_given_the_lowest_free_unit_and_the_same_one_when_it_asks_again() {
    let mut life = rich();
    let dr = buys_once(&mut life, "dr/monthly", 4);
    let one = life.assign("host-1").unwrap();
    life.assigns("host-2");
    let three = life.assigns("host-3");

    let again = life.assign("host-1").unwrap();
    life.release(three).unwrap();
    life.release(one.assignment.id).unwrap();
    life.assigns("host-4");

    assert_eq!((one.is_new, again.is_new, one.assignment.id == again.assignment.id), (true, false, true));
    check_hosts(
        &life,
        expect![[r#"
            host-2: dr #2
            host-4: dr #1
        "#]],
    );
    assert_eq!((life.license(dr).units.assigned, life.license(dr).units.touched), (2, 3));
}

#[test]
fn no_more_hosts_than_units_are_assigned() {
    let mut life = rich();
    let dr = buys_once(&mut life, "dr/monthly", 2);
    life.assigns("host-1");
    life.assigns("host-2");

    assert_eq!(life.assign("host-3"), Err(AssignmentRefusal::NoUnitsAvailable));
    assert_eq!(life.assign_from("host-3", dr), Err(AssignmentRefusal::NoUnitsAvailable));
    assert_eq!(life.license(dr).n_free(), 0);
}

#[test]
fn without_a_choice_a_unit_comes_from_the_license_that_ends_first_and_of_two_from_the_older_one() {
    let mut life = rich();
    buys_once(&mut life, "dr/annual", 5);
    buys_once(&mut life, "dr/monthly", 1);
    buys_once(&mut life, "dr/monthly", 1);

    ["host-1", "host-2", "host-3"].iter().for_each(|host| drop(life.assign(host).unwrap()));

    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-2 #1
        host-2: dr-3 #1
        host-3: dr #1
    "#]],
    );
}

#[test]
fn with_a_choice_it_comes_from_that_license_or_from_none() {
    let mut life = rich();
    let annual = buys_once(&mut life, "dr/annual", 1);
    let monthly = buys_once(&mut life, "dr/monthly", 1);
    let bonus = life.bonus_of(annual);
    let unknown = LicenseId::from_u128(1);

    life.assign_from("host-1", annual).unwrap();

    assert_eq!(life.assign_from("host-2", annual), Err(AssignmentRefusal::NoUnitsAvailable));
    assert_eq!(life.assign_from("host-2", bonus), Err(AssignmentRefusal::UnknownLicense { license_id: bonus }));
    assert_eq!(life.assign_from("host-2", unknown), Err(AssignmentRefusal::UnknownLicense { license_id: unknown }));
    assert!(!life.assign_from("host-1", monthly).unwrap().is_new);
    check_hosts(
        &life,
        expect![[r#"
        host-1: dr #1
    "#]],
    );
}

#[test]
fn a_unit_moves_to_another_host_in_one_step_and_the_log_tells_it() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    let one = life.assigns("host-1");
    life.advance_to("2025-07-01 09:00:00");

    let moved = life.move_to(one, "host-2").unwrap();
    life.advance_to("2025-07-02 09:00:00");
    life.release(one).unwrap();

    assert_eq!((moved.id, moved.host.as_str()), (one, "host-2"));
    expect![[r#"
        dr #1: host-1, 2025-06-30 15:30:27 by customer .. 2025-07-01 09:00:00 moved by customer
        dr #1: host-2, 2025-07-01 09:00:00 by customer .. 2025-07-02 09:00:00 released by customer
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn a_unit_moves_to_no_host_that_has_one() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 2);
    let one = life.assigns("host-1");
    life.assigns("host-2");

    let refused = life.move_to(one, "host-2").unwrap_err();

    assert_eq!(refused, AssignmentRefusal::HostHasUnit { host: "host-2".parse().unwrap() });
    assert_eq!(life.move_to(one, "host-1").unwrap().host.as_str(), "host-1");
    assert_eq!(life.allocations().len(), 2);
}

#[test]
fn in_grace_a_unit_may_still_go_to_another_host() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 2);
    let one = life.assigns("host-1");
    life.advance_to("2025-08-01 00:00:00");

    assert!(life.move_to(one, "host-2").is_ok());
    assert_eq!(life.assign("host-1"), Err(AssignmentRefusal::NoUnitsAvailable));
}

#[test]
fn a_release_frees_the_unit_and_releasing_again_changes_nothing() {
    let mut life = rich();
    let dr = buys_once(&mut life, "dr/monthly", 1);
    let one = life.assigns("host-1");

    let released = life.release(one).unwrap();
    life.assigns("host-2");
    let again = life.release(one).unwrap();

    assert_eq!(released, again);
    assert_eq!(life.license(dr).units.assigned, 1);
    assert_eq!(life.move_to(one, "host-3"), Err(AssignmentRefusal::Released));
}

#[test]
fn a_released_host_gets_a_new_assignment() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    let one = life.assigns("host-1");
    life.release(one).unwrap();

    assert_ne!(life.assigns("host-1"), one);
}

#[test]
fn what_does_not_exist_is_neither_moved_nor_released() {
    let mut life = rich();
    let unknown = AssignmentId::from_u128(1);

    assert_eq!(life.move_to(unknown, "host-1"), Err(AssignmentRefusal::UnknownAssignment));
    assert_eq!(life.release(unknown), Err(AssignmentRefusal::UnknownAssignment));
}

#[test]
fn when_a_license_ends_its_hosts_go_on_first_assigned_first_served_and_the_rest_is_stranded() {
    let mut life = rich();
    let long = buys_once(&mut life, "dr/annual", 3);
    let short = buys_once(&mut life, "dr/monthly", 4);
    life.assign_from("on-long", long).unwrap();
    life.assign_from("first", short).unwrap();
    life.advance_to("2025-07-01 09:00:00");
    let moving = life.assign_from("second", short).unwrap().assignment.id;
    life.advance_to("2025-07-02 09:00:00");
    life.assign_from("third", short).unwrap();
    life.assign_from("fourth", short).unwrap();
    life.move_to(moving, "second-again").unwrap();
    life.forget();

    life.advance_to("2025-08-06 15:30:27");

    check(
        &life,
        expect![[r#"
        2025-07-23 10:00:00  message: expiring dr-2 at 2025-07-30 15:30:27
        2025-07-27 10:00:00  message: expiring dr-2 at 2025-07-30 15:30:27
        2025-07-29 10:00:00  message: expiring dr-2 at 2025-07-30 15:30:27
        2025-07-30 15:30:27  bonus of dr-2 has expired
        2025-07-30 15:30:27  dr-2 is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr-2 at 2025-08-06 15:30:27
        2025-08-06 15:30:27  dr-2 has expired
        2025-08-06 15:30:27  hosts of dr-2: 2 go on, 2 stranded third fourth
    "#]],
    );
    check_hosts(
        &life,
        expect![[r#"
        first: dr #2
        fourth: stranded
        on-long: dr #1
        second-again: dr #3
        third: stranded
    "#]],
    );
    assert_eq!((life.license(short).units.assigned, life.license(long).units.assigned), (0, 3));
}

#[test]
fn hosts_go_to_the_license_that_ends_first_and_then_to_the_next() {
    let mut life = rich();
    let short = buys_once(&mut life, "dr/monthly", 3);
    ["host-1", "host-2", "host-3"].iter().for_each(|host| drop(life.assign_from(host, short).unwrap()));
    buys_once(&mut life, "dr/annual", 9);
    life.advance_to("2025-07-20 15:30:27");
    buys_once(&mut life, "dr/monthly", 2);

    life.advance_to("2025-08-06 15:30:27");

    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-3 #1
        host-2: dr-3 #2
        host-3: dr-2 #1
    "#]],
    );
}

#[test]
fn hosts_go_on_again_when_the_license_that_took_them_ends() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 2);
    ["host-1", "host-2"].iter().for_each(|host| drop(life.assign(host).unwrap()));
    life.advance_to("2025-07-20 15:30:27");
    buys_once(&mut life, "dr/monthly", 1);
    life.advance_to("2025-08-06 15:30:27");
    let first = life.hosts();
    buys_once(&mut life, "dr/annual", 1);

    life.advance_to("2025-08-27 15:30:27");

    expect![[r#"
        host-1: dr-2 #1
        host-2: stranded
    "#]]
    .assert_eq(&first);
    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-3 #1
        host-2: stranded
    "#]],
    );
    expect![[r#"
        dr #1: host-1, 2025-06-30 15:30:27 by customer .. 2025-08-06 15:30:27 license_ended by system
        dr #2: host-2, 2025-06-30 15:30:27 by customer .. 2025-08-06 15:30:27 license_ended by system
        dr-2 #1: host-1, 2025-08-06 15:30:27 by system .. 2025-08-27 15:30:27 license_ended by system
        dr-3 #1: host-1, 2025-08-27 15:30:27 by system
    "#]]
    .assert_eq(&life.log());
}

#[test]
fn two_licenses_that_end_at_one_instant_give_their_hosts_to_a_third_and_not_to_each_other() {
    let mut life = rich();
    let one = buys_once(&mut life, "dr/monthly", 3);
    let other = buys_once(&mut life, "dr/monthly", 3);
    life.assign_from("host-1", one).unwrap();
    life.assign_from("host-2", other).unwrap();
    life.assign_from("host-3", one).unwrap();
    buys_once(&mut life, "dr/annual", 2);
    life.forget();

    life.advance_to("2025-08-06 15:30:27");

    check(
        &life,
        expect![[r#"
        2025-07-23 10:00:00  message: expiring dr at 2025-07-30 15:30:27, dr-2 at 2025-07-30 15:30:27
        2025-07-27 10:00:00  message: expiring dr at 2025-07-30 15:30:27, dr-2 at 2025-07-30 15:30:27
        2025-07-29 10:00:00  message: expiring dr at 2025-07-30 15:30:27, dr-2 at 2025-07-30 15:30:27
        2025-07-30 15:30:27  bonus of dr has expired
        2025-07-30 15:30:27  bonus of dr-2 has expired
        2025-07-30 15:30:27  dr is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr at 2025-08-06 15:30:27
        2025-07-30 15:30:27  dr-2 is in grace until 2025-08-06 15:30:27
        2025-07-30 15:30:27  message: expired dr-2 at 2025-08-06 15:30:27
        2025-08-06 15:30:27  dr has expired
        2025-08-06 15:30:27  hosts of dr: 2 go on, 0 stranded
        2025-08-06 15:30:27  dr-2 has expired
        2025-08-06 15:30:27  hosts of dr-2: 0 go on, 1 stranded host-2
    "#]],
    );
    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-3 #1
        host-2: stranded
        host-3: dr-3 #2
    "#]],
    );
}

#[test]
fn a_license_that_expires_when_another_ends_takes_no_host_of_it() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    life.assigns("host-1");
    life.advance_to("2025-07-06 15:30:27");
    buys_once(&mut life, "dr/monthly", 1);

    life.advance_to("2025-08-06 15:30:27");

    check_hosts(
        &life,
        expect![[r#"
        host-1: stranded
    "#]],
    );
}

#[test]
fn a_license_that_renews_when_another_ends_takes_its_hosts() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    life.assigns("host-1");
    life.advance_to("2025-07-06 15:30:27");
    life.buy_license(license_purchase("dr/monthly", 1)).unwrap();

    life.advance_to("2025-08-06 15:30:27");

    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-2 #1
    "#]],
    );
}

#[test]
fn a_stranded_host_keeps_its_place_and_is_assigned_again_when_a_unit_is_free() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    let one = life.assigns("host-1");
    life.advance_to("2025-08-06 15:30:27");

    assert_eq!(life.move_to(one, "host-2"), Err(AssignmentRefusal::Stranded));
    assert_eq!(life.assign("host-1"), Err(AssignmentRefusal::NoUnitsAvailable));
    buys_once(&mut life, "dr/annual", 1);
    let again = life.assign("host-1").unwrap();

    assert_eq!((again.is_new, again.assignment.id), (true, one));
    assert_eq!(life.show(again.assignment.assigned_at), "2025-06-30 15:30:27");
}

#[test]
fn a_stranded_host_can_be_released() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    let one = life.assigns("host-1");
    life.advance_to("2025-08-06 15:30:27");

    life.release(one).unwrap();

    assert_eq!(life.hosts(), "");
}

#[test]
fn a_new_license_does_not_take_stranded_hosts_by_itself() {
    let mut life = rich();
    buys_once(&mut life, "dr/monthly", 1);
    life.assigns("host-1");
    life.advance_to("2025-08-06 15:30:27");

    buys_once(&mut life, "dr/annual", 1);

    assert_eq!(life.hosts(), "host-1: stranded\n");
}

#[test]
fn a_failback_license_protects_no_host() {
    let mut life = rich();
    life.buy_license(license_purchase("fb/standard", 5)).unwrap();

    assert_eq!(life.assign("host-1"), Err(AssignmentRefusal::NoUnitsAvailable));
}

#[test]
fn a_license_that_was_revoked_gives_its_hosts_on_at_once() {
    let mut life = rich();
    let revoked = buys_once(&mut life, "dr/monthly", 2);
    ["host-1", "host-2"].iter().for_each(|host| drop(life.assign(host).unwrap()));
    buys_once(&mut life, "dr/annual", 1);

    life.intervene(revoked, Revoke, "paid twice").unwrap();

    check_hosts(
        &life,
        expect![[r#"
        host-1: dr-2 #1
        host-2: stranded
    "#]],
    );
}

#[test]
fn ten_thousand_units_are_used_and_given_on() {
    let mut life = rich();
    let grant = |count| Grant { kind: Kind::Dr, quantity: UNITS_MAX, term: months(count) };
    let short = life.grant(&grant(1)).unwrap();
    let long = life.grant(&grant(12)).unwrap();
    (1..=150).for_each(|n| drop(life.assign_from(&format!("host-{n}"), short).unwrap()));

    life.advance_to("2025-08-06 15:30:27");

    assert_eq!((life.license(short).units.assigned, life.license(long).units.assigned), (0, 150));
    assert_eq!(life.license(long).n_free(), UNITS_MAX - 150);
}
