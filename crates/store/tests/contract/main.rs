//! What every store promises, written against the port alone, and played on each adapter.
//!
//! A rule is a function that takes a new store. [`contract`] makes a test of each for an adapter; what only one adapter can
//! promise has a module of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod catalog;
mod constraints;
mod constraints_rights;
mod due;
mod evidence;
mod idempotency;
mod isolation;
mod keys;
mod licensing;
mod lists;
mod lists_rights;
mod migrations;
mod round_trips;
mod round_trips_rights;
mod shop;
mod site;
mod sqlite;
mod sqlite_rights;
mod view;
mod view_rights;

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
    view_rights {
        an_account_has_no_rights_before_it_asks
        licenses_that_are_due_are_loaded_and_the_rest_are_not
        a_license_that_is_due_and_wanted_is_loaded_once
        licenses_that_money_could_renew_are_loaded_when_it_is_asked_for
        a_reminder_loads_all_licenses_that_stand
        a_license_comes_with_its_bonus
        hosts_get_units_of_the_license_that_ends_first
        a_license_in_grace_gives_no_unit_unless_it_is_due_to_renew
        failbacks_get_units_of_the_bonus_before_what_was_paid_for
        units_that_are_free_again_come_lowest_first_as_many_as_are_needed
        free_units_of_a_license_that_was_asked_for_come_too
        the_hosts_of_a_license_that_ends_come_with_the_licenses_that_they_may_go_to
        a_license_that_ends_without_hosts_needs_no_other
        the_hosts_of_a_license_that_ends_leave_units_for_those_that_are_asked_for
        the_hosts_of_a_license_that_may_be_ended_may_go_to_others_and_not_to_itself
        what_uses_a_unit_comes_with_its_license
        a_host_is_found_by_its_name_until_it_is_released
        a_failback_is_found_by_its_job_for_ever
        a_lapsed_failback_comes_with_its_unit_while_that_is_free
        failbacks_that_are_due_to_lapse_are_loaded
        an_installation_is_loaded_by_its_id_or_its_name
        an_activation_code_is_loaded_for_everyone
        a_license_file_needs_all_that_stands_and_the_last_number
        an_account_with_very_many_licenses_is_seen_as_a_whole
        more_licenses_than_one_decision_takes_are_not_the_whole
        orders_that_are_due_to_close_are_loaded
        nothing_of_another_account_is_loaded
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
    round_trips_rights {
        a_license_with_every_field_and_one_with_none
        licenses_of_every_kind_source_and_state
        a_license_that_changed
        the_largest_license_and_the_last_instant
        assignments_with_every_field_and_with_none
        an_assignment_that_changed
        failbacks_of_every_state
        a_failback_that_changed
        the_allocation_log_with_every_ending
        the_end_of_an_allocation_and_the_next_one_of_the_unit
        uses_of_units
        an_installation_and_its_receipts
        a_retired_installation_is_found_by_its_id_and_no_longer_by_its_name
        activation_codes_with_every_field_and_with_none
        an_activation_code_that_was_redeemed
        the_number_of_the_last_license_file
        an_order_that_waits_for_payment_and_is_closed
        the_order_of_a_license_with_its_consent
        attempts_to_renew_a_license
        events_of_licenses_about_every_subject
        many_rows_of_licenses_at_once
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
    constraints_rights {
        a_license_has_no_more_units_than_were_sold
        a_unit_belongs_to_a_license
        what_is_consumed_is_never_used_again
        a_license_counts_no_more_units_than_were_used_or_sold
        the_term_of_a_license_does_not_end_before_it_starts
        a_license_that_has_ended_has_an_end_and_no_other_has
        what_was_not_bought_has_no_switch
        what_was_bought_stays_bought
        the_id_of_a_license_is_used_once
        a_license_has_one_bonus
        a_code_makes_one_license
        a_code_is_redeemed_once
        a_second_charge_for_one_term_of_a_license_is_a_conflict
        a_host_is_assigned_once_until_it_is_released
        hosts_of_two_accounts_may_have_one_name
        a_unit_protects_one_host
        a_job_is_one_failback_for_ever
        jobs_of_two_accounts_may_have_one_name
        a_unit_pays_for_one_failback
        a_failback_that_runs_has_no_end_and_every_other_has
        the_log_has_one_open_row_for_a_unit
        a_use_does_not_end_before_it_starts
        a_use_that_is_not_open_does_not_end
        a_name_is_one_installation_of_an_account
        the_counter_of_an_installation_does_not_fall
        a_retired_installation_stays_retired
        the_numbers_of_license_files_are_used_once
        an_order_waits_for_payment_once_and_is_closed_once
        a_change_of_a_license_that_is_not_there_writes_nothing
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
        lasting_keys_are_never_forgotten
        an_activation_code_is_made_once_for_a_key
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
        units_taken_at_once_are_taken_once
        a_busy_life_leaves_no_findings
        a_busy_life_with_licenses_leaves_no_findings
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
    lists_rights {
        licenses_by_account_kind_and_source
        licenses_oldest_first_page_by_page
        the_status_in_a_list_is_that_of_the_rules
        live_licenses_are_those_that_have_not_ended
        assignments_by_account_host_and_license
        assignments_oldest_first_page_by_page
        failbacks_by_account_state_and_host
        installations_of_an_account
        units_that_are_checked_out_by_license_and_number
        activation_codes_page_by_page
        the_allocation_log_of_one_license_page_by_page
        everything_knows_its_account
        no_right_is_there_that_was_not_made
    }
    due {
        nothing_due_is_nothing_done
        the_account_that_is_due_first_is_done_first
        a_report_counts_what_was_renewed_and_postponed_and_how_late
        batch_after_batch_everything_is_done_once
        a_decision_that_panics_is_put_off_and_the_others_are_done
        a_decision_that_conflicts_is_put_off_and_writes_nothing
        what_was_put_off_is_tried_again_later
        renewals_of_licenses_count_in_a_report
        the_account_whose_right_is_due_first_is_done_first
        the_next_due_time_is_the_earliest_of_all
    }
    evidence {
        an_account_that_is_not_there_has_none
        an_account_without_licenses_has_nothing
        a_host_has_its_assignment_and_its_failback_that_runs
        what_was_released_or_ended_is_no_evidence
        a_host_that_is_stranded_has_an_assignment_without_a_unit
        the_host_of_another_account_is_another
    }
    keys {
        a_new_site_has_none
        keys_are_kept_newest_first
        a_key_that_changed
        a_decision_sees_the_keys_and_the_time
        a_refusal_changes_no_key
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
        periods_exist_from_the_first_license_on
        an_api_key_is_found_by_its_hash
        two_keys_with_one_hash_are_a_conflict
        an_operator_key_is_one_without_an_account
        a_copy_is_not_written_over_another_file
    }
}
