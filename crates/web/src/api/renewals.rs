//! Renewals by hand, their previews, and the attempts to renew.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::catalog::Code;
use domain::id::{AttemptId, OrderId, ResourceId};
use domain::money::{Amount, Currency};
use domain::renewal::Choice;
use domain::resource::Attempt as StoredAttempt;
use engine::{Engine, RenewalItem, Renewed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::bulk::{ITEMS_MAX, Results, are_replayed, check_count, pair, verdict};
use super::caller::By;
use super::fault::Faults;
use super::idempotency::{answer, mark};
use super::list::{List, PageQuery};
use super::orders::{Line, Order, length};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{AttemptOutcome, Timestamp, Until};
use super::{App, path};

const TAG: &str = "Resources";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(renew_many))
        .routes(routes!(renew))
        .routes(routes!(preview))
        .routes(routes!(attempts))
}

/// How to renew a resource. Everything may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRenewal {
    /// Another plan of the same product; default the stored one.
    #[schema(example = "monthly")]
    plan: Option<String>,
    /// How many terms of the plan; default 1.
    #[schema(minimum = 1)]
    terms: Option<i64>,
    /// Instead of `terms`, for monthly plans.
    until: Option<Until>,
    /// The switch afterwards; default as it is, but on for an hourly plan.
    auto_renew_after: Option<bool>,
}

impl NewRenewal {
    fn parse(&self, faults: &mut Faults, parent: &str) -> Option<Choice> {
        let plan = faults.parse_opt(&format!("{parent}/plan"), self.plan.as_deref());
        let length = length(faults, parent, self.terms, self.until);
        Some(Choice { plan: plan?, length: length?, auto_renew_after: self.auto_renew_after })
    }

    fn choice(&self) -> Result<Choice, Problem> {
        let mut faults = Faults::default();
        let choice = self.parse(&mut faults, "");
        faults.finish(|| choice)
    }
}

/// The order of a manual renewal.
#[derive(Debug, Serialize, ToSchema)]
struct RenewalOrder {
    /// The order.
    #[serde(flatten)]
    order: Order,
    /// The switch afterwards.
    auto_renew_after: bool,
}

impl From<Renewed> for RenewalOrder {
    fn from(Renewed { order, auto_renew }: Renewed) -> Self {
        Self { order: order.into(), auto_renew_after: auto_renew }
    }
}

/// Renew a resource
///
/// By hand, out of the wallet, while active, expired or suspended. It starts at the old expiry, however late it is,
/// and must reach past now. The choice becomes the stored one. With an hourly plan the switch goes on, unless
/// `auto_renew_after` is false.
#[utoipa::path(
    post, path = path::RESOURCE_RENEWALS, tag = TAG, operation_id = "renew_resource", request_body = NewRenewal,
    params(("id" = String, Path, description = "The resource.")),
    responses(
        (status = 201, description = "The order.", body = RenewalOrder),
        (status = 402, description = "`insufficient_balance`, with the `shortfall`."),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
        (
            status = 409,
            description = "`not_renewable_after_expiry` (R-13), `released`, `deleted`, `conflict`: another renewal of the \
                           same period was first (R-8)",
        ),
        (
            status = 422,
            description = "`invalid_request`, `term_too_short` with `needs_at_least`, `unknown_plan`, `invalid_terms`, \
                           `not_monthly`, `currency_mismatch`, `amount_too_large`, `idempotency_key_reused`, \
                           `invalid_idempotency_key`",
        ),
    ),
)]
async fn renew(
    State(engine): State<Engine>,
    Place(id): Place<ResourceId>,
    write: Write<NewRenewal>,
) -> Result<Response, Problem> {
    let renewed = engine.renew(write.caller, id, write.body.choice()?, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, renewed.map(RenewalOrder::from)))
}

/// What a renewal would be.
#[derive(Debug, Serialize, ToSchema)]
struct Preview {
    /// Where it starts: the old expiry.
    start: Timestamp,
    /// Where it ends.
    end: Timestamp,
    /// What it costs, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// How the amount comes about.
    lines: Vec<Line>,
    /// The stored plan afterwards.
    #[schema(value_type = String)]
    plan: Code,
    /// The stored number of terms afterwards.
    terms: u32,
    /// The switch afterwards.
    auto_renew_after: bool,
}

impl From<engine::Preview> for Preview {
    fn from(engine::Preview { quote, product, currency }: engine::Preview) -> Self {
        Self {
            start: quote.period.start.into(),
            end: quote.period.end.into(),
            amount: quote.amount,
            currency,
            lines: quote.lines.iter().map(|line| Line::of(line, product, quote.plan)).collect(),
            plan: quote.plan,
            terms: quote.terms,
            auto_renew_after: quote.auto_renew,
        }
    }
}

/// Preview a renewal
///
/// What the renewal would be, computed by the code that renews, without any effect. The balance is not looked at.
#[utoipa::path(
    post, path = path::RESOURCE_PREVIEW, tag = TAG, operation_id = "preview_renewal", request_body = NewRenewal,
    params(("id" = String, Path, description = "The resource.")),
    responses(
        (status = 200, description = "The renewal as it would be.", body = Preview),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
        (status = 409, description = "`not_renewable_after_expiry` (R-13), `released`, `deleted`"),
        (
            status = 422,
            description = "`invalid_request`, `term_too_short` with `needs_at_least`, `unknown_plan`, `invalid_terms`, \
                           `not_monthly`, `currency_mismatch`, `amount_too_large`",
        ),
    ),
)]
async fn preview(
    State(engine): State<Engine>,
    Place(id): Place<ResourceId>,
    write: Write<NewRenewal>,
) -> Result<Json<Preview>, Problem> {
    Ok(Json(engine.preview(write.caller, id, write.body.choice()?).await?.into()))
}

/// Several renewals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenewMany {
    /// 1 to 100 renewals, done in this order.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<NewRenewalItem>,
}

/// One of several renewals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRenewalItem {
    /// The resource.
    #[schema(example = "res_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: String,
    /// Another plan of the same product; default the stored one.
    plan: Option<String>,
    /// How many terms of the plan; default 1.
    #[schema(minimum = 1)]
    terms: Option<i64>,
    /// Instead of `terms`, for monthly plans.
    until: Option<Until>,
    /// The switch afterwards; default as it is, but on for an hourly plan.
    auto_renew_after: Option<bool>,
}

impl RenewMany {
    fn parse(self) -> Result<Vec<(String, Choice)>, Problem> {
        let mut faults = Faults::default();
        check_count(&mut faults, "/items", self.items.len(), ITEMS_MAX);
        let parsed = self.items.into_iter().enumerate().map(|(number, item)| {
            let NewRenewalItem { id, plan, terms, until, auto_renew_after } = item;
            let renewal = NewRenewal { plan, terms, until, auto_renew_after };
            renewal.parse(&mut faults, &format!("/items/{number}")).map(|choice| (id, choice))
        });
        let parsed: Vec<_> = parsed.collect();
        faults.finish(|| parsed.into_iter().collect())
    }
}

/// How one of several renewals went.
#[derive(Debug, Serialize, ToSchema)]
struct RenewalResult {
    /// The resource, as it was given.
    id: String,
    /// Whether it was renewed.
    ok: bool,
    /// The code of the error, if not.
    #[schema(required, example = "insufficient_balance")]
    code: Option<&'static str>,
    /// The error in words, if not.
    #[schema(required)]
    detail: Option<String>,
    /// The order, if it was.
    #[schema(required)]
    order: Option<RenewalOrder>,
}

/// Renew several resources
///
/// Each for itself and in the given order, like one: what does not fit the balance is skipped, never done in part.
/// With an idempotency key a repeat continues where the first one stopped (B-8). An id that is malformed, unknown or not
/// for this key is a result with `not_found`.
#[utoipa::path(
    post, path = path::RESOURCES_RENEWALS, tag = TAG, operation_id = "renew_resources", request_body = RenewMany,
    responses(
        (status = 200, description = "One result for each item, in their order.", body = Results<RenewalResult>),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn renew_many(State(engine): State<Engine>, write: Write<RenewMany>) -> Result<Response, Problem> {
    let items = write.body.parse()?;
    let known = items.iter().filter_map(|(id, choice)| Some(RenewalItem { id: id.parse().ok()?, choice: *choice }));
    let results = engine.renew_many(write.caller, known.collect(), write.idempotency).await?;
    let is_replay = are_replayed(&results);
    let ids = items.into_iter().map(|(id, _)| id).collect();
    let data = pair(ids, results, |id, result| {
        let (ok, code, detail) = verdict(&result);
        let order = result.ok().map(|renewed| renewed.into_inner().into());
        RenewalResult { id, ok, code, detail, order }
    });
    Ok(mark(is_replay, Json(Results { data }).into_response()))
}

/// One try to renew.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    /// Its id.
    #[schema(value_type = String, example = "att_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: AttemptId,
    /// When; for late work the instant at which it was due.
    at: Timestamp,
    /// How it ended.
    outcome: AttemptOutcome,
    /// In words, when it did not succeed.
    #[schema(required)]
    reason: Option<String>,
    /// What the renewal costs, in minor units.
    #[schema(value_type = Option<i64>, required)]
    price: Option<Amount>,
    /// The available balance before it, in minor units.
    #[schema(value_type = i64)]
    available: Amount,
    /// The order, when it succeeded.
    #[schema(value_type = Option<String>, required)]
    order_id: Option<OrderId>,
}

impl From<StoredAttempt> for Attempt {
    fn from(attempt: StoredAttempt) -> Self {
        let StoredAttempt { id, holding: _, at, outcome, reason, price, available, order_id } = attempt;
        Self { id, at: at.into(), outcome: outcome.into(), reason, price, available, order_id }
    }
}

/// List the attempts to renew a resource
///
/// Oldest first. Every try is kept with its outcome and reason.
#[utoipa::path(
    get, path = path::RESOURCE_ATTEMPTS, tag = TAG, operation_id = "list_attempts",
    params(("id" = String, Path, description = "The resource."), PageQuery),
    responses(
        (status = 200, description = "A page of attempts.", body = List<Attempt>),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn attempts(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<ResourceId>,
    Params(query): Params<PageQuery>,
) -> Result<Json<List<Attempt>>, Problem> {
    let asked = query.parse()?;
    let attempts = engine.attempts(caller, id, asked.page()).await?;
    Ok(Json(asked.list(attempts, |attempt| attempt.id, Attempt::from)))
}
