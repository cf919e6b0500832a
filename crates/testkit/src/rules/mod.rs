//! Small builders for tests of the rules: what is sold, what was bought, what is in the wallet.

mod licensing;
mod life;
mod paying;
mod records;
mod timeline;

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::account::{Account, Wallet};
use domain::calendar::{BillingZone, Unit};
use domain::catalog::{
    Catalog, Code, Durations, Plan, PlanDraft, ProductDraft, ProductKind, Suspend, Term, put_plan, put_product,
};
use domain::change::View;
use domain::draft::Draft;
use domain::id::Ids;
use domain::installation::{Receipt, Returned, UsedOffline};
use domain::money::{Amount, Currency};
use domain::order::Trigger;
use domain::purchase::{Purchase, buy};
use domain::renewal::{Books, Choice, Length};
use domain::resource::Resource;
use domain::time::{Instant, Wait};
use domain::unit::UnitId;

pub use life::Life;

/// A zone and a catalog that own themselves, to lend [`Books`] from.
#[derive(Debug, Clone)]
pub struct OwnedBooks {
    /// The site zone.
    pub zone: BillingZone,
    catalog: Catalog,
    drafts: BTreeMap<Code, ProductDraft>,
    currency: Currency,
    ids: RefCell<Ids>,
}

/// Books of a site in `zone` that sells `goods`.
///
/// Goods are separated by semicolons: `PRODUCT/PLAN UNIT COUNT PRICE CURRENCY [OPTION...]`. Options belong to the product:
/// `exempt`, `align=false`, `suspend=never`, `release_when_off`, and the waits `window=PT24H`, `suspend_after=P3D`,
/// `release_after=P10D`, `warn_before=PT24H`; `dr` and `failback` make it a license. All is sold from 1970 on; accounts have
/// the currency of the first plan.
///
/// ```
/// let books = testkit::rules::books("Asia/Shanghai", "uhost/monthly month 1 12000 CNY; ddos/thirty day 30 500 CNY exempt");
/// assert_eq!(books.zone.show(books.at("2019-05-15 17:58:00")), "2019-05-15 17:58:00");
/// assert_eq!(books.books().catalog.offerings().count(), 2);
/// ```
///
/// # Panics
/// When the text cannot be read, or the rules refuse it.
#[must_use]
pub fn books(zone: &str, goods: &str) -> OwnedBooks {
    let zone = BillingZone::parse(zone).expect("a zone of the IANA database");
    let goods: Vec<Good> = goods.split(';').map(|good| Good::read(good.trim())).collect();
    let currency = goods.first().expect("something is sold").plan.currency;
    let ids = RefCell::new(Ids::seeded(1, 0));
    let mut books = OwnedBooks { zone, catalog: Catalog::default(), drafts: BTreeMap::new(), currency, ids };
    for good in &goods {
        books.draft(good.product, &good.options);
    }
    for draft in books.drafts.clone().into_values() {
        books.put_product(draft, Instant::MIN);
    }
    for Good { product, plan, .. } in goods {
        books.put_plan(product, plan, Instant::MIN);
    }
    books
}

/// One line of the goods.
struct Good {
    product: Code,
    plan: PlanDraft,
    options: Vec<String>,
}

impl Good {
    fn read(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, unit, count, price, currency, options @ ..] = &words[..] else {
            panic!("not PRODUCT/PLAN UNIT COUNT PRICE CURRENCY: {text:?}");
        };
        let (product, code) = product_and_plan(name);
        let term = Term { unit: read_unit(unit), count: count.parse().expect("a count") };
        let price = amount(price.parse().expect("a price"));
        let currency: Currency = currency.parse().expect("a currency");
        let plan = PlanDraft { code, term, price, currency, effective_from: None, renewals_from: None };
        Self { product, plan, options: options.iter().map(|option| (*option).to_owned()).collect() }
    }
}

fn read_unit(name: &str) -> Unit {
    let units = [Unit::Hour, Unit::Day, Unit::Month, Unit::Year];
    units.into_iter().find(|unit| unit.name() == name).unwrap_or_else(|| panic!("not a unit: {name}"))
}

fn product_and_plan(name: &str) -> (Code, Code) {
    let (product, plan) = name.split_once('/').unwrap_or_else(|| panic!("not PRODUCT/PLAN: {name:?}"));
    (code(product), code(plan))
}

impl OwnedBooks {
    /// The books, as a rule takes them.
    #[must_use]
    pub const fn books(&self) -> Books<'_> {
        Books { zone: &self.zone, catalog: &self.catalog }
    }

    /// The instant of a local time of the zone, or of one in UTC that ends in `Z`.
    ///
    /// # Panics
    /// When the text is neither.
    #[must_use]
    pub fn at(&self, time: &str) -> Instant {
        let instant = if time.ends_with('Z') { time.parse().ok() } else { self.zone.read(time) };
        instant.unwrap_or_else(|| panic!("not a local time such as 2019-05-15 17:58:00: {time:?}"))
    }

    /// Makes another version of a product, with these options on top of those it has, as [`books`] reads them.
    ///
    /// # Panics
    /// When the rules refuse it.
    pub fn revise(&mut self, product: &str, options: &str, now: Instant) {
        let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        let product = code(product);
        self.draft(product, &options);
        let draft = self.drafts[&product].clone();
        self.put_product(draft, now);
    }

    /// Gives a plan another price (P-5): in force for purchases from `effective` on and for renewals from `renewals` on.
    ///
    /// # Panics
    /// When the rules refuse it.
    pub fn reprice(&mut self, plan: &str, price: i64, effective: &str, renewals: &str) {
        let dates = (Some(self.at(effective)), Some(self.at(renewals)));
        self.put_price(plan, price, dates, Instant::MIN);
    }

    /// Gives a plan another price at `now`, with the dates that follow by rule (P-5).
    ///
    /// # Panics
    /// When the rules refuse it.
    pub fn reprice_now(&mut self, plan: &str, price: i64, now: Instant) {
        self.put_price(plan, price, (None, None), now);
    }

    fn put_price(
        &mut self,
        name: &str,
        price: i64,
        (effective_from, renewals_from): (Option<Instant>, Option<Instant>),
        now: Instant,
    ) {
        let (product, plan) = product_and_plan(name);
        let Plan { code, term, currency, .. } = self.books().find_plan(product, plan).expect("a plan").clone();
        let draft = PlanDraft { code, term, price: amount(price), currency, effective_from, renewals_from };
        self.put_plan(product, draft, now);
    }

    fn draft(&mut self, product: Code, options: &[String]) {
        let plain = || ProductDraft {
            code: product,
            name: product.to_string(),
            kind: ProductKind::Resource,
            exempt: false,
            align: true,
            suspend: Suspend::AfterWindow,
            release_when_off: false,
            durations: Durations::default(),
        };
        let draft = self.drafts.entry(product).or_insert_with(plain);
        for option in options {
            set_option(draft, option);
        }
    }

    fn put_product(&mut self, draft: ProductDraft, now: Instant) {
        let current = self.catalog.offering(draft.code).map(|offering| offering.product().clone());
        let next = put_product(current.as_ref(), draft, now).expect("a product that the rules accept");
        next.into_iter().for_each(|product| self.catalog.insert_product(product));
    }

    fn put_plan(&mut self, product: Code, draft: PlanDraft, now: Instant) {
        let current = self.books().find_plan(product, draft.code).cloned();
        let next = put_plan(current.as_ref(), draft, &self.zone, now).expect("a plan that the rules accept");
        next.into_iter().for_each(|plan| self.catalog.insert_plan(product, plan));
    }
}

fn set_option(draft: &mut ProductDraft, option: &str) {
    let (name, value) = option.split_once('=').unwrap_or((option, "true"));
    let yes = value == "true";
    let wait = || Some(value.parse::<Wait>().expect("a wait such as P3D"));
    match name {
        "dr" => draft.kind = ProductKind::DrLicense,
        "failback" => draft.kind = ProductKind::FailbackLicense,
        "exempt" => draft.exempt = yes,
        "align" => draft.align = yes,
        "suspend" => draft.suspend = if value == "never" { Suspend::Never } else { Suspend::AfterWindow },
        "release_when_off" => draft.release_when_off = yes,
        "window" => draft.durations.window = wait(),
        "suspend_after" => draft.durations.suspend_after = wait(),
        "release_after" => draft.durations.release_after = wait(),
        "warn_before" => draft.durations.warn_before = wait(),
        other => panic!("not an option of a product: {other}"),
    }
}

/// An amount of minor units.
///
/// # Panics
/// When it is too large for the books.
#[must_use]
pub fn amount(minor: i64) -> Amount {
    Amount::new(minor).expect("an amount that fits the books")
}

/// A code.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

/// A wallet with so much cash.
#[must_use]
pub fn wallet(cash: i64) -> Wallet {
    Wallet { cash: amount(cash), ..Wallet::default() }
}

/// The purchase of one term of one unit, with the switch on; change what differs with `..purchase("uhost/monthly")`.
#[must_use]
pub fn purchase(plan: &str) -> Purchase {
    let (product, plan) = product_and_plan(plan);
    let length = Length::Terms(1);
    Purchase {
        product,
        plan,
        quantity: 1,
        length,
        configuration: "{}".to_owned(),
        auto_renew: None,
        terms_version: None,
    }
}

/// The purchase of one term of so many units of a license, with consent; change what differs with
/// `..license_purchase("dr/monthly", 10)`.
///
/// A product whose code begins with `dr` is taken for a DR license and renews; any other is a failback license, which has no
/// switch.
#[must_use]
pub fn license_purchase(plan: &str, quantity: u32) -> Purchase {
    let auto_renew = plan.starts_with("dr").then_some(true);
    Purchase { quantity, auto_renew, terms_version: Some("1".to_owned()), ..purchase(plan) }
}

/// A term of so many calendar months.
#[must_use]
pub const fn months(count: u32) -> Term {
    Term { unit: Unit::Month, count }
}

/// A unit that comes back with a receipt, unused.
#[must_use]
pub const fn unused(unit: UnitId) -> Returned {
    Returned { unit, used: None }
}

/// A unit that a failback used offline at an instant.
///
/// # Panics
/// When a text is no name.
#[must_use]
pub fn used(unit: UnitId, job: &str, host: &str, at: Instant) -> Returned {
    let job_id = job.parse().expect("the name of a job");
    let host = host.parse().expect("the name of a host");
    Returned { unit, used: Some(UsedOffline { job_id, host, at }) }
}

/// A receipt whose hash follows from `text`.
#[must_use]
pub fn receipt(counter: u64, text: u8, units: Vec<Returned>) -> Receipt {
    Receipt { counter, hash: [text; 32], units }
}

/// The choice of one more term at a manual renewal; change what differs with `..one_term()`.
#[must_use]
pub const fn one_term() -> Choice {
    Choice { plan: None, length: Length::Terms(1), auto_renew_after: None }
}

/// A resource that was bought at a local time for one term of a plan, with the switch on.
#[must_use]
pub fn resource(books: &OwnedBooks, start: &str, plan: &str) -> Resource {
    resource_of(books, start, purchase(plan))
}

/// A resource that was bought at a local time.
///
/// # Panics
/// When the rules refuse the purchase.
#[must_use]
pub fn resource_of(books: &OwnedBooks, start: &str, purchase: Purchase) -> Resource {
    let now = books.at(start);
    let mut ids = books.ids.borrow_mut();
    let view = View { wallet: wallet(Amount::MAX.minor()), ..empty_view(books, &mut ids, now) };
    let mut draft = Draft::new(books.books(), view, &mut ids, now);
    buy(&mut draft, purchase, Trigger::Customer).expect("a purchase that the rules accept");
    draft.finish().new_resources.pop().expect("a purchase makes a resource")
}

/// An account that owns nothing.
fn empty_view(books: &OwnedBooks, ids: &mut Ids, now: Instant) -> View {
    let account = Account {
        id: ids.next_account(now),
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        currency: books.currency,
        created_at: now,
    };
    View::of(account, Wallet::default())
}
