//! Rows of payments to values.

use domain::payment::{
    Bill, Cause, Means, Mismatch, Payment, PaymentMethod, PlatformName, State, Unapplied, UnappliedState,
};
use rusqlite::Row;

use super::row::{get, get_opt, named};

macro_rules! payment_columns {
    () => {
        "payment_id, account_id, order_id, platform, is_live, means, state, amount, currency, reference, movement, page, \
         method_id, created_at, check_at, n_silent, settled_at, disputed_at, reason, entry_number"
    };
}
pub(super) use payment_columns;

fn parsed<T: std::str::FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    named(row, index, |text| text.parse().ok())
}

pub(super) fn payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        order_id: get(row, 2)?,
        platform: named(row, 3, PlatformName::from_name)?,
        is_live: row.get(4)?,
        means: named(row, 5, Means::from_name)?,
        state: named(row, 6, State::from_name)?,
        amount: get(row, 7)?,
        currency: parsed(row, 8)?,
        reference: row.get(9)?,
        movement: row.get(10)?,
        page: row.get(11)?,
        method_id: get_opt(row, 12)?,
        created_at: get(row, 13)?,
        check_at: get_opt(row, 14)?,
        n_silent: row.get(15)?,
        settled_at: get_opt(row, 16)?,
        disputed_at: get_opt(row, 17)?,
        reason: row.get(18)?,
        entry_number: row.get(19)?,
    })
}

macro_rules! method_columns {
    () => {
        "payment_method_id, account_id, platform, customer, reference, label, created_at, removed_at"
    };
}
pub(super) use method_columns;

pub(super) fn method(row: &Row<'_>) -> rusqlite::Result<PaymentMethod> {
    Ok(PaymentMethod {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        platform: named(row, 2, PlatformName::from_name)?,
        customer: row.get(3)?,
        reference: row.get(4)?,
        label: row.get(5)?,
        created_at: get(row, 6)?,
        removed_at: get_opt(row, 7)?,
    })
}

macro_rules! unapplied_columns {
    () => {
        "unapplied_id, account_id, order_id, payment_id, platform, movement, amount, currency, reason, at, state, \
         credited_to, resolved_at"
    };
}
pub(super) use unapplied_columns;

pub(super) fn unapplied(row: &Row<'_>) -> rusqlite::Result<Unapplied> {
    Ok(Unapplied {
        id: get(row, 0)?,
        account_id: get_opt(row, 1)?,
        order_id: get_opt(row, 2)?,
        payment_id: get_opt(row, 3)?,
        platform: named(row, 4, PlatformName::from_name)?,
        movement: row.get(5)?,
        amount: get(row, 6)?,
        currency: parsed(row, 7)?,
        reason: named(row, 8, Mismatch::from_name)?,
        at: get(row, 9)?,
        state: named(row, 10, UnappliedState::from_name)?,
        credited_to: get_opt(row, 11)?,
        resolved_at: get_opt(row, 12)?,
    })
}

/// A bill without its order and its payments, which other tables have.
pub(super) fn bill(row: &Row<'_>, order: domain::order::Order) -> rusqlite::Result<Bill> {
    let cause = row.get_ref(0)?.as_str()?;
    let cause: Cause = serde_json::from_str(cause)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))?;
    Ok(Bill { order, cause, closes_at: get(row, 1)?, closed_at: get_opt(row, 2)?, payments: Vec::new() })
}
