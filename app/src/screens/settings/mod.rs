//! The settings, each saved as soon as it is changed.

mod about;
mod catalog;
mod games;
mod person;

use std::path::PathBuf;

use egui::{
    Align, Align2, CornerRadius, Frame, Layout, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2,
    vec2,
};
use lanspread_peer::api::SettingsChange;

use super::Scene;
use crate::action::{Action, Setting};
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::{CatalogProblem, Organiser, SettingsModel};
use crate::settings::Settings;
use crate::text::{Common, SettingsText};
use crate::theme::{self, Theme};
use crate::widgets::{draw_icon, draw_text, focus_ring, label, text_width};

/// The content's greatest width.
const CONTENT: f32 = 760.0;
const LIST: f32 = 184.0;
/// The least height of a row.
const ROW: f32 = 64.0;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    /// What is kept in the file.
    pub chosen: Settings,
    /// The program runs from a stick.
    pub is_portable: bool,
    /// Why the catalog file that was chosen is not used.
    pub catalog_problem: Option<CatalogProblem>,
    /// A folder that was chosen and waits for the question what becomes of the games.
    folder: Option<PathBuf>,
    /// A name or a limit that is being typed.
    name: Option<String>,
    limits: [Option<String>; 2],
    /// What is in sight.
    section: Section,
    /// Where the list was told to lead: in sight until the page is scrolled by hand.
    to_show: Option<Section>,
    led_to: Option<Section>,
}

/// A part of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Games,
    You,
    Sharing,
    Network,
    Catalog,
    About,
}

impl Section {
    const ALL: [Self; 6] = [Self::Games, Self::You, Self::Sharing, Self::Network, Self::Catalog, Self::About];

    const fn title(self, text: SettingsText) -> &'static str {
        match self {
            Self::Games => text.games(),
            Self::You => text.you(),
            Self::Sharing => text.sharing(),
            Self::Network => text.network(),
            Self::Catalog => text.catalog(),
            Self::About => text.about(),
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Games => Icon::FOLDER,
            Self::You => Icon::USER,
            Self::Sharing => Icon::SHARE_NETWORK,
            Self::Network => Icon::PLUGS_CONNECTED,
            Self::Catalog => Icon::BOOK_OPEN,
            Self::About => Icon::INFO,
        }
    }
}

impl State {
    /// The answer of the system's dialog; `None` when it was cancelled or there is none.
    pub fn folder_chosen(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
    }
}

pub fn show(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    model: &SettingsModel,
    organiser: Option<&Organiser>,
    state: &mut State,
) -> Option<Action> {
    let title = page_title(ui, &scene.places, Common::of(ui.ctx()).settings());
    if state.is_portable {
        portable(ui, scene.places.top_bar.with_min_x(title + 20.0));
    }
    let mut page = scene.places.page.with_min_x(scene.places.top_bar.left());
    if ui.max_rect().width() >= theme::TINY {
        list(ui, page, state);
        page = page.with_min_x(page.left() + LIST + 28.0);
    }
    let mut action = games::folder_answered(model, state);
    if action.is_some() {
        // The question is drawn in the next frame, which no input brings about.
        ui.ctx().request_repaint();
    }
    within(ui, page, Layout::top_down(Align::Min), |ui| {
        ui.set_clip_rect(page);
        ScrollArea::vertical().auto_shrink(false).id_salt("settings").show(ui, |ui| {
            ui.set_max_width(CONTENT.min(page.width() - theme::MARGIN));
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            let mut seen = Section::Games;
            for part in Section::ALL {
                if ui.cursor().top() <= page.top() + 60.0 {
                    seen = part;
                }
                let asked = section(ui, part, state, |ui, state| match part {
                    Section::Games => games::show(ui, model),
                    Section::You => person::you(ui, model, state),
                    Section::Sharing => person::sharing(ui, state),
                    Section::Network => about::network(ui, model, state),
                    Section::Catalog => catalog::show(ui, model, organiser, state),
                    Section::About => about::show(ui),
                });
                action = action.take().or(asked);
            }
            // The last one can be scrolled to the top, too.
            ui.add_space((page.height() - 220.0).max(0.0));
            let is_scrolled = ui.input(|input| {
                input.smooth_scroll_delta != egui::Vec2::ZERO || input.pointer.is_decidedly_dragging()
            });
            if is_scrolled {
                state.led_to = None;
            }
            state.section = state.led_to.unwrap_or(seen);
        });
    });
    action
}

/// Where the settings are kept, right of the title as far as there is room.
fn portable(ui: &Ui, rect: Rect) {
    let (theme, words) = (Theme::of(ui), SettingsText::of(ui.ctx()).portable());
    let font = theme::regular(theme::META);
    let width = text_width(ui.painter(), words, font.clone()) + 22.0;
    if width > rect.width() {
        return;
    }
    let place = Rect::from_min_size(pos2(rect.right() - width, rect.top() + 24.0), vec2(width, 20.0));
    let response = ui.interact(place, ui.scope_id().with("portable"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let at = place.left_center();
    draw_icon(ui.painter(), at + vec2(8.0, 0.0), Icon::USB, theme::ICON, theme.text_3);
    draw_text(ui.painter(), at + vec2(22.0, 0.0), Align2::LEFT_CENTER, words, font, theme.text_3);
}

/// The parts' names, at the left.
fn list(ui: &Ui, page: Rect, state: &mut State) {
    let theme = Theme::of(ui);
    let text = SettingsText::of(ui.ctx());
    for (index, section) in (0_u8..).zip(Section::ALL) {
        let top = page.top() + f32::from(index) * 40.0;
        let rect = Rect::from_min_size(pos2(page.left(), top), vec2(LIST, 36.0));
        let response = ui.interact(rect, ui.scope_id().with(("section", index)), Sense::click());
        let is_on = section == state.section;
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_on, section.title(text)));
        let (icon, color) = if is_on {
            ui.painter().rect_filled(rect, CornerRadius::same(theme::R_BUTTON), theme.field);
            (section.icon().fill(), theme.accent)
        } else {
            if response.hovered() {
                ui.painter().rect_filled(rect, CornerRadius::same(theme::R_BUTTON), theme.surface_1);
            }
            (section.icon(), theme.text_2)
        };
        let y = rect.center().y;
        draw_icon(ui.painter(), pos2(rect.left() + 21.0, y), icon, 18.0, color);
        let color = if is_on { theme.text_1 } else { theme.text_2 };
        let at = pos2(rect.left() + 42.0, y);
        draw_text(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            section.title(text),
            theme::medium(theme::BODY),
            color,
        );
        focus_ring(ui, &response, rect, theme::R_BUTTON);
        if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
            state.to_show = Some(section);
            state.led_to = Some(section);
        }
    }
}

fn section<R>(
    ui: &mut Ui,
    part: Section,
    state: &mut State,
    rows: impl FnOnce(&mut Ui, &mut State) -> R,
) -> R {
    let theme = Theme::of(ui);
    let title = label(ui, part.title(SettingsText::of(ui.ctx())), theme::bold(theme::SECTION), theme.text_1);
    if state.to_show == Some(part) {
        state.to_show = None;
        title.scroll_to_me(Some(Align::Min));
    }
    ui.add_space(10.0);
    let rows = Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(CornerRadius::same(theme::R_PANEL))
        .inner_margin(Margin::symmetric(20, 0))
        .show(ui, |ui| rows(ui, state));
    ui.add_space(26.0);
    rows.inner
}

/// The line above all rows but the first.
fn between(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let y = ui.cursor().top();
    ui.painter().hline(ui.max_rect().x_range().expand(20.0), y, theme.line_stroke());
}

/// A title with a line below, and a control right.
fn row<R>(ui: &mut Ui, title: &str, line: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
    let theme = Theme::of(ui);
    // How high it is shows only once the control has its width: the height of the last frame is this one's.
    let id = ui.scope_id().with(("row", title));
    let height = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(ROW);
    let size = vec2(ui.available_width(), height);
    let shown = ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(height);
        ui.spacing_mut().item_spacing = vec2(8.0, 3.0);
        let answer = control(ui);
        ui.add_space(8.0);
        let needed = ui.with_layout(Layout::top_down(Align::Min), |ui| words(ui, title, line, theme)).inner;
        (answer, needed)
    });
    let (answer, needed) = shown.inner;
    if (needed - height).abs() > 0.5 {
        ui.data_mut(|data| data.insert_temp(id, needed));
        ui.ctx().request_discard("a row of another height");
    }
    answer
}

/// Title and line, in the middle of a row's height; long lines wrap. Answers the height that the row needs.
fn words(ui: &mut Ui, title: &str, line: &str, theme: &Theme) -> f32 {
    let font = theme::regular(theme::DENSE);
    let width = ui.available_width();
    let below = crate::widgets::wrapped(ui.painter(), line, font, theme.text_2, width, 18.0);
    let height = 20.0 + if line.is_empty() { 0.0 } else { below.size().y + 3.0 };
    let needed = ROW.max(height + 20.0);
    ui.add_space((needed - height) / 2.0);
    label(ui, title, theme::medium(theme::BODY), theme.text_1);
    if !line.is_empty() {
        let (rect, response) = ui.allocate_exact_size(below.size(), Sense::hover());
        ui.painter().galley(rect.min, below, theme.text_2);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, line));
    }
    needed
}

const fn peer(change: SettingsChange) -> Action {
    Action::Set(Setting::Peer(change))
}
