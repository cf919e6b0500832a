//! Writes a change set.

use domain::catalog::{Catalog, Code, Plan, Product};
use domain::change::{ChangeSet, Freeze, Revocation};
use domain::event::Event;
use domain::id::AccountId;
use domain::ledger::Entry;
use domain::order::{Order, OrderKind, OrderState};
use domain::resource::{Attempt, Resource};
use domain::time::Instant;
use rusqlite::{Connection, Statement, ToSql, params};

use super::row::{lines_text, opt, sql};
use super::{write_payments, write_rights};
use crate::port::{ApiKey, DueAt, Timed};

/// Writes everything that one decision changes.
pub(super) fn change_set(
    connection: &Connection,
    changes: &ChangeSet,
    catalog: &Catalog,
    due_at: &DueAt,
) -> rusqlite::Result<()> {
    if let Some(account) = &changes.account {
        put_account(connection, account)?;
    }
    for resource in &changes.new_resources {
        insert_resource(connection, resource, due_at(Timed::Resource(resource), catalog))?;
    }
    for resource in &changes.changed_resources {
        update_resource(connection, resource, due_at(Timed::Resource(resource), catalog))?;
    }
    write_payments::closed_orders(connection, changes)?;
    insert_orders(connection, &changes.orders)?;
    write_rights::rights(connection, changes, catalog, due_at)?;
    write_payments::payments(connection, changes)?;
    for revocation in &changes.revocations {
        revoke(connection, changes, *revocation)?;
    }
    insert_entries(connection, &changes.entries)?;
    insert_attempts(connection, &changes.attempts)?;
    insert_events(connection, &changes.events)?;
    if let Some(freeze) = &changes.freeze {
        put_freeze(connection, freeze)?;
    }
    update_wallet(connection, changes)
}

const PUT_ACCOUNT: &str = "
    insert into account (account_id, name, email, currency, created_at)
    values (?1, ?2, ?3, ?4, ?5)
    on conflict (account_id) do update set name = excluded.name, email = excluded.email";

fn put_account(connection: &Connection, account: &domain::account::Account) -> rusqlite::Result<()> {
    let domain::account::Account { id, name, email, currency, created_at } = account;
    let mut statement = connection.prepare_cached(PUT_ACCOUNT)?;
    statement.execute(params![sql(*id), name, email, currency.code(), sql(*created_at)]).map(drop)
}

const UPDATE_WALLET: &str = "
    update account
       set cash = ?2, gift = ?3, frozen = ?4, credit_limit = ?5, n_entries = ?6, remind_at = ?7
     where account_id = ?1";

/// Due is the account when the first of its things is. Each is a look at the start of an index.
pub(super) const UPDATE_TIMER: &str = "
    update account
       set due_at = (
               select min(at)
                 from (select account.remind_at as at
                       union all
                       select account.rights_due_at
                       union all
                       select * from (
                           select due_at
                             from resource
                            where resource.account_id = ?1 and due_at is not null
                            order by due_at
                            limit 1)))
     where account_id = ?1";

pub(super) const UPDATE_RIGHTS_TIMER: &str = "
    update account
       set rights_due_at = (
               select min(at)
                 from (select * from (
                           select due_at as at
                             from license
                            where license.account_id = ?1 and due_at is not null
                            order by due_at
                            limit 1)
                       union all
                       select * from (
                           select deadline
                             from failback
                            where failback.account_id = ?1 and state = 'reserved'
                            order by deadline
                            limit 1)
                       union all
                       select * from (
                           select due_at
                             from bill
                            where bill.account_id = ?1 and due_at is not null
                            order by due_at
                            limit 1)))
     where account_id = ?1";

/// Most decisions change nothing of licenses, so only those that do look for the next time of their things.
fn changes_rights_timer(changes: &ChangeSet) -> bool {
    !(changes.new_licenses.is_empty()
        && changes.changed_licenses.is_empty()
        && changes.failbacks.is_empty()
        && changes.new_pending.is_empty()
        && changes.prolonged.is_empty()
        && changes.paid_orders.is_empty()
        && changes.closed_orders.is_empty())
}

pub(super) fn update_rights_timer(connection: &Connection, account_id: AccountId) -> rusqlite::Result<()> {
    connection.prepare_cached(UPDATE_RIGHTS_TIMER)?.execute([sql(account_id)]).map(drop)
}

pub(super) fn update_account_timer(connection: &Connection, account_id: AccountId) -> rusqlite::Result<()> {
    connection.prepare_cached(UPDATE_TIMER)?.execute([sql(account_id)]).map(drop)
}

fn update_wallet(connection: &Connection, changes: &ChangeSet) -> rusqlite::Result<()> {
    let wallet = changes.wallet;
    let n_updated = connection.prepare_cached(UPDATE_WALLET)?.execute(params![
        sql(changes.account_id),
        sql(wallet.cash),
        sql(wallet.gift),
        sql(wallet.frozen),
        sql(wallet.credit_limit),
        wallet.n_entries,
        opt(changes.remind_at),
    ])?;
    if n_updated == 1 {
        if changes_rights_timer(changes) {
            update_rights_timer(connection, changes.account_id)?;
        }
        update_account_timer(connection, changes.account_id)
    } else {
        Err(rusqlite::Error::StatementChangedRows(n_updated))
    }
}

const INSERT_RESOURCE: &str = "
    insert into resource (account_id, resource_id, state, product_version, plan, terms, auto_renew, term_started_at,
        expires_at, run_unit, run_anchor, run_count, attempted_at, switched_on_at, arrears_until, told_at,
        suspension_warned_at, suspended_at, release_warned_at, ended_at, due_at, product, quantity, configuration,
        started_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25)";

fn insert_resource(connection: &Connection, resource: &Resource, due_at: Option<Instant>) -> rusqlite::Result<()> {
    let Resource { run, overdue, .. } = resource;
    let mut statement = connection.prepare_cached(INSERT_RESOURCE)?;
    let n_inserted = statement.execute(params![
        sql(resource.account_id),
        sql(resource.id),
        resource.state.name(),
        resource.product_version,
        sql(resource.plan),
        resource.terms,
        resource.auto_renew,
        sql(resource.term_started_at),
        sql(resource.expires_at),
        run.unit.name(),
        sql(run.anchor),
        run.count,
        opt(overdue.attempted_at),
        opt(overdue.switched_on_at),
        opt(overdue.arrears_until),
        opt(overdue.told_at),
        opt(overdue.suspension_warned_at),
        opt(overdue.suspended_at),
        opt(overdue.release_warned_at),
        opt(resource.ended_at),
        opt(due_at),
        sql(resource.product),
        resource.quantity,
        resource.configuration,
        sql(resource.started_at),
    ])?;
    if n_inserted == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(n_inserted)) }
}

const UPDATE_RESOURCE: &str = "
    update resource
       set state = ?3, product_version = ?4, plan = ?5, terms = ?6, auto_renew = ?7, term_started_at = ?8,
           expires_at = ?9, run_unit = ?10, run_anchor = ?11, run_count = ?12, attempted_at = ?13, switched_on_at = ?14,
           arrears_until = ?15, told_at = ?16, suspension_warned_at = ?17, suspended_at = ?18, release_warned_at = ?19,
           ended_at = ?20, due_at = ?21
     where account_id = ?1 and resource_id = ?2";

fn update_resource(connection: &Connection, resource: &Resource, due_at: Option<Instant>) -> rusqlite::Result<()> {
    let Resource { run, overdue, .. } = resource;
    let mut statement = connection.prepare_cached(UPDATE_RESOURCE)?;
    let n_updated = statement.execute(params![
        sql(resource.account_id),
        sql(resource.id),
        resource.state.name(),
        resource.product_version,
        sql(resource.plan),
        resource.terms,
        resource.auto_renew,
        sql(resource.term_started_at),
        sql(resource.expires_at),
        run.unit.name(),
        sql(run.anchor),
        run.count,
        opt(overdue.attempted_at),
        opt(overdue.switched_on_at),
        opt(overdue.arrears_until),
        opt(overdue.told_at),
        opt(overdue.suspension_warned_at),
        opt(overdue.suspended_at),
        opt(overdue.release_warned_at),
        opt(resource.ended_at),
        opt(due_at),
    ])?;
    if n_updated == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(n_updated)) }
}

/// A write of one row that found another number of rows is a mistake.
pub(super) fn one_row(n_rows: usize) -> rusqlite::Result<()> {
    if n_rows == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(n_rows)) }
}

/// How many rows one statement inserts. Opening a table and its indexes costs as much as a row, so the rows of a decision
/// go in together; a few sizes keep the number of prepared statements small.
const ROWS_AT_ONCE: [usize; 4] = [8, 4, 2, 1];

/// Binds the values of a row, one after the other.
pub(super) struct Values<'a, 'c> {
    statement: &'a mut Statement<'c>,
    n_bound: usize,
}

impl Values<'_, '_> {
    pub(super) fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<&mut Self> {
        self.n_bound += 1;
        self.statement.raw_bind_parameter(self.n_bound, value)?;
        Ok(self)
    }
}

/// Inserts rows: `head` ends before `values`, `n_columns` values are bound for each.
pub(super) fn insert_rows<T>(
    connection: &Connection,
    head: &str,
    n_columns: usize,
    mut rows: &[T],
    bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let row_text = format!("({})", vec!["?"; n_columns].join(", "));
    for n_rows in ROWS_AT_ONCE {
        while rows.len() >= n_rows {
            let (now, later) = rows.split_at(n_rows);
            rows = later;
            let sql = format!("{head} values {}", vec![row_text.as_str(); n_rows].join(", "));
            let mut statement = connection.prepare_cached(&sql)?;
            let mut values = Values { statement: &mut statement, n_bound: 0 };
            now.iter().try_for_each(|row| bind(&mut values, row))?;
            statement.raw_execute()?;
        }
    }
    Ok(())
}

const INSERT_ORDERS: &str = "
    insert into \"order\" (account_id, order_id, kind, state, \"trigger\", amount, currency, resource_id, license_id,
        product, plan, lines, starts_at, ends_at, created_at, completed_at, superseded_by, terms_version, slot)";

fn insert_orders(connection: &Connection, orders: &[Order]) -> rusqlite::Result<()> {
    insert_rows(connection, INSERT_ORDERS, 19, orders, |values, order| {
        values
            .bind(sql(order.account_id))?
            .bind(sql(order.id))?
            .bind(order.kind.name())?
            .bind(order.state.name())?
            .bind(order.trigger.name())?
            .bind(sql(order.amount))?
            .bind(order.currency.code())?
            .bind(opt(order.resource_id))?
            .bind(opt(order.license_id))?
            .bind(opt(order.sold.map(|sold| sold.product)))?
            .bind(opt(order.sold.map(|sold| sold.plan)))?
            .bind(lines_text(&order.lines))?
            .bind(opt(order.period.map(|period| period.start)))?
            .bind(opt(order.period.map(|period| period.end)))?
            .bind(sql(order.created_at))?
            .bind(opt(order.completed_at))?
            .bind(opt(order.superseded_by))?
            .bind(order.terms_version.as_deref())?
            .bind(slot(order.kind))?;
        Ok(())
    })
}

/// Which orders of a resource exclude each other at one start: charges, and arrears orders (C-2).
fn slot(kind: OrderKind) -> Option<u8> {
    match kind {
        OrderKind::Purchase | OrderKind::Renewal => Some(0),
        OrderKind::Arrears => Some(1),
        OrderKind::Recharge | OrderKind::Deletion | OrderKind::Refund | OrderKind::Adjustment => None,
    }
}

const REVOKE: &str = "
    update \"order\"
       set state = ?3, superseded_by = ?4
     where account_id = ?1 and order_id = ?2 and state = 'unpaid'";

fn revoke(connection: &Connection, changes: &ChangeSet, revocation: Revocation) -> rusqlite::Result<()> {
    let Revocation { order_id, superseded_by } = revocation;
    let revoked = OrderState::Revoked.name();
    let mut statement = connection.prepare_cached(REVOKE)?;
    let values = params![sql(changes.account_id), sql(order_id), revoked, opt(superseded_by)];
    statement.execute(values).map(drop)
}

const INSERT_ENTRIES: &str = "
    insert into entry (account_id, number, entry_id, at, reason, cash, gift, revenue, funding, promotion, cash_after,
        gift_after, order_id, reference, payment_id)";

fn insert_entries(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    insert_rows(connection, INSERT_ENTRIES, 15, entries, |values, entry| {
        let postings = entry.postings;
        values
            .bind(sql(entry.account_id))?
            .bind(entry.number)?
            .bind(sql(entry.id))?
            .bind(sql(entry.at))?
            .bind(entry.reason.name())?
            .bind(sql(postings.cash))?
            .bind(sql(postings.gift))?
            .bind(sql(postings.revenue))?
            .bind(sql(postings.funding))?
            .bind(sql(postings.promotion))?
            .bind(sql(entry.cash_after))?
            .bind(sql(entry.gift_after))?
            .bind(opt(entry.order_id))?
            .bind(entry.reference.as_deref())?
            .bind(opt(entry.payment_id))?;
        Ok(())
    })
}

const INSERT_ATTEMPTS: &str = "
    insert into attempt (holding_id, attempt_id, at, outcome, reason, price, available, order_id)";

fn insert_attempts(connection: &Connection, attempts: &[Attempt]) -> rusqlite::Result<()> {
    insert_rows(connection, INSERT_ATTEMPTS, 8, attempts, |values, attempt| {
        values
            .bind(sql(attempt.holding))?
            .bind(sql(attempt.id))?
            .bind(sql(attempt.at))?
            .bind(attempt.outcome.name())?
            .bind(attempt.reason.as_deref())?
            .bind(opt(attempt.price))?
            .bind(sql(attempt.available))?
            .bind(opt(attempt.order_id))?;
        Ok(())
    })
}

const INSERT_EVENTS: &str = "
    insert into event (account_id, event_id, type, at, subject, data)";

fn insert_events(connection: &Connection, events: &[Event]) -> rusqlite::Result<()> {
    insert_rows(connection, INSERT_EVENTS, 6, events, |values, event| {
        let data = serde_json::to_string(&event.body).expect("events are plain data");
        values
            .bind(sql(event.account_id))?
            .bind(sql(event.id))?
            .bind(event.body.name())?
            .bind(sql(event.at))?
            .bind(event.subject.to_string())?
            .bind(data)?;
        Ok(())
    })
}

const PUT_FREEZE: &str = "
    insert into freeze (freeze_id, account_id, amount, reason, created_at, lifted_at)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (freeze_id) do update set lifted_at = excluded.lifted_at";

fn put_freeze(connection: &Connection, freeze: &Freeze) -> rusqlite::Result<()> {
    let Freeze { id, account_id, amount, reason, created_at, lifted_at } = freeze;
    let mut statement = connection.prepare_cached(PUT_FREEZE)?;
    let values = params![sql(*id), sql(*account_id), sql(*amount), reason, sql(*created_at), opt(*lifted_at)];
    statement.execute(values).map(drop)
}

const INSERT_PRODUCT: &str = "
    insert into product (code, version, body)
    values (?1, ?2, ?3)";

pub(super) fn insert_product(connection: &Connection, product: &Product) -> rusqlite::Result<()> {
    let body = serde_json::to_string(product).expect("a product is plain data");
    let values = params![sql(product.code), product.version, body];
    connection.prepare_cached(INSERT_PRODUCT)?.execute(values).map(drop)
}

const INSERT_PLAN: &str = "
    insert into plan (product, code, unit, count, currency)
    values (?1, ?2, ?3, ?4, ?5)
    on conflict (product, code) do nothing";

const INSERT_PRICE: &str = "
    insert into price (product, plan, number, price, effective_from, renewals_from)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (product, plan, number) do nothing";

/// Stores a plan; prices that are stored already stay as they are (P-5).
pub(super) fn put_plan(connection: &Connection, product: Code, plan: &Plan) -> rusqlite::Result<()> {
    let term = plan.term;
    let values = params![sql(product), sql(plan.code), term.unit.name(), term.count, plan.currency.code()];
    connection.prepare_cached(INSERT_PLAN)?.execute(values)?;
    for (number, price) in (1_u32..).zip(&plan.prices) {
        let (from, renewals) = (sql(price.effective_from), sql(price.renewals_from));
        let values = params![sql(product), sql(plan.code), number, sql(price.price), from, renewals];
        connection.prepare_cached(INSERT_PRICE)?.execute(values)?;
    }
    Ok(())
}

const INSERT_API_KEY: &str = "
    insert into api_key (api_key_id, account_id, name, hash, created_at)
    values (?1, ?2, ?3, ?4, ?5)";

pub(super) fn insert_api_key(connection: &Connection, key: &ApiKey) -> rusqlite::Result<()> {
    let values = params![sql(key.id), opt(key.account_id), key.name, key.hash, sql(key.created_at)];
    connection.prepare_cached(INSERT_API_KEY)?.execute(values).map(drop)
}

const DELETE_OPERATOR_KEYS: &str = "
    delete from api_key
     where account_id is null";

pub(super) fn delete_operator_keys(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached(DELETE_OPERATOR_KEYS)?.execute([]).map(drop)
}

const PUT_META: &str = "
    insert into meta (key, value)
    values (?1, ?2)
    on conflict (key) do update set value = excluded.value";

pub(super) fn put_meta(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(PUT_META)?.execute([key, value]).map(drop)
}
