//! Rows of licenses, and of what uses their units, to values.

use domain::activation::{ActivationCode, Grant, Redemption};
use domain::assignment::Assignment;
use domain::catalog::Term;
use domain::failback::{self, Failback};
use domain::installation::{Installation, Retirement};
use domain::label::InvalidLabel;
use domain::license::{Kind, License, Source, State, Subscription};
use domain::order::Trigger;
use domain::payment::{Card, Charging, PlatformName};
use domain::resource::Run;
use domain::unit::{Allocation, AllocationEnd, Ending, UnitCounts, UnitId};
use rusqlite::Row;

use super::row::{get, get_opt, named, unit};
use crate::port::{SigningKey, SigningKeyAge};

fn label<T: std::str::FromStr<Err = InvalidLabel>>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    named(row, index, |text| text.parse().ok())
}

macro_rules! license_columns {
    () => {
        "license_id, account_id, kind, source, product, product_version, plan, terms, total, auto_renew, state, \
         activated_at, term_started_at, expires_at, ends_at, run_unit, run_anchor, run_count, attempted_at, touched, \
         assigned, reserved, consumed, checked_out, parent_id, order_id, code_id, reason, ended_at, card_method_id, \
         card_platform, card_is_live, charging_order_id, charging_since, charging_until"
    };
}
pub(super) use license_columns;

pub(super) fn license(row: &Row<'_>) -> rusqlite::Result<License> {
    let subscription = match get_opt(row, 4)? {
        Some(product) => {
            Some(Subscription { product, product_version: row.get(5)?, plan: get(row, 6)?, terms: row.get(7)? })
        }
        None => None,
    };
    let card = match get_opt(row, 29)? {
        Some(method_id) => {
            Some(Card { method_id, platform: named(row, 30, PlatformName::from_name)?, is_live: row.get(31)? })
        }
        None => None,
    };
    let charging = match get_opt(row, 32)? {
        Some(order_id) => Some(Charging { order_id, since: get(row, 33)?, until: get(row, 34)? }),
        None => None,
    };
    Ok(License {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        kind: named(row, 2, Kind::from_name)?,
        source: named(row, 3, Source::from_name)?,
        subscription,
        total: row.get(8)?,
        auto_renew: row.get(9)?,
        state: named(row, 10, State::from_name)?,
        activated_at: get(row, 11)?,
        term_started_at: get(row, 12)?,
        expires_at: get(row, 13)?,
        ends_at: get(row, 14)?,
        run: Run { unit: named(row, 15, unit)?, anchor: get(row, 16)?, count: row.get(17)? },
        attempted_at: get_opt(row, 18)?,
        card,
        charging,
        units: UnitCounts {
            touched: row.get(19)?,
            assigned: row.get(20)?,
            reserved: row.get(21)?,
            consumed: row.get(22)?,
            checked_out: row.get(23)?,
        },
        parent_id: get_opt(row, 24)?,
        order_id: get_opt(row, 25)?,
        code_id: get_opt(row, 26)?,
        reason: row.get(27)?,
        ended_at: get_opt(row, 28)?,
    })
}

pub(super) fn unit_id(row: &Row<'_>) -> rusqlite::Result<UnitId> {
    Ok(UnitId { license_id: get(row, 0)?, number: row.get(1)? })
}

macro_rules! assignment_columns {
    () => {
        "assignment_id, account_id, host, name, license_id, unit, assigned_at, released_at"
    };
}
pub(super) use assignment_columns;

pub(super) fn assignment(row: &Row<'_>) -> rusqlite::Result<Assignment> {
    let unit = match get_opt(row, 4)? {
        Some(license_id) => Some(UnitId { license_id, number: row.get(5)? }),
        None => None,
    };
    Ok(Assignment {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        host: label(row, 2)?,
        name: row.get(3)?,
        unit,
        assigned_at: get(row, 6)?,
        released_at: get_opt(row, 7)?,
    })
}

macro_rules! failback_columns {
    () => {
        "failback_id, account_id, job_id, host, license_id, unit, state, reserved_at, deadline, ended_at"
    };
}
pub(super) use failback_columns;

pub(super) fn failback(row: &Row<'_>) -> rusqlite::Result<Failback> {
    Ok(Failback {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        job_id: label(row, 2)?,
        host: label(row, 3)?,
        unit: UnitId { license_id: get(row, 4)?, number: row.get(5)? },
        state: named(row, 6, failback::State::from_name)?,
        reserved_at: get(row, 7)?,
        deadline: get(row, 8)?,
        ended_at: get_opt(row, 9)?,
    })
}

macro_rules! allocation_columns {
    () => {
        "allocation_id, license_id, unit, user, started_at, started_by, ended_at, ended_by, ending"
    };
}
pub(super) use allocation_columns;

pub(super) fn allocation(row: &Row<'_>) -> rusqlite::Result<Allocation> {
    let end = match get_opt(row, 6)? {
        Some(at) => Some(AllocationEnd {
            at,
            by: named(row, 7, Trigger::from_name)?,
            ending: named(row, 8, Ending::from_name)?,
        }),
        None => None,
    };
    Ok(Allocation {
        id: get(row, 0)?,
        unit: UnitId { license_id: get(row, 1)?, number: row.get(2)? },
        user: row.get(3)?,
        started_at: get(row, 4)?,
        started_by: named(row, 5, Trigger::from_name)?,
        end,
    })
}

macro_rules! installation_columns {
    () => {
        "installation_id, account_id, name, public_key, counter, receipt_hash, created_at, \
         retired_at, retire_reason"
    };
}
pub(super) use installation_columns;

pub(super) fn installation(row: &Row<'_>) -> rusqlite::Result<Installation> {
    let retired = match get_opt(row, 7)? {
        Some(at) => Some(Retirement { at, reason: row.get(8)? }),
        None => None,
    };
    Ok(Installation {
        id: get(row, 0)?,
        account_id: get(row, 1)?,
        name: label(row, 2)?,
        public_key: row.get(3)?,
        counter: row.get(4)?,
        receipt_hash: row.get(5)?,
        created_at: get(row, 6)?,
        retired,
    })
}

macro_rules! code_columns {
    () => {
        "code_id, account_id, kind, quantity, unit, count, created_at, expires_at, redeemed_by, license_id, redeemed_at"
    };
}
pub(super) use code_columns;

pub(super) fn activation_code(row: &Row<'_>) -> rusqlite::Result<ActivationCode> {
    let code_id = get(row, 0)?;
    let redeemed = match get_opt(row, 8)? {
        Some(account_id) => Some(Redemption { code_id, account_id, license_id: get(row, 9)?, at: get(row, 10)? }),
        None => None,
    };
    Ok(ActivationCode {
        id: code_id,
        account_id: get_opt(row, 1)?,
        grant: Grant {
            kind: named(row, 2, Kind::from_name)?,
            quantity: row.get(3)?,
            term: Term { unit: named(row, 4, unit)?, count: row.get(5)? },
        },
        created_at: get(row, 6)?,
        expires_at: get_opt(row, 7)?,
        redeemed,
    })
}

pub(super) fn signing_key(row: &Row<'_>) -> rusqlite::Result<SigningKey> {
    let age = SigningKeyAge { created_at: get(row, 3)?, retired_at: get_opt(row, 4)?, revoked_at: get_opt(row, 5)? };
    Ok(SigningKey { kid: row.get(0)?, certificate: row.get(1)?, locked: row.get(2)?, age })
}
