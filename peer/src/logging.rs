//! Where the log goes: to stderr, and for a running peer into `<games>/.lanspread/logs`, a file a day.
//!
//! stdout belongs to results and events, never to the log. The folder for the file is known, and this program's, only
//! once a peer runs on it: until [`Logs::write_to`] the file takes nothing. Writing never waits: a disk that is full
//! or gone costs lines of the log, not the peer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Days whose logs are kept: a party and the days around it.
const KEPT_FILES: usize = 7;
/// Lines that wait for the disk; more are dropped and counted.
const BUFFERED_LINES: usize = 8 * 1024;

/// The program's log. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    file: Arc<Mutex<Option<LogFile>>>,
}

#[derive(Debug)]
struct LogFile {
    writer: NonBlocking,
    /// Writes what is buffered when it is dropped.
    _guard: WorkerGuard,
}

/// Why there is no log file.
#[derive(Debug, Error)]
#[error("cannot write logs into “{}”: {cause}", folder.display())]
pub struct LogError {
    pub folder: PathBuf,
    pub cause: io::Error,
}

impl Logs {
    /// Begins to log to stderr. `RUST_LOG` says what; without it, stderr gets warnings and the file what happens.
    /// Only a process's first call has an effect on where its log goes.
    pub fn start() -> Self {
        let logs = Self::default();
        let stderr = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
        let file = tracing_subscriber::fmt::layer().with_writer(logs.clone()).with_ansi(false);
        let started = tracing_subscriber::registry()
            .with(stderr.with_filter(filter(LevelFilter::WARN)))
            .with(file.with_filter(filter(LevelFilter::INFO)))
            .try_init();
        if let Err(error) = started {
            tracing::debug!("the log was begun already: {error}");
        }
        logs
    }

    /// Logs into files in this folder from now on, which is made; no longer into another one.
    pub fn write_to(&self, folder: &Path) -> Result<(), LogError> {
        let failed = |cause| LogError { folder: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let appender = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("lanspread")
            .filename_suffix("log")
            .max_log_files(KEPT_FILES)
            .build(folder)
            .map_err(|error| failed(io::Error::other(error)))?;
        let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
            .buffered_lines_limit(BUFFERED_LINES)
            .lossy(true)
            .finish(appender);
        self.replace(Some(LogFile { writer, _guard: guard }));
        Ok(())
    }

    /// Writes what is buffered and closes the file: the folder may go.
    pub fn close_file(&self) {
        self.replace(None);
    }

    fn replace(&self, file: Option<LogFile>) {
        // The old one is dropped after the lock is released: its last lines go to disk meanwhile.
        let old = std::mem::replace(&mut *self.file.lock().unwrap_or_else(PoisonError::into_inner), file);
        drop(old);
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = OptionalWriter<NonBlocking>;

    fn make_writer(&'a self) -> Self::Writer {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_ref().map_or_else(OptionalWriter::none, |file| OptionalWriter::some(file.writer.clone()))
    }
}

/// What `RUST_LOG` says; unreadable parts of it are skipped.
fn filter(default: LevelFilter) -> EnvFilter {
    EnvFilter::builder().with_default_directive(default.into()).from_env_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(folder: &Path) -> String {
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    #[test]
    fn the_file_follows_the_games_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one/logs"), folder.path().join("two/logs"));
        let logs = Logs::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(logs.clone()).with_ansi(false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("too early");
            logs.write_to(&one).unwrap();
            tracing::info!("first");
            logs.write_to(&two).unwrap();
            tracing::info!("second");
            logs.close_file();
            tracing::info!("too late");
        });
        let (one, two) = (contents(&one), contents(&two));
        assert!(one.contains("first") && !one.contains("second") && !one.contains("too early"), "{one}");
        assert!(two.contains("second") && !two.contains("too late"), "{two}");
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Logs::default().write_to(&file.path().join("logs")).unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }
}
