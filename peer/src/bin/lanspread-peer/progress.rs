//! Progress of long work, as a bar on stderr when that is a terminal.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lanspread_peer::disk::Progress;

const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// A bar that follows a [`Progress`] until it is dropped. Where stderr is no terminal there is none.
#[derive(Debug)]
pub(crate) struct Bar {
    /// Dropping it ends the thread.
    running: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    pub(crate) fn follow(what: &str, progress: &Progress) -> Self {
        if !io::stderr().is_terminal() {
            return Self { running: None, thread: None };
        }
        let (running, end) = sync_channel::<()>(0);
        let bar = ProgressBar::new(0).with_message(what.to_owned()).with_style(style());
        let progress = progress.clone();
        let draw = move || {
            while end.recv_timeout(REDRAW_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                bar.set_length(progress.bytes_total());
                bar.set_position(progress.bytes_done());
            }
            bar.finish_and_clear();
        };
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(draw).ok();
        Self { running: Some(running), thread }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // A bar that could not be drawn is no reason to fail.
            drop(thread.join());
        }
    }
}

/// A line that turns while a peer does the work; hidden where stderr is no terminal.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(REDRAW_INTERVAL);
    spinner
}

fn style() -> ProgressStyle {
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    ProgressStyle::with_template(template).unwrap_or_else(|_malformed| ProgressStyle::default_bar())
}
