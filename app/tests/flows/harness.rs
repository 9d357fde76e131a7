//! A window without a peer: a snapshot to show, the actions that it asks for.

use std::path::PathBuf;
use std::time::Instant;

use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Screen};
use lanspread_app::cover::Covers;
use lanspread_app::model::{Source, Told};
use lanspread_app::text::Language;
use lanspread_app::theme;
use lanspread_app::window::{self, WindowState};
use lanspread_peer::api::Snapshot;

/// What a test looks at.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) snapshot: Snapshot,
    pub(crate) told: Told,
    pub(crate) state: WindowState,
    /// What the window asked the shell for, beyond what it did itself.
    pub(crate) asked: Vec<Action>,
    pub(crate) now: Instant,
    covers: Covers,
}

impl Shown {
    pub(crate) fn new(screen: Screen, snapshot: Snapshot, told: Told) -> Self {
        Self {
            snapshot,
            told,
            state: WindowState { screen, ..WindowState::default() },
            asked: Vec::new(),
            now: Instant::now(),
            covers: Covers::immediate(),
        }
    }

    fn frame(&mut self, ui: &mut egui::Ui) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        for action in window::show(ui, source, &mut self.state, &mut self.covers, self.now) {
            self.asked.extend(self.state.apply(action));
        }
    }
}

pub(crate) type Window = Harness<'static, Shown>;

pub(crate) fn open(shown: Shown) -> Window {
    open_as(shown, 1280.0, Language::English, egui::Theme::Dark)
}

pub(crate) fn open_as(shown: Shown, width: f32, language: Language, theme: egui::Theme) -> Window {
    let mut window = Harness::builder()
        .with_size(vec2(width, if width < 1000.0 { 600.0 } else { 800.0 }))
        .with_theme(theme)
        .with_max_steps(64)
        .with_render_cursor(false)
        .with_context_setup(move |ctx| {
            theme::set_up(ctx);
            ctx.set_theme(theme);
            language.set(ctx);
        })
        .build_ui_state(|ui, shown: &mut Shown| shown.frame(ui), shown);
    settle(&mut window);
    window
}

/// Lets animations end. What never ends (a spinner) is left running.
pub(crate) fn settle(window: &mut Window) {
    drop(window.try_run());
}

/// Clicks what has this name; answers what the window asked for.
pub(crate) fn click(window: &mut Window, name: &str) -> Vec<Action> {
    // A tooltip may say the same.
    window.get_by_role_and_label(egui::accesskit::Role::Button, name).click();
    settle(window);
    std::mem::take(&mut window.state_mut().asked)
}

/// Writes a picture where the variable `LANSPREAD_PICTURES` says, for people to look at.
pub(crate) fn picture(window: &mut Window, name: &str) {
    let Some(folder) = std::env::var_os("LANSPREAD_PICTURES") else { return };
    window.render().unwrap().save(PathBuf::from(folder).join(format!("{name}.png"))).unwrap();
}
