//! Keys that sign license files: `perennial keys`, and what a server needs of them at its start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::calendar::BillingZone;
use domain::time::Instant;
use engine::signing::{self, KeyError, Secret};
use engine::{Engine, SiteClock};
use seal::{PrivateKey, Stretch};
use store::sqlite::{self, Snapshot};
use store::{Clock, KeyRing};

use crate::config::{DataArgs, say};

/// The names of the files in the data directory.
const SECRET_FILE: &str = "secret";
const ROOT_FILE: &str = "root.key";

/// Who signs, when nobody says otherwise.
pub const ISSUER: &str = "perennial";

/// `perennial keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes the root key, to be kept offline, and the first signing key
    Init(InitArgs),
    /// Lets another signing key take over; products in the field notice nothing
    Rotate(RootArgs),
    /// Declares a replaced signing key unusable; later license files say so
    Revoke(RevokeArgs),
    /// Lists the keys, and the public root key that products pin
    List(DataArgs),
}

/// Which root key.
#[derive(Debug, Args)]
struct RootArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    secret: SecretArgs,
    /// The file of the root key [default: root.key in the data directory]
    #[arg(long)]
    root: Option<PathBuf>,
    /// The file with the passphrase of the root key [default: the site's secret]
    #[arg(long, env = "PERENNIAL_ROOT_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct InitArgs {
    #[command(flatten)]
    root: RootArgs,
    /// The name of the vendor in everything that is signed, such as https://vendor.example
    #[arg(long, default_value = ISSUER)]
    issuer: String,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The name of the key, as `perennial keys list` shows it
    kid: String,
    #[command(flatten)]
    root: RootArgs,
}

/// What locks private keys.
#[derive(Debug, Args)]
struct SecretArgs {
    /// The file with the site's secret [default: secret in the data directory, made when it is missing]
    #[arg(long, env = "PERENNIAL_SECRET_FILE")]
    secret_file: Option<PathBuf>,
}

/// Runs `perennial keys`. A server may run meanwhile: it notices within seconds.
///
/// # Errors
/// When a file or the database cannot be used, or the keys do not allow it.
pub fn run(args: KeysArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        KeysCommand::Init(args) => init(&args),
        KeysCommand::Rotate(args) => rotate(&args),
        KeysCommand::Revoke(args) => revoke(&args),
        KeysCommand::List(args) => list(&args),
    }
}

fn init(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let InitArgs { root: root_args, issuer } = args;
    let directory = &root_args.data.data_dir;
    sqlite::migrate(directory)?;
    let site = Site::of(directory)?;
    let secret = secret(directory, root_args.secret.secret_file.as_deref())?;
    if Snapshot::open(directory)?.key_ring()?.root.is_some() {
        bail!(KeyError::Exists);
    }
    let root = signing::new_key();
    let file = root_args.file();
    write_root(&file, &root, root_args.passphrase()?.as_deref(), &secret)?;
    let made =
        sqlite::change_keys(directory, |ring| signing::first_keys(&ring, &root, &secret, issuer, &site.zone, site.now));
    if let Err(error) = made {
        // A root key that certifies nothing would only be taken for the right one later.
        drop(fs::remove_file(&file));
        return Err(error.into());
    }
    say(&format!("root key: {} (keep it offline, and a copy of it)", file.display()));
    say(&format!("public root key, to be pinned in products: {}", root.public()));
    Ok(ExitCode::SUCCESS)
}

fn rotate(args: &RootArgs) -> anyhow::Result<ExitCode> {
    let directory = &args.data.data_dir;
    let site = Site::of(directory)?;
    let secret = secret(directory, args.secret.secret_file.as_deref())?;
    let root = args.unlock(&secret)?;
    sqlite::change_keys(directory, |ring| signing::rotated(ring, &root, &secret, &site.zone, site.now))?;
    print_keys(&Snapshot::open(directory)?.key_ring()?);
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &RevokeArgs) -> anyhow::Result<ExitCode> {
    let directory = &args.root.data.data_dir;
    let site = Site::of(directory)?;
    let secret = secret(directory, args.root.secret.secret_file.as_deref())?;
    let root = args.root.unlock(&secret)?;
    sqlite::change_keys(directory, |ring| signing::revoked(ring, &args.kid, &root, &site.zone, site.now))?;
    print_keys(&Snapshot::open(directory)?.key_ring()?);
    Ok(ExitCode::SUCCESS)
}

fn list(args: &DataArgs) -> anyhow::Result<ExitCode> {
    print_keys(&Snapshot::open(&args.data_dir)?.key_ring()?);
    Ok(ExitCode::SUCCESS)
}

fn print_keys(ring: &KeyRing) {
    match &ring.root {
        Some(root) => say(&format!("public root key, to be pinned in products: {root}")),
        None => say("this site has no keys yet; `perennial keys init` or the first start makes them"),
    }
    for key in &ring.keys {
        let standing = match (key.age.revoked_at, key.age.retired_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("replaced {at}"),
            (None, None) => "signs now".to_owned(),
        };
        say(&format!("{}  made {}  {standing}", key.kid, key.age.created_at));
    }
}

/// Where and when a site lives.
struct Site {
    zone: BillingZone,
    now: Instant,
}

impl Site {
    fn of(directory: &Path) -> anyhow::Result<Self> {
        let site = Snapshot::open(directory)?.site()?;
        let zone = site.zone.as_deref().map_or_else(|| Ok(BillingZone::utc()), BillingZone::parse)?;
        let now = site.test_clock.unwrap_or_else(|| SiteClock::System.now());
        Ok(Self { zone, now })
    }
}

impl RootArgs {
    fn file(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| self.data.data_dir.join(ROOT_FILE))
    }

    fn passphrase(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(file) = &self.passphrase_file else { return Ok(None) };
        let text = fs::read_to_string(file).with_context(|| format!("passphrase_file: {}", file.display()))?;
        let passphrase = text.trim_end_matches(['\r', '\n']);
        anyhow::ensure!(
            passphrase.chars().count() >= 12,
            "passphrase_file: {} has fewer than 12 characters",
            file.display()
        );
        Ok(Some(passphrase.as_bytes().to_vec()))
    }

    fn unlock(&self, secret: &Secret) -> anyhow::Result<PrivateKey> {
        read_root(&self.file(), self.passphrase()?.as_deref(), secret)
    }
}

fn write_root(file: &Path, root: &PrivateKey, passphrase: Option<&[u8]>, secret: &Secret) -> anyhow::Result<()> {
    let locked = match passphrase {
        Some(passphrase) => signing::lock(root, passphrase, Stretch::Passphrase),
        None => signing::lock(root, secret.expose(), Stretch::Random),
    };
    write_private(file, &locked).with_context(|| format!("root: {} cannot be written", file.display()))
}

fn read_root(file: &Path, passphrase: Option<&[u8]>, secret: &Secret) -> anyhow::Result<PrivateKey> {
    let text = fs::read_to_string(file).with_context(|| format!("root: {} cannot be read", file.display()))?;
    let unlocked = signing::unlock(text.trim_end(), passphrase.unwrap_or_else(|| secret.expose()));
    unlocked.with_context(|| format!("root: {} (is it locked with a passphrase?)", file.display()))
}

/// A new file that only its owner may read.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.sync_all()
}

/// The site's secret. Made at the first start, so that one command is enough.
///
/// # Errors
/// When the file cannot be read or made, or is no secret.
pub fn secret(directory: &Path, file: Option<&Path>) -> anyhow::Result<Secret> {
    let default = directory.join(SECRET_FILE);
    let path = file.unwrap_or(&default);
    if file.is_none() && !path.exists() {
        let made = Secret::generate();
        write_private(path, &hex(made.expose())).with_context(|| format!("secret_file: {}", path.display()))?;
        return Ok(made);
    }
    let text = fs::read_to_string(path).with_context(|| format!("secret_file: {}", path.display()))?;
    let text = text.trim();
    anyhow::ensure!(text.len() >= 32, "secret_file: {} has fewer than 32 characters", path.display());
    Ok(Secret::new(&unhex(text).unwrap_or_else(|| text.as_bytes().to_vec())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

/// Makes the first keys of a site when there are none. The root key then lies in the data directory, locked, until
/// somebody takes it offline.
///
/// # Errors
/// When a file or the database cannot be used.
pub async fn ensure(engine: &Engine, directory: &Path, secret: &Secret, issuer: &str) -> anyhow::Result<()> {
    if engine.store().key_ring().await?.root.is_some() {
        return Ok(());
    }
    let file = directory.join(ROOT_FILE);
    // A start that was killed in between has written the file already.
    let root = if file.exists() { read_root(&file, None, secret)? } else { signing::new_key() };
    if !file.exists() {
        write_root(&file, &root, None, secret)?;
    }
    let public = root.public().to_string();
    let (secret, issuer, zone) = (secret.clone(), issuer.to_owned(), engine.zone().clone());
    let made =
        engine.store().transact_keys(move |ring, now| signing::first_keys(&ring, &root, &secret, &issuer, &zone, now));
    match made.await {
        Ok(()) => tracing::info!("license files are signed under the root {public}; move {} offline", file.display()),
        // Another process was faster.
        Err(store::TransactError::Refused(KeyError::Exists)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
