//! The first run: a name and a games folder.

mod folder;
mod nodes;

use std::path::PathBuf;

use egui::{Align, Align2, CornerRadius, Layout, Mesh, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};

use crate::action::{Action, FolderFor, Setting};
use crate::frame::{logo, within};
use crate::icon::Icon;
use crate::model::{FolderNote, FolderReport, KnownParty, can_begin};
use crate::text::{FirstRunText, Language};
use crate::theme::{self, Theme};
use crate::widgets::{
    Button, ButtonKind, ButtonSize, Field, MenuItem, draw_icon, draw_text, label, menu_popup, wrapped,
};

/// The form's width.
const FORM: f32 = 520.0;

/// What the form begins with.
#[derive(Debug, Default)]
pub struct Suggestion {
    pub name: String,
    pub folder: Option<PathBuf>,
    /// Whose stick it is.
    pub party: Option<String>,
    /// The program runs from a stick.
    pub is_portable: bool,
}

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    name: String,
    folder: String,
    /// Whose stick it is, as far as the stick says so.
    host: Option<String>,
    is_portable: bool,
    /// What the catalog on it says.
    known: Option<KnownParty>,
    /// The path that was asked about last.
    asked: Option<PathBuf>,
    report: Option<FolderReport>,
    /// It was shown: the keyboard began in the first field.
    is_open: bool,
}

impl State {
    pub fn suggested(suggestion: Suggestion) -> Self {
        let Suggestion { name, folder, party, is_portable } = suggestion;
        let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
        Self { name, folder, host: party, is_portable, ..Self::default() }
    }

    /// The answer of the system's dialog; `None` when it was cancelled or there is none.
    pub fn folder_chosen(&mut self, folder: Option<PathBuf>) {
        if let Some(folder) = folder {
            self.folder = folder.display().to_string();
        }
    }

    pub fn folder_checked(&mut self, report: FolderReport) {
        self.report = Some(report);
    }

    /// A catalog came with the program.
    pub fn party_known(&mut self, party: KnownParty) {
        self.known = Some(party);
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(self.folder.trim())
    }

    /// The path to be looked at, once after each change.
    fn unchecked(&mut self) -> Option<PathBuf> {
        let path = self.path();
        let is_new = path.is_absolute() && self.asked.as_ref() != Some(&path);
        is_new.then(|| self.asked.insert(path).clone())
    }
}

pub fn show(ui: &mut Ui, state: &mut State) -> Option<Action> {
    let window = ui.max_rect();
    let theme = Theme::of(ui);
    ui.painter().rect_filled(window, CornerRadius::ZERO, theme.bg);
    let mut right = window;
    if window.width() >= theme::TINY {
        let left = window.with_max_x(window.left() + (window.width() * 0.40625).min(FORM));
        claim(ui, left);
        right = window.with_min_x(left.right());
    }
    let corner = Rect::from_min_size(pos2(right.right() - 236.0, right.top() + 18.0), vec2(200.0, 36.0));
    let language = within(ui, corner, Layout::right_to_left(Align::Center), language);
    let below = right.with_min_y(corner.bottom() + 8.0);
    let asked = within(ui, below, Layout::top_down(Align::Min), |ui| {
        ui.set_clip_rect(below);
        ScrollArea::vertical()
            .auto_shrink(false)
            .id_salt("first-run")
            .show(ui, |ui| content(ui, right, below, state))
            .inner
    });
    language.or(asked).or_else(|| state.unchecked().map(Action::CheckFolder))
}

/// The form in the middle of `pane`, the note at its lower edge; one below the other, to be scrolled in `place`, where
/// that is too much.
fn content(ui: &mut Ui, pane: Rect, place: Rect, state: &mut State) -> Option<Action> {
    let scrolled = ui.max_rect().top() - place.top();
    let width = FORM.min(pane.width() - 64.0);
    let left = (pane.left() + 96.0).min(pane.center().x - width / 2.0);
    let top = (pane.center().y - 210.0).max(place.top() + 8.0) + scrolled;
    ui.spacing_mut().item_spacing.y = 0.0;
    let rect = Rect::from_min_size(pos2(left, top), vec2(width, 0.0));
    let layout = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
    let form = ui.scope_builder(layout, |ui| form(ui, width, state));
    let mut bottom = form.response.rect.bottom() + 24.0;
    if state.is_portable {
        let text = FirstRunText::of(ui.ctx()).portable();
        let at = pos2(left, (pane.bottom() - 45.0 + scrolled).max(bottom + 12.0));
        draw_icon(ui.painter(), at + vec2(9.0, 0.0), Icon::USB, theme::ICON_LIST, Theme::of(ui).text_2);
        let font = theme::regular(theme::META);
        draw_text(ui.painter(), at + vec2(26.0, 0.0), Align2::LEFT_CENTER, text, font, Theme::of(ui).text_2);
        bottom = at.y + 24.0;
    }
    ui.add_space((bottom - ui.cursor().top()).max(0.0));
    form.inner
}

/// The left side: the sign, and what this is.
fn claim(ui: &Ui, rect: Rect) {
    let text = FirstRunText::of(ui.ctx());
    let mut ground = Mesh::default();
    ground.colored_vertex(rect.left_top(), theme::CLAIM_TOP);
    ground.colored_vertex(rect.right_top(), theme::CLAIM_CORNER);
    ground.colored_vertex(rect.right_bottom(), theme::CLAIM_BOTTOM);
    ground.colored_vertex(rect.left_bottom(), theme::CLAIM_BOTTOM);
    ground.add_triangle(0, 1, 2);
    ground.add_triangle(0, 2, 3);
    let painter = ui.painter().with_clip_rect(rect);
    painter.add(ground);
    painter.vline(rect.right() - 0.5, rect.y_range(), theme::DARK.line_stroke());
    let x = rect.left() + 48.0;
    nodes::show(&painter, rect);
    logo(&painter, Rect::from_min_size(pos2(x, rect.top() + 44.0), vec2(36.0, 36.0)));
    let line = |x, y, words: &str, font, color| {
        draw_text(&painter, pos2(x, y), Align2::LEFT_CENTER, words, font, color);
    };
    let bright = theme::ON_PICTURE;
    line(x + 48.0, rect.top() + 62.0, "Lanspread", theme::bold(theme::SECTION), bright);
    let is_small = rect.width() < FORM;
    let (size, step, small) =
        if is_small { (theme::TITLE, 26.0, theme::DENSE) } else { (theme::HERO, 34.0, theme::BODY) };
    let color = theme::DARK.text_2;
    let font = theme::regular(small);
    let below = wrapped(&painter, text.no_account(), font, color, rect.width() - 96.0, small + 5.0);
    let top = rect.bottom() - 48.0 - below.size().y;
    painter.galley(pos2(x, top), below, color);
    line(x, top - 28.0, text.claim_second(), theme::bold(size), bright);
    line(x, top - 28.0 - step, text.claim_first(), theme::bold(size), bright);
}

fn language(ui: &mut Ui) -> Option<Action> {
    let (text, chosen) = (FirstRunText::of(ui.ctx()), Language::of(ui.ctx()));
    let name = format!("{}: {}", text.language(), chosen.name());
    let button = Button::new(chosen.name()).icon(Icon::TRANSLATE).trailing(Icon::CARET_DOWN);
    let button = button.kind(ButtonKind::Ghost).size(ButtonSize::Row).name(&name).show(ui);
    let mut action = None;
    menu_popup(&button, 160.0, |ui| {
        for language in Language::ALL {
            if MenuItem::new(Icon::TRANSLATE, language.name()).chosen(language == chosen).show(ui) {
                action = Some(Action::Set(Setting::Language(language)));
            }
        }
    });
    action
}

fn form(ui: &mut Ui, width: f32, state: &mut State) -> Option<Action> {
    let (text, theme) = (FirstRunText::of(ui.ctx()), Theme::of(ui));
    ui.spacing_mut().item_spacing.y = 8.0;
    let known = state.known.as_ref();
    let named = known.map(|party| &party.name).filter(|name| !name.is_empty());
    let welcome = named.or(state.host.as_ref()).map(|party| text.welcome_to(party));
    let welcome = welcome.unwrap_or_else(|| text.welcome().to_owned());
    label(ui, &welcome, theme::bold(theme::HERO), theme.text_1);
    let games = known.map(|party| party.games).filter(|games| *games > 0);
    let line = games.map_or_else(|| text.one_minute().to_owned(), |games| text.games_known(games));
    label(ui, &line, theme::regular(theme::BODY), theme.text_2);
    ui.add_space(32.0);
    label(ui, text.your_name(), theme::medium(theme::BODY), theme.text_1);
    let name = Field::new(&mut state.name, text.your_name()).width(width).height(44.0).limit(32).show(ui);
    if !std::mem::replace(&mut state.is_open, true) {
        name.request_focus();
    }
    ui.add_space(20.0);
    label(ui, text.your_folder(), theme::medium(theme::BODY), theme.text_1);
    let known = state.known.as_ref().filter(|party| party.games > 0);
    let needed = known.and_then(|party| party.bytes);
    let note = FolderNote::of(&state.path(), state.report.as_ref(), needed);
    let choose = folder::card(ui, width, &mut state.folder, note, state.report.as_ref(), known);
    ui.add_space(24.0);
    let why = (!can_begin(&state.name, note)).then(|| text.not_ready());
    let start = Button::primary(text.start()).trailing(Icon::ARROW_RIGHT.bold()).size(ButtonSize::Large);
    let start = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let start = start.width(168.0).disabled(why).show(ui);
        label(ui, text.later(), theme::regular(theme::DENSE), theme.text_3);
        start
    });
    if choose {
        return Some(Action::ChooseFolder(FolderFor::FirstRun));
    }
    let is_begun = start.inner.clicked() && why.is_none();
    is_begun.then(|| Action::Begin { name: state.name.trim().to_owned(), games: state.path() })
}
