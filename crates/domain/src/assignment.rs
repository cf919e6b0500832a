//! Assignments: which host a DR unit protects (L-6).
//!
//! A host has at most one unit. An assignment keeps its id when the unit goes on to another host and when the host goes on
//! to a unit of another license; it is *stranded* while it has no unit, because its license ended and no other had one.

use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::event::{Body, Subject};
use crate::id::{AccountId, AssignmentId, LicenseId};
use crate::label::Host;
use crate::license::{Kind, License};
use crate::order::Trigger;
use crate::time::Instant;
use crate::unit::{AllocationEnd, Ending, UnitId, Use, UseKind};

/// A protected host and its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// The customer.
    pub account_id: AccountId,
    /// The host that is protected.
    pub host: Host,
    /// What people call the host.
    pub name: Option<String>,
    /// Its unit; `None`: stranded.
    pub unit: Option<UnitId>,
    /// When the host was assigned first: who came first is served first.
    pub assigned_at: Instant,
    /// When it was released.
    pub released_at: Option<Instant>,
}

/// Why a host got no unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentRefusal {
    /// There is no such license, or it is not for hosts.
    #[error("there is no DR license {license_id} in this account")]
    UnknownLicense {
        /// The license that was asked for.
        license_id: LicenseId,
    },
    /// L-6: every unit protects a host already.
    #[error("no unit is free")]
    NoUnitsAvailable,
    /// There is no such assignment.
    #[error("there is no such assignment")]
    UnknownAssignment,
    /// L-6: one host holds at most one unit.
    #[error("the host {host} has an assignment of its own")]
    HostHasUnit {
        /// The host.
        host: Host,
    },
    /// It was released before.
    #[error("the assignment was released")]
    Released,
    /// It has no unit that could go to another host.
    #[error("the assignment is stranded; assign the host again when a unit is free")]
    Stranded,
}

/// What was found or made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The assignment.
    pub assignment: Assignment,
    /// Whether the host got its unit now.
    pub is_new: bool,
}

/// A host that shall have a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The host.
    pub host: Host,
    /// What people call it.
    pub name: Option<String>,
    /// The license to take the unit from; `None`: the one that ends first.
    pub license_id: Option<LicenseId>,
}

/// Gives a host a unit, unless it has one (L-6).
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase};
/// let mut life = Life::new(books("Asia/Shanghai", "dr/monthly month 1 7500 CNY dr"), "2025-06-30 15:30:27");
/// life.credit(7_500);
/// life.buy_license(license_purchase("dr/monthly", 1)).unwrap();
/// assert!(life.assign("host-1").unwrap().is_new);
/// // Once more it is the same unit, and for another host there is none.
/// assert!(!life.assign("host-1").unwrap().is_new);
/// assert!(life.assign("host-2").is_err());
/// ```
///
/// # Errors
/// [`AssignmentRefusal`].
pub fn assign(draft: &mut Draft<'_>, wish: Wish, trigger: Trigger) -> Result<Assigned, AssignmentRefusal> {
    let now = draft.now;
    let found = draft.assignment_of(&wish.host).cloned();
    if let Some(assignment) = found.as_ref().filter(|assignment| assignment.unit.is_some()) {
        return Ok(Assigned { assignment: assignment.clone(), is_new: false });
    }
    let license = source(draft, wish.license_id, now)?;
    let id = found.as_ref().map_or_else(|| draft.next_id(), |assignment| assignment.id);
    let unit = draft.take_unit(license, Use::Assigned(id), wish.host.as_str(), now, trigger);
    let assignment = match found {
        Some(stranded) => {
            Assignment { name: wish.name.or(stranded.name), unit: Some(unit), host: wish.host, ..stranded }
        }
        None => Assignment {
            id,
            account_id: draft.account().id,
            host: wish.host,
            name: wish.name,
            unit: Some(unit),
            assigned_at: now,
            released_at: None,
        },
    };
    draft.set_assignment(assignment.clone());
    Ok(Assigned { assignment, is_new: true })
}

/// The license that gives the unit: the one that was asked for, or the one that ends first (L-6).
fn source(draft: &Draft<'_>, asked: Option<LicenseId>, now: Instant) -> Result<usize, AssignmentRefusal> {
    let is_dr = |license: &License| license.kind == Kind::Dr;
    if let Some(license_id) = asked {
        let unknown = AssignmentRefusal::UnknownLicense { license_id };
        let index = draft.license_position(license_id).ok_or_else(|| unknown.clone())?;
        let license = draft.license(index);
        if !is_dr(license) {
            return Err(unknown);
        }
        return if license.gives_units(now) { Ok(index) } else { Err(AssignmentRefusal::NoUnitsAvailable) };
    }
    let giving = draft.licenses().enumerate().filter(|(_, license)| is_dr(license) && license.gives_units(now));
    let first = giving.min_by_key(|(_, license)| (license.expires_at, license.id));
    first.map(|(index, _)| index).ok_or(AssignmentRefusal::NoUnitsAvailable)
}

/// Lets a unit go on to another host, in one step (L-6). In grace, too: no more hosts run than before.
///
/// # Errors
/// [`AssignmentRefusal`].
pub fn move_to(
    draft: &mut Draft<'_>,
    id: AssignmentId,
    host: Host,
    name: Option<String>,
    trigger: Trigger,
) -> Result<Assignment, AssignmentRefusal> {
    let (assignment, unit) = seated(draft, id)?;
    if assignment.host == host {
        return Ok(assignment);
    }
    if draft.assignment_of(&host).is_some() {
        return Err(AssignmentRefusal::HostHasUnit { host });
    }
    let (at, by) = (draft.now, trigger);
    draft.hand_over(unit, AllocationEnd { at, by, ending: Ending::Moved }, host.as_str());
    let assignment = Assignment { host, name, ..assignment };
    draft.set_assignment(assignment.clone());
    Ok(assignment)
}

fn seated(draft: &Draft<'_>, id: AssignmentId) -> Result<(Assignment, UnitId), AssignmentRefusal> {
    let assignment = draft.assignment(id).ok_or(AssignmentRefusal::UnknownAssignment)?;
    if assignment.released_at.is_some() {
        return Err(AssignmentRefusal::Released);
    }
    let unit = assignment.unit.ok_or(AssignmentRefusal::Stranded)?;
    Ok((assignment.clone(), unit))
}

/// Frees the unit of a host (L-6). Releasing again changes nothing.
///
/// # Errors
/// [`AssignmentRefusal::UnknownAssignment`].
pub fn release(draft: &mut Draft<'_>, id: AssignmentId, trigger: Trigger) -> Result<Assignment, AssignmentRefusal> {
    let found = draft.assignment(id).ok_or(AssignmentRefusal::UnknownAssignment)?.clone();
    if found.released_at.is_some() {
        return Ok(found);
    }
    let (at, by) = (draft.now, trigger);
    if let Some(unit) = found.unit {
        draft.end_use(unit, UseKind::Assigned, Use::Free, AllocationEnd { at, by, ending: Ending::Released });
    }
    // The row keeps which unit it was; the unit itself knows that it is free.
    let released = Assignment { released_at: Some(at), ..found };
    draft.set_assignment(released.clone());
    Ok(released)
}

/// The hosts of a license that ended go to free units of other live licenses, first assigned first served; the rest is
/// stranded and reported (L-6).
pub(crate) fn reseat(draft: &mut Draft<'_>, index: usize, at: Instant) {
    let ended = draft.license(index).clone();
    let mut hosts: Vec<_> = draft.assignments_of(ended.id).cloned().collect();
    let n_assigned = usize::try_from(ended.units.assigned).unwrap_or(usize::MAX);
    assert_eq!(hosts.len(), n_assigned, "{}: the hosts of a license that ends are loaded", ended.id);
    if hosts.is_empty() {
        return;
    }
    hosts.sort_by_key(|assignment| (assignment.assigned_at, assignment.id));
    let end = AllocationEnd { at, by: Trigger::System, ending: Ending::LicenseEnded };
    let (mut n_moved, mut stranded) = (0_u32, Vec::new());
    let mut target = source(draft, None, at).ok();
    for assignment in hosts {
        let unit = assignment.unit.expect("a host of a license has a unit");
        draft.end_use(unit, UseKind::Assigned, Use::Free, end);
        if target.is_some_and(|target| !draft.license(target).gives_units(at)) {
            target = source(draft, None, at).ok();
        }
        let seat = target.map(|target| {
            let usage = Use::Assigned(assignment.id);
            draft.take_unit(target, usage, assignment.host.as_str(), at, Trigger::System)
        });
        match seat {
            Some(_) => n_moved += 1,
            None => stranded.push(assignment.host.clone()),
        }
        draft.set_assignment(Assignment { unit: seat, ..assignment });
    }
    let n_stranded = u32::try_from(stranded.len()).unwrap_or(u32::MAX);
    stranded.truncate(NAMED_MAX);
    draft.tell(at, Subject::License(ended.id), Body::HostsReseated { n_moved, n_stranded, stranded });
}

/// So many stranded hosts are named in the event; the list of assignments has all of them.
const NAMED_MAX: usize = 100;
