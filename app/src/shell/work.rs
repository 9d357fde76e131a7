//! Errands that take time: the system's dialogs, and opening folders. Each on a thread of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use egui::Context;

use crate::action::FolderFor;
use crate::model::FolderReport;

/// A person opens a few dialogs at most.
const MAX_ANSWERS: usize = 16;

/// A folder that was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) who: FolderFor,
    /// `None`: cancelled, or the system has no dialog.
    pub(super) folder: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Errands {
    ctx: Context,
    choose: SyncSender<Chosen>,
    chosen: Receiver<Chosen>,
    report: SyncSender<FolderReport>,
    reports: Receiver<FolderReport>,
    fail: SyncSender<String>,
    failed: Receiver<String>,
}

impl Errands {
    pub(super) fn new(ctx: &Context) -> Self {
        let (choose, chosen) = sync_channel(MAX_ANSWERS);
        let (report, reports) = sync_channel(MAX_ANSWERS);
        let (fail, failed) = sync_channel(MAX_ANSWERS);
        Self { ctx: ctx.clone(), choose, chosen, report, reports, fail, failed }
    }

    /// The system's dialog for a folder.
    pub(super) fn choose_folder(&self, who: FolderFor) {
        let (ctx, choose) = (self.ctx.clone(), self.choose.clone());
        spawn("dialog", move || {
            let folder = rfd::FileDialog::new().pick_folder();
            // Fails when the window is closed, or nobody takes the answers.
            drop(choose.try_send(Chosen { who, folder }));
            ctx.request_repaint();
        });
    }

    pub(super) fn chosen(&self) -> Option<Chosen> {
        self.chosen.try_recv().ok()
    }

    /// Looks whether games can go to a folder that may not be there yet.
    pub(super) fn check_folder(&self, path: PathBuf) {
        let (ctx, report) = (self.ctx.clone(), self.report.clone());
        spawn("check-folder", move || {
            let existing = path.ancestors().find(|folder| folder.exists());
            let is_writable = existing.is_some_and(|folder| tempfile::tempfile_in(folder).is_ok());
            let free_bytes = existing.and_then(|folder| fs4::available_space(folder).ok()).unwrap_or(0);
            // Waits while the window takes the answers; fails when it is closed.
            drop(report.send(FolderReport { path, is_writable, free_bytes }));
            ctx.request_repaint();
        });
    }

    pub(super) fn report(&self) -> Option<FolderReport> {
        self.reports.try_recv().ok()
    }

    /// Shows a folder in the system's file manager.
    pub(super) fn open(&self, folder: PathBuf) {
        let (ctx, fail) = (self.ctx.clone(), self.fail.clone());
        spawn("open-folder", move || {
            let program = if cfg!(windows) { "explorer" } else { "xdg-open" };
            let status = Command::new(program).arg(&folder).status();
            // The Explorer's exit code says nothing.
            if !status.is_ok_and(|status| status.success() || cfg!(windows)) {
                drop(fail.try_send(folder.display().to_string()));
                ctx.request_repaint();
            }
        });
    }

    pub(super) fn not_opened(&self) -> Option<String> {
        self.failed.try_recv().ok()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        tracing::warn!(%error, name, "no thread");
    }
}
