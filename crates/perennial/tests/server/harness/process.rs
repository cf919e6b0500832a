//! A process of the program: started, listened to, told to stop, killed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Starting, and every command that ends by itself, takes less.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that is told to stop is gone after so long.
const STOP_TIME: Duration = Duration::from_secs(15);

/// A running process. It never outlives the test.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// A process that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut stderr = child.stderr.take().expect("its errors are piped");
        let (sender, lines) = channel();
        // The thread ends with the output, which ends with the process: the closed channel says that it is gone.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            drop(stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, lines, errors: Some(errors) }
    }

    /// What follows `prefix` in the first line that starts with it.
    pub(crate) fn line_after(&mut self, prefix: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
                let Finished { status, stderr, .. } = self.kill();
                panic!("no line {prefix:?}; the process ended with {status}: {stderr}");
            };
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop, and waits for it.
    pub(crate) fn terminate(&mut self) -> Finished {
        let pid = self.child.id();
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status();
        assert!(told.is_ok_and(|status| status.success()), "SIGTERM cannot be sent");
        self.wait(STOP_TIME)
    }

    /// Kills it without a warning (SIGKILL).
    pub(crate) fn kill(&mut self) -> Finished {
        self.child.kill().expect("an own child can be killed");
        self.wait(STOP_TIME)
    }

    /// Waits until it ends by itself.
    pub(crate) fn finish(mut self) -> Finished {
        self.wait(PATIENCE)
    }

    fn wait(&mut self, patience: Duration) -> Finished {
        let deadline = Instant::now() + patience;
        let mut stdout = String::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => stdout = stdout + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    drop(self.child.kill());
                    panic!("the process still ran after {patience:?}; it said {stdout:?}, {:?}", self.errors());
                }
            }
        }
        let status = self.child.wait().expect("an own child can be waited for");
        Finished { status, stdout, stderr: self.errors() }
    }

    fn errors(&mut self) -> String {
        self.errors.take().map_or_else(String::new, |errors| errors.join().expect("reading does not panic"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let errors = self.errors();
        if std::thread::panicking() && !errors.is_empty() {
            eprintln!("the process said:\n{errors}");
        }
    }
}

impl Finished {
    /// It did what it was asked.
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}: {}{}", self.status, self.stdout, self.stderr);
        self
    }

    /// It refused, and gives its reasons: what it wrote to standard error.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.status.code(), Some(2), "{}{}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs a command of the program to its end.
pub(crate) fn perennial(args: &[&str]) -> Finished {
    perennial_with(args, &[])
}

/// Runs a command of the program to its end, with these variables and no others.
pub(crate) fn perennial_with(args: &[&str], variables: &[(&str, &str)]) -> Finished {
    let mut command = program();
    command.args(args).envs(variables.iter().copied());
    Process::start(command).finish()
}

/// The program without the variables of whoever runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    command.env_clear();
    command
}
