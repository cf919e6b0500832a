//! Writes what a change set says of payments, and of the orders that they pay.

use domain::change::{ChangeSet, NewPending, Pending};
use domain::id::{AccountId, OrderId};
use domain::order::{Order, OrderState};
use domain::payment::{Payment, PaymentMethod, Unapplied};
use domain::time::Instant;
use rusqlite::{Connection, params};

use super::row::{lines_text, opt, sql};
use super::write::one_row;

/// Orders that close give up their period, so this comes before new orders are written.
pub(super) fn closed_orders(connection: &Connection, changes: &ChangeSet) -> rusqlite::Result<()> {
    let close = |(order_id, at): &(OrderId, Instant)| close_order(connection, changes.account_id, *order_id, *at);
    changes.closed_orders.iter().try_for_each(close)
}

/// Writes what is left of payments.
pub(super) fn payments(connection: &Connection, changes: &ChangeSet) -> rusqlite::Result<()> {
    for pending in &changes.new_pending {
        insert_bill(connection, changes.account_id, pending)?;
    }
    for (pending, closes_at) in &changes.prolonged {
        prolong(connection, changes.account_id, *pending, *closes_at)?;
    }
    changes.paid_orders.iter().try_for_each(|order| complete(connection, order))?;
    // One may take the place of another that is open no longer, so those come first.
    let (open, others): (Vec<_>, Vec<_>) = changes.payments.iter().partition(|payment| payment.state.is_open());
    others.into_iter().chain(open).try_for_each(|payment| put_payment(connection, payment))?;
    if let Some(unapplied) = &changes.unapplied {
        put_unapplied(connection, unapplied)?;
    }
    if let Some(method) = &changes.method {
        put_method(connection, method)?;
    }
    Ok(())
}

const CLOSE_ORDER: &str = "
    update \"order\"
       set state = ?3
     where account_id = ?1 and order_id = ?2 and state = 'pending_payment'";

const CLOSE_BILL: &str = "
    update bill
       set due_at = null, closed_at = ?3
     where account_id = ?1 and order_id = ?2";

fn close_order(connection: &Connection, account_id: AccountId, order_id: OrderId, at: Instant) -> rusqlite::Result<()> {
    let values = params![sql(account_id), sql(order_id), OrderState::Closed.name()];
    one_row(connection.prepare_cached(CLOSE_ORDER)?.execute(values)?)?;
    one_row(connection.prepare_cached(CLOSE_BILL)?.execute(params![sql(account_id), sql(order_id), sql(at)])?)
}

const INSERT_BILL: &str = "
    insert into bill (account_id, order_id, closes_at, due_at, cause)
    values (?1, ?2, ?3, ?4, ?5)";

fn insert_bill(connection: &Connection, account_id: AccountId, new: &NewPending) -> rusqlite::Result<()> {
    let NewPending { order_id, closes_at, closes_itself_at, cause } = new;
    let cause = serde_json::to_string(cause).expect("a cause is plain data");
    let values = params![sql(account_id), sql(*order_id), sql(*closes_at), opt(*closes_itself_at), cause];
    connection.prepare_cached(INSERT_BILL)?.execute(values).map(drop)
}

const PROLONG: &str = "
    update bill
       set closes_at = ?3, due_at = ?4
     where account_id = ?1 and order_id = ?2 and closed_at is null";

fn prolong(connection: &Connection, account_id: AccountId, pending: Pending, until: Instant) -> rusqlite::Result<()> {
    let Pending { order_id, closes_at } = pending;
    let due_at = opt((closes_at < Instant::MAX).then_some(closes_at));
    let values = params![sql(account_id), sql(order_id), sql(until), due_at];
    one_row(connection.prepare_cached(PROLONG)?.execute(values)?)
}

const COMPLETE: &str = "
    update \"order\"
       set state = ?3, completed_at = ?4, lines = ?5, starts_at = ?6, ends_at = ?7, resource_id = ?8, license_id = ?9
     where account_id = ?1 and order_id = ?2 and state in ('pending_payment', 'closed')";

const COMPLETE_BILL: &str = "
    update bill
       set due_at = null
     where account_id = ?1 and order_id = ?2";

fn complete(connection: &Connection, order: &Order) -> rusqlite::Result<()> {
    let values = params![
        sql(order.account_id),
        sql(order.id),
        order.state.name(),
        opt(order.completed_at),
        lines_text(&order.lines),
        opt(order.period.map(|period| period.start)),
        opt(order.period.map(|period| period.end)),
        opt(order.resource_id),
        opt(order.license_id),
    ];
    one_row(connection.prepare_cached(COMPLETE)?.execute(values)?)?;
    let values = params![sql(order.account_id), sql(order.id)];
    one_row(connection.prepare_cached(COMPLETE_BILL)?.execute(values)?)
}

const INSERT_PAYMENT: &str = "
    insert into payment (account_id, payment_id, state, reference, movement, page, check_at, n_silent, settled_at,
        disputed_at, reason, entry_number, order_id, platform, is_live, means, amount, currency, method_id, created_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
    on conflict (account_id, payment_id) do update
       set state = excluded.state, reference = excluded.reference, movement = excluded.movement, page = excluded.page,
           check_at = excluded.check_at, n_silent = excluded.n_silent, settled_at = excluded.settled_at,
           disputed_at = excluded.disputed_at, reason = excluded.reason, entry_number = excluded.entry_number";

fn put_payment(connection: &Connection, payment: &Payment) -> rusqlite::Result<()> {
    let values = params![
        sql(payment.account_id),
        sql(payment.id),
        payment.state.name(),
        payment.reference,
        payment.movement,
        payment.page,
        opt(payment.check_at),
        payment.n_silent,
        opt(payment.settled_at),
        opt(payment.disputed_at),
        payment.reason,
        payment.entry_number,
        sql(payment.order_id),
        payment.platform.name(),
        payment.is_live,
        payment.means.name(),
        sql(payment.amount),
        payment.currency.code(),
        opt(payment.method_id),
        sql(payment.created_at),
    ];
    one_row(connection.prepare_cached(INSERT_PAYMENT)?.execute(values)?)
}

const PUT_UNAPPLIED: &str = "
    insert into unapplied (unapplied_id, account_id, order_id, payment_id, platform, movement, amount, currency, reason, at,
        state, credited_to, resolved_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    on conflict (unapplied_id) do update
       set state = excluded.state, credited_to = excluded.credited_to, resolved_at = excluded.resolved_at";

pub(super) fn put_unapplied(connection: &Connection, unapplied: &Unapplied) -> rusqlite::Result<()> {
    let values = params![
        sql(unapplied.id),
        opt(unapplied.account_id),
        opt(unapplied.order_id),
        opt(unapplied.payment_id),
        unapplied.platform.name(),
        unapplied.movement,
        sql(unapplied.amount),
        unapplied.currency.code(),
        unapplied.reason.name(),
        sql(unapplied.at),
        unapplied.state.name(),
        opt(unapplied.credited_to),
        opt(unapplied.resolved_at),
    ];
    one_row(connection.prepare_cached(PUT_UNAPPLIED)?.execute(values)?)
}

const PUT_METHOD: &str = "
    insert into payment_method (account_id, payment_method_id, platform, customer, reference, label, created_at, removed_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    on conflict (account_id, payment_method_id) do update set removed_at = excluded.removed_at";

const FORGET_METHOD: &str = "
    update license
       set card_method_id = null, card_platform = null, card_is_live = null
     where account_id = ?1 and card_method_id = ?2";

fn put_method(connection: &Connection, method: &PaymentMethod) -> rusqlite::Result<()> {
    let PaymentMethod { id, account_id, platform, customer, reference, label, created_at, removed_at } = method;
    let (created_at, removed) = (sql(*created_at), opt(*removed_at));
    let values = params![sql(*account_id), sql(*id), platform.name(), customer, reference, label, created_at, removed];
    one_row(connection.prepare_cached(PUT_METHOD)?.execute(values)?)?;
    if removed_at.is_some() {
        connection.prepare_cached(FORGET_METHOD)?.execute(params![sql(*account_id), sql(*id)])?;
    }
    Ok(())
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("CLOSE_ORDER", CLOSE_ORDER),
    ("CLOSE_BILL", CLOSE_BILL),
    ("INSERT_BILL", INSERT_BILL),
    ("PROLONG", PROLONG),
    ("COMPLETE", COMPLETE),
    ("COMPLETE_BILL", COMPLETE_BILL),
    ("INSERT_PAYMENT", INSERT_PAYMENT),
    ("PUT_UNAPPLIED", PUT_UNAPPLIED),
    ("PUT_METHOD", PUT_METHOD),
    ("FORGET_METHOD", FORGET_METHOD),
];
