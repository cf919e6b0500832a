//! How SQLite runs the statements about licenses: each looks into an index, none reads a whole table.

use domain::id::Id;
use domain::label::Host;
use domain::license::Status;
use domain::time::Instant;
use expect_test::{Expect, expect};
use rusqlite::Connection;

use super::read::List;
use super::{
    load_payments, load_rights, migrate, read_payments, read_rights, steady, transact, write, write_payments,
    write_rights,
};
use crate::port::{AssignmentFilter, FailbackFilter, LicenseFilter, Page};

/// A database with every table and no row; plans depend on the statement alone.
fn empty() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = migrate::open_migrated(&folder.path().join(super::FILE_NAME)).unwrap();
    steady(&connection).unwrap();
    (folder, connection)
}

/// The steps of a statement, one line each.
fn plan(connection: &Connection, sql: &str) -> String {
    let mut steps = connection.prepare(&format!("explain query plan {sql}")).unwrap();
    let nothing = vec![rusqlite::types::Null; steps.parameter_count()];
    let steps = steps.query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3)).unwrap();
    steps.map(|step| format!("{}\n", step.unwrap())).collect()
}

fn check_plans(statements: &[(&str, &str)], expected: Expect) {
    let (_folder, connection) = empty();
    let plans = statements.iter().map(|(name, sql)| format!("{name}\n{}\n", plan(&connection, sql)));
    let plans = plans.collect::<String>();
    expected.assert_eq(&plans);
}

fn check_list(list: &List, expected: Expect) {
    let (_folder, connection) = empty();
    expected.assert_eq(&plan(&connection, list.sql()));
}

#[test]
fn what_a_decision_loads_is_searched_for() {
    check_plans(
        load_rights::STATEMENTS,
        expect![[r#"
        DUE
        SEARCH license USING INDEX license_due (account_id=? AND due_at<?)

        STANDING
        SEARCH license USING PRIMARY KEY (account_id=?)

        ONE
        SEARCH license USING INDEX license_key (license_id=?)

        BONUS
        SEARCH license USING INDEX license_bonus_key (parent_id=? AND account_id=?)

        GIVING
        SEARCH license USING INDEX license_live (account_id=? AND kind=? AND expires_at>?)
        USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY

        FREE_UNITS
        SEARCH unit USING COVERING INDEX unit_free (license_id=?)

        FREE_UNIT
        SEARCH unit USING PRIMARY KEY (account_id=? AND license_id=? AND number=?)

        HOSTS_OF
        SEARCH assignment USING INDEX assignment_unit_key (license_id=?)

        ASSIGNMENT
        SEARCH assignment USING INDEX assignment_key (assignment_id=?)

        ASSIGNMENT_OF_HOST
        SEARCH assignment USING INDEX assignment_host_key (account_id=? AND host=?)

        LIVE_ASSIGNMENTS
        SEARCH assignment USING INDEX assignment_live (account_id=?)

        FAILBACKS_DUE
        SEARCH failback USING INDEX failback_due (account_id=? AND deadline<?)

        FAILBACK
        SEARCH failback USING INDEX failback_key (failback_id=?)

        FAILBACK_OF_JOB
        SEARCH failback USING INDEX failback_job_key (account_id=? AND job_id=?)

        INSTALLATION
        SEARCH installation USING INDEX installation_key (installation_id=?)

        INSTALLATION_OF_NAME
        SEARCH installation USING INDEX installation_name_key (account_id=? AND name=?)

        CHECKED_OUT
        SEARCH unit USING COVERING INDEX unit_checked_out (holder=?)

        CODE
        SEARCH activation_code USING PRIMARY KEY (code_id=?)

        LAST_FILE
        SEARCH license_file USING PRIMARY KEY (account_id=?)

        PENDING_DUE
        SEARCH bill USING COVERING INDEX bill_due (account_id=? AND due_at<?)

    "#]],
    );
}

#[test]
fn what_is_done_of_payments_is_searched_for() {
    let statements = [load_payments::STATEMENTS, read_payments::STATEMENTS, write_payments::STATEMENTS].concat();
    check_plans(
        &statements,
        expect![[r#"
        ORDER
        SEARCH order USING INDEX order_key (order_id=?)

        BILL
        SEARCH bill USING PRIMARY KEY (account_id=? AND order_id=?)

        PAYMENTS
        SEARCH payment USING INDEX payment_order (order_id=?)

        METHOD
        SEARCH payment_method USING INDEX payment_method_key (payment_method_id=?)

        UNAPPLIED
        SEARCH unapplied USING PRIMARY KEY (unapplied_id=?)

        PAYMENT
        SEARCH payment USING INDEX payment_key (payment_id=?)

        CALLED
        SEARCH payment USING INDEX payment_reference_key (platform=? AND reference=?)

        OF_MOVEMENT
        SEARCH payment USING INDEX payment_movement_key (platform=? AND movement=?)

        DUE
        SEARCH payment USING INDEX payment_due (check_at<?)

        NEXT_LOOK
        SEARCH payment USING COVERING INDEX payment_due (check_at>?)

        METHODS
        SEARCH payment_method USING PRIMARY KEY (account_id=?)

        RECONCILED
        SEARCH meta USING PRIMARY KEY (key=?)

        CLOSE_ORDER
        SEARCH order USING INDEX order_key (order_id=?)

        CLOSE_BILL
        SEARCH bill USING PRIMARY KEY (account_id=? AND order_id=?)

        INSERT_BILL

        PROLONG
        SEARCH bill USING PRIMARY KEY (account_id=? AND order_id=?)

        COMPLETE
        SEARCH order USING INDEX order_key (order_id=?)

        COMPLETE_BILL
        SEARCH bill USING PRIMARY KEY (account_id=? AND order_id=?)

        INSERT_PAYMENT

        PUT_UNAPPLIED

        PUT_METHOD

        FORGET_METHOD
        SEARCH license USING PRIMARY KEY (account_id=?)

    "#]],
    );
}

#[test]
fn what_is_read_is_searched_for() {
    check_plans(
        read_rights::STATEMENTS,
        expect![[r#"
            OWNER_OF_RESOURCE
            SEARCH resource USING COVERING INDEX resource_key (resource_id=?)

            OWNER_OF_LICENSE
            SEARCH license USING COVERING INDEX license_key (license_id=?)

            OWNER_OF_ASSIGNMENT
            SEARCH assignment USING COVERING INDEX assignment_key (assignment_id=?)

            OWNER_OF_FAILBACK
            SEARCH failback USING COVERING INDEX failback_key (failback_id=?)

            OWNER_OF_INSTALLATION
            SEARCH installation USING COVERING INDEX installation_key (installation_id=?)

            LICENSE
            SEARCH license USING INDEX license_key (license_id=?)

            LIVE_LICENSES
            SEARCH license USING PRIMARY KEY (account_id=?)

            ALLOCATIONS
            SEARCH allocation USING PRIMARY KEY (account_id=? AND license_id=? AND allocation_id>?)
            SCALAR SUBQUERY 1
            SEARCH license USING COVERING INDEX license_key (license_id=?)

            ASSIGNMENT
            SEARCH assignment USING INDEX assignment_key (assignment_id=?)

            FAILBACK
            SEARCH failback USING INDEX failback_key (failback_id=?)

            INSTALLATION
            SEARCH installation USING INDEX installation_key (installation_id=?)

            CODE
            SEARCH activation_code USING PRIMARY KEY (code_id=?)

            DUE_OF_ACCOUNT
            SEARCH account USING PRIMARY KEY (account_id=?)
            CORRELATED SCALAR SUBQUERY 3
            CO-ROUTINE (subquery-2)
            COMPOUND QUERY
            LEFT-MOST SUBQUERY
            SCAN CONSTANT ROW
            UNION ALL
            SCAN CONSTANT ROW
            SEARCH (subquery-2)

            HAD_DR
            SCAN CONSTANT ROW
            SCALAR SUBQUERY 1
            SEARCH license USING PRIMARY KEY (account_id=?)

            ASSIGNMENT_OF_HOST
            SEARCH assignment USING INDEX assignment_host_key (account_id=? AND host=?)

            FAILBACK_OF_HOST
            SEARCH failback USING INDEX failback_host (account_id=? AND host=?)

            KEYS
            SCAN signing_key
            USE TEMP B-TREE FOR ORDER BY

            ROOT
            SEARCH meta USING PRIMARY KEY (key=?)

        "#]],
    );
}

#[test]
fn what_is_written_is_searched_for() {
    check_plans(
        write_rights::STATEMENTS,
        expect![[r#"
        INSERT_LICENSE

        UPDATE_LICENSE
        SEARCH license USING COVERING INDEX license_key (license_id=?)

        PUT_UNIT

        PUT_ASSIGNMENT

        PUT_FAILBACK

        CLOSE
        SEARCH allocation USING INDEX allocation_open_key (license_id=? AND unit=? AND account_id=?)

        PUT_INSTALLATION

        INSERT_CODE

        REDEEM
        SEARCH activation_code USING PRIMARY KEY (code_id=?)

        INSERT_FILE

        PUT_KEY

    "#]],
    );
}

#[test]
fn the_log_is_written_as_its_columns_say() {
    let (_folder, connection) = empty();
    let insert = format!("{} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", write_rights::INSERT_ALLOCATIONS);

    assert!(connection.prepare(&insert).is_ok());
}

#[test]
fn the_timer_of_an_account_is_a_look_at_the_start_of_each_index() {
    let timers = [("UPDATE_TIMER", write::UPDATE_TIMER), ("UPDATE_RIGHTS_TIMER", write::UPDATE_RIGHTS_TIMER)];
    check_plans(
        &timers,
        expect![[r#"
            UPDATE_TIMER
            SEARCH account USING PRIMARY KEY (account_id=?)
            CORRELATED SCALAR SUBQUERY 5
            CO-ROUTINE (subquery-4)
            COMPOUND QUERY
            LEFT-MOST SUBQUERY
            SCAN CONSTANT ROW
            UNION ALL
            SCAN CONSTANT ROW
            UNION ALL
            CO-ROUTINE (subquery-3)
            SEARCH resource USING COVERING INDEX resource_due (account_id=? AND due_at>?)
            SCAN (subquery-3)
            SEARCH (subquery-4)

            UPDATE_RIGHTS_TIMER
            SEARCH account USING PRIMARY KEY (account_id=?)
            SCALAR SUBQUERY 7
            CO-ROUTINE (subquery-6)
            COMPOUND QUERY
            LEFT-MOST SUBQUERY
            CO-ROUTINE (subquery-1)
            SEARCH license USING COVERING INDEX license_due (account_id=? AND due_at>?)
            SCAN (subquery-1)
            UNION ALL
            CO-ROUTINE (subquery-3)
            SEARCH failback USING COVERING INDEX failback_due (account_id=?)
            SCAN (subquery-3)
            UNION ALL
            CO-ROUTINE (subquery-5)
            SEARCH bill USING COVERING INDEX bill_due (account_id=? AND due_at>?)
            SCAN (subquery-5)
            SEARCH (subquery-6)

        "#]],
    );
}

#[test]
fn keys_to_forget_are_found_by_their_age() {
    check_plans(
        &[("FORGET", transact::FORGET)],
        expect![[r#"
        FORGET
        SEARCH idempotency USING PRIMARY KEY (scope=? AND key=?)
        LIST SUBQUERY 2
        SEARCH idempotency USING COVERING INDEX idempotency_age (created_at<?)

    "#]],
    );
}

const fn page<C>(after: Option<C>) -> Page<C> {
    Page { after, limit: 100 }
}

fn host() -> Option<Host> {
    "host-1".parse().ok()
}

#[test]
fn licenses_of_an_account_are_read_in_order() {
    let filter = LicenseFilter { account_id: Some(Id::from_u128(1)), ..LicenseFilter::default() };
    check_list(
        &read_rights::licenses(&filter, page(Some(Id::from_u128(1)))),
        expect![[r#"
            SEARCH license USING PRIMARY KEY (account_id=? AND license_id>?)
    "#]],
    );
    let status = Some((Status::Valid, Instant::MIN));
    check_list(
        &read_rights::licenses(&LicenseFilter { status, ..filter }, page(None)),
        expect![[r#"
            SEARCH license USING PRIMARY KEY (account_id=?)
    "#]],
    );
}

#[test]
fn all_licenses_are_read_in_order() {
    check_list(
        &read_rights::licenses(&LicenseFilter::default(), page(Some(Id::from_u128(1)))),
        expect![[r#"
            SEARCH license USING INDEX license_key (license_id>?)
    "#]],
    );
}

#[test]
fn assignments_of_an_account_a_license_or_a_host_are_searched_for() {
    let all = AssignmentFilter::default;
    let account_id = Some(Id::from_u128(1));
    let (after, license_id) = (Some(Id::from_u128(1)), Some(Id::from_u128(1)));

    let of_account = AssignmentFilter { account_id, ..all() };
    check_list(
        &read_rights::assignments(&of_account, page(after)),
        expect![[r#"
            SEARCH assignment USING INDEX assignment_live (account_id=? AND assignment_id>?)
    "#]],
    );
    let of_license = AssignmentFilter { license_id, ..all() };
    check_list(
        &read_rights::assignments(&of_license, page(None)),
        expect![[r#"
            SEARCH assignment USING INDEX assignment_unit_key (license_id=?)
            USE TEMP B-TREE FOR ORDER BY
    "#]],
    );
    let of_both = AssignmentFilter { account_id, license_id, ..all() };
    check_list(
        &read_rights::assignments(&of_both, page(None)),
        expect![[r#"
            SEARCH assignment USING INDEX assignment_unit_key (license_id=?)
            USE TEMP B-TREE FOR ORDER BY
    "#]],
    );
    let of_host = AssignmentFilter { account_id, host: host(), ..all() };
    check_list(
        &read_rights::assignments(&of_host, page(None)),
        expect![[r#"
            SEARCH assignment USING INDEX assignment_host_key (account_id=? AND host=? AND assignment_id>?)
    "#]],
    );
    check_list(
        &read_rights::assignments(&all(), page(after)),
        expect![[r#"
            SEARCH assignment USING INDEX assignment_key (assignment_id>?)
    "#]],
    );
}

#[test]
fn failbacks_are_searched_for() {
    let all = FailbackFilter::default;
    let (after, account_id) = (Some(Id::from_u128(1)), Some(Id::from_u128(1)));

    let of_account = FailbackFilter { account_id, ..all() };
    check_list(
        &read_rights::failbacks(&of_account, page(after)),
        expect![[r#"
            SEARCH failback USING PRIMARY KEY (account_id=? AND failback_id>?)
    "#]],
    );
    let state = Some(domain::failback::State::Reserved);
    let of_host = FailbackFilter { account_id, state, host: host() };
    check_list(
        &read_rights::failbacks(&of_host, page(None)),
        expect![[r#"
            SEARCH failback USING PRIMARY KEY (account_id=?)
    "#]],
    );
    check_list(
        &read_rights::failbacks(&all(), page(after)),
        expect![[r#"
            SEARCH failback USING INDEX failback_key (failback_id>?)
    "#]],
    );
}

#[test]
fn installations_and_codes_are_read_in_order() {
    check_list(
        &read_rights::installations(Id::from_u128(1), page(Some(Id::from_u128(1)))),
        expect![[r#"
            SEARCH installation USING PRIMARY KEY (account_id=? AND installation_id>?)
    "#]],
    );
    check_list(
        &read_rights::activation_codes(page(Some(Id::from_u128(1)))),
        expect![[r#"
            SEARCH activation_code USING PRIMARY KEY (code_id>?)
    "#]],
    );
}
