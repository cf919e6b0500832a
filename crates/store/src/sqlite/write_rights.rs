//! Writes what a change set says of licenses, and of what uses their units.

use domain::activation::{ActivationCode, Redemption};
use domain::assignment::Assignment;
use domain::catalog::Catalog;
use domain::change::ChangeSet;
use domain::failback::Failback;
use domain::id::AccountId;
use domain::installation::Installation;
use domain::license::License;
use domain::license_file::Issued;
use domain::time::Instant;
use domain::unit::{Allocation, Closing, Unit};
use rusqlite::{Connection, params};

use super::row::{opt, sql};
use super::write::{insert_rows, one_row, put_meta};
use crate::port::{DueAt, KeyRing, SigningKey, Timed};

/// Writes licenses before what refers to them, and ends uses of units before new ones begin.
pub(super) fn rights(
    connection: &Connection,
    changes: &ChangeSet,
    catalog: &Catalog,
    due_at: &DueAt,
) -> rusqlite::Result<()> {
    let account_id = changes.account_id;
    for license in &changes.new_licenses {
        insert_license(connection, license, due_at(Timed::License(license), catalog))?;
    }
    for license in &changes.changed_licenses {
        update_license(connection, license, due_at(Timed::License(license), catalog))?;
    }
    for unit in &changes.units {
        put_unit(connection, account_id, unit)?;
    }
    for assignment in &changes.assignments {
        put_assignment(connection, assignment)?;
    }
    // One may take the unit that another gives up, so those that give up come first.
    let (holding, others): (Vec<_>, Vec<_>) = changes.failbacks.iter().partition(|failback| failback.holds_a_unit());
    others.into_iter().chain(holding).try_for_each(|failback| put_failback(connection, failback))?;
    for closing in &changes.closings {
        close(connection, account_id, closing)?;
    }
    insert_allocations(connection, account_id, &changes.allocations)?;
    if let Some(installation) = &changes.installation {
        put_installation(connection, installation)?;
    }
    if let Some(redemption) = &changes.redemption {
        redeem(connection, redemption)?;
    }
    if let Some(file) = &changes.file {
        insert_file(connection, account_id, file)?;
    }
    Ok(())
}

const INSERT_LICENSE: &str = "
    insert into license (account_id, license_id, state, product_version, plan, terms, auto_renew, term_started_at,
        expires_at, ends_at, run_unit, run_anchor, run_count, attempted_at, touched, assigned, reserved, consumed,
        checked_out, reason, ended_at, due_at, card_method_id, card_platform, card_is_live, charging_order_id,
        charging_since, charging_until, kind, source, product, total, activated_at, parent_id, order_id, code_id)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36)";

fn insert_license(connection: &Connection, license: &License, due_at: Option<Instant>) -> rusqlite::Result<()> {
    let License { run, units, subscription, card, charging, .. } = license;
    let n_inserted = connection.prepare_cached(INSERT_LICENSE)?.execute(params![
        sql(license.account_id),
        sql(license.id),
        license.state.name(),
        subscription.map(|subscription| subscription.product_version),
        opt(subscription.map(|subscription| subscription.plan)),
        subscription.map(|subscription| subscription.terms),
        license.auto_renew,
        sql(license.term_started_at),
        sql(license.expires_at),
        sql(license.ends_at),
        run.unit.name(),
        sql(run.anchor),
        run.count,
        opt(license.attempted_at),
        units.touched,
        units.assigned,
        units.reserved,
        units.consumed,
        units.checked_out,
        license.reason,
        opt(license.ended_at),
        opt(due_at),
        opt(card.map(|card| card.method_id)),
        card.map(|card| card.platform.name()),
        card.map(|card| card.is_live),
        opt(charging.map(|charging| charging.order_id)),
        opt(charging.map(|charging| charging.since)),
        opt(charging.map(|charging| charging.until)),
        license.kind.name(),
        license.source.name(),
        opt(subscription.map(|subscription| subscription.product)),
        license.total,
        sql(license.activated_at),
        opt(license.parent_id),
        opt(license.order_id),
        opt(license.code_id),
    ])?;
    one_row(n_inserted)
}

const UPDATE_LICENSE: &str = "
    update license
       set state = ?3, product_version = ?4, plan = ?5, terms = ?6, auto_renew = ?7, term_started_at = ?8,
           expires_at = ?9, ends_at = ?10, run_unit = ?11, run_anchor = ?12, run_count = ?13, attempted_at = ?14,
           touched = ?15, assigned = ?16, reserved = ?17, consumed = ?18, checked_out = ?19, reason = ?20,
           ended_at = ?21, due_at = ?22, card_method_id = ?23, card_platform = ?24, card_is_live = ?25,
           charging_order_id = ?26, charging_since = ?27, charging_until = ?28
     where account_id = ?1 and license_id = ?2";

fn update_license(connection: &Connection, license: &License, due_at: Option<Instant>) -> rusqlite::Result<()> {
    let License { run, units, subscription, card, charging, .. } = license;
    let n_updated = connection.prepare_cached(UPDATE_LICENSE)?.execute(params![
        sql(license.account_id),
        sql(license.id),
        license.state.name(),
        subscription.map(|subscription| subscription.product_version),
        opt(subscription.map(|subscription| subscription.plan)),
        subscription.map(|subscription| subscription.terms),
        license.auto_renew,
        sql(license.term_started_at),
        sql(license.expires_at),
        sql(license.ends_at),
        run.unit.name(),
        sql(run.anchor),
        run.count,
        opt(license.attempted_at),
        units.touched,
        units.assigned,
        units.reserved,
        units.consumed,
        units.checked_out,
        license.reason,
        opt(license.ended_at),
        opt(due_at),
        opt(card.map(|card| card.method_id)),
        card.map(|card| card.platform.name()),
        card.map(|card| card.is_live),
        opt(charging.map(|charging| charging.order_id)),
        opt(charging.map(|charging| charging.since)),
        opt(charging.map(|charging| charging.until)),
    ])?;
    one_row(n_updated)
}

const PUT_UNIT: &str = "
    insert into unit (account_id, license_id, number, usage, holder)
    values (?1, ?2, ?3, ?4, ?5)
    on conflict (account_id, license_id, number) do update set usage = excluded.usage, holder = excluded.holder";

fn put_unit(connection: &Connection, account_id: AccountId, unit: &Unit) -> rusqlite::Result<()> {
    let Unit { id, usage } = unit;
    let holder = usage.holder().map(u128::to_be_bytes);
    let values = params![sql(account_id), sql(id.license_id), id.number, usage.kind().name(), holder];
    connection.prepare_cached(PUT_UNIT)?.execute(values).map(drop)
}

const PUT_ASSIGNMENT: &str = "
    insert into assignment (account_id, assignment_id, host, name, license_id, unit, assigned_at, released_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    on conflict (account_id, assignment_id) do update
       set host = excluded.host, name = excluded.name, license_id = excluded.license_id, unit = excluded.unit,
           released_at = excluded.released_at";

fn put_assignment(connection: &Connection, assignment: &Assignment) -> rusqlite::Result<()> {
    let Assignment { id, account_id, host, name, unit, assigned_at, released_at } = assignment;
    let values = params![
        sql(*account_id),
        sql(*id),
        host.as_str(),
        name,
        opt(unit.map(|unit| unit.license_id)),
        unit.map(|unit| unit.number),
        sql(*assigned_at),
        opt(*released_at),
    ];
    connection.prepare_cached(PUT_ASSIGNMENT)?.execute(values).map(drop)
}

const PUT_FAILBACK: &str = "
    insert into failback (account_id, failback_id, job_id, host, license_id, unit, state, reserved_at, deadline,
        ended_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    on conflict (account_id, failback_id) do update
       set license_id = excluded.license_id, unit = excluded.unit, state = excluded.state,
           deadline = excluded.deadline, ended_at = excluded.ended_at";

fn put_failback(connection: &Connection, failback: &Failback) -> rusqlite::Result<()> {
    let values = params![
        sql(failback.account_id),
        sql(failback.id),
        failback.job_id.as_str(),
        failback.host.as_str(),
        sql(failback.unit.license_id),
        failback.unit.number,
        failback.state.name(),
        sql(failback.reserved_at),
        sql(failback.deadline),
        opt(failback.ended_at),
    ];
    connection.prepare_cached(PUT_FAILBACK)?.execute(values).map(drop)
}

const CLOSE: &str = "
    update allocation
       set ended_at = max(?4, started_at), ended_by = ?5, ending = ?6
     where account_id = ?1 and license_id = ?2 and unit = ?3 and ended_at is null";

fn close(connection: &Connection, account_id: AccountId, closing: &Closing) -> rusqlite::Result<()> {
    let Closing { unit, end } = closing;
    let n_closed = connection.prepare_cached(CLOSE)?.execute(params![
        sql(account_id),
        sql(unit.license_id),
        unit.number,
        sql(end.at),
        end.by.name(),
        end.ending.name(),
    ])?;
    one_row(n_closed)
}

pub(super) const INSERT_ALLOCATIONS: &str = "
    insert into allocation (account_id, license_id, allocation_id, unit, user, started_at, started_by, ended_at,
        ended_by, ending)";

fn insert_allocations(
    connection: &Connection,
    account_id: AccountId,
    allocations: &[Allocation],
) -> rusqlite::Result<()> {
    insert_rows(connection, INSERT_ALLOCATIONS, 10, allocations, |values, allocation| {
        values
            .bind(sql(account_id))?
            .bind(sql(allocation.unit.license_id))?
            .bind(sql(allocation.id))?
            .bind(allocation.unit.number)?
            .bind(allocation.user.as_str())?
            .bind(sql(allocation.started_at))?
            .bind(allocation.started_by.name())?
            .bind(opt(allocation.end.map(|end| end.at)))?
            .bind(allocation.end.map(|end| end.by.name()))?
            .bind(allocation.end.map(|end| end.ending.name()))?;
        Ok(())
    })
}

const PUT_INSTALLATION: &str = "
    insert into installation (account_id, installation_id, name, public_key, counter, receipt_hash, created_at,
        retired_at, retire_reason)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    on conflict (account_id, installation_id) do update
       set counter = excluded.counter, receipt_hash = excluded.receipt_hash, retired_at = excluded.retired_at,
           retire_reason = excluded.retire_reason";

fn put_installation(connection: &Connection, installation: &Installation) -> rusqlite::Result<()> {
    let Installation { id, account_id, name, public_key, counter, receipt_hash, created_at, retired } = installation;
    let values = params![
        sql(*account_id),
        sql(*id),
        name.as_str(),
        public_key,
        counter,
        receipt_hash,
        sql(*created_at),
        opt(retired.as_ref().map(|retirement| retirement.at)),
        retired.as_ref().map(|retirement| &retirement.reason),
    ];
    connection.prepare_cached(PUT_INSTALLATION)?.execute(values).map(drop)
}

const INSERT_CODE: &str = "
    insert into activation_code (code_id, account_id, kind, quantity, unit, count, created_at, expires_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(super) fn insert_code(connection: &Connection, code: &ActivationCode) -> rusqlite::Result<()> {
    let ActivationCode { id, account_id, grant, created_at, expires_at, redeemed: _ } = code;
    let values = params![
        sql(*id),
        opt(*account_id),
        grant.kind.name(),
        grant.quantity,
        grant.term.unit.name(),
        grant.term.count,
        sql(*created_at),
        opt(*expires_at),
    ];
    connection.prepare_cached(INSERT_CODE)?.execute(values).map(drop)
}

const REDEEM: &str = "
    update activation_code
       set redeemed_by = ?2, license_id = ?3, redeemed_at = ?4
     where code_id = ?1 and redeemed_at is null";

fn redeem(connection: &Connection, redemption: &Redemption) -> rusqlite::Result<()> {
    let Redemption { code_id, account_id, license_id, at } = redemption;
    let values = params![sql(*code_id), sql(*account_id), sql(*license_id), sql(*at)];
    one_row(connection.prepare_cached(REDEEM)?.execute(values)?)
}

const INSERT_FILE: &str = "
    insert into license_file (account_id, seq, file_id, installation_id, issued_at)
    values (?1, ?2, ?3, ?4, ?5)";

fn insert_file(connection: &Connection, account_id: AccountId, file: &Issued) -> rusqlite::Result<()> {
    let values = params![sql(account_id), file.seq, sql(file.id), opt(file.installation_id), sql(file.at)];
    connection.prepare_cached(INSERT_FILE)?.execute(values).map(drop)
}

const PUT_KEY: &str = "
    insert into signing_key (kid, certificate, locked, created_at, retired_at, revoked_at)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (kid) do update
       set certificate = excluded.certificate, locked = excluded.locked, retired_at = excluded.retired_at,
           revoked_at = excluded.revoked_at";

pub(super) fn key_ring(connection: &Connection, ring: &KeyRing) -> rusqlite::Result<()> {
    if let Some(root) = &ring.root {
        put_meta(connection, "license_root", root)?;
    }
    for SigningKey { kid, certificate, locked, age } in &ring.keys {
        let values = params![kid, certificate, locked, sql(age.created_at), opt(age.retired_at), opt(age.revoked_at)];
        connection.prepare_cached(PUT_KEY)?.execute(values)?;
    }
    Ok(())
}

/// Every statement of this file, for a look at its plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("INSERT_LICENSE", INSERT_LICENSE),
    ("UPDATE_LICENSE", UPDATE_LICENSE),
    ("PUT_UNIT", PUT_UNIT),
    ("PUT_ASSIGNMENT", PUT_ASSIGNMENT),
    ("PUT_FAILBACK", PUT_FAILBACK),
    ("CLOSE", CLOSE),
    ("PUT_INSTALLATION", PUT_INSTALLATION),
    ("INSERT_CODE", INSERT_CODE),
    ("REDEEM", REDEEM),
    ("INSERT_FILE", INSERT_FILE),
    ("PUT_KEY", PUT_KEY),
];
