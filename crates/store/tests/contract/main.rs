//! What every store promises, written against the port alone, and played on each adapter.
//!
//! A rule is a function that takes a new store. [`contract`] makes a test of each for an adapter; what only one adapter can
//! promise has a module of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod catalog;
mod constraints;
mod due;
mod idempotency;
mod isolation;
mod lists;
mod round_trips;
mod shop;
mod site;
mod sqlite;
mod view;

/// Makes a test of every rule for the adapter that `$open` opens: given a zone and an instant in UTC.
macro_rules! contract {
    ($adapter:ident, $open:path; $($module:ident { $($rule:ident)* })*) => {
        mod $adapter {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    crate::$module::$rule($open("Asia/Shanghai", "2025-05-08T02:00:00Z")).await;
                }
            )*}
        )*}
    };
}

contract! { on_sqlite, testkit::store::sqlite;
    view {
        an_account_that_is_not_there_is_refused
        an_account_is_loaded_with_its_wallet_and_nothing_else
        what_is_due_is_loaded_and_the_rest_is_not
        what_is_wanted_is_loaded_once
        what_belongs_to_another_account_is_not_loaded
        what_money_could_renew_is_loaded_when_it_is_asked_for
        what_is_exempt_and_in_its_last_day_is_loaded_for_money
        a_reminder_loads_all_that_has_not_ended
        unpaid_arrears_come_with_their_resource
        a_freeze_is_loaded_when_it_is_wanted
        a_decision_is_made_at_the_time_of_the_clock
    }
    round_trips {
        an_account_and_its_wallet
        an_edited_account
        a_resource_with_every_field
        a_resource_that_changed
        orders_of_every_kind_and_state
        lines_of_full_terms_and_of_parts
        a_revocation
        entries_of_every_reason
        attempts_of_every_outcome
        events_of_a_whole_life
        a_freeze_and_its_end
        the_largest_amounts_and_the_last_instant
        many_rows_of_every_kind_at_once
    }
    constraints {
        a_second_charge_for_one_period_is_a_conflict_and_writes_nothing
        a_second_arrears_order_for_one_day_is_a_conflict
        a_charge_and_an_arrears_order_of_one_start_go_together
        deletion_orders_do_not_exclude_each_other
        cash_below_the_credit_limit_is_refused
        an_unbalanced_entry_is_refused
        a_second_entry_of_one_number_is_a_conflict
        an_id_is_used_once
        a_period_does_not_end_before_it_starts
        what_has_ended_has_an_end_and_nothing_else_has
        a_change_of_what_is_not_there_writes_nothing
    }
    idempotency {
        a_repeat_gives_the_answer_of_then_and_decides_nothing
        the_same_key_for_another_request_is_refused
        each_caller_has_keys_of_their_own
        a_refusal_is_not_kept
        what_a_constraint_refuses_is_not_kept
        many_repeats_at_once_are_done_once
        an_account_is_opened_once_for_a_key
        an_api_key_is_made_once_for_a_key
        keys_last_over_a_restart
        a_claimed_key_means_one_request
        old_keys_are_forgotten
    }
    isolation {
        a_refused_decision_writes_nothing
        a_decision_that_panics_is_a_bug_and_writes_nothing
        a_change_set_of_an_unknown_product_is_a_bug_and_the_store_goes_on
        what_fails_disturbs_nobody_else
        purchases_at_once_never_overdraw
        credits_at_once_all_count
        an_opening_that_is_refused_opens_nothing
        ids_rise_over_a_restart
        a_closed_store_says_so
        a_busy_life_leaves_no_findings
    }
    lists {
        accounts_oldest_first_page_by_page
        resources_oldest_first_page_by_page
        resources_by_account_state_switch_expiry_and_product
        resources_by_text_that_means_itself
        orders_by_account_resource_license_kind_and_state
        entries_by_number
        attempts_of_one_resource
        events_by_account_and_type
        live_resources_are_those_that_have_not_ended
        a_resource_knows_its_account
        what_is_not_there_is_none
    }
    due {
        nothing_due_is_nothing_done
        the_account_that_is_due_first_is_done_first
        a_report_counts_what_was_renewed_and_postponed_and_how_late
        batch_after_batch_everything_is_done_once
        a_decision_that_panics_is_put_off_and_the_others_are_done
        a_decision_that_conflicts_is_put_off_and_writes_nothing
        what_was_put_off_is_tried_again_later
        the_next_due_time_is_the_earliest_of_all
    }
    catalog {
        what_is_sold_is_visible_after_its_commit
        it_is_the_same_after_a_restart
        versions_of_a_product_are_kept
        price_versions_are_kept
        a_refusal_or_a_bug_changes_nothing
        a_decision_sees_what_was_just_put
    }
    site {
        zone_and_test_clock_are_kept
        periods_exist_from_the_first_purchase_on
        an_api_key_is_found_by_its_hash
        two_keys_with_one_hash_are_a_conflict
        an_operator_key_is_one_without_an_account
        a_copy_is_not_written_over_another_file
    }
}
