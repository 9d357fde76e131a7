//! The window among others on the desktop: its place, its title, the end of it.

use egui::{Context, Pos2, Rect, ViewportCommand, ViewportInfo};
use lanspread_engine::{OperationView, Phase};

use crate::model::{QuitModel, Source, operation};
use crate::settings::WindowPlace;
use crate::text::FrameText;

/// So much of a window's upper edge has to be on a screen, so that it can be taken hold of. As all places and sizes
/// here in the points of a window without zoom.
const GRIP: f32 = 64.0;

/// What was told to the system last.
#[derive(Debug, Default)]
pub(super) struct Desk {
    title: Option<String>,
    /// The last place of the window as a window, neither maximised nor minimised.
    place: Option<WindowPlace>,
    /// At the last look.
    zoom: Option<f32>,
    is_checked: bool,
    keep_awake: Awake,
    #[cfg(windows)]
    taskbar: Option<super::windows::Taskbar>,
}

impl Desk {
    /// With the window where it was left: one that opens maximised knows the size that it goes back to.
    pub(super) fn new(place: Option<WindowPlace>) -> Self {
        Self { place, ..Self::default() }
    }

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
        let zoom = ctx.zoom_factor();
        if self.zoom.replace(zoom) != Some(zoom) {
            // The frame in which a zoom begins still has its window measured in the old one.
            return ctx.request_repaint();
        }
        let (place, is_lost) = ctx.input(|input| {
            let viewport = input.viewport();
            (place_of(viewport, zoom), is_off_screen(viewport, zoom))
        });
        if !self.is_checked && place.is_some() {
            self.is_checked = true;
            if is_lost {
                // A screen of last time is gone.
                let corner = zoomed(egui::pos2(GRIP, GRIP), zoom);
                ctx.send_viewport_cmd(ViewportCommand::OuterPosition(corner));
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

/// The zoom belongs to what is in the window, and begins only after the window is made: a place in its points would be
/// another one at the next start.
fn place_of(viewport: &ViewportInfo, zoom: f32) -> Option<WindowPlace> {
    let (inner, is_maximized) = (viewport.inner_rect? * zoom, viewport.maximized.unwrap_or(false));
    if viewport.minimized == Some(true) {
        return None;
    }
    let at = viewport.outer_rect.map_or(inner.min, |outer| (outer * zoom).min);
    Some(WindowPlace { x: at.x, y: at.y, width: inner.width(), height: inner.height(), is_maximized })
}

/// What commands to the window are given in: points of the zoom.
fn zoomed(at: Pos2, zoom: f32) -> Pos2 {
    (at.to_vec2() / zoom).to_pos2()
}

/// Only the screen that it is on is known: a window at a place without a screen is on the nearest, or on none.
fn is_off_screen(viewport: &ViewportInfo, zoom: f32) -> bool {
    let (Some(outer), Some(screen)) = (viewport.outer_rect, viewport.monitor_size) else { return false };
    let (outer, screen) = (outer * zoom, screen * zoom);
    let edge = Rect::from_min_size(outer.min, egui::vec2(outer.width(), GRIP));
    // Other screens may be beside this one; far out there is none.
    let reach = Rect::from_min_size(Pos2::ZERO, screen).expand(2.0 * screen.x);
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

    /// A window of 1280 x 800 there, as egui measures it with this zoom.
    fn at(x: f32, y: f32, zoom: f32) -> ViewportInfo {
        let window = Rect::from_min_size(egui::pos2(x, y), egui::vec2(1280.0, 800.0)) / zoom;
        ViewportInfo {
            inner_rect: Some(window),
            outer_rect: Some(window),
            monitor_size: Some(egui::vec2(1920.0, 1080.0) / zoom),
            ..ViewportInfo::default()
        }
    }

    #[test]
    fn a_window_that_nobody_can_reach_comes_back() {
        for zoom in [1.0, 0.5, 2.0] {
            let is_off_screen = |x, y| is_off_screen(&at(x, y, zoom), zoom);
            assert!(!is_off_screen(100.0, 100.0));
            assert!(!is_off_screen(-1800.0, 0.0), "on a screen at the left");
            assert!(is_off_screen(100.0, -900.0));
            assert!(is_off_screen(9000.0, 100.0));
        }
    }

    #[test]
    fn a_window_keeps_its_size_whatever_the_zoom() {
        for zoom in [0.5, 0.8, 1.0, 1.25, 1.5, 3.0] {
            let place = place_of(&at(300.0, 200.0, zoom), zoom).unwrap();
            let expected = [300.0, 200.0, 1280.0, 800.0];
            for (is, was) in [place.x, place.y, place.width, place.height].into_iter().zip(expected) {
                assert!((is - was).abs() < 0.01, "{is} was {was} at a zoom of {zoom}");
            }
            let corner = egui::pos2(GRIP, GRIP);
            assert!((zoomed(corner, zoom) * zoom - corner).length() < 0.01);
        }
    }

    #[test]
    fn a_window_that_opens_maximised_remembers_its_size() {
        let place = WindowPlace { x: 1.0, y: 2.0, width: 1000.0, height: 700.0, is_maximized: true };
        let (ctx, mut desk) = (Context::default(), Desk::new(Some(place)));
        for _ in 0..3 {
            let mut input = egui::RawInput::default();
            let viewport = ViewportInfo { maximized: Some(true), ..at(0.0, 0.0, 1.0) };
            input.viewports.insert(input.viewport_id, viewport);
            let mut output = ctx.run_ui(input, |ui| desk.see(ui.ctx()));
            // Nobody draws them.
            output.textures_delta.clear();
        }
        assert_eq!(desk.place(), Some(place));
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
