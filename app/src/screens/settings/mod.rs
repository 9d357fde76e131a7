//! The settings, each saved as soon as it is changed.

use std::path::PathBuf;

use egui::{Align, CornerRadius, Frame, Layout, Margin, ScrollArea, ThemePreference, Ui, vec2};
use lanspread_peer::api::{DEFAULT_PLAYING_LIMIT, SettingsChange};

use super::Scene;
use crate::action::{Action, Setting};
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::{CatalogSeal, SettingsModel};
use crate::settings::{Settings, ThemeChoice};
use crate::text::{Common, Format, Language, SettingsText};
use crate::theme::{self, Theme};
use crate::widgets::{Field, MenuItem, label, menu_field, menu_popup, segments, toggle};

/// The content's greatest width.
const CONTENT: f32 = 760.0;
/// Bytes a second to choose from; 0 is no limit.
const LIMITS: [u64; 7] =
    [0, 1_000_000, DEFAULT_PLAYING_LIMIT, 10_000_000, 20_000_000, 50_000_000, 100_000_000];

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    folder: Option<PathBuf>,
    /// What is kept in the file.
    pub chosen: Settings,
    /// A name that is being typed.
    name: Option<String>,
}

impl State {
    /// The answer of the system's dialog; `None` when it was cancelled or there is none.
    pub fn folder_chosen(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
    }
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &SettingsModel, state: &mut State) -> Option<Action> {
    page_title(ui, &scene.places, Common::of(ui.ctx()).settings());
    let page = scene.places.page.with_min_x(scene.places.top_bar.left());
    let text = SettingsText::of(ui.ctx());
    within(ui, page, Layout::top_down(Align::Min), |ui| {
        ScrollArea::vertical()
            .show(ui, |ui| {
                ui.set_max_width(CONTENT.min(page.width() - theme::MARGIN));
                let mut action = None;
                section(ui, text.games(), |ui| row(ui, text.game_folder(), &model.games_dir, |_| {}));
                section(ui, text.you(), |ui| action = you(ui, model, state));
                section(ui, text.sharing(), |ui| action = action.take().or(sharing(ui, &state.chosen)));
                section(ui, text.catalog(), |ui| {
                    row(ui, seal(text, model.seal), &text.catalog_games(model.games), |_| {});
                });
                action
            })
            .inner
    })
}

fn you(ui: &mut Ui, model: &SettingsModel, state: &mut State) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let mut action = None;
    row(ui, text.player_name(), text.name_for(), |ui| {
        let typed = state.name.get_or_insert_with(|| model.name.clone());
        let response = Field::new(typed, text.player_name()).width(200.0).limit(32).show(ui);
        if response.lost_focus() && !typed.trim().is_empty() && typed.trim() != model.name {
            let name = Some(typed.trim().to_owned());
            action = Some(peer(SettingsChange { name, ..SettingsChange::default() }));
        }
        if !response.has_focus() {
            state.name = None;
        }
    });
    row(ui, text.language(), "", |ui| {
        let now = Language::of(ui.ctx());
        let field = menu_field(ui, text.language(), now.name(), 200.0);
        menu_popup(&field, 200.0, |ui| {
            for language in Language::ALL {
                if MenuItem::new(Icon::TRANSLATE, language.name()).chosen(language == now).show(ui) {
                    action = Some(Action::Set(Setting::Language(language)));
                }
            }
        });
    });
    row(ui, text.theme(), "", |ui| {
        let parts = [
            (Some(Icon::MOON), text.dark()),
            (Some(Icon::SUN), text.light()),
            (Some(Icon::MONITOR), text.system()),
        ];
        let choices = [ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::System];
        let chosen = choices.iter().position(|choice| *choice == state.chosen.theme()).unwrap_or(0);
        let clicked = segments(ui, text.theme(), &parts, chosen).and_then(|index| choices.get(index));
        if let Some(choice) = clicked {
            action = Some(Action::Set(Setting::Theme(ThemePreference::from(*choice))));
        }
    });
    action
}

fn sharing(ui: &mut Ui, chosen: &Settings) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let mut change = None;
    row(ui, text.upload_limit(), text.upload_for(), |ui| {
        let limit = limit(ui, text.upload_limit(), chosen.upload_limit.unwrap_or(0));
        change = limit.map(|limit| SettingsChange { upload_limit: Some(limit), ..SettingsChange::default() });
    });
    row(ui, text.playing_limit(), text.playing_for(), |ui| {
        let now = chosen.playing_limit.unwrap_or(DEFAULT_PLAYING_LIMIT);
        if let Some(limit) = limit(ui, text.playing_limit(), now) {
            change = Some(SettingsChange { playing_limit: Some(limit), ..SettingsChange::default() });
        }
    });
    row(ui, text.fetch_ahead(), text.fetch_for(), |ui| {
        let now = chosen.fetch_ahead.unwrap_or(true);
        if toggle(ui, text.fetch_ahead(), now).clicked() {
            change = Some(SettingsChange { fetch_ahead: Some(!now), ..SettingsChange::default() });
        }
    });
    change.map(peer)
}

const fn peer(change: SettingsChange) -> Action {
    Action::Set(Setting::Peer(change))
}

/// A menu of rates; answers another one.
fn limit(ui: &mut Ui, name: &str, now: u64) -> Option<u64> {
    let (text, format) = (SettingsText::of(ui.ctx()), Format::of(ui.ctx()));
    let words = |limit| if limit == 0 { text.no_limit().to_owned() } else { format.rate(limit) };
    let field = menu_field(ui, name, &words(now), 160.0);
    let mut clicked = None;
    menu_popup(&field, 160.0, |ui| {
        for limit in LIMITS {
            if MenuItem::new(Icon::GAUGE, &words(limit)).chosen(limit == now).show(ui) {
                clicked = Some(limit);
            }
        }
    });
    clicked
}

const fn seal(text: SettingsText, seal: CatalogSeal) -> &'static str {
    match seal {
        CatalogSeal::Trusted => text.signed(),
        CatalogSeal::Signed => text.signed_by_other(),
        CatalogSeal::Unsigned => text.not_signed(),
        CatalogSeal::Nothing => text.no_catalog(),
    }
}

fn section(ui: &mut Ui, title: &str, rows: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    label(ui, title, theme::bold(theme::SECTION), theme.text_1);
    ui.add_space(8.0);
    Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(CornerRadius::same(theme::R_PANEL))
        .inner_margin(Margin::symmetric(20, 0))
        .show(ui, rows);
    ui.add_space(24.0);
}

/// A title with a line below, and a control right.
fn row(ui: &mut Ui, title: &str, line: &str, control: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 64.0),
        Layout::right_to_left(Align::Center),
        |ui| {
            ui.set_min_height(64.0);
            control(ui);
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.add_space(12.0);
                label(ui, title, theme::medium(theme::BODY), theme.text_1);
                label(ui, line, theme::regular(theme::DENSE), theme.text_2);
            });
        },
    );
}
