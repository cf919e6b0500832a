//! Resources: what was bought, its switch, its end.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::catalog::Code;
use domain::id::{AccountId, ResourceId};
use engine::{Engine, ResourceView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::ResourceFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Write};
use super::bulk::{ITEMS_MAX, Results, are_replayed, check_count, pair, verdict};
use super::caller::By;
use super::fault::Faults;
use super::idempotency::mark;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Flag, ResourceState, Timestamp, raw};
use super::{App, path};

const TAG: &str = "Resources";
const TEXT_LENGTH_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(switch_many)).routes(routes!(show, switch, delete))
}

/// A bought, prepaid instance of a product.
#[derive(Debug, Serialize, ToSchema)]
struct Resource {
    /// Its id.
    #[schema(value_type = String, example = "res_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: ResourceId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// What was bought.
    #[schema(value_type = String, example = "uhost")]
    product: Code,
    /// The stored choice: the plan.
    #[schema(value_type = String, example = "monthly")]
    plan: Code,
    /// How many units.
    quantity: u32,
    /// The stored choice: how many terms of the plan.
    terms: u32,
    /// What the customer configured.
    #[schema(value_type = Object)]
    configuration: Box<RawValue>,
    /// Where it stands.
    state: ResourceState,
    /// Expired and owing arrears (C-1).
    in_arrears: bool,
    /// The switch: whether it renews by itself.
    auto_renew: bool,
    /// When it was bought.
    started_at: Timestamp,
    /// The expiry `E`: the end of the paid period.
    expires_at: Timestamp,
    /// When the next attempt to renew is made.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    /// When it will be suspended, or was (C-4); known once it has expired.
    #[schema(required)]
    suspend_at: Option<Timestamp>,
    /// When it will be released (C-4); known once it has expired.
    #[schema(required)]
    release_at: Option<Timestamp>,
    /// When it was released or deleted.
    #[schema(required)]
    ended_at: Option<Timestamp>,
}

impl From<ResourceView> for Resource {
    fn from(ResourceView { resource, outlook }: ResourceView) -> Self {
        Self {
            id: resource.id,
            account_id: resource.account_id,
            product: resource.product,
            plan: resource.plan,
            quantity: resource.quantity,
            terms: resource.terms,
            configuration: raw(resource.configuration),
            state: resource.state.into(),
            in_arrears: outlook.in_arrears,
            auto_renew: resource.auto_renew,
            started_at: resource.started_at.into(),
            expires_at: resource.expires_at.into(),
            next_attempt_at: outlook.next_attempt_at.map(Into::into),
            suspend_at: outlook.suspend_at.map(Into::into),
            release_at: outlook.release_at.map(Into::into),
            ended_at: resource.ended_at.map(Into::into),
        }
    }
}

/// Read a resource
#[utoipa::path(
    get, path = path::RESOURCE, tag = TAG, operation_id = "get_resource",
    params(("id" = String, Path, description = "The resource.")),
    responses(
        (status = 200, description = "The resource.", body = Resource),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<ResourceId>,
) -> Result<Json<Resource>, Problem> {
    Ok(Json(engine.resource(caller, id).await?.into()))
}

/// Which resources to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ResourcesQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// In this state.
    state: Option<ResourceState>,
    /// With the switch on or off.
    #[param(value_type = Option<bool>)]
    auto_renew: Option<Flag>,
    /// That expire before this instant.
    #[param(format = DateTime)]
    expires_before: Option<String>,
    /// Of this product.
    product: Option<String>,
    /// Whose product, plan or configuration contains this text.
    #[param(max_length = 200)]
    q: Option<String>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ResourcesQuery {
    fn parse(self) -> Result<(ResourceFilter, Asked<ResourceId>), Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let expires_before = faults.parse_opt("/expires_before", self.expires_before.as_deref());
        let product = faults.parse_opt("/product", self.product.as_deref());
        let text = self.q.and_then(|text| faults.text("/q", text, TEXT_LENGTH_MAX));
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        let (state, auto_renew) = (self.state.map(Into::into), self.auto_renew.map(Into::into));
        faults.finish(|| {
            let (account_id, expires_before, product) = (account_id?, expires_before?, product?);
            Some((ResourceFilter { account_id, state, auto_renew, expires_before, product, text }, asked?))
        })
    }
}

/// List resources
///
/// Oldest first.
#[utoipa::path(
    get, path = path::RESOURCES, tag = TAG, operation_id = "list_resources", params(ResourcesQuery),
    responses(
        (status = 200, description = "A page of resources.", body = List<Resource>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<ResourcesQuery>,
) -> Result<Json<List<Resource>>, Problem> {
    let (filter, asked) = query.parse()?;
    let views = engine.resources(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(views, |view| view.resource.id, Resource::from)))
}

/// The switch of a resource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Whether it renews by itself.
    auto_renew: bool,
}

/// Turn the switch of a resource
///
/// While active, expired or suspended. On makes an attempt at once where one is possible; off stops all
/// further attempts.
#[utoipa::path(
    patch, path = path::RESOURCE, tag = TAG, operation_id = "switch_resource", request_body = Switch,
    params(("id" = String, Path, description = "The resource.")),
    responses(
        (status = 200, description = "The resource.", body = Resource),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
        (status = 409, description = "`released`, `deleted`: it has ended."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn switch(
    State(engine): State<Engine>,
    Place(id): Place<ResourceId>,
    switch: Body<Switch>,
) -> Result<Json<Resource>, Problem> {
    Ok(Json(engine.switch(switch.caller, id, switch.body.auto_renew, None).await?.into_inner().into()))
}

/// The switches of several resources.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SwitchMany {
    /// 1 to 100 resources.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<String>,
    /// Whether they renew by themselves.
    auto_renew: bool,
}

/// How one of several switches went.
#[derive(Debug, Serialize, ToSchema)]
struct SwitchResult {
    /// The resource, as it was given.
    id: String,
    /// Whether the switch now stands so.
    ok: bool,
    /// The code of the error, if not.
    #[schema(required, example = "released")]
    code: Option<&'static str>,
    /// The error in words, if not.
    #[schema(required)]
    detail: Option<String>,
}

/// Turn the switches of several resources
///
/// Each for itself, like one. Doing it again changes nothing. An id that is malformed, unknown or not for this key
/// is a result with `not_found`.
#[utoipa::path(
    post, path = path::RESOURCES_AUTO_RENEW, tag = TAG, operation_id = "switch_resources", request_body = SwitchMany,
    responses(
        (status = 200, description = "One result for each id, in their order.", body = Results<SwitchResult>),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn switch_many(State(engine): State<Engine>, write: Write<SwitchMany>) -> Result<Response, Problem> {
    let SwitchMany { ids, auto_renew } = write.body;
    let mut faults = Faults::default();
    check_count(&mut faults, "/ids", ids.len(), ITEMS_MAX);
    faults.finish(|| Some(()))?;
    let known = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let results = engine.switch_many(write.caller, known, auto_renew, write.idempotency).await?;
    let is_replay = are_replayed(&results);
    let data = pair(ids, results, |id, result| {
        let (ok, code, detail) = verdict(&result);
        SwitchResult { id, ok, code, detail }
    });
    Ok(mark(is_replay, Json(Results { data }).into_response()))
}

/// Delete a resource
///
/// Only what has expired (C-7). Its arrears orders become revoked (C-3), and a deletion order of zero stays.
#[utoipa::path(
    delete, path = path::RESOURCE, tag = TAG, operation_id = "delete_resource",
    params(("id" = String, Path, description = "The resource.")),
    responses(
        (status = 200, description = "The resource, deleted.", body = Resource),
        (status = 404, description = "`not_found`: no such resource, or not for this key."),
        (status = 409, description = "`resource_active` before its expiry, `released`, `deleted`"),
    ),
)]
async fn delete(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<ResourceId>,
) -> Result<Json<Resource>, Problem> {
    Ok(Json(engine.delete(caller, id).await?.into()))
}
