//! What rows say.

use lanspread_engine::OperationKind;

use crate::model::{DownloadRow, RowState, Stop, Trouble, Work};
use crate::text::{DownloadsText, Format, LibraryText};

/// The line below a row's bar.
pub(super) fn line(row: &DownloadRow, text: DownloadsText, format: Format) -> String {
    match row.state {
        RowState::Downloading { done, total, .. } => {
            text.amount(&format.percent(share(done, total)), &format.size(done), &format.size(total))
        }
        RowState::Working { work, share } => {
            let doing = doing(LibraryText(text.0), work);
            share.map_or_else(|| doing.to_owned(), |share| format!("{doing} · {}", format.percent(share)))
        }
        RowState::Waiting { .. } => text.waiting().to_owned(),
        RowState::Stopped { why: Stop::Paused, share } if share > 0.0 => {
            text.paused_at(&format.percent(share))
        }
        RowState::Stopped { why: Stop::Paused, .. } => text.paused().to_owned(),
        RowState::Stopped { why: Stop::NoSource, .. } => text.no_source().to_owned(),
        RowState::Stopped { why: Stop::NoNetwork, .. } => {
            LibraryText(text.0).waiting_for_network().to_owned()
        }
        RowState::Failed { trouble: Trouble::NoSpace, missing_space, .. } => {
            full(text, row.drive.as_deref(), missing_space.map(|bytes| format.size(bytes)))
        }
        RowState::Failed { trouble, .. } => what_happened(text, trouble).to_owned(),
        RowState::Finished { what, .. } => done(text, what).to_owned(),
    }
}

/// All of a row for those who hear it: its numbers, too.
pub(super) fn name(row: &DownloadRow, line: &str, text: DownloadsText, format: Format) -> String {
    let mut parts = vec![line.to_owned()];
    match row.state {
        RowState::Downloading { rate, secs_left, .. } => {
            parts.push(format.rate(rate));
            parts.extend(secs_left.map(|secs| format.left(secs)));
        }
        RowState::Waiting { is_first: true } => parts.push(text.next().to_owned()),
        RowState::Finished { secs_ago, .. } => parts.push(when(secs_ago, text, format)),
        RowState::Failed { trouble, .. } => {
            parts.push(what_to_do(text, trouble).to_owned());
        }
        RowState::Working { .. } | RowState::Waiting { .. } | RowState::Stopped { .. } => {}
    }
    let has_sources = !matches!(row.state, RowState::Finished { .. } | RowState::Failed { .. });
    parts.extend((row.sources > 0 && has_sources).then(|| LibraryText(text.0).sources(row.sources)));
    parts.extend(facts(row, format));
    parts.retain(|part| !part.is_empty());
    text.row(&row.title, &parts.join(", "))
}

/// Version and size.
pub(super) fn facts(row: &DownloadRow, format: Format) -> Vec<String> {
    let version = row.version.as_ref().map(ToString::to_string);
    version.into_iter().chain(row.size.map(|bytes| format.size(bytes))).collect()
}

/// When it was done.
pub(super) fn when(secs_ago: u64, text: DownloadsText, format: Format) -> String {
    if secs_ago < 5 { text.just_now().to_owned() } else { text.ago(&format.span(secs_ago)) }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
pub(super) fn share(done: u64, total: u64) -> f32 {
    if total == 0 { 0.0 } else { (done as f64 / total as f64) as f32 }
}

const fn doing(text: LibraryText, work: Work) -> &'static str {
    match work {
        Work::Installing => text.installing(),
        Work::Checking => text.checking_files(),
        Work::Finishing => text.finishing(),
        Work::Uninstalling => text.uninstalling(),
        Work::Removing => text.removing(),
        Work::Publishing => text.publishing(),
    }
}

const fn done(text: DownloadsText, what: OperationKind) -> &'static str {
    match what {
        OperationKind::Install => text.installed(),
        OperationKind::Update => text.updated(),
        OperationKind::Download
        | OperationKind::Uninstall
        | OperationKind::Remove
        | OperationKind::Verify
        | OperationKind::Publish => text.downloaded(),
    }
}

/// Which drive has no room, and how much of it, as far as either is known.
fn full(text: DownloadsText, drive: Option<&str>, missing: Option<String>) -> String {
    let full = drive.map_or_else(|| text.disk_full().to_owned(), |drive| text.drive_full(drive));
    missing.map_or_else(|| full.clone(), |missing| text.missing(&full, &missing))
}

const fn what_happened(text: DownloadsText, trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NoSpace => text.disk_full(),
        Trouble::CannotWrite => text.cannot_write(),
        Trouble::NoSource => text.nobody_has_it(),
        Trouble::GameRuns => text.game_runs(),
        Trouble::NotAsExpected => text.not_expected(),
        Trouble::Other => text.did_not_work(),
    }
}

/// What a person can do about it, besides trying again.
pub(super) const fn what_to_do(text: DownloadsText, trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NoSpace => text.make_space(),
        Trouble::CannotWrite => text.check_folder(),
        Trouble::NoSource => text.wait_for_source(),
        Trouble::GameRuns => text.quit_first(),
        Trouble::NotAsExpected => text.check_version(),
        Trouble::Other => "",
    }
}
