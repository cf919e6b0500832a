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
use seal::{Certificate, PrivateKey, PublicKey, Stretch};
use store::sqlite::{self, Exclusive, Snapshot};
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
    Rotate(RotateArgs),
    /// Locks the root key with a passphrase instead of the site's secret
    Protect(RootArgs),
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
struct RotateArgs {
    #[command(flatten)]
    root: RootArgs,
    /// The secret is a new one: the old one was lost, and what it locked is given up
    #[arg(long)]
    new_secret: bool,
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
        KeysCommand::Protect(args) => protect(&args),
        KeysCommand::Revoke(args) => revoke(&args),
        KeysCommand::List(args) => list(&args),
    }
}

fn init(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let InitArgs { root: root_args, issuer } = args;
    let directory = &root_args.data.data_dir;
    sqlite::migrate(directory)?;
    // A server that started meanwhile would make keys of its own.
    let _exclusive = Exclusive::take(directory)?;
    let ring = Snapshot::open(directory)?.key_ring()?;
    if ring.root.is_some() {
        bail!(KeyError::Exists);
    }
    let site = Site::of(directory)?;
    let secret = secret(directory, root_args.secret.secret_file.as_deref(), &ring)?;
    let root = signing::new_key();
    let file = root_args.file();
    write_root(&file, &root, root_args.passphrase()?.as_deref(), &secret)?;
    sqlite::change_keys(directory, |ring| signing::first_keys(&ring, &root, &secret, issuer, &site.zone, site.now))?;
    say(&format!("root key: {} (keep it offline, and a copy of it)", file.display()));
    say(&format!("public root key, to be pinned in products: {}", root.public()));
    Ok(ExitCode::SUCCESS)
}

fn rotate(args: &RotateArgs) -> anyhow::Result<ExitCode> {
    let RotateArgs { root: args, new_secret } = args;
    let directory = &args.data.data_dir;
    let (site, ring) = (Site::of(directory)?, Snapshot::open(directory)?.key_ring()?);
    let secret = secret(directory, args.secret.secret_file.as_deref(), &ring)?;
    if !new_secret && ring.root.is_some() {
        let known = signing::check_secret(&ring, &secret);
        known.context("secret_file: not the secret of this site; with --new-secret it becomes the new one")?;
    }
    let root = args.unlock(&secret)?;
    sqlite::change_keys(directory, |ring| signing::rotated(ring, &root, &secret, &site.zone, site.now))?;
    print_keys(&Snapshot::open(directory)?.key_ring()?);
    if *new_secret {
        say("restart the servers of this site: they hold the old secret and sign nothing until then");
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &RevokeArgs) -> anyhow::Result<ExitCode> {
    let directory = &args.root.data.data_dir;
    let (site, ring) = (Site::of(directory)?, Snapshot::open(directory)?.key_ring()?);
    let secret = secret(directory, args.root.secret.secret_file.as_deref(), &ring)?;
    let root = args.root.unlock(&secret)?;
    sqlite::change_keys(directory, |ring| signing::revoked(ring, &args.kid, &root, &site.zone, site.now))?;
    print_keys(&Snapshot::open(directory)?.key_ring()?);
    Ok(ExitCode::SUCCESS)
}

/// The file is replaced as a whole: at every moment one of the two is there.
fn protect(args: &RootArgs) -> anyhow::Result<ExitCode> {
    let directory = &args.data.data_dir;
    let ring = Snapshot::open(directory)?.key_ring()?;
    let secret = secret(directory, args.secret.secret_file.as_deref(), &ring)?;
    let passphrase = args.passphrase()?.context("passphrase_file: a passphrase of 12 characters or more is needed")?;
    let file = args.file();
    let root = read_root(&file, None, &secret)?;
    let new = file.with_extension("new");
    write_root(&new, &root, Some(&passphrase), &secret)?;
    fs::rename(&new, &file).with_context(|| format!("root: {} cannot be replaced", file.display()))?;
    sync_folder(&file)?;
    say(&format!("{} opens with the passphrase only; keep both offline", file.display()));
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
    let root = ring.root.as_deref().and_then(|root| root.parse::<PublicKey>().ok());
    for key in &ring.keys {
        let standing = match (key.age.revoked_at, key.age.retired_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("replaced {at}"),
            (None, None) => "signs now".to_owned(),
        };
        let until = root.as_ref().and_then(|root| Certificate::verify(&key.certificate, root).ok());
        let until = until.map_or_else(|| "?".to_owned(), |certificate| certificate.claims().exp.to_string());
        say(&format!("{}  made {}  certified until {until}  {standing}", key.kid, key.age.created_at));
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
    let (by, opened) = match passphrase {
        Some(passphrase) => ("this passphrase", signing::unlock(text.trim_end(), passphrase)),
        None => ("the site's secret; name a --passphrase-file", signing::unlock(text.trim_end(), secret.expose())),
    };
    opened.with_context(|| format!("root: {} does not open with {by}", file.display()))
}

/// A new file that only its owner may read: there whole, or not at all, also after a power cut.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_draft(&draft, text).and_then(|()| fs::hard_link(&draft, file));
    drop(fs::remove_file(&draft));
    written.and_then(|()| sync_folder(file))
}

fn write_draft(draft: &Path, text: &str) -> std::io::Result<()> {
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.sync_all()
}

fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

/// The site's secret. Made before the first keys, so that one command is enough; afterwards it has to be there.
///
/// # Errors
/// When the file cannot be read or made, or is no secret.
pub fn secret(directory: &Path, file: Option<&Path>, ring: &KeyRing) -> anyhow::Result<Secret> {
    let default = directory.join(SECRET_FILE);
    let path = file.unwrap_or(&default);
    if !path.exists() && ring.root.is_none() {
        let made = Secret::generate();
        write_private(path, &hex(made.expose())).with_context(|| format!("secret_file: {}", path.display()))?;
        return Ok(made);
    }
    let missing = || format!("secret_file: {} (it locks this site's signing keys)", path.display());
    let text = fs::read_to_string(path).with_context(missing)?;
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

/// The secret for a server. One whose secret is not there, such as on a restored backup, signs nothing and does everything
/// else.
///
/// # Errors
/// When a file that was named cannot be read, or the secret cannot be made.
pub fn secret_to_serve(directory: &Path, file: Option<&Path>, ring: &KeyRing) -> anyhow::Result<Option<Secret>> {
    if file.is_none() && ring.root.is_some() && !directory.join(SECRET_FILE).exists() {
        return Ok(None);
    }
    secret(directory, file, ring).map(Some)
}

/// A certificate that ends so soon is warned of, in seconds.
const WARN_SECONDS: i64 = 60 * 86_400;

/// Says in the log when nothing can be signed, or not for long. Everything else works without.
pub async fn look_at(engine: &Engine) {
    match engine.signs_until().await {
        Ok(until) if until.seconds_since(engine.now()) < WARN_SECONDS => {
            tracing::warn!("the signing key is certified until {until}; `perennial keys rotate` makes another");
        }
        Ok(_) => {}
        Err(error) => tracing::error!("license files, verdicts and activation codes cannot be signed: {error}"),
    }
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
