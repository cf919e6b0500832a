//! Units: the numbered parts of a license, and what each is used for.
//!
//! ```text
//!          assign                 reserve               commit
//!  free ───────────> assigned   free ──────> reserved ─────────> consumed (for ever)
//!    ^                  │         ^              │                  ^
//!    └─────release──────┘         └──cancel──────┘                  │ receipt: used
//!                               free ──────> checked out ───────────┘
//!                                 ^   check      │
//!                                 └── out ───────┘ receipt: unused, or retired
//! ```
//!
//! A unit has a number from 1 to the license's total. A unit that was never used has no row anywhere, so a license of
//! ten thousand units costs as much to sell as one of one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::id::{AllocationId, AssignmentId, FailbackId, InstallationId, LicenseId};
use crate::order::{Trigger, names};
use crate::time::Instant;

/// Which unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitId {
    /// Its license.
    pub license_id: LicenseId,
    /// Its number, from 1.
    pub number: u32,
}

/// What a unit is used for, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Nothing.
    Free,
    /// It protects a host (L-6).
    Assigned(AssignmentId),
    /// A failback was started with it (L-5).
    Reserved(FailbackId),
    /// A failback succeeded with it. Final (L-5).
    Consumed(FailbackId),
    /// An installation may use it offline.
    CheckedOut(InstallationId),
}

/// A [`Use`] without its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UseKind {
    /// [`Use::Free`].
    Free,
    /// [`Use::Assigned`].
    Assigned,
    /// [`Use::Reserved`].
    Reserved,
    /// [`Use::Consumed`].
    Consumed,
    /// [`Use::CheckedOut`].
    CheckedOut,
}

names!(UseKind, Free "free", Assigned "assigned", Reserved "reserved", Consumed "consumed", CheckedOut "checked_out");

impl UseKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Free, Self::Assigned, Self::Reserved, Self::Consumed, Self::CheckedOut];

    /// Whether a unit may go from one use to another. What is consumed stays so (L-5).
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Free, Self::Assigned | Self::Reserved | Self::CheckedOut)
            | (Self::Assigned | Self::Reserved | Self::CheckedOut, Self::Free)
            | (Self::Reserved | Self::CheckedOut, Self::Consumed) => true,
            (Self::Free, Self::Free | Self::Consumed)
            | (Self::Assigned, Self::Assigned | Self::Reserved | Self::Consumed | Self::CheckedOut)
            | (Self::Reserved | Self::CheckedOut, Self::Assigned | Self::Reserved | Self::CheckedOut)
            | (Self::Consumed, _) => false,
        }
    }
}

impl Use {
    /// Without the user.
    #[must_use]
    pub const fn kind(self) -> UseKind {
        match self {
            Self::Free => UseKind::Free,
            Self::Assigned(_) => UseKind::Assigned,
            Self::Reserved(_) => UseKind::Reserved,
            Self::Consumed(_) => UseKind::Consumed,
            Self::CheckedOut(_) => UseKind::CheckedOut,
        }
    }

    /// The user's id, without its type.
    #[must_use]
    pub const fn holder(self) -> Option<u128> {
        match self {
            Self::Free => None,
            Self::Assigned(id) => Some(id.as_u128()),
            Self::Reserved(id) | Self::Consumed(id) => Some(id.as_u128()),
            Self::CheckedOut(id) => Some(id.as_u128()),
        }
    }
}

/// A unit and its use afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Which.
    pub id: UnitId,
    /// What for.
    pub usage: Use,
}

/// How many units of a license are used for what. What is left of the total is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnitCounts {
    /// Units that were ever used have the numbers up to this one.
    pub touched: u32,
    /// Protecting a host.
    pub assigned: u32,
    /// A failback was started.
    pub reserved: u32,
    /// A failback succeeded.
    pub consumed: u32,
    /// Usable offline by an installation.
    pub checked_out: u32,
}

impl UnitCounts {
    /// What is left of a total.
    #[must_use]
    pub const fn n_free(&self, total: u32) -> u32 {
        total - self.assigned - self.reserved - self.consumed - self.checked_out
    }

    /// Those that a host, a failback or an installation uses now; what is consumed is over.
    #[must_use]
    pub const fn n_in_use(&self) -> u32 {
        self.assigned + self.reserved + self.checked_out
    }

    fn count(&mut self, kind: UseKind) -> Option<&mut u32> {
        match kind {
            UseKind::Free => None,
            UseKind::Assigned => Some(&mut self.assigned),
            UseKind::Reserved => Some(&mut self.reserved),
            UseKind::Consumed => Some(&mut self.consumed),
            UseKind::CheckedOut => Some(&mut self.checked_out),
        }
    }

    /// Counts a unit that goes from one use to another.
    fn change(&mut self, from: UseKind, to: UseKind) {
        assert!(from.may_become(to), "a unit that is {} cannot become {}", from.name(), to.name());
        if let Some(count) = self.count(from) {
            *count -= 1;
        }
        if let Some(count) = self.count(to) {
            *count += 1;
        }
    }
}

/// How a use of a unit ended, in the allocation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The host was released.
    Released,
    /// The unit went on to another host.
    Moved,
    /// The license ended.
    LicenseEnded,
    /// The failback succeeded.
    Committed,
    /// The failback was cancelled.
    Cancelled,
    /// The failback was not heard of for too long.
    Lapsed,
    /// The installation gave it back unused.
    Returned,
    /// The installation was retired.
    Retired,
}

names!(Ending, Released "released", Moved "moved", LicenseEnded "license_ended", Committed "committed",
    Cancelled "cancelled", Lapsed "lapsed", Returned "returned", Retired "retired");

/// A row of the allocation log: who used which unit from when on, and by whose order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Its id.
    pub id: AllocationId,
    /// The unit.
    pub unit: UnitId,
    /// The host or installation.
    pub user: String,
    /// From when on.
    pub started_at: Instant,
    /// Who started it.
    pub started_by: Trigger,
    /// How it ended, if it has.
    pub end: Option<AllocationEnd>,
}

/// How a use of a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationEnd {
    /// When.
    pub at: Instant,
    /// Who ended it.
    pub by: Trigger,
    /// How.
    pub ending: Ending,
}

/// Ends the open row of a unit in the allocation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// The unit.
    pub unit: UnitId,
    /// How it ends.
    pub end: AllocationEnd,
}

/// The units of a draft: which are free, and what changes.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: HashMap<LicenseId, BTreeSet<u32>>,
    changed: BTreeMap<UnitId, Use>,
    opened: Vec<Allocation>,
    /// Where the row of a unit that is still open lies among those opened.
    open: HashMap<UnitId, usize>,
    closed: Vec<Closing>,
}

impl Pool {
    /// With the units that were used before and are free again.
    pub(crate) fn of(free: Vec<UnitId>) -> Self {
        let mut pool = Self::default();
        for unit in free {
            pool.free.entry(unit.license_id).or_default().insert(unit.number);
        }
        pool
    }

    /// Whether a unit is free again; one that was never used is not looked at.
    pub(crate) fn is_free(&self, unit: UnitId) -> bool {
        self.free.get(&unit.license_id).is_some_and(|numbers| numbers.contains(&unit.number))
    }

    /// Takes the free unit with the lowest number.
    pub(crate) fn take(&mut self, license_id: LicenseId, total: u32, counts: &mut UnitCounts, usage: Use) -> UnitId {
        assert!(counts.n_free(total) > 0, "{license_id} has no free unit");
        let returned = self.free.get_mut(&license_id).and_then(BTreeSet::pop_first);
        let number = returned.unwrap_or(counts.touched + 1);
        assert!(number <= total, "{license_id} has {total} units, its free ones were not loaded");
        counts.touched = counts.touched.max(number);
        counts.change(UseKind::Free, usage.kind());
        let unit = UnitId { license_id, number };
        self.changed.insert(unit, usage);
        unit
    }

    /// Takes this unit, which is free again.
    pub(crate) fn take_this(&mut self, unit: UnitId, counts: &mut UnitCounts, usage: Use) {
        let was_free = self.free.get_mut(&unit.license_id).is_some_and(|numbers| numbers.remove(&unit.number));
        assert!(was_free, "{} {} is not free", unit.license_id, unit.number);
        counts.change(UseKind::Free, usage.kind());
        self.changed.insert(unit, usage);
    }

    /// Uses a unit in another way than before.
    pub(crate) fn change(&mut self, unit: UnitId, counts: &mut UnitCounts, from: UseKind, usage: Use) {
        counts.change(from, usage.kind());
        if usage == Use::Free {
            self.free.entry(unit.license_id).or_default().insert(unit.number);
        }
        self.changed.insert(unit, usage);
    }

    pub(crate) fn open(&mut self, allocation: Allocation) {
        self.open.insert(allocation.unit, self.opened.len());
        self.opened.push(allocation);
    }

    pub(crate) fn close(&mut self, closing: Closing) {
        match self.open.remove(&closing.unit) {
            Some(index) => self.opened[index].end = Some(closing.end),
            None => self.closed.push(closing),
        }
    }

    pub(crate) fn finish(self) -> (Vec<Unit>, Vec<Allocation>, Vec<Closing>) {
        let units = self.changed.into_iter().map(|(id, usage)| Unit { id, usage });
        (units.collect(), self.opened, self.closed)
    }
}
