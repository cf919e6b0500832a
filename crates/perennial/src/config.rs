//! Configuration: flag, then environment variable, then file. All mistakes are reported together.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use domain::calendar::BillingZone;
use domain::money::{Amount, Currency};
use domain::time::Instant;
use engine::Limits;
use secrecy::SecretString;
use serde::Deserialize;

/// Where the database is.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the embedded database.
    #[arg(long, env = "PERENNIAL_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,
}

/// How to serve.
#[derive(Debug, Clone, Args, Default)]
pub struct ServeArgs {
    /// A TOML file with the same keys as these flags, with underscores.
    #[arg(long, env = "PERENNIAL_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
}

/// The settings as text, from whatever source.
#[derive(Debug, Clone, Args, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    /// Folder of the embedded database [default: ./data]
    #[arg(long, env = "PERENNIAL_DATA_DIR")]
    data_dir: Option<String>,
    /// Address to listen on; port 0 is any free port [default: 127.0.0.1:8080]
    #[arg(long, env = "PERENNIAL_LISTEN")]
    listen: Option<String>,
    /// The billing time zone of the site, an IANA name [default: that of the database, else UTC]
    #[arg(long, env = "PERENNIAL_TIME_ZONE")]
    time_zone: Option<String>,
    /// Creates this operator API key when none exists
    #[arg(long, env = "PERENNIAL_OPERATOR_KEY", hide_env_values = true)]
    operator_key: Option<String>,
    /// Lives at this instant until it is moved, for tests: 2019-04-15T09:58:00Z
    #[arg(long, env = "PERENNIAL_TEST_CLOCK")]
    test_clock: Option<String>,
    /// What this process does: web, worker, payments [default: all]
    #[arg(long, env = "PERENNIAL_ROLES")]
    roles: Option<String>,
    /// Address under which people reach it [default: that of the request]
    #[arg(long, env = "PERENNIAL_PUBLIC_URL")]
    public_url: Option<String>,
    /// The file with the secret that locks signing keys [default: secret in the data directory, made when missing]
    #[arg(long, env = "PERENNIAL_SECRET_FILE")]
    secret_file: Option<String>,
    /// The secret key of Stripe; without it orders are not paid by card
    #[arg(long, env = "PERENNIAL_STRIPE_SECRET_KEY", hide_env_values = true)]
    stripe_secret_key: Option<String>,
    /// The secrets of Stripe's notices, comma separated: an old and a new one while they are changed
    #[arg(long, env = "PERENNIAL_STRIPE_WEBHOOK_SECRETS", hide_env_values = true)]
    stripe_webhook_secrets: Option<String>,
    /// Where Stripe's API is, for tests; plain http only on this machine [default: https://api.stripe.com]
    #[arg(long, env = "PERENNIAL_STRIPE_API_BASE")]
    stripe_api_base: Option<String>,
    /// To whom buyers transfer money, in your words; without it orders are not paid by bank transfer
    #[arg(long, env = "PERENNIAL_BANK_TRANSFER")]
    bank_transfer: Option<String>,
    /// Limits of recharges in minor units: CNY 1000 5000000 10000,50000; USD 500 1000000 [default: 1 to 100000000]
    #[arg(long, env = "PERENNIAL_RECHARGES")]
    recharges: Option<String>,
    /// A PostgreSQL database instead of the embedded one; not in this version
    #[arg(long, env = "PERENNIAL_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Log lines as text or json [default: text]
    #[arg(long, env = "PERENNIAL_LOG_FORMAT")]
    log_format: Option<String>,
    /// Which log lines, such as info or web=debug [default: info]
    #[arg(long, env = "PERENNIAL_LOG")]
    log: Option<String>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Answers HTTP.
    pub web: bool,
    /// Does due work.
    pub worker: bool,
    /// Asks payment platforms.
    pub payments: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { web: true, worker: true, payments: true };
}

/// Which platform takes payments by card.
#[derive(Debug, Clone)]
pub enum CardPlatform {
    /// None.
    None,
    /// Stripe.
    Stripe {
        /// The secret key.
        secret_key: SecretString,
        /// The secrets of its notices.
        webhook_secrets: Vec<SecretString>,
        /// Where its API is.
        api_base: Option<String>,
    },
}

/// How the site is paid.
#[derive(Debug, Clone)]
pub struct PaymentSettings {
    /// By card.
    pub card: CardPlatform,
    /// To whom buyers transfer money.
    pub bank_transfer: Option<String>,
    /// The limits of recharges.
    pub recharges: Vec<(Currency, Limits)>,
}

impl PaymentSettings {
    /// No payments from outside.
    #[must_use]
    pub fn none() -> Self {
        Self { card: CardPlatform::None, bank_transfer: None, recharges: Vec::new() }
    }
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the embedded database.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The site zone, when one was given.
    pub zone: Option<BillingZone>,
    /// The operator key to create.
    pub operator_key: Option<String>,
    /// Where the test clock starts.
    pub test_clock: Option<Instant>,
    /// What this process does.
    pub roles: Roles,
    /// The address for people.
    pub public_url: Option<String>,
    /// The file with the secret that locks signing keys, when one was given.
    pub secret_file: Option<PathBuf>,
    /// How the site is paid.
    pub payments: PaymentSettings,
    /// JSON log lines.
    pub log_json: bool,
    /// The log filter.
    pub log: String,
}

impl Settings {
    /// A demo or test on a folder, on a test clock.
    #[must_use]
    pub fn on_test_clock(data_dir: &Path, listen: SocketAddr, zone: BillingZone, at: Instant) -> Self {
        Self { listen, zone: Some(zone), ..Self::for_maintenance(data_dir, Some(at)) }
    }

    /// A folder as it is, not served.
    #[must_use]
    pub fn for_maintenance(data_dir: &Path, test_clock: Option<Instant>) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            zone: None,
            operator_key: None,
            test_clock,
            roles: Roles::ALL,
            public_url: None,
            secret_file: None,
            payments: PaymentSettings::none(),
            log_json: false,
            log: "warn".to_owned(),
        }
    }
}

/// Reads all sources and reports all mistakes together.
///
/// # Errors
/// One line for each mistake.
pub fn settings(args: ServeArgs) -> anyhow::Result<Settings> {
    let mut mistakes = Vec::new();
    let file = match args.config.as_deref().map(read_file) {
        Some(Err(mistake)) => {
            mistakes.push(mistake);
            Values::default()
        }
        Some(Ok(values)) => values,
        None => Values::default(),
    };
    let flags = args.values;
    let mut reader = Reader { mistakes };
    let listen = flags.listen.or(file.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let operator_key = reader.check("operator_key", flags.operator_key.or(file.operator_key), |key| {
        engine::is_usable_operator_key(&key).map(|()| key).map_err(|error| error.to_string())
    });
    let mut settings = Settings {
        data_dir: flags.data_dir.or(file.data_dir).unwrap_or_else(|| "./data".to_owned()).into(),
        listen: reader
            .check("listen", Some(listen), |text| {
                text.parse().map_err(|_| format!("{text:?} is not an address with a port, such as 127.0.0.1:8080"))
            })
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        zone: reader.check("time_zone", flags.time_zone.or(file.time_zone), |name| {
            BillingZone::parse(&name).map_err(|error| error.to_string())
        }),
        operator_key,
        test_clock: reader.check("test_clock", flags.test_clock.or(file.test_clock), |text| {
            text.parse::<Instant>().map_err(|error| format!("{text:?} is {error}"))
        }),
        roles: reader.check("roles", flags.roles.or(file.roles), |text| roles(&text)).unwrap_or(Roles::ALL),
        public_url: reader.check("public_url", flags.public_url.or(file.public_url), public_url),
        secret_file: flags.secret_file.or(file.secret_file).map(PathBuf::from),
        payments: PaymentSettings::none(),
        log_json: reader
            .check("log_format", flags.log_format.or(file.log_format), |text| match text.as_str() {
                "json" => Ok(true),
                "text" => Ok(false),
                _ => Err(format!("{text:?} is neither text nor json")),
            })
            .unwrap_or(false),
        log: reader
            .check("log", flags.log.or(file.log), |text| {
                let filter = tracing_subscriber::EnvFilter::try_new(&text);
                filter.map(|_| text.clone()).map_err(|error| format!("{text:?} is not a log filter: {error}"))
            })
            .unwrap_or_else(|| "info".to_owned()),
    };
    let given = GivenPayments {
        secret_key: flags.stripe_secret_key.or(file.stripe_secret_key),
        webhook_secrets: flags.stripe_webhook_secrets.or(file.stripe_webhook_secrets),
        api_base: flags.stripe_api_base.or(file.stripe_api_base),
        bank_transfer: flags.bank_transfer.or(file.bank_transfer),
        recharges: flags.recharges.or(file.recharges),
    };
    settings.payments = payments(&mut reader, given, settings.test_clock.is_some());
    if flags.database_url.or(file.database_url).is_some() {
        reader.mistakes.push("database_url: this version has the embedded database only; use data_dir".to_owned());
    }
    if reader.mistakes.is_empty() { Ok(settings) } else { bail!("{}", reader.mistakes.join("\n")) }
}

/// What was said about payments, as text.
struct GivenPayments {
    secret_key: Option<String>,
    webhook_secrets: Option<String>,
    api_base: Option<String>,
    bank_transfer: Option<String>,
    recharges: Option<String>,
}

fn payments(reader: &mut Reader, given: GivenPayments, on_test_clock: bool) -> PaymentSettings {
    let GivenPayments { secret_key, webhook_secrets, api_base, bank_transfer, recharges } = given;
    let secrets = webhook_secrets.as_deref().unwrap_or_default().split(',').map(str::trim);
    let webhook_secrets: Vec<_> = secrets.filter(|secret| !secret.is_empty()).map(SecretString::from).collect();
    let card = secret_key.map_or(CardPlatform::None, |key| {
        let is_live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        let mut mistake = |key: &str, text: &str| reader.mistakes.push(format!("{key}: {text}"));
        if on_test_clock && is_live {
            mistake("test_clock", "a live key would charge real money; use one that starts with sk_test_");
        }
        if webhook_secrets.is_empty() {
            mistake(
                "stripe_webhook_secrets",
                "no notice can be believed without one; give at least one, such as whsec_...",
            );
        }
        CardPlatform::Stripe { secret_key: key.into(), webhook_secrets, api_base }
    });
    let recharges = reader.check("recharges", recharges, |text| recharge_limits(&text)).unwrap_or_default();
    PaymentSettings { card, bank_transfer, recharges }
}

/// `CNY 1000 5000000 10000,50000; USD 500 1000000`.
fn recharge_limits(text: &str) -> Result<Vec<(Currency, Limits)>, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| limits_of(part).ok_or_else(|| format!("{part:?} is not like CNY 1000 5000000 10000,50000")))
        .collect()
}

fn limits_of(part: &str) -> Option<(Currency, Limits)> {
    let amount = |text: &str| Amount::new(text.trim().parse().ok()?).ok().filter(|amount| *amount > Amount::ZERO);
    let mut words = part.split_whitespace();
    let currency = words.next()?.parse().ok()?;
    let (min, max) = (amount(words.next()?)?, amount(words.next()?)?);
    let suggested: Option<Vec<_>> = words.next().map_or(Some(Vec::new()), |list| list.split(',').map(amount).collect());
    let suggested = suggested?;
    let fits = |amount: &Amount| (min..=max).contains(amount);
    let is_right = min <= max && suggested.iter().all(fits) && words.next().is_none();
    is_right.then_some((currency, Limits { min, max, suggested }))
}

struct Reader {
    mistakes: Vec<String>,
}

impl Reader {
    fn check<T>(
        &mut self,
        key: &str,
        text: Option<String>,
        parse: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.mistakes.push(format!("{key}: {mistake}"));
                None
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Values, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("config: {}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        let mistake = error.message().lines().next().unwrap_or_default().to_owned();
        format!("config: {}: {mistake}", path.display())
    })
}

fn roles(text: &str) -> Result<Roles, String> {
    let mut roles = Roles { web: false, worker: false, payments: false };
    for role in text.split(',').map(str::trim) {
        match role {
            "web" => roles.web = true,
            "worker" => roles.worker = true,
            "payments" => roles.payments = true,
            other => return Err(format!("{other:?} is not a role; roles are web, worker, payments")),
        }
    }
    Ok(roles)
}

fn public_url(text: String) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(text),
        _ => Err(format!("{text:?} is not an address such as https://billing.example.com")),
    }
}

/// Writes a line to standard error. Nothing can be done when that is closed.
pub fn complain(line: &str) {
    drop(writeln!(std::io::stderr(), "error: {line}"));
}

/// Writes a line to standard output. Nothing can be done when that is closed.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
