//! Assignments: which host a DR unit protects (L-6).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::assignment::{Assigned, Wish};
use domain::id::{AccountId, AssignmentId, LicenseId};
use domain::label::Host;
use engine::{Caller, Engine, HOSTS_MAX, Refusal};
use serde::{Deserialize, Serialize};
use store::{AssignmentFilter, Outcome};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::bulk::{Results, check_count, verdict};
use super::caller::{By, account};
use super::export::{Sheet, optional};
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::Timestamp;
use super::{App, path};

const TAG: &str = "Assignments";
const NAME_LENGTH_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, assign))
        .routes(routes!(export))
        .routes(routes!(assign_many))
        .routes(routes!(show, release))
        .routes(routes!(move_to))
}

/// A protected host and its unit (L-6).
#[derive(Debug, Serialize, ToSchema)]
struct Assignment {
    /// Its id. It stays the same when the unit goes on to another host, and when the host goes on to another license.
    #[schema(value_type = String, example = "asg_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: AssignmentId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// The host, as the customer's software names it.
    #[schema(value_type = String, example = "10.0.0.7")]
    host: Host,
    /// What people call the host.
    #[schema(required, example = "database 1")]
    name: Option<String>,
    /// The license of its unit; null: stranded, because its license ended and no other had a free unit.
    #[schema(value_type = Option<String>, required)]
    license_id: Option<LicenseId>,
    /// The number of its unit, from 1.
    #[schema(required)]
    unit: Option<u32>,
    /// When the host was assigned first.
    assigned_at: Timestamp,
    /// When it was released.
    #[schema(required)]
    released_at: Option<Timestamp>,
}

impl From<domain::assignment::Assignment> for Assignment {
    fn from(assignment: domain::assignment::Assignment) -> Self {
        let domain::assignment::Assignment { id, account_id, host, name, unit, assigned_at, released_at } = assignment;
        Self {
            id,
            account_id,
            host,
            name,
            license_id: unit.map(|unit| unit.license_id),
            unit: unit.map(|unit| unit.number),
            assigned_at: assigned_at.into(),
            released_at: released_at.map(Into::into),
        }
    }
}

/// A host that shall be protected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAssignment {
    /// Whose host. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// The host, as the customer's software names it; compared as it is written.
    #[schema(min_length = 1, max_length = 255, example = "10.0.0.7")]
    host: String,
    /// What people call the host.
    #[schema(min_length = 1, max_length = 200, example = "database 1")]
    name: Option<String>,
    /// The license to take the unit from; default the one that ends first.
    license_id: Option<String>,
}

impl NewAssignment {
    fn parse(self, caller: Caller) -> Result<(AccountId, Wish), Problem> {
        let Self { account_id, host, name, license_id } = self;
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, account_id.as_deref());
        let wish = HostItem { host, name, license_id }.parse(&mut faults, "");
        faults.finish(|| account_id.zip(wish))
    }
}

/// One of several hosts that shall be protected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HostItem {
    /// The host, as the customer's software names it; compared as it is written.
    #[schema(min_length = 1, max_length = 255, example = "10.0.0.7")]
    host: String,
    /// What people call the host.
    #[schema(min_length = 1, max_length = 200, example = "database 1")]
    name: Option<String>,
    /// The license to take the unit from; default the one that ends first.
    license_id: Option<String>,
}

impl HostItem {
    fn parse(self, faults: &mut Faults, parent: &str) -> Option<Wish> {
        let host = faults.parse(&format!("{parent}/host"), &self.host);
        let name = self.name.and_then(|name| faults.text(&format!("{parent}/name"), name, NAME_LENGTH_MAX));
        let license_id = faults.parse_opt(&format!("{parent}/license_id"), self.license_id.as_deref());
        Some(Wish { host: host?, name, license_id: license_id? })
    }
}

/// Assign a unit to a host
///
/// A host has at most one unit (L-6): one that has a unit already is answered as it is. Without a `license_id` the unit
/// comes from the license that ends first. In grace nothing new is assigned (L-7).
#[utoipa::path(
    post, path = path::ASSIGNMENTS, tag = TAG, operation_id = "assign", request_body = NewAssignment,
    responses(
        (status = 200, description = "The assignment that the host has already.", body = Assignment),
        (status = 201, description = "The assignment.", body = Assignment),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 409, description = "`no_units_available`"),
        (
            status = 422,
            description = "`invalid_request`, `unknown_license`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn assign(State(engine): State<Engine>, write: Write<NewAssignment>) -> Result<Response, Problem> {
    let (account_id, wish) = write.body.parse(write.caller)?;
    let assigned = engine.assign(write.caller, account_id, wish, write.idempotency).await?;
    let (Outcome::Done(Assigned { is_new, .. }) | Outcome::AlreadyDone(Assigned { is_new, .. })) = assigned;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, assigned.map(|assigned| Assignment::from(assigned.assignment))))
}

/// Several hosts that shall be protected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignMany {
    /// Whose hosts. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// 1 to 1,000 hosts, served in this order.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<HostItem>,
}

impl AssignMany {
    fn parse(self, caller: Caller) -> Result<(AccountId, Vec<Wish>), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        check_count(&mut faults, "/items", self.items.len(), HOSTS_MAX);
        let items = self.items.into_iter().take(HOSTS_MAX).enumerate();
        let wishes = items.map(|(number, item)| item.parse(&mut faults, &format!("/items/{number}")));
        let wishes: Vec<_> = wishes.collect();
        faults.finish(|| account_id.zip(wishes.into_iter().collect()))
    }
}

/// How one of several assignments went.
#[derive(Debug, Serialize, ToSchema)]
struct AssignmentResult {
    /// The host.
    #[schema(value_type = String)]
    host: Host,
    /// Whether it has a unit now.
    ok: bool,
    /// The code of the error, if not.
    #[schema(required, example = "no_units_available")]
    code: Option<&'static str>,
    /// The error in words, if not.
    #[schema(required)]
    detail: Option<String>,
    /// The assignment, if it has one.
    #[schema(required)]
    assignment: Option<Assignment>,
}

/// Assign units to several hosts
///
/// Each for itself and in the given order, in one transaction (L-6). What has a unit already is answered as it is; when no
/// unit is free any more, the others get none.
#[utoipa::path(
    post, path = path::ASSIGNMENTS_BULK, tag = TAG, operation_id = "assign_many", request_body = AssignMany,
    responses(
        (status = 200, description = "One result for each item, in their order.", body = Results<AssignmentResult>),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn assign_many(State(engine): State<Engine>, write: Write<AssignMany>) -> Result<Response, Problem> {
    let (account_id, wishes) = write.body.parse(write.caller)?;
    let hosts: Vec<_> = wishes.iter().map(|wish| wish.host.clone()).collect();
    let assigned = engine.assign_many(write.caller, account_id, wishes, write.idempotency).await?;
    let results = assigned.map(|results| {
        let result = |(host, result): (Host, Result<Assigned, _>)| {
            let result = result.map_err(|refusal| Problem::from(Refusal::from(refusal)));
            let (ok, code, detail) = verdict(&result);
            let assignment = result.ok().map(|assigned| assigned.assignment.into());
            AssignmentResult { host, ok, code, detail, assignment }
        };
        Results { data: hosts.into_iter().zip(results).map(result).collect() }
    });
    Ok(answer(StatusCode::OK, results))
}

/// The host that a unit goes on to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// The host, as the customer's software names it.
    #[schema(min_length = 1, max_length = 255, example = "10.0.0.8")]
    host: String,
    /// What people call the host.
    #[schema(min_length = 1, max_length = 200, example = "database 2")]
    name: Option<String>,
}

impl Move {
    fn parse(self) -> Result<(Host, Option<String>), Problem> {
        let mut faults = Faults::default();
        let host = faults.parse("/host", &self.host);
        let name = self.name.and_then(|name| faults.text("/name", name, NAME_LENGTH_MAX));
        faults.finish(|| Some((host?, name)))
    }
}

/// Move a unit to another host
///
/// In one step, in grace too (L-6). The assignment keeps its id. To the host that has it already changes nothing.
#[utoipa::path(
    post, path = path::ASSIGNMENT_MOVE, tag = TAG, operation_id = "move_assignment", request_body = Move,
    params(("id" = String, Path, description = "The assignment.")),
    responses(
        (status = 200, description = "The assignment.", body = Assignment),
        (status = 404, description = "`not_found`: no such assignment, or not for this key."),
        (status = 409, description = "`host_has_unit`, `assignment_released`, `stranded`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn move_to(
    State(engine): State<Engine>,
    Place(id): Place<AssignmentId>,
    write: Write<Move>,
) -> Result<Response, Problem> {
    let moved = engine.move_assignment(write.caller, id, write.body.parse()?, write.idempotency).await?;
    Ok(answer(StatusCode::OK, moved.map(Assignment::from)))
}

/// Release a host
///
/// Its unit is free again (L-6). Releasing it again changes nothing.
#[utoipa::path(
    delete, path = path::ASSIGNMENT, tag = TAG, operation_id = "release_assignment",
    params(("id" = String, Path, description = "The assignment.")),
    responses(
        (status = 200, description = "The assignment, released.", body = Assignment),
        (status = 404, description = "`not_found`: no such assignment, or not for this key."),
    ),
)]
async fn release(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AssignmentId>,
) -> Result<Json<Assignment>, Problem> {
    Ok(Json(engine.release(caller, id).await?.into()))
}

/// Read an assignment
#[utoipa::path(
    get, path = path::ASSIGNMENT, tag = TAG, operation_id = "get_assignment",
    params(("id" = String, Path, description = "The assignment.")),
    responses(
        (status = 200, description = "The assignment.", body = Assignment),
        (status = 404, description = "`not_found`: no such assignment, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AssignmentId>,
) -> Result<Json<Assignment>, Problem> {
    Ok(Json(engine.assignment(caller, id).await?.into()))
}

/// Which assignments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AssignmentsQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Of this host.
    host: Option<String>,
    /// Of this license.
    license_id: Option<String>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl AssignmentsQuery {
    fn parse(self) -> Result<(AssignmentFilter, Asked<AssignmentId>), Problem> {
        let Self { account_id, host, license_id, limit, cursor } = self;
        let mut faults = Faults::default();
        let asked = Asked::parse(&mut faults, limit.as_deref(), cursor.as_deref());
        let filter = ExportQuery { account_id, host, license_id }.filter(&mut faults);
        faults.finish(|| filter.zip(asked))
    }
}

/// List assignments
///
/// Oldest first, without those that were released. A stranded one has `license_id: null`.
#[utoipa::path(
    get, path = path::ASSIGNMENTS, tag = TAG, operation_id = "list_assignments", params(AssignmentsQuery),
    responses(
        (status = 200, description = "A page of assignments.", body = List<Assignment>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<AssignmentsQuery>,
) -> Result<Json<List<Assignment>>, Problem> {
    let (filter, asked) = query.parse()?;
    let assignments = engine.assignments(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(assignments, |assignment| assignment.id, Assignment::from)))
}

/// Which assignments to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Of this host.
    host: Option<String>,
    /// Of this license.
    license_id: Option<String>,
}

impl ExportQuery {
    fn filter(&self, faults: &mut Faults) -> Option<AssignmentFilter> {
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let host = faults.parse_opt("/host", self.host.as_deref());
        let license_id = faults.parse_opt("/license_id", self.license_id.as_deref());
        Some(AssignmentFilter { account_id: account_id?, host: host?, license_id: license_id? })
    }
}

const SHEET: Sheet<domain::assignment::Assignment, AssignmentId> = Sheet {
    file_name: "assignments.csv",
    columns: &["id", "account_id", "host", "name", "license_id", "unit", "assigned_at"],
    position: |assignment| assignment.id,
    cells: |assignment| {
        vec![
            assignment.id.to_string(),
            assignment.account_id.to_string(),
            assignment.host.into(),
            optional(assignment.name),
            optional(assignment.unit.map(|unit| unit.license_id)),
            optional(assignment.unit.map(|unit| unit.number)),
            assignment.assigned_at.to_string(),
        ]
    },
};

/// Export assignments as CSV
///
/// All that the filters find, oldest first, in RFC 4180. A cell that a spreadsheet would run as a formula starts with an
/// apostrophe. When something goes wrong on the way the transfer breaks off, so a part is never taken for the whole.
#[utoipa::path(
    get, path = path::ASSIGNMENTS_CSV, tag = TAG, operation_id = "export_assignments", params(ExportQuery),
    responses(
        (status = 200, description = "The assignments.", body = String, content_type = "text/csv"),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn export(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<ExportQuery>,
) -> Result<Response, Problem> {
    let mut faults = Faults::default();
    let filter = query.filter(&mut faults);
    let filter = faults.finish(|| filter)?;
    let page = move |page| {
        let (engine, filter) = (engine.clone(), filter.clone());
        async move { engine.assignments(caller, filter, page).await }
    };
    SHEET.export(page).await
}
