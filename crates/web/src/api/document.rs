//! The frame of the OpenAPI document, and what holds for all operations.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, Ref, RefOr, Required, Response};
use utoipa::{OpenApi, openapi};

use super::path;
use super::problem::{self, MEDIA_TYPE};

const BEARER: &str = "bearer";

/// What a reader of the reference must know before anything else.
const ABOUT: &str = "\
Prepaid resources and licenses that renew themselves.

Instants are RFC 3339 in UTC with whole seconds. Amounts are whole minor units (fen, cents) of the `currency` beside them. \
Ids are opaque. Lists come in pages: `limit`, `cursor`, `next_cursor`.

An operator key acts on every account, an account key on its own: what belongs to another account is not found, what only \
the operator may do is forbidden.

A refusal is a problem document (RFC 9457) with a stable `code`; `/docs/errors` says what to do about each. With an \
`Idempotency-Key` a write can be repeated safely: the same key with the same body gives the same answer again.

Names such as R-2 are those of the rules.";

/// What the handlers cannot say.
#[derive(OpenApi)]
#[openapi(
    info(title = "Perennial", description = ABOUT, license(name = "Apache-2.0", identifier = "Apache-2.0")),
    tags(
        (name = "Accounts", description = "Customers and their API keys."),
        (name = "Wallet", description = "Money in, money set aside, balances, transactions, and what will fall due."),
        (name = "Payments", description = "Money from outside: recharges, payments, unapplied money, notices."),
        (name = "Catalog", description = "Products and plans."),
        (name = "Orders", description = "Buying, and the documents of everything that was paid or changed."),
        (name = "Resources", description = "What was bought: its switch, its renewals, its end."),
        (name = "Licenses", description = "What was bought or given and is counted in units: its status, its switch, its history."),
        (name = "Assignments", description = "Which host a DR unit protects."),
        (name = "Failbacks", description = "Each uses one unit of a failback license, once."),
        (name = "Validation", description = "What a host may do now, signed."),
        (name = "Installations", description = "Copies of the customer's software that work offline, and their receipts."),
        (name = "License files", description = "Signed copies of what an account holds, for products that cannot ask."),
        (name = "Activation codes", description = "Signed vouchers, each for one license."),
        (name = "Events", description = "What happened."),
        (name = "Test clock", description = "Only in a process that was started with `--test-clock`."),
        (name = "Operations", description = "Health, numbers, reference. Without a key."),
    ),
    components(schemas(problem::Document<'_>, problem::Fault)),
)]
struct Frame;

pub(crate) fn blank() -> openapi::OpenApi {
    Frame::openapi()
}

/// Adds what is true of every operation, so that no handler can forget it.
pub(crate) fn complete(mut document: openapi::OpenApi) -> openapi::OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An operator or account key."));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    name_rows(components);
    let optional = schemas_without_required(components);
    for (url, item) in &mut document.paths.paths {
        let post = item.post.as_mut().filter(|_| needs_key(url));
        if let Some(operation) = post {
            operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        }
        for operation in operations(item) {
            if needs_key(url) {
                secure(operation);
            }
            describe_problems(operation);
            relax_body(operation, &optional);
        }
    }
    document
}

/// Everything below `/v1` but the notices of the payment platform, which it signs.
fn needs_key(url: &str) -> bool {
    url.starts_with(path::V1) && url != path::WEBHOOKS_STRIPE
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

fn secure(operation: &mut Operation) {
    operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
    let responses = &mut operation.responses.responses;
    let missing = "`unauthorized`: no key, or one that is not known.";
    responses.entry("401".to_owned()).or_insert_with(|| RefOr::T(Response::new(missing)));
    let trouble = "`database_unavailable`, `disk_full`, `timeout`: ask again later.";
    responses.entry("503".to_owned()).or_insert_with(|| RefOr::T(Response::new(trouble)));
}

/// Every refusal is a problem document.
fn describe_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(problem));
        }
    }
}

/// The rows of a list have a schema of their own: refer to it instead of repeating it.
fn name_rows(components: &mut Components) {
    let names: Vec<_> = components.schemas.keys().cloned().collect();
    for name in &names {
        let row = name.split_once('_').map(|(_, row)| row).filter(|row| names.iter().any(|name| name == row));
        let list = row.zip(components.schemas.get_mut(name));
        if let Some((row, RefOr::T(Schema::Object(list)))) = list
            && let Some(RefOr::T(Schema::Array(data))) = list.properties.get_mut("data")
        {
            data.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(row))));
        }
    }
}

/// References to the objects that may be empty.
fn schemas_without_required(components: &Components) -> Vec<Ref> {
    let objects = components.schemas.iter().filter_map(|(name, schema)| match schema {
        RefOr::T(Schema::Object(object)) if object.required.is_empty() => Some(Ref::from_schema_name(name)),
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    objects.collect()
}

/// A body of which every field may be left out may be left out as a whole.
fn relax_body(operation: &mut Operation, optional: &[Ref]) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let may_be_empty = body.content.values().any(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => optional.contains(schema),
        RefOr::T(_) | RefOr::Ref(_) => false,
    });
    if may_be_empty {
        body.required = Some(Required::False);
    }
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Makes a repeat safe: the same key and body give the same answer again, marked `Idempotency-Replayed: true` \
             (B-8).",
        ))
        .schema(Some(text))
        .build()
}
