//! Configuration: flag, then environment variable, then file. All mistakes are reported together.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use domain::calendar::BillingZone;
use domain::time::Instant;
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
            roles: Roles { web: true, worker: true },
            public_url: None,
            secret_file: None,
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
    let settings = Settings {
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
        roles: reader
            .check("roles", flags.roles.or(file.roles), |text| roles(&text))
            .unwrap_or(Roles { web: true, worker: true }),
        public_url: reader.check("public_url", flags.public_url.or(file.public_url), public_url),
        secret_file: flags.secret_file.or(file.secret_file).map(PathBuf::from),
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
    if flags.database_url.or(file.database_url).is_some() {
        reader.mistakes.push("database_url: this version has the embedded database only; use data_dir".to_owned());
    }
    if reader.mistakes.is_empty() { Ok(settings) } else { bail!("{}", reader.mistakes.join("\n")) }
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
    let mut roles = Roles { web: false, worker: false };
    for role in text.split(',').map(str::trim) {
        match role {
            "web" => roles.web = true,
            "worker" => roles.worker = true,
            // Payments have no work of their own yet, but a deployment may name the role already.
            "payments" => {}
            other => return Err(format!("{other:?} is not a role; roles are web, worker, payments")),
        }
    }
    if roles.web || roles.worker {
        Ok(roles)
    } else {
        Err("payments alone has nothing to do yet; add web or worker".to_owned())
    }
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
