//! The window among others on the desktop: its place, its title, the end of it.

use egui::{Context, Rect, ViewportCommand, ViewportInfo};
use lanspread_engine::{OperationView, Phase};

use crate::model::{QuitModel, Source, operation};
use crate::settings::WindowPlace;
use crate::text::FrameText;

/// So much of a window's upper edge has to be on a screen, so that it can be taken hold of.
const GRIP: f32 = 64.0;

/// What was told to the system last.
#[derive(Debug, Default)]
pub(super) struct Desk {
    title: Option<String>,
    /// The last place of the window as a window, neither maximised nor minimised.
    place: Option<WindowPlace>,
    is_checked: bool,
    keep_awake: Awake,
    #[cfg(windows)]
    taskbar: Option<super::windows::Taskbar>,
}

impl Desk {
    /// Keeps the title, the taskbar and the PC's sleep as the work demands.
    pub(super) fn follow(&mut self, ctx: &Context, frame: &eframe::Frame, source: Source<'_>) {
        let progress = progress(source);
        self.show_in_taskbar(frame, progress);
        let title = title(progress);
        if self.title.as_ref() != Some(&title) {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = Some(title);
        }
        let is_transferring =
            QuitModel::new(source).operations > 0 || source.games().iter().any(|game| game.outbound > 0);
        self.keep_awake.set(is_transferring, FrameText::of(ctx).keeps_awake());
    }

    #[cfg(windows)]
    fn show_in_taskbar(&mut self, frame: &eframe::Frame, progress: Option<(u64, u64)>) {
        if self.taskbar.is_none() && progress.is_some() {
            self.taskbar = super::windows::Taskbar::of(frame);
        }
        if let Some(taskbar) = &mut self.taskbar {
            taskbar.show(progress);
        }
    }

    /// Other systems show it only for programs that were installed: there the title must do.
    #[cfg(not(windows))]
    #[expect(clippy::unused_self, reason = "it has a bar to draw on Windows")]
    fn show_in_taskbar(&mut self, _frame: &eframe::Frame, _progress: Option<(u64, u64)>) {}

    /// Where the window is.
    pub(super) fn see(&mut self, ctx: &Context) {
        let (place, is_lost) = ctx.input(|input| {
            let viewport = input.viewport();
            (place_of(viewport), is_off_screen(viewport))
        });
        if !self.is_checked && place.is_some() {
            self.is_checked = true;
            if is_lost {
                // A screen of last time is gone.
                ctx.send_viewport_cmd(ViewportCommand::OuterPosition(egui::pos2(GRIP, GRIP)));
            }
        }
        self.place = match (place, self.place) {
            // Maximised, it keeps the size that it goes back to.
            (Some(now), Some(before)) if now.is_maximized => {
                Some(WindowPlace { is_maximized: true, ..before })
            }
            (now, before) => now.or(before),
        };
    }

    pub(super) fn place(&self) -> Option<WindowPlace> {
        self.place
    }
}

/// Bytes that are done, and all of them, of what runs; `None` when nothing is fetched or made.
fn progress(source: Source<'_>) -> Option<(u64, u64)> {
    let runs = |operation: &&OperationView| !matches!(operation.phase, Phase::Paused | Phase::Waiting);
    let progress = source.games().iter().filter_map(|game| operation(game).filter(runs)?.progress.as_ref());
    let sum =
        progress.fold((0, 0), |sum, progress| (sum.0 + progress.bytes_done, sum.1 + progress.bytes_total));
    Some(sum).filter(|(_, total)| *total > 0)
}

/// Every taskbar shows titles.
fn title(progress: Option<(u64, u64)>) -> String {
    progress.map_or_else(
        || "Lanspread".to_owned(),
        |(done, total)| format!("{} % – Lanspread", (done * 100).checked_div(total).unwrap_or(0)),
    )
}

fn place_of(viewport: &ViewportInfo) -> Option<WindowPlace> {
    let (inner, is_maximized) = (viewport.inner_rect?, viewport.maximized.unwrap_or(false));
    if viewport.minimized == Some(true) {
        return None;
    }
    let at = viewport.outer_rect.map_or(inner.min, |outer| outer.min);
    Some(WindowPlace { x: at.x, y: at.y, width: inner.width(), height: inner.height(), is_maximized })
}

/// Only the screen that it is on is known: a window at a place without a screen is on the nearest, or on none.
fn is_off_screen(viewport: &ViewportInfo) -> bool {
    let (Some(outer), Some(screen)) = (viewport.outer_rect, viewport.monitor_size) else { return false };
    let edge = Rect::from_min_size(outer.min, egui::vec2(outer.width(), GRIP));
    // Other screens may be beside this one; far out there is none.
    let reach = Rect::from_min_size(egui::Pos2::ZERO, screen).expand(2.0 * screen.x);
    edge.max.y < 0.0 || !reach.shrink(GRIP).intersects(edge)
}

/// Keeps the PC from falling asleep while something is transferred. The display may.
#[derive(Default)]
struct Awake(Option<std::sync::mpsc::SyncSender<()>>);

impl std::fmt::Debug for Awake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Awake").field(&self.0.is_some()).finish()
    }
}

impl Awake {
    /// The reason is shown by the system. On a thread of its own: the system's bus may take its time to answer.
    fn set(&mut self, is_needed: bool, reason: &'static str) {
        if !is_needed {
            self.0 = None;
        } else if self.0.is_none() {
            let (hold, held) = std::sync::mpsc::sync_channel::<()>(0);
            let keep = move || {
                let guard = keepawake::Builder::default()
                    .idle(true)
                    .reason(reason)
                    .app_name("Lanspread")
                    .app_reverse_domain("io.github.lanspread")
                    .create();
                if let Err(error) = &guard {
                    tracing::debug!(%error, "the system cannot be kept awake");
                }
                // Until the sender is dropped.
                held.recv().ok();
            };
            if std::thread::Builder::new().name("keep-awake".to_owned()).spawn(keep).is_ok() {
                self.0 = Some(hold);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{GameSample, snapshot};

    fn at(x: f32, y: f32) -> ViewportInfo {
        ViewportInfo {
            inner_rect: Some(Rect::from_min_size(egui::pos2(x, y), egui::vec2(1280.0, 800.0))),
            outer_rect: Some(Rect::from_min_size(egui::pos2(x, y), egui::vec2(1280.0, 800.0))),
            monitor_size: Some(egui::vec2(1920.0, 1080.0)),
            ..ViewportInfo::default()
        }
    }

    #[test]
    fn a_window_that_nobody_can_reach_comes_back() {
        assert!(!is_off_screen(&at(100.0, 100.0)));
        assert!(!is_off_screen(&at(-1800.0, 0.0)), "on a screen at the left");
        assert!(is_off_screen(&at(100.0, -900.0)));
        assert!(is_off_screen(&at(9000.0, 100.0)));
    }

    #[test]
    fn the_title_says_how_far_it_is() {
        let told = Told::default();
        let title_of = |games| {
            let snapshot = snapshot(games);
            title(progress(Source { snapshot: &snapshot, told: &told }))
        };
        assert_eq!(title_of(vec![GameSample::new("game", "Game")]), "Lanspread");
        let half = GameSample::new("game", "Game").downloading(50, 100, 1);
        assert_eq!(title_of(vec![half]), "50 % – Lanspread");
    }
}
