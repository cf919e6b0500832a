//! What happens to a resource that is not renewed: expired, arrears, warned, suspended, released (C-1 to C-6).
//!
//! [`timers`] says when each step is due. A step that tells or takes something waits until the customer was really told:
//! after an outage of ours the dates move (C-5).

use crate::calendar::BillingZone;
use crate::catalog::{Plan, Policy};
use crate::holding::HoldingId;
use crate::license::License;
use crate::money::AmountTooLarge;
use crate::order::Line;
use crate::pricing::Rate;
use crate::renewal::next_attempt_at;
use crate::resource::{Resource, State};
use crate::time::{Instant, Period, Wait};

/// A step in the life of a resource. At one instant they happen in this order (C-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attempt to renew (R-1, R-2).
    Attempt,
    /// The expiry (C-1).
    Expire,
    /// A daily arrears order (C-2).
    Arrears,
    /// A message before the suspension (C-8).
    WarnOfSuspension,
    /// A message before the release (C-5, C-8).
    WarnOfRelease,
    /// The suspension (C-4).
    Suspend,
    /// The release (C-4).
    Release,
    /// The end of a license (L-4, L-7).
    End,
    /// A failback was not heard of for too long (L-5).
    Lapse,
    /// An order was not paid in time (B-3).
    CloseOrder,
}

/// When each step of a resource is due; `None`: not, as things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timers {
    /// R-1, R-2.
    pub attempt: Option<Instant>,
    /// C-1.
    pub expire: Option<Instant>,
    /// C-2.
    pub arrears: Option<Instant>,
    /// C-8.
    pub warn_of_suspension: Option<Instant>,
    /// C-5.
    pub warn_of_release: Option<Instant>,
    /// C-4.
    pub suspend: Option<Instant>,
    /// C-4.
    pub release: Option<Instant>,
}

impl Timers {
    /// The step that comes first.
    #[must_use]
    pub fn next(&self) -> Option<(Instant, Step)> {
        let steps = [
            (self.attempt, Step::Attempt),
            (self.expire, Step::Expire),
            (self.arrears, Step::Arrears),
            (self.warn_of_suspension, Step::WarnOfSuspension),
            (self.warn_of_release, Step::WarnOfRelease),
            (self.suspend, Step::Suspend),
            (self.release, Step::Release),
        ];
        steps.into_iter().filter_map(|(at, step)| Some((at?, step))).min()
    }
}

/// When each step of a resource is due.
///
/// ```
/// # use testkit::rules::{Life, books};
/// let mut life = Life::new(books("Asia/Shanghai", "uhost/thirty day 30 12000 CNY"), "2025-05-08 14:20:05");
/// life.credit(12_000);
/// let uhost = life.buys("uhost/thirty");
/// life.advance_to("2025-06-10 00:00:00");
/// // Expired since 7 June: the next attempt is of the daily series (R-2), the suspension after three days (C-4).
/// let timers = life.timers(uhost);
/// assert_eq!(timers.attempt.map(|at| life.show(at)).as_deref(), Some("2025-06-10 14:20:05"));
/// assert_eq!(timers.suspend.map(|at| life.show(at)).as_deref(), Some("2025-06-10 14:20:05"));
/// ```
#[must_use]
pub fn timers(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Timers {
    let attempt = next_attempt_at(resource, policy, zone);
    match resource.state {
        State::Active => Timers { attempt, expire: Some(resource.expires_at), ..Timers::default() },
        State::Expired | State::Suspended => Timers {
            attempt,
            expire: None,
            arrears: arrears_at(resource, policy, zone),
            warn_of_suspension: suspension_warning_at(resource, policy, zone),
            warn_of_release: release_warning_at(resource, policy, zone),
            suspend: suspend_after_warning(resource, policy, zone),
            release: release_after_warning(resource, policy, zone),
        },
        State::Released | State::Deleted => Timers::default(),
    }
}

/// When an expired resource is suspended, or was (C-4). Not before the customer was told of the expiry, and warned, for as
/// long as the policy gives: an outage of ours moves the date (C-5).
#[must_use]
pub fn suspend_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let suspend_after = policy.suspend_after?;
    if let Some(suspended_at) = resource.overdue.suspended_at {
        return Some(suspended_at);
    }
    let planned = zone.after(resource.expires_at, suspend_after);
    let notice = shorter(suspend_after, policy.warn_before);
    let told_long_enough = resource.overdue.told_at.map(|told_at| zone.after(told_at, notice));
    let warned_long_enough = resource.overdue.suspension_warned_at.map(|at| zone.after(at, policy.warn_before));
    Some(planned.max(told_long_enough.unwrap_or(planned)).max(warned_long_enough.unwrap_or(planned)))
}

/// C-5: a suspension is due only after its warning, where there is one.
fn suspend_after_warning(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let waits = resource.state != State::Expired || suspension_warning_at(resource, policy, zone).is_some();
    if waits { None } else { suspend_at(resource, policy, zone) }
}

/// When an expired resource will be released, as things stand (C-4, C-6, R-13).
///
/// With the switch off only where the product says so; never when it is never suspended. As much later as the suspension
/// was, and not before the warning is old enough (C-5).
#[must_use]
pub fn release_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let planned = planned_release_at(resource, policy, zone)?;
    let warned = resource.overdue.release_warned_at.map(|at| zone.after(at, policy.warn_before));
    Some(planned.max(warned.unwrap_or(planned)))
}

fn planned_release_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    if !resource.auto_renew && !policy.release_when_off {
        return None;
    }
    let planned = zone.after(resource.expires_at, policy.release_after);
    if policy.exempt {
        return Some(planned);
    }
    let planned_suspension = zone.after(resource.expires_at, policy.suspend_after?);
    let suspension = suspend_at(resource, policy, zone)?;
    Some(planned.plus_seconds(suspension.seconds_since(planned_suspension).max(0)))
}

/// C-5: a release is due only after the warning, and with the switch on only after an attempt that really failed.
fn release_after_warning(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let tried = resource.overdue.attempted_at.is_some() || !resource.auto_renew || policy.exempt;
    if resource.overdue.release_warned_at.is_none() || !tried {
        return None;
    }
    release_at(resource, policy, zone)
}

fn release_warning_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    if resource.overdue.release_warned_at.is_some() {
        return None;
    }
    let planned = planned_release_at(resource, policy, zone)?;
    Some(not_before_now_known(resource, zone.before(planned, policy.warn_before)))
}

/// The message before the suspension; none when it would come together with the one on the expiry.
fn suspension_warning_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    if resource.state != State::Expired || resource.overdue.suspension_warned_at.is_some() {
        return None;
    }
    let warning = zone.before(suspend_at(resource, policy, zone)?, policy.warn_before);
    (warning > resource.expires_at).then_some(warning)
}

/// A step whose time had passed when the switch was turned on is due at that moment, not in the past.
fn not_before_now_known(resource: &Resource, at: Instant) -> Instant {
    at.max(resource.expires_at).max(resource.overdue.switched_on_at.unwrap_or(at))
}

fn shorter(a: Wait, b: Wait) -> Wait {
    if a.nominal_seconds() <= b.nominal_seconds() { a } else { b }
}

/// The hour of the day at which arrears orders are made (C-2).
const ARREARS_HOUR: i8 = 1;

/// When the next arrears order of a resource is due: at 01:00 of the day after the time that it covers (C-2).
fn arrears_at(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let period = arrears_period(resource, policy, zone)?;
    Some(zone.hour_of(zone.date(period.start).plus_days(1), ARREARS_HOUR))
}

/// What the next arrears order covers: the rest of one local day after the expiry, while the service runs (C-2, C-4).
#[must_use]
pub fn arrears_period(resource: &Resource, policy: &Policy, zone: &BillingZone) -> Option<Period> {
    if policy.exempt {
        return None;
    }
    let start = resource.overdue.arrears_until.unwrap_or(resource.expires_at);
    let day_end = zone.start_of(zone.date(start).plus_days(1));
    let end = resource.overdue.suspended_at.map_or(day_end, |suspended_at| day_end.min(suspended_at));
    Period::new(start, end)
}

/// The line of an arrears order: at the price in force for renewals at the expiry (P-5).
///
/// ```
/// # use testkit::rules::{books, resource};
/// # use domain::{recycling::arrears_line, time::Period};
/// let books = books("Asia/Shanghai", "uhost/monthly month 1 12000 CNY");
/// let uhost = resource(&books, "2025-09-24 12:38:44", "uhost/monthly");
/// let plan = books.books().plan_of(&uhost);
/// let owed = |from, until| {
///     let day = Period::new(books.at(from), books.at(until)).unwrap();
///     arrears_line(&uhost, plan, day, &books.zone).unwrap().amount.minor()
/// };
/// // The rest of the day of the expiry, then whole days of October.
/// assert_eq!(owed("2025-10-24 12:38:44", "2025-10-25 00:00:00"), 183);
/// assert_eq!(owed("2025-10-25 00:00:00", "2025-10-26 00:00:00"), 387);
/// ```
///
/// # Errors
/// [`AmountTooLarge`].
pub fn arrears_line(
    resource: &Resource,
    plan: &Plan,
    period: Period,
    zone: &BillingZone,
) -> Result<Line, AmountTooLarge> {
    let price = plan.price_for_renewal(resource.expires_at);
    let rate = Rate { price, term: plan.term, quantity: resource.quantity };
    rate.part(period, resource.expires_at, zone)
}

/// Where something stands among what is due at one instant (R-9).
pub type AttemptOrder = (u8, Instant, HoldingId);

/// Which of several resources due at one instant is tried first (R-9): the one that would be suspended first, then the
/// older one; exempt and never suspended ones last.
#[must_use]
pub fn attempt_order(resource: &Resource, policy: &Policy, zone: &BillingZone) -> AttemptOrder {
    match suspend_at(resource, policy, zone) {
        Some(suspend_at) => (0, suspend_at, resource.id.into()),
        None => (2, resource.expires_at, resource.id.into()),
    }
}

/// R-9: licenses come after the resources that would be suspended; first the one that ends first.
#[must_use]
pub fn license_attempt_order(license: &License) -> AttemptOrder {
    (1, license.ends_at, license.id.into())
}
