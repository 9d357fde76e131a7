//! The library without cards: nobody here, or nothing found.

use egui::{Align, Align2, CornerRadius, Layout, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::State;
use crate::action::{Action, Screen};
use crate::frame::within;
use crate::icon::Icon;
use crate::model::{Filter, LibraryModel};
use crate::text::{Common, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, draw_icon, draw_text, empty_node_picture, empty_state, spinner, text_width};

/// From the middle of the picture: to its upper edge, to the title's middle, to the lower edge of the last line.
const PICTURE_ABOVE: f32 = 60.0;
const TITLE: f32 = 97.0;
const WORDS_BELOW: f32 = 266.0;

pub(super) fn show(ui: &mut Ui, area: Rect, model: &LibraryModel, state: &mut State) -> Option<Action> {
    let text = LibraryText::of(ui.ctx());
    if model.counts.all == 0 {
        return nobody(ui, area);
    }
    let center = area.center() - vec2(0.0, 40.0);
    if !state.search.trim().is_empty() {
        empty_state(ui, center, Icon::MAGNIFYING_GLASS, &text.no_hit(state.search.trim()), "");
        let place = Rect::from_center_size(center + vec2(0.0, 60.0), vec2(240.0, 36.0));
        let is_clicked = within(ui, place, Layout::top_down(Align::Center), |ui| {
            Button::new(text.clear_search()).icon(Icon::X).show(ui).clicked()
        });
        if is_clicked {
            state.search.clear();
        }
        return None;
    }
    let (icon, words) = match state.filter {
        Filter::All | Filter::OnTheLan => (Icon::USERS_THREE, text.none_on_the_lan()),
        Filter::Installed => (Icon::CHECK_CIRCLE, text.none_installed()),
        Filter::Ready => (Icon::PACKAGE, text.none_ready()),
        Filter::Updates => (Icon::CHECK_CIRCLE, text.no_updates()),
    };
    empty_state(ui, center, icon, words, "");
    None
}

/// Over the skeleton: what takes so long.
pub(super) fn reading(ui: &Ui, area: Rect) {
    let (theme, words) = (Theme::of(ui), LibraryText::of(ui.ctx()).reading_folder());
    let font = theme::medium(theme::BODY);
    let width = text_width(ui.painter(), words, font.clone());
    let center = pos2(area.center().x, area.top() + area.height() * 0.333);
    let plate = Rect::from_center_size(center, vec2(width + 56.0, 40.0));
    let response = ui.interact(plate, ui.scope_id().with("reading"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let radius = CornerRadius::same(theme::R_FLOATING);
    ui.painter().rect(plate, radius, theme.field, theme.strong_stroke(), StrokeKind::Inside);
    spinner(ui, pos2(plate.left() + 24.0, center.y), 16.0, theme.text_2);
    let at = pos2(plate.left() + 40.0, center.y);
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, font, theme.text_1);
}

/// No game at all: others are awaited.
fn nobody(ui: &mut Ui, area: Rect) -> Option<Action> {
    let theme = Theme::of(ui);
    let (common, text) = (Common::of(ui.ctx()), LibraryText::of(ui.ctx()));
    let has_picture = area.height() >= PICTURE_ABOVE + WORDS_BELOW;
    let third = area.top() + area.height() * 0.333;
    let y = if has_picture {
        third.clamp(area.top() + PICTURE_ABOVE, area.bottom() - WORDS_BELOW)
    } else {
        // In a low window the words alone.
        area.top() - TITLE + 22.0
    };
    let center = pos2(area.center().x, y);
    let painter = ui.painter();
    if has_picture {
        empty_node_picture(painter, theme, center);
    }
    let line = |y: f32, words: &str, font, color| {
        draw_text(painter, center + vec2(0.0, y), Align2::CENTER_CENTER, words, font, color);
    };
    line(TITLE, text.nobody_shares(), theme::bold(theme::TITLE), theme.text_1);
    line(128.0, text.looking(), theme::regular(theme::BODY), theme.text_2);
    line(148.0, text.games_appear(), theme::regular(theme::BODY), theme.text_2);
    line(254.0, text.looking_for(), theme::regular(theme::DENSE), theme.text_3);
    let width = text_width(painter, text.looking_for(), theme::regular(theme::DENSE));
    // It stands still: a window that waits for others may do so all night, and draws no frame for it.
    draw_icon(painter, center + vec2(-width / 2.0 - 16.0, 254.0), Icon::CIRCLE_NOTCH, 14.0, theme.text_3);
    let help = Button::new(common.cant_see_someone()).icon(Icon::FIRST_AID_KIT);
    let add = Button::new(common.add_by_address()).icon(Icon::PLUS);
    let total = help.natural_width(ui) + add.natural_width(ui) + 8.0;
    let place = Rect::from_center_size(center + vec2(0.0, 200.0), vec2(total, 36.0));
    within(ui, place, Layout::left_to_right(Align::Center), |ui| {
        let help = help.show(ui).clicked().then_some(Action::RunChecks);
        let add = add.show(ui).clicked().then_some(Action::Navigate(Screen::Party));
        help.or(add)
    })
}
