//! Failbacks: each uses one unit of a failback license, once (L-5).
//!
//! ```text
//!            commit
//!  reserved ────────> committed
//!   │  │  ^             ^
//!   │  │  └ heartbeat   │ commit, with another unit if need be
//!   │  └── 72 hours ──> lapsed
//!   └───── cancel ────> cancelled
//! ```

use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::event::{Body, Subject};
use crate::id::{AccountId, FailbackId};
use crate::label::{Host, JobId};
use crate::license::{Kind, Source};
use crate::order::{Trigger, names};
use crate::time::Instant;
use crate::unit::{AllocationEnd, Ending, UnitId, Use, UseKind};

/// Where a failback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs; its unit is set aside.
    Reserved,
    /// It succeeded; its unit is consumed. Final.
    Committed,
    /// It was cancelled; its unit is free again. Final.
    Cancelled,
    /// It was not heard of for too long; its unit is free again.
    Lapsed,
}

names!(State, Reserved "reserved", Committed "committed", Cancelled "cancelled", Lapsed "lapsed");

/// What happens to a failback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Its software says that it still runs.
    Beat,
    /// It succeeded.
    Commit,
    /// It was given up.
    Cancel,
    /// The deadline passed.
    Lapse,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Reserved, Self::Committed, Self::Cancelled, Self::Lapsed];

    /// The state after an input. Doing something twice is normal and changes nothing.
    ///
    /// # Errors
    /// [`FailbackRefusal`] when the input comes too late.
    pub const fn apply(self, input: Input) -> Result<Self, FailbackRefusal> {
        match (self, input) {
            (Self::Reserved, Input::Beat) => Ok(Self::Reserved),
            (Self::Reserved | Self::Committed | Self::Lapsed, Input::Commit) => Ok(Self::Committed),
            (Self::Reserved | Self::Cancelled | Self::Lapsed, Input::Cancel) => Ok(Self::Cancelled),
            (Self::Reserved | Self::Lapsed, Input::Lapse) | (Self::Lapsed, Input::Beat) => Ok(Self::Lapsed),
            (Self::Committed, Input::Beat | Input::Cancel | Input::Lapse) => Err(FailbackRefusal::AlreadyConsumed),
            (Self::Cancelled, Input::Beat | Input::Commit | Input::Lapse) => Err(FailbackRefusal::Cancelled),
        }
    }
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 4] = [Self::Beat, Self::Commit, Self::Cancel, Self::Lapse];
}

/// A failback of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failback {
    /// Its id.
    pub id: FailbackId,
    /// The customer.
    pub account_id: AccountId,
    /// The job, as the customer's software names it. One job uses one unit, for ever.
    pub job_id: JobId,
    /// The host.
    pub host: Host,
    /// Its unit, or the one that it had.
    pub unit: UnitId,
    /// Where it stands.
    pub state: State,
    /// When it started.
    pub reserved_at: Instant,
    /// Without a sign of life until then, its unit is free again.
    pub deadline: Instant,
    /// When it was committed, cancelled or lapsed.
    pub ended_at: Option<Instant>,
}

impl Failback {
    /// Whether its unit is set aside or consumed for it.
    #[must_use]
    pub const fn holds_a_unit(&self) -> bool {
        match self.state {
            State::Reserved | State::Committed => true,
            State::Cancelled | State::Lapsed => false,
        }
    }

    /// When it is looked at next.
    #[must_use]
    pub const fn due_at(&self) -> Option<Instant> {
        match self.state {
            State::Reserved => Some(self.deadline),
            State::Committed | State::Cancelled | State::Lapsed => None,
        }
    }
}

/// Why a failback did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailbackRefusal {
    /// No unit is free.
    #[error("no failback unit is free")]
    NoUnitsAvailable,
    /// There is no such failback.
    #[error("there is no such failback")]
    Unknown,
    /// One job is one failback of one host.
    #[error("this job_id belongs to a failback of another host")]
    JobOfAnotherHost,
    /// L-5: what is consumed stays so.
    #[error("the failback was committed; its unit is consumed")]
    AlreadyConsumed,
    /// It was given up.
    #[error("the failback was cancelled")]
    Cancelled,
    /// It was not heard of for too long.
    #[error("the failback was not heard of until its deadline; its unit is free again")]
    Lapsed,
}

/// A unit that is not heard of for so long is free again, in seconds.
const SILENCE_MAX: i64 = 72 * 3600;

/// What was found or made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The failback.
    pub failback: Failback,
    /// Whether it started now.
    pub is_new: bool,
}

/// Starts a failback: sets a unit aside, or finds what the job did before (L-5).
///
/// # Errors
/// [`FailbackRefusal::NoUnitsAvailable`], [`FailbackRefusal::JobOfAnotherHost`].
pub fn start(draft: &mut Draft<'_>, job_id: JobId, host: Host, trigger: Trigger) -> Result<Started, FailbackRefusal> {
    if let Some(found) = draft.failback_of(&job_id) {
        let failback = found.clone();
        return if failback.host == host {
            Ok(Started { failback, is_new: false })
        } else {
            Err(FailbackRefusal::JobOfAnotherHost)
        };
    }
    let now = draft.now;
    let license = next_license(draft, now).ok_or(FailbackRefusal::NoUnitsAvailable)?;
    let id = draft.next_id();
    let unit = draft.take_unit(license, Use::Reserved(id), host.as_str(), now, trigger);
    let failback = Failback {
        id,
        account_id: draft.account().id,
        job_id,
        host,
        unit,
        state: State::Reserved,
        reserved_at: now,
        deadline: now.plus_seconds(SILENCE_MAX),
        ended_at: None,
    };
    draft.set_failback(failback.clone());
    Ok(Started { failback, is_new: true })
}

/// L-5: earliest expiration first, then what came as a bonus, then the older license.
pub(crate) fn next_license(draft: &Draft<'_>, at: Instant) -> Option<usize> {
    let usable = draft.licenses().enumerate();
    let usable = usable.filter(|(_, license)| license.kind == Kind::Failback && license.gives_units(at));
    let first = usable.min_by_key(|(_, license)| (license.expires_at, license.source != Source::Bonus, license.id));
    first.map(|(index, _)| index)
}

/// How a commit ended. One that is refused is reported as well, so it is not an error of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Commit {
    /// The unit is consumed.
    Done(Failback),
    /// It was consumed before.
    AlreadyDone(Failback),
    /// The failback had lapsed and no unit is free.
    NoUnitsAvailable,
}

/// Consumes the unit of a failback that succeeded (L-5). Also after its license expired, while it is reserved; after it
/// lapsed a unit that is free is taken, or the commit is refused and reported.
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase};
/// # use domain::failback::Commit;
/// let mut life = Life::new(books("Asia/Shanghai", "fb/standard month 3 2000 CNY failback"), "2025-06-30 16:55:10");
/// life.credit(4_000);
/// let fb = life.buy_license(license_purchase("fb/standard", 2)).unwrap();
/// let job = life.starts("job-1", "host-1");
/// assert!(matches!(life.commit(job), Ok(Commit::Done(_))));
/// // Whatever is repeated, one unit is consumed.
/// assert!(matches!(life.commit(job), Ok(Commit::AlreadyDone(_))));
/// assert!(life.cancel(job).is_err());
/// assert_eq!(life.license(fb).units.consumed, 1);
/// ```
///
/// # Errors
/// [`FailbackRefusal::Cancelled`], [`FailbackRefusal::Unknown`].
pub fn commit(draft: &mut Draft<'_>, id: FailbackId, trigger: Trigger) -> Result<Commit, FailbackRefusal> {
    let found = draft.failback(id).ok_or(FailbackRefusal::Unknown)?.clone();
    let state = found.state.apply(Input::Commit)?;
    let at = draft.now;
    let unit = match found.state {
        State::Committed => return Ok(Commit::AlreadyDone(found)),
        State::Reserved | State::Cancelled => found.unit,
        State::Lapsed => match take_again(draft, &found, trigger) {
            Some(unit) => unit,
            None => {
                let body = Body::FailbackRefused { job_id: found.job_id.clone(), host: found.host.clone() };
                draft.tell(at, Subject::Failback(id), body);
                return Ok(Commit::NoUnitsAvailable);
            }
        },
    };
    let end = AllocationEnd { at, by: trigger, ending: Ending::Committed };
    draft.end_use(unit, UseKind::Reserved, Use::Consumed(id), end);
    let failback = Failback { state, unit, ended_at: Some(at), ..found };
    tell_committed(draft, &failback, at);
    draft.set_failback(failback.clone());
    Ok(Commit::Done(failback))
}

/// A failback that runs or lapsed here was done offline, with a unit that was checked out: that unit is the one that it uses,
/// and what was set aside for it is free again. One that has ended stays as it is.
pub(crate) fn was_done_offline(draft: &mut Draft<'_>, found: Failback, unit: UnitId, end: AllocationEnd) {
    match found.state {
        State::Reserved => {
            draft.end_use(found.unit, UseKind::Reserved, Use::Free, AllocationEnd { ending: Ending::Cancelled, ..end });
        }
        State::Lapsed => {}
        State::Committed | State::Cancelled => return,
    }
    let failback = Failback { state: State::Committed, unit, ended_at: Some(end.at), ..found };
    tell_committed(draft, &failback, end.at);
    draft.set_failback(failback);
}

pub(crate) fn tell_committed(draft: &mut Draft<'_>, failback: &Failback, at: Instant) {
    let Failback { id, job_id, host, unit, .. } = failback.clone();
    let body = Body::FailbackCommitted { job_id, host, license_id: unit.license_id, unit: unit.number };
    draft.tell(at, Subject::Failback(id), body);
}

/// The unit that a lapsed failback had, or the next one that is free.
fn take_again(draft: &mut Draft<'_>, lapsed: &Failback, trigger: Trigger) -> Option<UnitId> {
    let now = draft.now;
    let usage = Use::Reserved(lapsed.id);
    let host = lapsed.host.as_str();
    let own = draft.license_position(lapsed.unit.license_id);
    let gives = |index: usize| draft.license(index).gives_units(now) && draft.is_free(lapsed.unit);
    if own.is_some_and(gives) {
        draft.take_this_unit(lapsed.unit, usage, host, now, trigger);
        return Some(lapsed.unit);
    }
    let license = next_license(draft, now)?;
    Some(draft.take_unit(license, usage, host, now, trigger))
}

/// Gives a failback up; its unit is free again (L-5). Cancelling again changes nothing.
///
/// # Errors
/// [`FailbackRefusal::AlreadyConsumed`], [`FailbackRefusal::Unknown`].
pub fn cancel(draft: &mut Draft<'_>, id: FailbackId, trigger: Trigger) -> Result<Failback, FailbackRefusal> {
    let found = draft.failback(id).ok_or(FailbackRefusal::Unknown)?.clone();
    let state = found.state.apply(Input::Cancel)?;
    let at = draft.now;
    match found.state {
        State::Cancelled | State::Committed => return Ok(found),
        State::Lapsed => {}
        State::Reserved => {
            let end = AllocationEnd { at, by: trigger, ending: Ending::Cancelled };
            draft.end_use(found.unit, UseKind::Reserved, Use::Free, end);
        }
    }
    let failback = Failback { state, ended_at: Some(at), ..found };
    draft.set_failback(failback.clone());
    Ok(failback)
}

/// A sign of life: the unit stays set aside for another 72 hours.
///
/// # Errors
/// [`FailbackRefusal`] when it no longer runs.
pub fn beat(draft: &mut Draft<'_>, id: FailbackId) -> Result<Failback, FailbackRefusal> {
    let found = draft.failback(id).ok_or(FailbackRefusal::Unknown)?.clone();
    match found.state.apply(Input::Beat)? {
        State::Reserved => {}
        State::Committed | State::Cancelled | State::Lapsed => return Err(FailbackRefusal::Lapsed),
    }
    let failback = Failback { deadline: draft.now.plus_seconds(SILENCE_MAX), ..found };
    draft.set_failback(failback.clone());
    Ok(failback)
}

/// The deadline passed: the unit is free again. If we were down, the sign of life could not reach us: it gets its time again.
pub(crate) fn lapse(draft: &mut Draft<'_>, id: FailbackId, at: Instant, we_were_down: bool) {
    let found = draft.failback(id).expect("what is due is in the draft").clone();
    if we_were_down {
        return draft.set_failback(Failback { deadline: draft.now.plus_seconds(SILENCE_MAX), ..found });
    }
    let state = found.state.apply(Input::Lapse).expect("only a reserved failback has a deadline");
    let end = AllocationEnd { at, by: Trigger::System, ending: Ending::Lapsed };
    draft.end_use(found.unit, UseKind::Reserved, Use::Free, end);
    let body = Body::FailbackLapsed { job_id: found.job_id.clone(), host: found.host.clone() };
    draft.tell(at, Subject::Failback(id), body);
    draft.set_failback(Failback { state, ended_at: Some(at), ..found });
}
