//! The URLs, each once.

pub(crate) const HEALTH: &str = "/healthz";
pub(crate) const READY: &str = "/readyz";
pub(crate) const METRICS: &str = "/metrics";
pub(crate) const OPENAPI: &str = "/openapi.json";
pub(crate) const DOCS: &str = "/docs";
pub(crate) const DOCS_ERRORS: &str = "/docs/errors";
pub(crate) const DOCS_STYLE: &str = "/docs/style.css";

/// What every URL of the API starts with; what lies below needs a key.
pub(crate) const V1: &str = "/v1/";

pub(crate) const CLOCK: &str = "/v1/test-clock";
pub(crate) const CLOCK_ADVANCE: &str = "/v1/test-clock/advance";

pub(crate) const ACCOUNTS: &str = "/v1/accounts";
pub(crate) const ACCOUNT: &str = "/v1/accounts/{id}";
pub(crate) const ACCOUNT_KEYS: &str = "/v1/accounts/{id}/api-keys";
pub(crate) const ACCOUNT_CREDITS: &str = "/v1/accounts/{id}/credits";
pub(crate) const ACCOUNT_FREEZES: &str = "/v1/accounts/{id}/freezes";
pub(crate) const ACCOUNT_FREEZE: &str = "/v1/accounts/{id}/freezes/{freeze_id}";
pub(crate) const ACCOUNT_BALANCE: &str = "/v1/accounts/{id}/balance";
pub(crate) const ACCOUNT_TRANSACTIONS: &str = "/v1/accounts/{id}/transactions";
pub(crate) const ACCOUNT_FORECAST: &str = "/v1/accounts/{id}/forecast";

pub(crate) const PRODUCTS: &str = "/v1/products";
pub(crate) const PRODUCT: &str = "/v1/products/{code}";
pub(crate) const PLAN: &str = "/v1/products/{code}/plans/{plan}";

pub(crate) const ORDERS: &str = "/v1/orders";
pub(crate) const ORDER: &str = "/v1/orders/{id}";

pub(crate) const RESOURCES: &str = "/v1/resources";
pub(crate) const RESOURCE: &str = "/v1/resources/{id}";
pub(crate) const RESOURCE_RENEWALS: &str = "/v1/resources/{id}/renewals";
pub(crate) const RESOURCE_PREVIEW: &str = "/v1/resources/{id}/renewals/preview";
pub(crate) const RESOURCE_ATTEMPTS: &str = "/v1/resources/{id}/attempts";
pub(crate) const RESOURCES_AUTO_RENEW: &str = "/v1/resources/auto-renew";
pub(crate) const RESOURCES_RENEWALS: &str = "/v1/resources/renewals";

pub(crate) const EVENTS: &str = "/v1/events";
