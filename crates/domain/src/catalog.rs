//! What is sold: products with their policy, plans with their price versions.
//!
//! A product is versioned. A resource keeps the version under which its current period was bought and takes the newest one
//! at its next renewal, so a date that was told to a customer does not move.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::calendar::{BillingZone, Unit};
use crate::money::{Amount, Currency};
use crate::time::{Instant, Wait};

/// A short name chosen by the operator: 1 to 47 of `A-Z a-z 0-9 . _ -`. Kept inline, so it is copied, never allocated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    bytes: [u8; Code::LENGTH_MAX],
    length: u8,
}

/// The text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is 1 to {} letters, digits, dots, dashes or underscores", Code::LENGTH_MAX)]
pub struct InvalidCode;

impl Code {
    /// The longest code.
    pub const LENGTH_MAX: usize = 47;

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("a code is ASCII")
    }
}

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len());
        if !fits || !text.bytes().all(allowed) {
            return Err(InvalidCode);
        }
        let mut bytes = [0; Self::LENGTH_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: u8::try_from(text.len()).map_err(|_| InvalidCode)? })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How long a plan lasts: `{unit, count}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The unit.
    pub unit: Unit,
    /// How many of it.
    pub count: u32,
}

/// What a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// A prepaid instance of something: a host, an address.
    Resource,
    /// A license whose units protect hosts (L-1).
    DrLicense,
    /// A license whose units pay for one failback each (L-1).
    FailbackLicense,
}

impl ProductKind {
    /// What kind of license it is, if it is one.
    #[must_use]
    pub const fn license(self) -> Option<crate::license::Kind> {
        match self {
            Self::Resource => None,
            Self::DrLicense => Some(crate::license::Kind::Dr),
            Self::FailbackLicense => Some(crate::license::Kind::Failback),
        }
    }
}

/// Whether an expired resource of the product is stopped (C-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspend {
    /// Stopped after the policy's wait.
    AfterWindow,
    /// Goes on for ever; then it is never released either.
    Never,
}

/// The durations that a product may set; what is not set follows from the term (R-1, C-4, C-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Durations {
    /// Funded renewals finish so long after the expiry (R-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Wait>,
    /// Suspended so long after the expiry (C-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend_after: Option<Wait>,
    /// Released so long after the expiry (C-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_after: Option<Wait>,
    /// Warned at least so long before the release (C-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_before: Option<Wait>,
}

/// One version of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its code.
    pub code: Code,
    /// Counts from 1.
    pub version: u32,
    /// What customers read.
    pub name: String,
    /// What it is.
    pub kind: ProductKind,
    /// Renewed before the expiry or not at all (R-13).
    pub exempt: bool,
    /// Monthly and hourly terms are aligned to the calendar (R-3 to R-5).
    pub align: bool,
    /// Whether it is stopped when expired (C-6).
    pub suspend: Suspend,
    /// Released with the switch off, too (C-6).
    pub release_when_off: bool,
    /// Durations that differ from the defaults.
    pub durations: Durations,
    /// When this version was made.
    pub created_at: Instant,
}

/// The rules for one resource, resolved from its product and the unit of its term (rules 5 and 6 as data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// R-13.
    pub exempt: bool,
    /// R-3 to R-5.
    pub align: bool,
    /// C-6; `None`: never.
    pub suspend_after: Option<Wait>,
    /// C-4.
    pub release_after: Wait,
    /// C-6.
    pub release_when_off: bool,
    /// C-5.
    pub warn_before: Wait,
    /// R-1.
    pub window: Wait,
}

impl Product {
    /// The policy for a resource whose term has this unit: defaults of the rules, then what the product sets.
    #[must_use]
    pub fn policy(&self, unit: Unit) -> Policy {
        let day = Wait::hours(24);
        let (window, suspend_after, release_after, warn_before) = match unit {
            Unit::Hour => (Wait::hours(1), Wait::hours(1), day, Wait::hours(1)),
            Unit::Day | Unit::Month | Unit::Year => (day, Wait::days(3), Wait::days(10), day),
        };
        let own = self.durations;
        // A default gives way to what the product sets, so that suspension and release keep their order; and a release is
        // never sooner than the warning before it is old (C-5).
        let shorter = |a: Wait, b: Wait| if a.nominal_seconds() <= b.nominal_seconds() { a } else { b };
        let longer = |a: Wait, b: Wait| if a.nominal_seconds() >= b.nominal_seconds() { a } else { b };
        let warn_before = longer(own.warn_before.unwrap_or(warn_before), warn_before);
        // Recycling begins after the window in which a funded renewal is finished (C-4).
        let window = own.window.unwrap_or(window);
        let suspend_after = if own.window.is_some() { longer(suspend_after, window) } else { suspend_after };
        let own_suspension = own.suspend_after.unwrap_or(suspend_after);
        let release_after = own.release_after.unwrap_or(longer(release_after, own_suspension));
        let release_after = longer(release_after, warn_before);
        let policy = Policy {
            exempt: self.exempt,
            // R-5: licenses are never aligned.
            align: self.align && !self.exempt && self.kind.license().is_none(),
            suspend_after: (self.suspend == Suspend::AfterWindow && !self.exempt)
                .then_some(own.suspend_after.unwrap_or(shorter(suspend_after, release_after))),
            release_after,
            release_when_off: self.release_when_off || self.exempt,
            warn_before,
            window,
        };
        // R-13: released a day after the expiry, warned at the expiry.
        if self.exempt { Policy { release_after: day, warn_before: day, ..policy } } else { policy }
    }
}

/// A price of a plan from some time on (P-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// For one term and one unit of quantity.
    pub price: Amount,
    /// In force for purchases from here on.
    pub effective_from: Instant,
    /// In force for renewals of what expires from here on.
    pub renewals_from: Instant,
}

/// A product's price for one term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its code, unique within the product.
    pub code: Code,
    /// How long it lasts. Never changes.
    pub term: Term,
    /// The currency of its prices. Never changes.
    pub currency: Currency,
    /// In the order in which they were made, never empty. Of those in force the one with the latest date holds, of two
    /// with one date the one made later.
    pub prices: Vec<Price>,
}

impl Plan {
    /// The price for a purchase (P-5), or `None` before the first version is in force.
    #[must_use]
    pub fn price_for_purchase(&self, at: Instant) -> Option<Amount> {
        let in_force = self.prices.iter().filter(|price| price.effective_from <= at);
        in_force.max_by_key(|price| price.effective_from).map(|price| price.price)
    }

    /// The price for renewals and arrears of what expires at `expiry` (P-5). A plan newer than the expiry holds with its
    /// first version.
    ///
    /// ```
    /// # use testkit::rules::{books, code};
    /// let mut books = books("Asia/Shanghai", "uhost/thirty day 30 12000 CNY");
    /// books.reprice("uhost/thirty", 13_000, "2025-06-01 00:00:00", "2025-07-01 00:00:00");
    /// let plan = books.books().find_plan(code("uhost"), code("thirty")).unwrap();
    /// // In June new customers pay the new price, and those who renew the one that they were told.
    /// assert_eq!(plan.price_for_purchase(books.at("2025-06-07 10:00:00")).unwrap().minor(), 13_000);
    /// assert_eq!(plan.price_for_renewal(books.at("2025-06-07 10:00:00")).minor(), 12_000);
    /// assert_eq!(plan.price_for_renewal(books.at("2025-07-07 10:00:00")).minor(), 13_000);
    /// ```
    #[must_use]
    pub fn price_for_renewal(&self, expiry: Instant) -> Amount {
        let in_force = self.prices.iter().filter(|price| price.renewals_from <= expiry);
        in_force.max_by_key(|price| price.renewals_from).or(self.prices.first()).expect("a plan has a price").price
    }
}

/// A product with its history and its plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    versions: Vec<Product>,
    plans: BTreeMap<Code, Plan>,
}

impl Offering {
    /// The newest version of the product.
    #[must_use]
    pub fn product(&self) -> &Product {
        self.versions.last().expect("an offering has a product")
    }

    /// A version of the product.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&Product> {
        self.versions.iter().find(|product| product.version == version)
    }

    /// A plan by its code.
    #[must_use]
    pub fn plan(&self, code: Code) -> Option<&Plan> {
        self.plans.get(&code)
    }

    /// All plans, by code.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.values()
    }
}

/// Everything that is sold. Small; kept in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    offerings: BTreeMap<Code, Offering>,
}

impl Catalog {
    /// The product with this code.
    #[must_use]
    pub fn offering(&self, product: Code) -> Option<&Offering> {
        self.offerings.get(&product)
    }

    /// All products, by code.
    pub fn offerings(&self) -> impl Iterator<Item = &Offering> {
        self.offerings.values()
    }

    /// Adds a version of a product.
    pub fn insert_product(&mut self, product: Product) {
        let offering = self.offerings.entry(product.code);
        let empty = || Offering { versions: Vec::new(), plans: BTreeMap::new() };
        offering.or_insert_with(empty).versions.push(product);
    }

    /// Adds or replaces a plan; what belongs to no product is left out.
    pub fn insert_plan(&mut self, product: Code, plan: Plan) {
        if let Some(offering) = self.offerings.get_mut(&product) {
            offering.plans.insert(plan.code, plan);
        }
    }
}

/// Why a product or plan cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogRefusal {
    /// The kind of a product never changes.
    #[error("the kind of the product {product} cannot change")]
    KindFixed {
        /// The product.
        product: Code,
    },
    /// Licenses have no alignment, suspension or release to choose (L-7).
    #[error("a license product takes no exempt, suspend, release_when_off or policy")]
    NotForLicenses,
    /// A release would come before the suspension or its own warning (C-4, C-5).
    #[error("release_after must not be shorter than suspend_after and warn_before")]
    ReleaseTooEarly,
    /// A suspension would come while funded renewals are still being made (C-4).
    #[error("suspend_after must not be shorter than window")]
    SuspendedWithinWindow,
    /// B-1: a license is sold by the month or year.
    #[error("a license is sold by the month or year, not by the {}", unit.name())]
    CycleOfLicense {
        /// The unit that was given.
        unit: Unit,
    },
    /// There is no such product.
    #[error("there is no product {product}")]
    UnknownProduct {
        /// The code that was given.
        product: Code,
    },
    /// Term and currency of a plan never change: what was sold under it renews under it (R-6).
    #[error("the term and currency of the plan {plan} cannot change; add another plan")]
    PlanFixed {
        /// The plan.
        plan: Code,
    },
    /// A term of no or too many units.
    #[error("the count of a {unit} term is 1 to {max}", unit = unit.name())]
    TermOutOfRange {
        /// The unit of the term.
        unit: Unit,
        /// The longest term in that unit.
        max: u32,
    },
    /// Renewals may not pay a new price before purchases do (P-5).
    #[error("renewals_from must not be earlier than effective_from")]
    RenewalsBeforePurchases,
    /// A price of the past is what was charged; it cannot be changed afterwards (P-5).
    #[error("a new price cannot be in force before now")]
    PriceInThePast,
    /// A price below zero.
    #[error("a price is not negative")]
    NegativePrice,
}

/// What the operator says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDraft {
    /// Its code.
    pub code: Code,
    /// What customers read.
    pub name: String,
    /// What it is.
    pub kind: ProductKind,
    /// R-13.
    pub exempt: bool,
    /// R-3 to R-5.
    pub align: bool,
    /// C-6.
    pub suspend: Suspend,
    /// C-6.
    pub release_when_off: bool,
    /// R-1, C-4, C-5.
    pub durations: Durations,
}

/// The next version of a product, or `None` when nothing changes.
///
/// # Errors
/// [`CatalogRefusal`].
pub fn put_product(
    current: Option<&Product>,
    draft: ProductDraft,
    now: Instant,
) -> Result<Option<Product>, CatalogRefusal> {
    if current.is_some_and(|current| current.kind != draft.kind) {
        return Err(CatalogRefusal::KindFixed { product: draft.code });
    }
    let ProductDraft { code, name, kind, exempt, align, suspend, release_when_off, durations } = draft;
    let has_recycling = exempt || release_when_off || suspend == Suspend::Never || durations != Durations::default();
    if kind.license().is_some() && has_recycling {
        return Err(CatalogRefusal::NotForLicenses);
    }
    let version = current.map_or(1, |current| current.version + 1);
    let created_at = now;
    let next = Product { code, version, name, kind, exempt, align, suspend, release_when_off, durations, created_at };
    if let (Some(window), Some(suspend)) = (durations.window, durations.suspend_after)
        && suspend.nominal_seconds() < window.nominal_seconds()
    {
        return Err(CatalogRefusal::SuspendedWithinWindow);
    }
    let release = durations.release_after.map(Wait::nominal_seconds);
    let later_than_release =
        |wait: Option<Wait>| release.zip(wait).is_some_and(|(release, wait)| release < wait.nominal_seconds());
    if later_than_release(durations.suspend_after) || later_than_release(durations.warn_before) {
        return Err(CatalogRefusal::ReleaseTooEarly);
    }
    let unchanged = current.is_some_and(|current| {
        let same = Product { version: current.version, created_at: current.created_at, ..next.clone() };
        same == *current
    });
    Ok((!unchanged).then_some(next))
}

/// What the operator says of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanDraft {
    /// Its code.
    pub code: Code,
    /// How long it lasts.
    pub term: Term,
    /// For one term and one unit of quantity.
    pub price: Amount,
    /// The currency.
    pub currency: Currency,
    /// Default: now.
    pub effective_from: Option<Instant>,
    /// Default: 30 days after `effective_from`; for a plan's first version the same.
    pub renewals_from: Option<Instant>,
}

/// How long a price is announced to those who renew, in days (P-5).
const RENEWAL_NOTICE_DAYS: i64 = 30;

/// Whether a product of this kind may be sold for terms in this unit (B-1).
///
/// # Errors
/// [`CatalogRefusal::CycleOfLicense`].
pub fn check_cycle(kind: ProductKind, unit: Unit) -> Result<(), CatalogRefusal> {
    match (kind.license(), unit) {
        (None, _) | (Some(_), Unit::Month | Unit::Year) => Ok(()),
        (Some(_), Unit::Hour | Unit::Day) => Err(CatalogRefusal::CycleOfLicense { unit }),
    }
}

/// The plan with the price that the operator gives it (P-5), or `None` when nothing changes.
///
/// # Errors
/// [`CatalogRefusal`].
pub fn put_plan(
    current: Option<&Plan>,
    draft: PlanDraft,
    zone: &BillingZone,
    now: Instant,
) -> Result<Option<Plan>, CatalogRefusal> {
    let Term { unit, count } = draft.term;
    if count == 0 || count > unit.count_max() {
        return Err(CatalogRefusal::TermOutOfRange { unit, max: unit.count_max() });
    }
    if draft.price.is_negative() {
        return Err(CatalogRefusal::NegativePrice);
    }
    let effective_from = draft.effective_from.unwrap_or(now);
    let default_for_renewals =
        if current.is_some() { zone.add_days(effective_from, RENEWAL_NOTICE_DAYS) } else { effective_from };
    let renewals_from = draft.renewals_from.unwrap_or(default_for_renewals);
    if renewals_from < effective_from {
        return Err(CatalogRefusal::RenewalsBeforePurchases);
    }
    let price = Price { price: draft.price, effective_from, renewals_from };
    let Some(current) = current else {
        let PlanDraft { code, term, currency, .. } = draft;
        return Ok(Some(Plan { code, term, currency, prices: vec![price] }));
    };
    if current.term != draft.term || current.currency != draft.currency {
        return Err(CatalogRefusal::PlanFixed { plan: draft.code });
    }
    let newest = current.prices.last().expect("a plan has a price");
    let same_dates = draft.effective_from.is_none_or(|from| from == newest.effective_from)
        && draft.renewals_from.is_none_or(|from| from == newest.renewals_from);
    if newest.price == draft.price && same_dates {
        return Ok(None);
    }
    if effective_from < now {
        return Err(CatalogRefusal::PriceInThePast);
    }
    let mut plan = current.clone();
    plan.prices.push(price);
    Ok(Some(plan))
}
