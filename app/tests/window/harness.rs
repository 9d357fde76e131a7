//! A window without a peer: a snapshot to show, the actions that it asks for, and pictures where there is a GPU.

use std::io::Write as _;
use std::time::Instant;

use egui::{Pos2, Vec2, vec2};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotOptions};
use lanspread_app::action::{Action, Screen};
use lanspread_app::cover::Covers;
use lanspread_app::model::{Source, Told};
use lanspread_app::text::Language;
use lanspread_app::theme;
use lanspread_app::window::{self, WindowState};
use lanspread_peer::api::Snapshot;

/// A window's size in the design's pictures.
pub(crate) const SIZE: Vec2 = vec2(1280.0, 800.0);

/// What a test looks at.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) snapshot: Snapshot,
    pub(crate) told: Told,
    pub(crate) state: WindowState,
    covers: Covers,
    /// What the window asked the shell for, beyond what it did itself.
    pub(crate) asked: Vec<Action>,
    /// A standing clock: pictures are the same whenever they are made.
    pub(crate) now: Instant,
}

impl Shown {
    pub(crate) fn new(snapshot: Snapshot, told: Told) -> Self {
        Self {
            snapshot,
            told,
            state: WindowState::default(),
            covers: Covers::immediate(),
            asked: Vec::new(),
            now: Instant::now(),
        }
    }

    /// Begins with this screen instead of the library.
    pub(crate) fn on(screen: Screen, snapshot: Snapshot, told: Told) -> Self {
        let mut shown = Self::new(snapshot, told);
        shown.state.screen = screen;
        shown
    }

    fn frame(&mut self, ui: &mut egui::Ui) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let actions = window::show(ui, source, &mut self.state, &mut self.covers, self.now);
        for action in actions {
            self.asked.extend(self.state.apply(action));
        }
    }
}

pub(crate) type Window = Harness<'static, Shown>;

/// How a window is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) size: Vec2,
    pub(crate) theme: egui::Theme,
    pub(crate) language: Language,
    pub(crate) scale: f32,
}

impl Default for Look {
    fn default() -> Self {
        Self { size: SIZE, theme: egui::Theme::Dark, language: Language::English, scale: 1.0 }
    }
}

/// Opens a window on a snapshot.
pub(crate) fn open(look: Look, shown: Shown) -> Window {
    let mut window = Harness::builder()
        .with_size(look.size)
        .with_pixels_per_point(look.scale)
        .with_theme(look.theme)
        .with_max_steps(64)
        .with_render_cursor(false)
        .with_context_setup(move |ctx| {
            theme::set_up(ctx);
            ctx.set_theme(look.theme);
            look.language.set(ctx);
        })
        .build_ui_state(|ui, shown: &mut Shown| shown.frame(ui), shown);
    settle(&mut window);
    window
}

/// Lets animations end. What never ends (a spinner) is left running.
pub(crate) fn settle<State>(window: &mut Harness<'_, State>) {
    // Whether it came to rest is no test's question.
    drop(window.try_run());
}

/// Clicks the button of this name; answers what the window asked for.
pub(crate) fn click(window: &mut Window, name: &str) -> Vec<Action> {
    // A tooltip may say the same.
    window.get_by_role_and_label(egui::accesskit::Role::Button, name).click();
    settle(window);
    std::mem::take(&mut window.state_mut().asked)
}

/// Compares with the picture of this name, or says why it cannot.
pub(crate) fn picture<State>(window: &mut Harness<'_, State>, name: &str) -> Result<(), String> {
    if !has_gpu() {
        let line = format!("SKIPPED: picture {name}: no GPU adapter; install mesa-vulkan-drivers");
        drop(writeln!(std::io::stderr(), "{line}"));
        return Ok(());
    }
    // Other rasterisers place the edges of letters and curves a little differently. A changed word is more than that.
    let options = SnapshotOptions::new().threshold(1.5).max_failed_pixels(60_usize);
    window.try_snapshot_options(name, &options).map_err(|error| error.to_string())
}

/// True where something draws, be it in software.
fn has_gpu() -> bool {
    static HAS_GPU: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *HAS_GPU.get_or_init(|| {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapters = instance.enumerate_adapters(wgpu::Backends::all());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        !runtime.block_on(adapters).is_empty()
    })
}

/// Moves the pointer out of the picture.
pub(crate) fn leave(window: &mut Window) {
    window.hover_at(Pos2::new(-10.0, -10.0));
    settle(window);
}
