//! Loads what a decision looks at of payments. The reads of the port use the same statements.

use domain::id::{OrderId, PaymentMethodId, UnappliedId};
use domain::payment::{Bill, PaymentMethod, Unapplied};
use rusqlite::{Connection, OptionalExtension};

use super::load_rights::many;
use super::row::{self, order_columns, sql};
use super::row_payments::{self, method_columns, payment_columns, unapplied_columns};

const ORDER: &str = concat!(
    "select ",
    order_columns!(),
    "
       from \"order\"
      where order_id = ?1"
);

const BILL: &str = "
    select cause, closes_at, closed_at
      from bill
     where account_id = ?1 and order_id = ?2";

const PAYMENTS: &str = concat!(
    "select ",
    payment_columns!(),
    "
       from payment
      where order_id = ?1
      order by payment_id"
);

/// An order on a payment platform, with all its payments.
pub(super) fn bill(connection: &Connection, order_id: OrderId) -> rusqlite::Result<Option<Bill>> {
    let order = connection.prepare_cached(ORDER)?.query_row([sql(order_id)], row::order).optional()?;
    let Some(order) = order else { return Ok(None) };
    let account_id = order.account_id;
    let mut statement = connection.prepare_cached(BILL)?;
    let found = statement
        .query_row(rusqlite::params![sql(account_id), sql(order_id)], |row| row_payments::bill(row, order))
        .optional()?;
    let Some(mut bill) = found else { return Ok(None) };
    bill.payments = many(connection, PAYMENTS, [sql(order_id)], row_payments::payment)?;
    Ok(Some(bill))
}

const METHOD: &str = concat!(
    "select ",
    method_columns!(),
    "
       from payment_method
      where payment_method_id = ?1"
);

/// A saved payment method.
pub(super) fn method(connection: &Connection, id: PaymentMethodId) -> rusqlite::Result<Option<PaymentMethod>> {
    connection.prepare_cached(METHOD)?.query_row([sql(id)], row_payments::method).optional()
}

const UNAPPLIED: &str = concat!(
    "select ",
    unapplied_columns!(),
    "
       from unapplied
      where unapplied_id = ?1"
);

/// Unapplied money, whoever's it is.
pub(super) fn unapplied(connection: &Connection, id: UnappliedId) -> rusqlite::Result<Option<Unapplied>> {
    connection.prepare_cached(UNAPPLIED)?.query_row([sql(id)], row_payments::unapplied).optional()
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] =
    &[("ORDER", ORDER), ("BILL", BILL), ("PAYMENTS", PAYMENTS), ("METHOD", METHOD), ("UNAPPLIED", UNAPPLIED)];
