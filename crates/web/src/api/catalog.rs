//! What is sold: products and their plans.

use axum::Json;
use axum::extract::State;
use domain::catalog::{Code, Durations, Offering, PlanDraft, ProductDraft, Term};
use domain::money::{Amount, Currency};
use domain::time::{Instant, Wait};
use engine::Engine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Body;
use super::fault::Faults;
use super::list::{List, PageQuery};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{LicenseKind, Suspend, Timestamp, Unit, count};
use super::{App, path};

const TAG: &str = "Catalog";
const NAME_LENGTH_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, put_product)).routes(routes!(put_plan))
}

/// What a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProductKind {
    Resource,
    License,
}

/// A product with the defaults filled in, and its plans.
#[derive(Debug, Serialize, ToSchema)]
struct Product {
    /// Its code.
    #[schema(value_type = String, example = "uhost")]
    code: Code,
    /// What customers read.
    name: String,
    /// What it is.
    kind: ProductKind,
    /// What a license is for; null for a resource.
    #[schema(required)]
    license_kind: Option<LicenseKind>,
    /// Renewed before the expiry or not at all.
    exempt: bool,
    /// Monthly and hourly terms are aligned to the calendar; never those of a license.
    align: bool,
    /// Whether it is stopped when expired (C-6); null for a license, which has grace (L-7).
    #[schema(required)]
    suspend: Option<Suspend>,
    /// Released with the switch off, too (C-6).
    release_when_off: bool,
    /// The waits for daily, monthly and annual terms; null for a license.
    #[schema(required)]
    policy: Option<Policy>,
    /// The waits for hourly terms; null for a license.
    #[schema(required)]
    hourly_policy: Option<Policy>,
    /// Counts the changes from 1. A period keeps the version under which it was bought.
    version: u32,
    /// By code.
    plans: Vec<Plan>,
}

/// Waits in ISO 8601: civil days, then absolute time (T-3), such as `P3D` or `PT24H`.
#[derive(Debug, Serialize, ToSchema)]
struct Policy {
    /// Funded renewals finish so long after the expiry.
    #[schema(value_type = String, example = "PT24H")]
    window: Wait,
    /// Suspended so long after the expiry (C-4); null: never.
    #[schema(value_type = Option<String>, required, example = "P3D")]
    suspend_after: Option<Wait>,
    /// Released so long after the expiry (C-4).
    #[schema(value_type = String, example = "P10D")]
    release_after: Wait,
    /// Warned at least so long before the release (C-5).
    #[schema(value_type = String, example = "PT24H")]
    warn_before: Wait,
}

/// A price for one term.
#[derive(Debug, Serialize, ToSchema)]
struct Plan {
    /// Its code, unique within the product.
    #[schema(value_type = String, example = "monthly")]
    plan: Code,
    /// The unit of its term.
    unit: Unit,
    /// How many units its term has.
    count: u32,
    /// What one term of one unit of quantity costs a purchase now, in minor units; null before its first price is in force.
    #[schema(value_type = Option<i64>, required, example = 12000)]
    price: Option<Amount>,
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// All price versions, oldest first (P-5).
    prices: Vec<Price>,
}

/// A version of a plan's price (P-5).
#[derive(Debug, Serialize, ToSchema)]
struct Price {
    /// For one term and one unit of quantity, in minor units.
    #[schema(value_type = i64, example = 12000)]
    price: Amount,
    /// In force for purchases from here on.
    effective_from: Timestamp,
    /// In force for renewals of what expires from here on.
    renewals_from: Timestamp,
}

impl Product {
    fn of(offering: &Offering, now: Instant) -> Self {
        let product = offering.product();
        let license = product.kind.license();
        let policy = |unit| license.is_none().then(|| Policy::from(product.policy(unit)));
        Self {
            code: product.code,
            name: product.name.clone(),
            kind: if license.is_some() { ProductKind::License } else { ProductKind::Resource },
            license_kind: license.map(Into::into),
            exempt: product.exempt,
            align: product.align && license.is_none(),
            suspend: license.is_none().then(|| product.suspend.into()),
            release_when_off: product.release_when_off,
            policy: policy(domain::calendar::Unit::Month),
            hourly_policy: policy(domain::calendar::Unit::Hour),
            version: product.version,
            plans: offering.plans().map(|plan| Plan::of(plan, now)).collect(),
        }
    }
}

impl From<domain::catalog::Policy> for Policy {
    fn from(policy: domain::catalog::Policy) -> Self {
        let domain::catalog::Policy { window, suspend_after, release_after, warn_before, .. } = policy;
        Self { window, suspend_after, release_after, warn_before }
    }
}

impl Plan {
    fn of(plan: &domain::catalog::Plan, now: Instant) -> Self {
        Self {
            plan: plan.code,
            unit: plan.term.unit.into(),
            count: plan.term.count,
            price: plan.price_for_purchase(now),
            currency: plan.currency,
            prices: plan.prices.iter().copied().map(Into::into).collect(),
        }
    }
}

impl From<domain::catalog::Price> for Price {
    fn from(price: domain::catalog::Price) -> Self {
        let domain::catalog::Price { price, effective_from, renewals_from } = price;
        Self { price, effective_from: effective_from.into(), renewals_from: renewals_from.into() }
    }
}

/// What the operator says of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutProduct {
    /// What customers read.
    #[schema(min_length = 1, max_length = 200, example = "Cloud host")]
    name: String,
    /// What it is. Never changes.
    kind: ProductKind,
    /// What a license is for; with `kind: license`, and only then. Never changes.
    license_kind: Option<LicenseKind>,
    /// Renewed before the expiry or not at all; default false. This and what follows is only for resources.
    exempt: Option<bool>,
    /// Monthly and hourly terms are aligned to the calendar; default true.
    align: Option<bool>,
    /// Whether it is stopped when expired (C-6); default `after_window`.
    suspend: Option<Suspend>,
    /// Released with the switch off, too (C-6); default false.
    release_when_off: Option<bool>,
    /// Waits that differ from the defaults (R-1, C-4, C-5).
    policy: Option<PutPolicy>,
}

/// Waits in ISO 8601, at most `P366D`: civil days, then absolute time (T-3). What is left out follows from the term.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutPolicy {
    /// Funded renewals finish so long after the expiry; default `PT24H`, hourly `PT1H`.
    #[schema(example = "PT24H")]
    window: Option<String>,
    /// Suspended so long after the expiry (C-4); default `P3D`, hourly `PT1H`.
    #[schema(example = "P3D")]
    suspend_after: Option<String>,
    /// Released so long after the expiry (C-4); default `P10D`, hourly `PT24H`.
    #[schema(example = "P10D")]
    release_after: Option<String>,
    /// Warned at least so long before the release (C-5); default `PT24H`, hourly `PT1H`.
    #[schema(example = "PT24H")]
    warn_before: Option<String>,
}

impl PutProduct {
    fn parse(self, code: &str) -> Result<ProductDraft, Problem> {
        let mut faults = Faults::default();
        let code = faults.parse("/code", code);
        let kind = kind(&mut faults, self.kind, self.license_kind);
        let name = faults.text("/name", self.name, NAME_LENGTH_MAX);
        let durations = self.policy.unwrap_or_default().parse(&mut faults);
        faults.finish(|| {
            Some(ProductDraft {
                code: code?,
                name: name?,
                kind: kind?,
                exempt: self.exempt.unwrap_or(false),
                align: self.align.unwrap_or(true),
                suspend: self.suspend.unwrap_or(Suspend::AfterWindow).into(),
                release_when_off: self.release_when_off.unwrap_or(false),
                durations: durations?,
            })
        })
    }
}

fn kind(faults: &mut Faults, kind: ProductKind, license: Option<LicenseKind>) -> Option<domain::catalog::ProductKind> {
    let fault = match (kind, license) {
        (ProductKind::Resource, None) => return Some(domain::catalog::ProductKind::Resource),
        (ProductKind::License, Some(LicenseKind::Dr)) => return Some(domain::catalog::ProductKind::DrLicense),
        (ProductKind::License, Some(LicenseKind::Failback)) => {
            return Some(domain::catalog::ProductKind::FailbackLicense);
        }
        (ProductKind::Resource, Some(_)) => "is only for licenses",
        (ProductKind::License, None) => "must say what the license is for: dr or failback",
    };
    faults.add("/license_kind", fault);
    None
}

impl PutPolicy {
    fn parse(&self, faults: &mut Faults) -> Option<Durations> {
        let window = faults.parse_opt("/policy/window", self.window.as_deref());
        let suspend_after = faults.parse_opt("/policy/suspend_after", self.suspend_after.as_deref());
        let release_after = faults.parse_opt("/policy/release_after", self.release_after.as_deref());
        let warn_before = faults.parse_opt("/policy/warn_before", self.warn_before.as_deref());
        Some(Durations {
            window: window?,
            suspend_after: suspend_after?,
            release_after: release_after?,
            warn_before: warn_before?,
        })
    }
}

/// Store a product
///
/// Operator key. Makes the product, or its next version; what is already sold takes it up at its next renewal. Gives the
/// whole product with the defaults filled in.
#[utoipa::path(
    put, path = path::PRODUCT, tag = TAG, operation_id = "put_product", request_body = PutProduct,
    params(("code" = String, Path, description = "1 to 47 letters, digits, dots, dashes or underscores.")),
    responses(
        (status = 200, description = "The product.", body = Product),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 409, description = "`product_kind_fixed`: the kind of a product never changes."),
        (
            status = 422,
            description = "`invalid_request`, `release_too_early` (C-5), `suspended_within_window` (C-4), \
                           `not_for_licenses`: a license has grace instead (L-7)",
        ),
    ),
)]
async fn put_product(
    State(engine): State<Engine>,
    Place(code): Place<String>,
    put: Body<PutProduct>,
) -> Result<Json<Product>, Problem> {
    put.caller.require_operator()?;
    let offering = engine.put_product(put.caller, put.body.parse(&code)?).await?;
    Ok(Json(Product::of(&offering, engine.now())))
}

/// What the operator says of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutPlan {
    /// The unit of its term. Never changes.
    unit: Unit,
    /// How many units its term has. Never changes.
    #[schema(minimum = 1, example = 1)]
    count: i64,
    /// For one term and one unit of quantity, in minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64, example = 12000)]
    price: i64,
    /// ISO 4217. Never changes.
    #[schema(example = "CNY")]
    currency: String,
    /// When purchases pay this price; default now.
    #[schema(format = DateTime)]
    effective_from: Option<String>,
    /// When renewals pay it; default 30 days after `effective_from`, for a plan's first price the same.
    #[schema(format = DateTime)]
    renewals_from: Option<String>,
}

impl PutPlan {
    fn parse(&self, product: &str, plan: &str) -> Result<(Code, PlanDraft), Problem> {
        let mut faults = Faults::default();
        let product = faults.parse("/code", product);
        let code = faults.parse("/plan", plan);
        let price = faults.amount("/price", self.price);
        let currency = faults.parse("/currency", &self.currency);
        let effective_from = faults.parse_opt("/effective_from", self.effective_from.as_deref());
        let renewals_from = faults.parse_opt("/renewals_from", self.renewals_from.as_deref());
        let term = Term { unit: self.unit.into(), count: count(self.count) };
        faults.finish(|| {
            let (code, price, currency) = (code?, price?, currency?);
            let (effective_from, renewals_from) = (effective_from?, renewals_from?);
            Some((product?, PlanDraft { code, term, price, currency, effective_from, renewals_from }))
        })
    }
}

/// Store a plan
///
/// Operator key. Makes the plan, or another version of its price (P-5): purchases pay it from `effective_from` on, renewals
/// of what expires from `renewals_from` on. Gives the whole product.
#[utoipa::path(
    put, path = path::PLAN, tag = TAG, operation_id = "put_plan", request_body = PutPlan,
    params(
        ("code" = String, Path, description = "The product."),
        ("plan" = String, Path, description = "1 to 47 letters, digits, dots, dashes or underscores."),
    ),
    responses(
        (status = 200, description = "The product.", body = Product),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such product."),
        (status = 409, description = "`plan_fixed`: term and currency of a plan never change."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_term`, `invalid_amount`, `price_in_the_past`, \
                           `renewals_before_purchases`",
        ),
    ),
)]
async fn put_plan(
    State(engine): State<Engine>,
    Place((code, plan)): Place<(String, String)>,
    put: Body<PutPlan>,
) -> Result<Json<Product>, Problem> {
    put.caller.require_operator()?;
    let (product, draft) = put.body.parse(&code, &plan)?;
    let offering = engine.put_plan(put.caller, product, draft).await?;
    Ok(Json(Product::of(&offering, engine.now())))
}

/// Read a product
///
/// With any key.
#[utoipa::path(
    get, path = path::PRODUCT, tag = TAG, operation_id = "get_product",
    params(("code" = String, Path, description = "The product.")),
    responses(
        (status = 200, description = "The product.", body = Product),
        (status = 404, description = "`not_found`: no such product."),
    ),
)]
async fn show(State(engine): State<Engine>, Place(code): Place<Code>) -> Result<Json<Product>, Problem> {
    Ok(Json(Product::of(&engine.product(code)?, engine.now())))
}

/// List products
///
/// With any key. By code.
#[utoipa::path(
    get, path = path::PRODUCTS, tag = TAG, operation_id = "list_products", params(PageQuery),
    responses(
        (status = 200, description = "A page of products.", body = List<Product>),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(State(engine): State<Engine>, Params(query): Params<PageQuery>) -> Result<Json<List<Product>>, Problem> {
    let asked = query.parse::<Code>()?;
    let (catalog, now, page) = (engine.catalog(), engine.now(), asked.page());
    let after = |offering: &&Offering| page.after.is_none_or(|after| offering.product().code > after);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let offerings = catalog.offerings().filter(after).take(limit).collect();
    Ok(Json(asked.list(offerings, |offering| offering.product().code, |offering| Product::of(offering, now))))
}
