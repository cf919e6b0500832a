//! The site: a folder, and the server that runs on it.

use std::path::Path;
use std::process::Command;

use domain::calendar::BillingZone;
use domain::time::Instant;
use serde_json::json;
use tempfile::TempDir;

use super::client::Client;
use super::process::{Finished, Process, perennial, program};

/// The operator's key of every site here.
pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-tests";

/// How to start a server.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The billing zone.
    pub(crate) zone: &'static str,
    /// Where the test clock starts, in local time; `None`: real time.
    pub(crate) test_clock: Option<String>,
    /// No file may grow beyond so many KiB, as on a disk that is full.
    pub(crate) file_kib_max: Option<u32>,
}

impl Site {
    /// A site on a test clock.
    pub(crate) fn at(zone: &'static str, local: &str) -> Self {
        Self { zone, test_clock: Some(local.to_owned()), file_kib_max: None }
    }

    /// The command that serves it.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = match self.file_kib_max {
            None => program(),
            Some(kib) => limited(kib),
        };
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--operator-key", OPERATOR_KEY]);
        command.args(["--time-zone", self.zone, "--data-dir"]).arg(folder);
        if let Some(local) = &self.test_clock {
            command.args(["--test-clock", &self.instant(local).to_string()]);
        }
        command
    }

    fn instant(&self, local: &str) -> Instant {
        let zone = BillingZone::parse(self.zone).expect("a zone");
        zone.read(local).unwrap_or_else(|| panic!("{local} is not a local time"))
    }
}

/// The program in a shell that limits the size of its files. A write beyond fails, as the signal for it is ignored.
fn limited(kib: u32) -> Command {
    let mut command = Command::new("sh");
    // A POSIX shell counts in blocks of 512 bytes.
    command.args(["-c", &format!("trap '' XFSZ && ulimit -f {} && exec \"$0\" \"$@\"", kib * 2)]);
    command.arg(program().get_program()).env_clear();
    command
}

/// A server that runs on a folder of its own, with a test clock. It ends with the test.
pub(crate) struct TestSite {
    pub(crate) site: Site,
    pub(crate) zone: BillingZone,
    pub(crate) operator: Client,
    folder: TempDir,
    process: Option<Process>,
}

impl TestSite {
    /// A site in China.
    pub(crate) fn at(local: &str) -> Self {
        Self::in_zone("Asia/Shanghai", local)
    }

    /// A site somewhere.
    pub(crate) fn in_zone(zone: &'static str, local: &str) -> Self {
        Self::start(Site::at(zone, local))
    }

    /// A site.
    pub(crate) fn start(site: Site) -> Self {
        Self::start_on(TempDir::new().expect("a folder"), site)
    }

    /// A site on a folder that may hold a database already.
    pub(crate) fn start_on(folder: TempDir, site: Site) -> Self {
        let zone = BillingZone::parse(site.zone).expect("a zone");
        let mut process = Process::start(site.command(folder.path()));
        let operator = Client::new(&process.line_after("listening on "), OPERATOR_KEY);
        Self { site, zone, operator, folder, process: Some(process) }
    }

    /// The folder of its database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it, and gives the folder.
    pub(crate) fn into_folder(mut self) -> TempDir {
        self.stop();
        self.folder
    }

    /// Stops it as an operating system does. It must end well, and must not have found itself broken.
    pub(crate) fn stop(&mut self) -> Finished {
        let finished = self.process.take().expect("it runs").terminate().succeeded();
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
        finished
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").pid()
    }

    /// Kills it without a warning.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Starts it again on the same data at a local time.
    pub(crate) fn restart(&mut self, local: &str) {
        self.site.test_clock = Some(local.to_owned());
        let mut process = Process::start(self.site.command(self.folder.path()));
        self.operator = Client::new(&process.line_after("listening on "), OPERATOR_KEY);
        self.process = Some(process);
    }

    /// Moves the clock to a local time and does everything that is due until then.
    pub(crate) fn advance_to(&self, local: &str) {
        self.advance_to_instant(self.read(local));
    }

    pub(crate) fn advance_to_instant(&self, to: Instant) {
        self.operator.post("/v1/test-clock/advance", &json!({"to": to})).expect(200);
    }

    /// Does everything that is due now.
    pub(crate) fn settle(&self) {
        self.advance_to_instant(self.now());
    }

    pub(crate) fn now(&self) -> Instant {
        let clock = self.operator.get("/v1/test-clock").expect(200);
        serde_json::from_value(clock["now"].clone()).expect("an instant")
    }

    /// The instant of a local time.
    pub(crate) fn read(&self, local: &str) -> Instant {
        self.site.instant(local)
    }

    /// The local time of an instant.
    pub(crate) fn show(&self, at: Instant) -> String {
        self.zone.show(at)
    }

    /// `perennial verify` finds nothing, whether the site runs or not.
    pub(crate) fn verify(&self) {
        verify(self.folder.path());
    }
}

/// `perennial verify` finds nothing in a folder.
pub(crate) fn verify(folder: &Path) {
    let folder = folder.to_str().expect("a folder with a plain name");
    let verified = perennial(&["verify", "--data-dir", folder]).succeeded();
    assert_eq!(verified.stdout, "verified: no findings\n");
}
