//! Stripe, as a thin client of our own: ten endpoints of its API, and its notices.
//!
//! A payment with a buyer is a checkout session. The platform shows the page, and the money comes as a payment intent of
//! that session. A payment without a buyer is a payment intent that is confirmed at once. Both carry our ids in their
//! metadata, so a payment whose answer was lost can be found again.
//!
//! ```text
//! open ──▶ session (cs_) ──buyer pays──▶ payment intent (pi_) ──▶ charge ──▶ refund
//! charge ───────────────────────────────▶ payment intent (pi_) ──▶ charge ──▶ refund
//! ```

mod client;
mod currency;
mod form;
mod signature;
mod wire;

use std::fmt;
use std::time::Duration;

use domain::payment::{Means, PlatformName};
use domain::time::Instant;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use self::client::{Client, Trouble};
use self::form::Form;
use self::wire::{Event, Found, Intent, List, ListedCharge, ListedRefund, Session, nonsense};
use crate::port::{
    Acknowledgement, Answer, Asked, Capabilities, Charge, Checkout, CheckoutLine, Failure, Movement, Movements, Notice,
    NoticeRefusal, Opened, Refund, Status,
};

const SESSIONS: &str = "/v1/checkout/sessions";
const INTENTS: &str = "/v1/payment_intents";
const REFUNDS: &str = "/v1/refunds";
const CHARGES: &str = "/v1/charges";

/// The platform's clock and ours differ a little, so a search starts so much before we made the payment.
const SEARCH_MARGIN_SECONDS: i64 = 300;
/// The platform's greatest part of a list.
const PAGE_SIZE: u32 = 100;
/// A search ends somewhere, and then says that it does not know.
const N_PAGES_MAX: u32 = 100;
/// The platform's limit for the name of a product.
const NAME_CHARS_MAX: usize = 250;
/// What is passed on of the platform's words.
const WORDS_CHARS_MAX: usize = 300;

/// How to reach Stripe.
#[derive(Debug)]
pub struct StripeOptions {
    /// [`PlatformName::Stripe`], or [`PlatformName::Sandbox`], which speaks the same language.
    pub name: PlatformName,
    /// The API key, secret or restricted: `sk_test_…`, `sk_live_…`, `rk_test_…` or `rk_live_…`.
    pub secret_key: SecretString,
    /// What notices are signed with. Several while one replaces another; without any, no notice is believed.
    pub webhook_secrets: Vec<SecretString>,
    /// Where the API is, when it is not `https://api.stripe.com`. Plain http only on this machine.
    pub api_base: Option<String>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Why Stripe cannot be used with these options.
#[derive(Debug, thiserror::Error)]
pub enum InvalidStripe {
    /// The name is that of a platform with another language.
    #[error("only the platforms stripe and sandbox speak the language of Stripe")]
    Name,
    /// The key is none.
    #[error("the Stripe key must begin with sk_test_, sk_live_, rk_test_ or rk_live_")]
    Key,
    /// A secret for notices is empty, so anybody could sign with it.
    #[error("a webhook secret of Stripe is empty")]
    WebhookSecret,
    /// The address of the API is none.
    #[error("the address of the Stripe API is malformed; it looks like https://api.stripe.com")]
    Base,
    /// Keys and payments would be readable on the way.
    #[error("the address of the Stripe API may use plain http only on this machine, such as http://127.0.0.1:8701")]
    PlainHttp,
    /// TLS does not work here.
    #[error("no secure connections can be made on this machine; are its root certificates installed?")]
    Client(#[source] reqwest::Error),
}

/// A payment platform that speaks Stripe's language.
pub struct Stripe {
    name: PlatformName,
    is_live: bool,
    webhook_secrets: Vec<SecretString>,
    client: Client,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("name", &self.name)
            .field("is_live", &self.is_live)
            .field("api_base", &self.client.base())
            .finish_non_exhaustive()
    }
}

impl Stripe {
    /// What Stripe can do.
    pub const CAPABILITIES: Capabilities =
        Capabilities { has_page: true, saves_methods: true, sends_notices: true, refunds: true, lists_movements: true };

    /// Stripe looks at the status only.
    pub const ACKNOWLEDGEMENT: Acknowledgement = Acknowledgement { content_type: "text/plain", body: "" };

    /// A client with these options. It opens no connection yet.
    ///
    /// # Errors
    /// [`InvalidStripe`].
    pub fn new(options: StripeOptions) -> Result<Self, InvalidStripe> {
        match options.name {
            PlatformName::Stripe | PlatformName::Sandbox => {}
            PlatformName::BankTransfer => return Err(InvalidStripe::Name),
        }
        let is_live = is_live(options.secret_key.expose_secret())?;
        if options.webhook_secrets.iter().any(|secret| secret.expose_secret().is_empty()) {
            return Err(InvalidStripe::WebhookSecret);
        }
        let client = Client::new(&options)?;
        Ok(Self { name: options.name, is_live, webhook_secrets: options.webhook_secrets, client })
    }

    /// Which platform it is.
    #[must_use]
    pub const fn name(&self) -> PlatformName {
        self.name
    }

    /// Whether real money moves: what the key says.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.is_live
    }

    pub(crate) async fn open(&self, checkout: &Checkout) -> Answer<Opened> {
        let form = session_form(checkout)?;
        let key = checkout.payment_id.to_string();
        let session: Session = self.client.post(SESSIONS, form, Some(&key)).await?;
        session.opened()
    }

    pub(crate) async fn expire(&self, asked: &Asked) -> Answer<Status> {
        match asked.means {
            Means::Checkout => {}
            // Nobody can pay later what is charged at once.
            Means::OffSession => return self.status(asked).await,
        }
        let Some(reference) = self.reference_of(asked).await? else { return Ok(Status::Missing) };
        let path = format!("{SESSIONS}/{reference}/expire");
        match self.client.post::<Session>(&path, expanding_session(Form::new()), None).await {
            Ok(session) => closed(session.into_status()?, || nonsense("the session is still open")),
            Err(Trouble::Said(error)) if error.is_missing() => Ok(Status::Missing),
            // It was paid, or has expired by itself, or cannot be closed for another reason.
            Err(Trouble::Said(error)) if error.is_invalid() => {
                closed(self.session_status(&reference).await?, || error.into_failure())
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    pub(crate) async fn status(&self, asked: &Asked) -> Answer<Status> {
        let Some(reference) = self.reference_of(asked).await? else { return Ok(Status::Missing) };
        match asked.means {
            Means::Checkout => self.session_status(&reference).await,
            Means::OffSession => self.intent_status(&reference).await,
        }
    }

    pub(crate) async fn charge(&self, charge: &Charge) -> Answer<Status> {
        let form = intent_form(charge)?;
        let key = charge.payment_id.to_string();
        match self.client.post::<Intent>(INTENTS, form, Some(&key)).await {
            Ok(intent) => intent.into_status(),
            Err(Trouble::Said(error)) => match error.decline() {
                Some(decline) => Ok(Status::Failed(decline)),
                None => Err(error.into_failure()),
            },
            Err(trouble) => Err(trouble.into()),
        }
    }

    pub(crate) async fn refund(&self, refund: &Refund) -> Answer<()> {
        let amount = currency::to_stripe(refund.amount, refund.currency)?;
        // The platform forgets idempotency keys after a day, but never metadata.
        let given_back = self
            .search(
                REFUNDS,
                |found: &ListedRefund| found.metadata.get("key") == Some(&refund.key),
                |found| &found.id,
                || Form::new().with("payment_intent", &refund.movement),
            )
            .await?;
        if let Some(given_back) = given_back {
            return given_back.outcome();
        }
        let form = Form::new()
            .with("payment_intent", &refund.movement)
            .with("amount", amount)
            .with("metadata[key]", &refund.key);
        self.client.post::<ListedRefund>(REFUNDS, form, Some(&refund.key)).await?.outcome()
    }

    pub(crate) fn notice(&self, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Notice, NoticeRefusal> {
        signature::verify(&self.webhook_secrets, headers, body, now)?;
        let event: Event = serde_json::from_slice(body).map_err(|_| NoticeRefusal::Unreadable)?;
        let about = event.about();
        Ok(Notice { id: event.id, kind: event.kind, about })
    }

    /// First what came, then what went back. The text between the parts is the list and the last object of it:
    /// `charges:ch_1`, `refunds:`.
    pub(crate) async fn movements(&self, from: Instant, until: Instant, after: Option<&str>) -> Answer<Movements> {
        let (list, cursor) = match after {
            None => ("charges", ""),
            Some(after) => after.split_once(':').unwrap_or_default(),
        };
        let query = Form::new()
            .with("created[gte]", from.seconds())
            .with("created[lt]", until.seconds())
            .with("limit", PAGE_SIZE)
            .with_some("starting_after", Some(cursor).filter(|cursor| !cursor.is_empty()));
        match list {
            "charges" => {
                let part: List<ListedCharge> = self.client.get(CHARGES, query).await?;
                let next = next(&part, |charge| &charge.id)?.map(|last| format!("charges:{last}"));
                let movements = moved(&part, ListedCharge::movement)?;
                Ok(Movements { movements, next: Some(next.unwrap_or_else(|| "refunds:".to_owned())) })
            }
            "refunds" => {
                let part: List<ListedRefund> = self.client.get(REFUNDS, query).await?;
                let next = next(&part, |refund| &refund.id)?.map(|last| format!("refunds:{last}"));
                Ok(Movements { movements: moved(&part, ListedRefund::movement)?, next })
            }
            _ => Err(refused("invalid_cursor", "a list of movements does not go on there")),
        }
    }

    async fn session_status(&self, reference: &str) -> Answer<Status> {
        let path = format!("{SESSIONS}/{reference}");
        match self.client.get::<Session>(&path, expanding_session(Form::new())).await {
            Ok(session) if session.id == reference => session.into_status(),
            Ok(_) => Err(nonsense("the answer is about another session")),
            Err(Trouble::Said(error)) if error.is_missing() => Ok(Status::Missing),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn intent_status(&self, reference: &str) -> Answer<Status> {
        let path = format!("{INTENTS}/{reference}");
        match self.client.get::<Intent>(&path, expanding_intent(Form::new())).await {
            Ok(intent) if intent.id == reference => intent.into_status(),
            Ok(_) => Err(nonsense("the answer is about another payment")),
            Err(Trouble::Said(error)) if error.is_missing() => Ok(Status::Missing),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// The platform's name for the payment: known, or found by our own id in the metadata; `None`: there is none.
    async fn reference_of(&self, asked: &Asked) -> Answer<Option<String>> {
        let prefix = match asked.means {
            Means::Checkout => "cs_",
            Means::OffSession => "pi_",
        };
        if let Some(reference) = &asked.reference {
            // It becomes a part of an address, and a wrong one would be told as a payment that is missing.
            let is_word = reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_word || !reference.starts_with(prefix) {
                return Err(refused("invalid_reference", "that is no reference of Stripe for such a payment"));
            }
            return Ok(Some(reference.clone()));
        }
        let from = asked.created_at.plus_seconds(-SEARCH_MARGIN_SECONDS).seconds();
        let (list, customer) = match asked.means {
            // The customer of a checkout may have become known after it was opened, so it must not narrow the search.
            Means::Checkout => (SESSIONS, None),
            Means::OffSession => (INTENTS, asked.customer.as_ref()),
        };
        let is_ours = |found: &Found| found.metadata.payment_id() == Some(asked.payment_id);
        let form = || Form::new().with("created[gte]", from).with_some("customer", customer);
        Ok(self.search(list, is_ours, |found| &found.id, form).await?.map(|found| found.id))
    }

    /// The first object of a list that is wanted, newest first.
    async fn search<T: DeserializeOwned>(
        &self,
        list: &str,
        is_wanted: impl Fn(&T) -> bool,
        id: impl Fn(&T) -> &String,
        form: impl Fn() -> Form,
    ) -> Answer<Option<T>> {
        let mut after = None;
        for _ in 0..N_PAGES_MAX {
            let query = form().with("limit", PAGE_SIZE).with_some("starting_after", after.take());
            let part: List<T> = self.client.get(list, query).await?;
            after = next(&part, &id)?;
            if let Some(found) = part.data.into_iter().find(&is_wanted) {
                return Ok(Some(found));
            }
            if after.is_none() {
                return Ok(None);
            }
        }
        Err(nonsense("the list is too long to search"))
    }
}

/// A checkout after it was closed; `still_open` says what went wrong if it was not.
fn closed(status: Status, still_open: impl FnOnce() -> Failure) -> Answer<Status> {
    if matches!(status, Status::Open(_)) { Err(still_open()) } else { Ok(status) }
}

/// Where a list goes on.
fn next<T>(part: &List<T>, id: impl Fn(&T) -> &String) -> Answer<Option<String>> {
    match (part.has_more, part.data.last()) {
        (true, Some(last)) => Ok(Some(id(last).clone())),
        (true, None) => Err(nonsense("a list goes on after nothing")),
        (false, _) => Ok(None),
    }
}

fn moved<T>(part: &List<T>, movement: impl Fn(&T) -> Answer<Option<Movement>>) -> Answer<Vec<Movement>> {
    part.data.iter().filter_map(|object| movement(object).transpose()).collect()
}

fn session_form(checkout: &Checkout) -> Answer<Form> {
    let mut form = Form::new().with("mode", "payment");
    if checkout.is_subscription {
        form = form.with("submit_type", "subscribe");
    }
    form = form
        .with("payment_method_types[0]", "card")
        .with("client_reference_id", checkout.order_id)
        .with("metadata[order_id]", checkout.order_id)
        .with("metadata[payment_id]", checkout.payment_id)
        .with("payment_intent_data[metadata][order_id]", checkout.order_id)
        .with("payment_intent_data[metadata][payment_id]", checkout.payment_id);
    form = with_lines(form, checkout)?;
    form = match &checkout.customer {
        Some(customer) => form.with("customer", customer),
        None => form.with_some("customer_email", checkout.email.as_ref()),
    };
    if checkout.saves_method {
        form = form.with("payment_intent_data[setup_future_usage]", "off_session");
        if checkout.customer.is_none() {
            form = form.with("customer_creation", "always");
        }
    }
    Ok(form
        .with("expires_at", checkout.expires_at.seconds())
        .with("success_url", &checkout.success_url)
        .with("cancel_url", &checkout.cancel_url))
}

fn with_lines(mut form: Form, checkout: &Checkout) -> Answer<Form> {
    // The platform asks for the sum of the lines, so that has to be the amount.
    let mut rest = currency::to_stripe(checkout.amount, checkout.currency)?;
    for (n, line) in checkout.lines.iter().enumerate() {
        let total = currency::to_stripe(line.amount, checkout.currency)?;
        rest = rest.checked_sub(total).ok_or_else(lines_do_not_add_up)?;
        let (name, quantity, unit_amount) = priced(line, total, checkout);
        form = form
            .with(&format!("line_items[{n}][price_data][currency]"), checkout.currency.code().to_ascii_lowercase())
            .with(&format!("line_items[{n}][price_data][product_data][name]"), cut(&name, NAME_CHARS_MAX))
            .with(&format!("line_items[{n}][price_data][unit_amount]"), unit_amount)
            .with(&format!("line_items[{n}][quantity]"), quantity);
    }
    if rest == 0 { Ok(form) } else { Err(lines_do_not_add_up()) }
}

fn lines_do_not_add_up() -> Failure {
    refused("invalid_lines", "the lines of the checkout do not add up to its amount")
}

/// The platform multiplies a price by a quantity. Where that cannot give the amount, the quantity stands in the name.
fn priced(line: &CheckoutLine, total: i64, checkout: &Checkout) -> (String, u32, i64) {
    match currency::unit_of(total, line.quantity, checkout.currency) {
        Some(unit) => (line.name.clone(), line.quantity, unit),
        None => (format!("{} × {}", line.quantity, line.name), 1, total),
    }
}

fn intent_form(charge: &Charge) -> Answer<Form> {
    let form = Form::new()
        .with("amount", currency::to_stripe(charge.amount, charge.currency)?)
        .with("currency", charge.currency.code().to_ascii_lowercase())
        .with("customer", &charge.customer)
        .with("payment_method", &charge.method)
        .with("payment_method_types[0]", "card")
        .with("off_session", true)
        .with("confirm", true)
        .with("description", &charge.description)
        .with("metadata[order_id]", charge.order_id)
        .with("metadata[payment_id]", charge.payment_id);
    Ok(expanding_intent(form))
}

fn expanding_session(form: Form) -> Form {
    form.with("expand[0]", "payment_intent.latest_charge").with("expand[1]", "payment_intent.payment_method")
}

fn expanding_intent(form: Form) -> Form {
    form.with("expand[0]", "latest_charge").with("expand[1]", "payment_method")
}

fn is_live(key: &str) -> Result<bool, InvalidStripe> {
    let kinds = [("sk_test_", false), ("rk_test_", false), ("sk_live_", true), ("rk_live_", true)];
    for (prefix, is_live) in kinds {
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let is_word = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if is_word { Ok(is_live) } else { Err(InvalidStripe::Key) };
    }
    Err(InvalidStripe::Key)
}

fn refused(code: &str, message: &str) -> Failure {
    Failure::Refused { code: clean(code), message: clean(message) }
}

/// The platform's words without secrets, and not too many of them.
fn clean(words: &str) -> String {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '*';
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character| is_word(character) != is_word(first)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        out.push_str(if is_secret(piece) { "[redacted]" } else { piece });
        rest = after;
    }
    cut(&out, WORDS_CHARS_MAX)
}

fn is_secret(word: &str) -> bool {
    let marks = ["sk_test_", "sk_live_", "rk_test_", "rk_live_", "whsec_", "_secret_"];
    let is_key = word.starts_with("sk_") || word.starts_with("rk_") || marks.iter().any(|mark| word.contains(mark));
    // As long as the number of a card.
    let is_card = (12..=19).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_key || is_card
}

fn cut(text: &str, n_chars_max: usize) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(n_chars_max).collect()
}
