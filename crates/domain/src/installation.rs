//! Installations: copies of the customer's software that work offline with units that were checked out to them.
//!
//! An installation has a key of its own. It takes failback units along and comes back with a signed receipt that says which
//! of them it used. Receipts are counted; a counter that goes backwards means a copy or a restored backup: it is refused and
//! reported, and the units stay checked out. One that is lost is retired by the operator, who says what becomes of its units.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::event::{Body, Subject};
use crate::failback::{self, Failback};
use crate::id::{AccountId, FailbackId, InstallationId};
use crate::label::{Host, InstallationName, JobId};
use crate::order::{Trigger, names};
use crate::time::Instant;
use crate::unit::{AllocationEnd, Ending, UnitId, Use, UseKind};

/// A copy of the customer's software that works offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// The customer.
    pub account_id: AccountId,
    /// What the customer calls it. One name, one installation that is not retired.
    pub name: InstallationName,
    /// Its Ed25519 key, which signs receipts.
    pub public_key: [u8; 32],
    /// The counter of the last receipt.
    pub counter: u64,
    /// The hash of the last receipt, to tell a repeat from another one.
    pub receipt_hash: Option<[u8; 32]>,
    /// When it was registered.
    pub created_at: Instant,
    /// When and why it was retired, if it was.
    pub retired: Option<Retirement>,
}

/// The end of an installation. Final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// When.
    pub at: Instant,
    /// Why, by the operator.
    pub reason: String,
}

/// Why nothing was checked out or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstallationRefusal {
    /// There is no such installation.
    #[error("there is no such installation")]
    Unknown,
    /// The name belongs to an installation with another key.
    #[error("an installation of this name has another key")]
    NameTaken,
    /// No units, or too many at once.
    #[error("the number of units is between 1 and {CHECK_OUT_MAX}")]
    UnitsOutOfRange,
    /// Fewer are free.
    #[error("fewer failback units are free")]
    NoUnitsAvailable,
    /// The receipt's counter is not above the last one.
    #[error("the receipt has the counter {counter}, the last one had {last}")]
    CounterBackwards {
        /// Of this receipt.
        counter: u64,
        /// Of the last one.
        last: u64,
    },
    /// The receipt names a unit that this installation does not hold, or names one twice.
    #[error("the unit {number} of this receipt is not checked out to this installation")]
    NotCheckedOut {
        /// The number of the unit.
        number: u32,
    },
    /// It was retired: it has no units any more.
    #[error("the installation was retired at {retired_at}")]
    Retired {
        /// When.
        retired_at: Instant,
    },
}

/// The most units of one check-out.
pub const CHECK_OUT_MAX: u32 = 1_000;

/// Registers an installation, or finds it.
///
/// # Errors
/// [`InstallationRefusal::NameTaken`].
pub fn register(
    draft: &mut Draft<'_>,
    name: InstallationName,
    public_key: [u8; 32],
) -> Result<Installation, InstallationRefusal> {
    match draft.installation() {
        Some(found) if found.public_key == public_key => Ok(found.clone()),
        Some(_) => Err(InstallationRefusal::NameTaken),
        None => {
            let (id, account_id, created_at) = (draft.next_id(), draft.account().id, draft.now);
            let (counter, receipt_hash, retired) = (0, None, None);
            let made = Installation { id, account_id, name, public_key, counter, receipt_hash, created_at, retired };
            draft.set_installation(made.clone());
            Ok(made)
        }
    }
}

/// Lets an installation take units along, all or none, in the order of L-5.
///
/// # Errors
/// [`InstallationRefusal`].
pub fn check_out(draft: &mut Draft<'_>, n_units: u32, trigger: Trigger) -> Result<Vec<UnitId>, InstallationRefusal> {
    let Installation { id, name, retired, .. } = draft.installation().ok_or(InstallationRefusal::Unknown)?.clone();
    if let Some(Retirement { at: retired_at, .. }) = retired {
        return Err(InstallationRefusal::Retired { retired_at });
    }
    if n_units == 0 || n_units > CHECK_OUT_MAX {
        return Err(InstallationRefusal::UnitsOutOfRange);
    }
    let now = draft.now;
    let mut units = Vec::new();
    for _ in 0..n_units {
        let license = failback::next_license(draft, now).ok_or(InstallationRefusal::NoUnitsAvailable)?;
        units.push(draft.take_unit(license, Use::CheckedOut(id), name.as_str(), now, trigger));
    }
    draft.tell(now, Subject::Installation(id), Body::UnitsCheckedOut { n_units });
    Ok(units)
}

/// What an installation says of a unit that it brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The unit.
    pub unit: UnitId,
    /// The failback that used it; `None`: unused.
    pub used: Option<UsedOffline>,
}

/// A failback that was done offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOffline {
    /// The job.
    pub job_id: JobId,
    /// The host.
    pub host: Host,
    /// When, by the clock of the installation.
    pub at: Instant,
}

/// A receipt whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Rises with each receipt of an installation.
    pub counter: u64,
    /// Of the whole text.
    pub hash: [u8; 32],
    /// What comes back.
    pub units: Vec<Returned>,
}

/// How a receipt was taken. A refused one is reported as well, so it is not an error of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// Taken, now or before.
    Done {
        /// The installation afterwards.
        installation: Installation,
        /// Units that are consumed now.
        n_used: u32,
        /// Units that are free again.
        n_unused: u32,
    },
    /// It names a unit that the installation does not hold, or one twice; nothing was taken.
    NotCheckedOut {
        /// The number of the unit.
        number: u32,
    },
    /// The counter went backwards; the units stay checked out.
    CounterBackwards {
        /// Of this receipt.
        counter: u64,
        /// Of the last one.
        last: u64,
    },
    /// The installation was retired, so it may not be lost at all; nothing was taken.
    Retired {
        /// When.
        retired_at: Instant,
    },
}

/// Takes back what an installation brings. The same receipt again changes nothing.
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase, receipt, unused, used};
/// # use domain::installation::Settled;
/// let mut life = Life::new(books("Asia/Shanghai", "fb/standard month 3 2000 CNY failback"), "2025-06-30 16:55:10");
/// life.credit(4_000);
/// let fb = life.buy_license(license_purchase("fb/standard", 2)).unwrap();
/// let plant = life.register("plant", 1).unwrap();
/// let units = life.check_out(plant, 2).unwrap();
/// let back = vec![used(units[0], "job-1", "host-1", life.now()), unused(units[1])];
/// assert!(matches!(life.settle(plant, receipt(1, 1, back)), Ok(Settled::Done { n_used: 1, n_unused: 1, .. })));
/// // A counter that does not rise means a copy or a restored backup.
/// let copy = life.settle(plant, receipt(1, 2, vec![])).unwrap();
/// assert_eq!(copy, Settled::CounterBackwards { counter: 1, last: 1 });
/// assert_eq!((life.license(fb).units.consumed, life.license(fb).n_free()), (1, 1));
/// ```
///
/// # Errors
/// [`InstallationRefusal`].
pub fn settle(draft: &mut Draft<'_>, receipt: Receipt, trigger: Trigger) -> Result<Settled, InstallationRefusal> {
    let installation = draft.installation().ok_or(InstallationRefusal::Unknown)?.clone();
    let (now, subject) = (draft.now, Subject::Installation(installation.id));
    let (counter, last) = (receipt.counter, installation.counter);
    if let Some(Retirement { at: retired_at, .. }) = installation.retired {
        draft.tell(now, subject, Body::ReceiptOfRetired { counter, retired_at });
        return Ok(Settled::Retired { retired_at });
    }
    if installation.receipt_hash == Some(receipt.hash) {
        let (n_used, n_unused) = counts(draft, &receipt.units);
        return Ok(Settled::Done { installation, n_used, n_unused });
    }
    if counter <= last {
        draft.tell(now, subject, Body::ReceiptRefused { counter, last });
        return Ok(Settled::CounterBackwards { counter, last });
    }
    let held: BTreeSet<_> = draft.checked_out().iter().copied().collect();
    let mut seen = BTreeSet::new();
    let stray = receipt.units.iter().find(|returned| !held.contains(&returned.unit) || !seen.insert(returned.unit));
    if let Some(stray) = stray {
        // It may be a copy that uses what the original brought back: that is told.
        let UnitId { license_id, number } = stray.unit;
        draft.tell(now, subject, Body::StrayUnit { license_id, unit: number, counter, used: stray.used.is_some() });
        return Ok(Settled::NotCheckedOut { number });
    }
    for returned in receipt.units.clone() {
        take_back(draft, returned, trigger);
    }
    let (n_used, n_unused) = counts(draft, &receipt.units);
    let installation = Installation { counter, receipt_hash: Some(receipt.hash), ..installation };
    draft.set_installation(installation.clone());
    draft.tell(now, subject, Body::ReceiptSettled { counter, n_used, n_unused });
    Ok(Settled::Done { installation, n_used, n_unused })
}

/// How many units of a receipt that was taken are consumed, and how many are free again. It says the same of a repeat: what is
/// known of these jobs does not change any more in a way that matters.
fn counts(draft: &Draft<'_>, units: &[Returned]) -> (u32, u32) {
    let is_consumed = |returned: &&Returned| {
        returned.used.as_ref().is_some_and(|used| {
            let known = draft.failback_of(&used.job_id).expect("the job of a receipt that was taken is known");
            !is_spare(known, returned.unit, &used.host)
        })
    };
    let n_used = u32::try_from(units.iter().filter(is_consumed).count()).unwrap_or(u32::MAX);
    (n_used, u32::try_from(units.len()).unwrap_or(u32::MAX) - n_used)
}

/// Whether the job has consumed another unit, so that this one is free again (L-5).
fn is_spare(known: &Failback, unit: UnitId, host: &Host) -> bool {
    known.state == failback::State::Committed && known.host == *host && known.unit != unit
}

fn take_back(draft: &mut Draft<'_>, returned: Returned, trigger: Trigger) {
    let (now, by, unit) = (draft.now, trigger, returned.unit);
    let Some(UsedOffline { job_id, host, at }) = returned.used else {
        let end = AllocationEnd { at: now, by, ending: Ending::Returned };
        return draft.end_use(unit, UseKind::CheckedOut, Use::Free, end);
    };
    let end = AllocationEnd { at: now, by, ending: Ending::Committed };
    if let Some(known) = draft.failback_of(&job_id).cloned() {
        return known_job(draft, known, (unit, host), end);
    }
    let id = draft.next_id();
    draft.end_use(unit, UseKind::CheckedOut, Use::Consumed(id), end);
    let account_id = draft.account().id;
    let state = failback::State::Committed;
    // An installation's clock may run ahead of ours; the log never does.
    let at = at.min(now);
    let used =
        Failback { id, account_id, job_id, host, unit, state, reserved_at: at, deadline: at, ended_at: Some(at) };
    failback::tell_committed(draft, &used, now);
    draft.set_failback(used);
}

/// A job that is known was started here as well, or is named twice. One job uses one unit (L-5).
fn known_job(draft: &mut Draft<'_>, known: Failback, (unit, host): (UnitId, Host), end: AllocationEnd) {
    match known.state {
        failback::State::Committed if is_spare(&known, unit, &host) => {
            let end = AllocationEnd { ending: Ending::Returned, ..end };
            draft.end_use(unit, UseKind::CheckedOut, Use::Free, end);
        }
        failback::State::Reserved | failback::State::Lapsed if known.host == host => {
            draft.end_use(unit, UseKind::CheckedOut, Use::Consumed(known.id), end);
            failback::was_done_offline(draft, known, unit, end);
        }
        // The unit was used, whatever else the job is said to be; what does not fit is told.
        failback::State::Committed
        | failback::State::Cancelled
        | failback::State::Reserved
        | failback::State::Lapsed => {
            draft.end_use(unit, UseKind::CheckedOut, Use::Consumed(known.id), end);
            let (license_id, number) = (unit.license_id, unit.number);
            let body = Body::JobConflict { job_id: known.job_id, host, license_id, unit: number };
            draft.tell(end.at, Subject::Failback(known.id), body);
        }
    }
}

/// What becomes of the units of an installation that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They were not used: they are free again.
    Return,
    /// They may have been used: they are consumed.
    Consume,
}

names!(Fate, Return "return", Consume "consume");

/// Retires an installation that is lost, so that its units are not lost with it. Retiring it again changes nothing.
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase, receipt, unused};
/// # use domain::installation::{Fate, Settled};
/// let mut life = Life::new(books("Asia/Shanghai", "fb/standard month 3 2000 CNY failback"), "2025-06-30 16:55:10");
/// life.credit(4_000);
/// let fb = life.buy_license(license_purchase("fb/standard", 2)).unwrap();
/// let plant = life.register("plant", 1).unwrap();
/// let units = life.check_out(plant, 2).unwrap();
/// life.retire(plant, Fate::Return, "the disk is dead").unwrap();
/// assert_eq!(life.license(fb).n_free(), 2);
/// // It is over: what it still says is refused, and its name is for the next one.
/// let late = life.settle(plant, receipt(1, 1, vec![unused(units[0])])).unwrap();
/// assert_eq!(late, Settled::Retired { retired_at: life.now() });
/// assert_ne!(life.register("plant", 2).unwrap(), plant);
/// ```
///
/// # Errors
/// [`InstallationRefusal::Unknown`].
pub fn retire(
    draft: &mut Draft<'_>,
    fate: Fate,
    reason: String,
    trigger: Trigger,
) -> Result<Installation, InstallationRefusal> {
    let installation = draft.installation().ok_or(InstallationRefusal::Unknown)?.clone();
    if installation.retired.is_some() {
        return Ok(installation);
    }
    let at = draft.now;
    let end = AllocationEnd { at, by: trigger, ending: Ending::Retired };
    let units = draft.checked_out().to_vec();
    for unit in &units {
        match fate {
            Fate::Return => draft.end_use(*unit, UseKind::CheckedOut, Use::Free, end),
            Fate::Consume => write_off(draft, &installation.name, *unit, end),
        }
    }
    let n_units = u32::try_from(units.len()).unwrap_or(u32::MAX);
    let consumed = fate == Fate::Consume;
    let body = Body::InstallationRetired { reason: reason.clone(), n_units, consumed };
    draft.tell(at, Subject::Installation(installation.id), body);
    let installation = Installation { retired: Some(Retirement { at, reason }), ..installation };
    draft.set_installation(installation.clone());
    Ok(installation)
}

/// A consumed unit has a failback (L-5). Nobody knows the job and the host of this one, so it is the installation's own. It is
/// not told as a success: nobody knows that either.
fn write_off(draft: &mut Draft<'_>, name: &InstallationName, unit: UnitId, end: AllocationEnd) {
    let (id, account_id): (FailbackId, _) = (draft.next_id(), draft.account().id);
    draft.end_use(unit, UseKind::CheckedOut, Use::Consumed(id), end);
    // The id is new, so no job of the customer has this name.
    let job_id = format!("retired-{id}").parse().expect("a short name");
    let host = name.as_str().parse().expect("the name of an installation is a name for a host");
    let (state, at) = (failback::State::Committed, end.at);
    draft.set_failback(Failback {
        id,
        account_id,
        job_id,
        host,
        unit,
        state,
        reserved_at: at,
        deadline: at,
        ended_at: Some(at),
    });
}
