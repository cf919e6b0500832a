//! What may a host do? The answer that the vendor's software asks for.
//!
//! A takeover in a disaster is never blocked by licensing (L-7).

use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::failback::{Failback, State as FailbackState};
use crate::license::{Kind, License, Status};
use crate::order::names;
use crate::time::Instant;
use crate::unit::UnitId;

/// In a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Licensed.
    Valid,
    /// Licensed, and the term ends within a week.
    Expiring,
    /// The term has ended; a running host goes on.
    Grace,
    /// No license holds any more.
    Expired,
    /// The host has no unit; one is free.
    NotAssigned,
    /// The host's license ended, and no other had a unit for it.
    Stranded,
    /// The host has no unit, and none is free.
    Exhausted,
    /// The license is stopped by the operator.
    Suspended,
}

names!(Code, Valid "valid", Expiring "expiring", Grace "grace", Expired "expired", NotAssigned "not_assigned",
    Stranded "stranded", Exhausted "exhausted", Suspended "suspended");

/// What the vendor's software can do with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Begin to protect a host.
    Protect,
    /// Go on copying.
    Sync,
    /// A rehearsal.
    Drill,
    /// The real thing. Always allowed.
    Takeover,
    /// The way back, which uses a failback unit.
    Failback,
}

names!(Operation, Protect "protect", Sync "sync", Drill "drill", Takeover "takeover", Failback "failback");

/// What was loaded to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The licenses of the account that have not ended.
    pub licenses: Vec<License>,
    /// Whether the account ever had a DR license.
    pub had_dr: bool,
    /// The assignment of the host.
    pub assignment: Option<Assignment>,
    /// A failback of the host that runs.
    pub failback: Option<Failback>,
    /// When something of the account is due.
    pub due_at: Option<Instant>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// In a word.
    pub code: Code,
    /// What is allowed, in a fixed order.
    pub allowed: Vec<Operation>,
    /// Until when all that is allowed stays allowed by time alone: the end of the term or grace, or of the last failback unit.
    pub until: Option<Instant>,
    /// Whether it can be relied on. A verdict against the customer is not conclusive while a renewal may be on its way.
    pub conclusive: bool,
    /// The unit of the host.
    pub unit: Option<UnitId>,
}

/// A term that ends so soon is expiring, in seconds.
const SOON_SECONDS: i64 = 7 * 86_400;

/// What a host, or an account as a whole, may do.
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase};
/// # use domain::verdict::{Code, Operation};
/// let mut life = Life::new(books("Asia/Shanghai", "dr/monthly month 1 7500 CNY dr"), "2025-06-30 15:30:27");
/// life.credit(7_500);
/// life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
/// life.assigns("host-1");
/// assert_eq!(life.verdict("host-1").code, Code::Valid);
/// // Nobody paid: the host goes on for seven days, and may take over for ever (L-7).
/// life.advance_to("2025-08-06 00:00:00");
/// assert_eq!(life.verdict("host-1").code, Code::Grace);
/// life.advance_to("2025-09-01 00:00:00");
/// assert_eq!(life.verdict("host-1").allowed, [Operation::Takeover]);
/// ```
#[must_use]
pub fn judge(evidence: &Evidence, asks_for_host: bool, now: Instant) -> Verdict {
    let seat = evidence.assignment.as_ref().and_then(|assignment| assignment.unit);
    let of_seat = seat.and_then(|unit| evidence.licenses.iter().find(|license| license.id == unit.license_id));
    let license = if asks_for_host { of_seat } else { best(evidence, now) };
    let (code, until) = match license {
        Some(license) => by_status(license, now),
        None => (without_license(evidence, asks_for_host, now), None),
    };
    let mut allowed = operations(code);
    let mut until = until;
    if let Some(failback_until) = failback_until(evidence, now) {
        allowed.push(Operation::Failback);
        until = until.map(|until| until.min(failback_until));
    }
    let is_against = matches!(code, Code::Grace | Code::Expired | Code::Stranded | Code::Exhausted);
    let waits = evidence.due_at.is_some_and(|due_at| due_at <= now);
    Verdict { code, allowed, until, conclusive: !(is_against && waits), unit: seat }
}

/// The DR license that is best for the account as a whole.
fn best(evidence: &Evidence, now: Instant) -> Option<&License> {
    let rank = |license: &&License| match license.status(now) {
        Status::Valid => 3,
        Status::Grace => 2,
        Status::Suspended => 1,
        Status::Expired | Status::Exhausted | Status::Revoked => 0,
    };
    let standing = evidence.licenses.iter().filter(|license| license.kind == Kind::Dr && now < license.ends_at);
    standing.max_by_key(|license| (rank(license), license.expires_at))
}

fn by_status(license: &License, now: Instant) -> (Code, Option<Instant>) {
    match license.status(now) {
        Status::Valid if license.expires_at.seconds_since(now) <= SOON_SECONDS => {
            (Code::Expiring, Some(license.expires_at))
        }
        Status::Valid => (Code::Valid, Some(license.expires_at)),
        Status::Grace => (Code::Grace, Some(license.ends_at)),
        Status::Suspended => (Code::Suspended, Some(license.ends_at)),
        Status::Expired | Status::Exhausted | Status::Revoked => (Code::Expired, None),
    }
}

fn without_license(evidence: &Evidence, asks_for_host: bool, now: Instant) -> Code {
    let mut live = evidence.licenses.iter().filter(|license| license.kind == Kind::Dr && license.is_live(now));
    let has_live = live.clone().next().is_some();
    if evidence.assignment.is_some() {
        Code::Stranded
    } else if !asks_for_host || !has_live {
        let is_stopped = |license: &License| license.kind == Kind::Dr && license.status(now) == Status::Suspended;
        if evidence.licenses.iter().any(is_stopped) {
            Code::Suspended
        } else if evidence.had_dr {
            Code::Expired
        } else {
            Code::NotAssigned
        }
    } else if live.any(|license| license.gives_units(now)) {
        Code::NotAssigned
    } else {
        Code::Exhausted
    }
}

fn operations(code: Code) -> Vec<Operation> {
    match code {
        Code::Valid | Code::Expiring => {
            vec![Operation::Protect, Operation::Sync, Operation::Drill, Operation::Takeover]
        }
        // Running hosts go on, nothing new begins (L-7).
        Code::Grace => vec![Operation::Sync, Operation::Drill, Operation::Takeover],
        Code::Expired | Code::NotAssigned | Code::Stranded | Code::Exhausted | Code::Suspended => {
            vec![Operation::Takeover]
        }
    }
}

/// A failback that runs may go on; another may start while a unit is free (L-5). Until when, if at all.
fn failback_until(evidence: &Evidence, now: Instant) -> Option<Instant> {
    let running = evidence.failback.as_ref().filter(|failback| failback.state == FailbackState::Reserved);
    let giving = evidence.licenses.iter().filter(|license| license.kind == Kind::Failback && license.gives_units(now));
    running.map(|failback| failback.deadline).into_iter().chain(giving.map(|license| license.expires_at)).max()
}
