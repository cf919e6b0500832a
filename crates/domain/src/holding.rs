//! What renewal looks at: a resource or a license, as far as its periods are concerned.
//!
//! Resources and DR licenses renew by the same rules (L-7). Each gives a [`Holding`] of itself, and [`crate::renewal`] knows
//! nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::Code;
use crate::id::{LicenseId, ResourceId};
use crate::license;
use crate::resource::{Resource, Run, State};
use crate::time::Instant;

/// Which holding. Resources come before licenses, as R-9 orders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HoldingId {
    /// A resource.
    Resource(ResourceId),
    /// A license.
    License(LicenseId),
}

impl HoldingId {
    /// The resource, if it is one.
    #[must_use]
    pub const fn resource(self) -> Option<ResourceId> {
        match self {
            Self::Resource(id) => Some(id),
            Self::License(_) => None,
        }
    }

    /// The license, if it is one.
    #[must_use]
    pub const fn license(self) -> Option<LicenseId> {
        match self {
            Self::Resource(_) => None,
            Self::License(id) => Some(id),
        }
    }
}

impl From<ResourceId> for HoldingId {
    fn from(id: ResourceId) -> Self {
        Self::Resource(id)
    }
}

impl From<LicenseId> for HoldingId {
    fn from(id: LicenseId) -> Self {
        Self::License(id)
    }
}

impl fmt::Display for HoldingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(id) => id.fmt(f),
            Self::License(id) => id.fmt(f),
        }
    }
}

/// Where a holding stands in its current period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Within it.
    Active,
    /// Past its expiry and renewable.
    Overdue,
    /// A resource that has ended.
    EndedResource(State),
    /// A license that has ended.
    EndedLicense(license::State),
}

impl Phase {
    /// Whether it has ended for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Active | Self::Overdue => false,
            Self::EndedResource(_) | Self::EndedLicense(_) => true,
        }
    }
}

/// A resource or a license, as far as its periods are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Which.
    pub id: HoldingId,
    /// What was bought.
    pub product: Code,
    /// The version of the product that holds for the current period.
    pub product_version: u32,
    /// The stored choice: the plan.
    pub plan: Code,
    /// The stored choice: how many terms of it.
    pub terms: u32,
    /// How many units.
    pub quantity: u32,
    /// The switch.
    pub auto_renew: bool,
    /// Where it stands.
    pub phase: Phase,
    /// The start of the current period.
    pub term_started_at: Instant,
    /// The expiry `E`.
    pub expires_at: Instant,
    /// From where its end is counted.
    pub run: Run,
    /// The last attempt to renew.
    pub attempted_at: Option<Instant>,
}

impl From<&Resource> for Holding {
    fn from(resource: &Resource) -> Self {
        let phase = match resource.state {
            State::Active => Phase::Active,
            State::Expired | State::Suspended => Phase::Overdue,
            State::Released | State::Deleted => Phase::EndedResource(resource.state),
        };
        Self {
            id: resource.id.into(),
            product: resource.product,
            product_version: resource.product_version,
            plan: resource.plan,
            terms: resource.terms,
            quantity: resource.quantity,
            auto_renew: resource.auto_renew,
            phase,
            term_started_at: resource.term_started_at,
            expires_at: resource.expires_at,
            run: resource.run,
            attempted_at: resource.overdue.attempted_at,
        }
    }
}
