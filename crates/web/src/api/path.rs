//! The URLs, each once.

use domain::id::OrderId;

pub(crate) const HEALTH: &str = "/healthz";
pub(crate) const READY: &str = "/readyz";
pub(crate) const METRICS: &str = "/metrics";
pub(crate) const OPENAPI: &str = "/openapi.json";
pub(crate) const DOCS: &str = "/docs";
pub(crate) const DOCS_ERRORS: &str = "/docs/errors";
pub(crate) const DOCS_STYLE: &str = "/docs/style.css";
pub(crate) const LICENSE_KEYS: &str = "/.well-known/license-keys.json";

pub(crate) const CHECKOUT: &str = "/checkout/{id}";
pub(crate) const CHECKOUT_RETURN: &str = "/checkout/{id}/return";
pub(crate) const WEBHOOKS_STRIPE: &str = "/v1/webhooks/stripe";

/// Where an order is paid.
pub(crate) fn checkout(id: OrderId) -> String {
    CHECKOUT.replace("{id}", &id.to_string())
}

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
pub(crate) const ACCOUNT_RECHARGES: &str = "/v1/accounts/{id}/recharges";
pub(crate) const ACCOUNT_RECHARGE_LIMITS: &str = "/v1/accounts/{id}/recharge-limits";
pub(crate) const ACCOUNT_PAYMENT_METHODS: &str = "/v1/accounts/{id}/payment-methods";
pub(crate) const PAYMENT_METHOD: &str = "/v1/payment-methods/{id}";
pub(crate) const PAYMENTS: &str = "/v1/payments";
pub(crate) const PAYMENT: &str = "/v1/payments/{id}";
pub(crate) const PAYMENT_CHECK: &str = "/v1/payments/{id}/check";
pub(crate) const PAYMENT_CONFIRM: &str = "/v1/payments/{id}/confirm";
pub(crate) const UNAPPLIED: &str = "/v1/unapplied";
pub(crate) const UNAPPLIED_CREDIT: &str = "/v1/unapplied/{id}/credit";
pub(crate) const UNAPPLIED_REFUND: &str = "/v1/unapplied/{id}/refund";
pub(crate) const ACCOUNT_FORECAST: &str = "/v1/accounts/{id}/forecast";

pub(crate) const PRODUCTS: &str = "/v1/products";
pub(crate) const PRODUCT: &str = "/v1/products/{code}";
pub(crate) const PLAN: &str = "/v1/products/{code}/plans/{plan}";

pub(crate) const ORDERS: &str = "/v1/orders";
pub(crate) const ORDER: &str = "/v1/orders/{id}";
pub(crate) const ORDER_REFUNDS: &str = "/v1/orders/{id}/refunds";

pub(crate) const RESOURCES: &str = "/v1/resources";
pub(crate) const RESOURCE: &str = "/v1/resources/{id}";
pub(crate) const RESOURCE_RENEWALS: &str = "/v1/resources/{id}/renewals";
pub(crate) const RESOURCE_PREVIEW: &str = "/v1/resources/{id}/renewals/preview";
pub(crate) const RESOURCE_ATTEMPTS: &str = "/v1/resources/{id}/attempts";
pub(crate) const RESOURCES_AUTO_RENEW: &str = "/v1/resources/auto-renew";
pub(crate) const RESOURCES_RENEWALS: &str = "/v1/resources/renewals";

pub(crate) const LICENSES: &str = "/v1/licenses";
pub(crate) const LICENSES_CSV: &str = "/v1/licenses.csv";
pub(crate) const LICENSES_SUMMARY: &str = "/v1/licenses/summary";
pub(crate) const LICENSE: &str = "/v1/licenses/{id}";
pub(crate) const LICENSE_ALLOCATIONS: &str = "/v1/licenses/{id}/allocations";
pub(crate) const LICENSE_ATTEMPTS: &str = "/v1/licenses/{id}/attempts";
pub(crate) const LICENSE_SUSPEND: &str = "/v1/licenses/{id}/suspend";
pub(crate) const LICENSE_REINSTATE: &str = "/v1/licenses/{id}/reinstate";
pub(crate) const LICENSE_REVOKE: &str = "/v1/licenses/{id}/revoke";

pub(crate) const ASSIGNMENTS: &str = "/v1/assignments";
pub(crate) const ASSIGNMENTS_CSV: &str = "/v1/assignments.csv";
pub(crate) const ASSIGNMENTS_BULK: &str = "/v1/assignments/bulk";
pub(crate) const ASSIGNMENT: &str = "/v1/assignments/{id}";
pub(crate) const ASSIGNMENT_MOVE: &str = "/v1/assignments/{id}/move";

pub(crate) const FAILBACKS: &str = "/v1/failbacks";
pub(crate) const FAILBACK: &str = "/v1/failbacks/{id}";
pub(crate) const FAILBACK_COMMIT: &str = "/v1/failbacks/{id}/commit";
pub(crate) const FAILBACK_CANCEL: &str = "/v1/failbacks/{id}/cancel";
pub(crate) const FAILBACK_HEARTBEAT: &str = "/v1/failbacks/{id}/heartbeat";

pub(crate) const VALIDATE: &str = "/v1/validate";

pub(crate) const INSTALLATIONS: &str = "/v1/installations";
pub(crate) const INSTALLATION: &str = "/v1/installations/{id}";
pub(crate) const INSTALLATION_CHECKOUTS: &str = "/v1/installations/{id}/checkouts";
pub(crate) const INSTALLATION_RECEIPTS: &str = "/v1/installations/{id}/receipts";
pub(crate) const INSTALLATION_RETIRE: &str = "/v1/installations/{id}/retire";

pub(crate) const LICENSE_FILES: &str = "/v1/license-files";

pub(crate) const ACTIVATION_CODES: &str = "/v1/activation-codes";
pub(crate) const ACTIVATION_CODES_REDEEM: &str = "/v1/activation-codes/redeem";

pub(crate) const EVENTS: &str = "/v1/events";
