//! The library without cards: nobody here, or nothing found.

use egui::{
    Align, Align2, CornerRadius, Layout, Pos2, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use lanspread_engine::OfferedCatalogView;

use super::State;
use crate::action::{Action, Question};
use crate::frame::within;
use crate::icon::Icon;
use crate::model::{Filter, LibraryModel};
use crate::text::{Common, LibraryText, NoticeText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, draw_icon, draw_text, empty_node_picture, empty_state, spinner, text_width};

/// From the middle of the picture: to its upper edge, to the title's middle, to the lower edge of the last line.
const PICTURE_ABOVE: f32 = 60.0;
const TITLE: f32 = 97.0;
const WORDS_BELOW: f32 = 266.0;

pub(super) fn show(ui: &mut Ui, area: Rect, model: &LibraryModel, state: &mut State) -> Option<Action> {
    let text = LibraryText::of(ui.ctx());
    if model.counts.all == 0 {
        return match &model.offered {
            Some(offered) => offered_catalog(ui, area, offered),
            None => nobody(ui, area, model.peers),
        };
    }
    let center = area.center() - vec2(0.0, 40.0);
    if !state.search.trim().is_empty() {
        no_hit(ui, center, state);
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

/// The search found nothing: what widens it.
fn no_hit(ui: &mut Ui, center: Pos2, state: &mut State) {
    let text = LibraryText::of(ui.ctx());
    let query = state.search.trim();
    let is_narrowed = state.filter != Filter::All;
    let title = if is_narrowed {
        text.no_hit_in(query, super::tools::chip_look(text, state.filter).1)
    } else {
        text.no_hit(query)
    };
    let bottom = empty_state(ui, center, Icon::MAGNIFYING_GLASS, &title, "");
    let all = Button::new(text.search_all()).icon(Icon::SQUARES_FOUR);
    let clear = Button::new(text.clear_search()).icon(Icon::X);
    let all_width = if is_narrowed { all.natural_width(ui) + 8.0 } else { 0.0 };
    let size = vec2(all_width + clear.natural_width(ui), 36.0);
    let place = Rect::from_center_size(pos2(center.x, bottom + 30.0), size);
    within(ui, place, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        if is_narrowed && all.show(ui).clicked() {
            state.filter = Filter::All;
        }
        if clear.show(ui).clicked() {
            state.search.clear();
        }
    });
}

/// No game counts here yet, but others follow an organiser: one click away.
fn offered_catalog(ui: &mut Ui, area: Rect, offered: &OfferedCatalogView) -> Option<Action> {
    let (text, notice) = (LibraryText::of(ui.ctx()), NoticeText::of(ui.ctx()));
    let center = area.center() - vec2(0.0, 60.0);
    let title = notice.catalog_here(&offered.party);
    let line = format!("{} {}", notice.follow_it(offered.peers), text.review_it());
    let bottom = empty_state(ui, center, Icon::SEAL_CHECK, title.trim_end_matches('.'), &line);
    let review = Button::primary(notice.review());
    let size = vec2(review.natural_width(ui), 36.0);
    let place = Rect::from_center_size(pos2(center.x, bottom + 34.0), size);
    let review = within(ui, place, Layout::left_to_right(Align::Center), |ui| review.show(ui));
    review.clicked().then_some(Action::Ask(Question::Trust(offered.key)))
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
fn nobody(ui: &mut Ui, area: Rect, peers: usize) -> Option<Action> {
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
    let here = if peers == 0 { text.looking().to_owned() } else { text.without_games(peers) };
    line(128.0, &here, theme::regular(theme::BODY), theme.text_2);
    let appear = if peers == 0 { text.games_appear() } else { text.games_appear_once_shared() };
    line(148.0, appear, theme::regular(theme::BODY), theme.text_2);
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
        let add = add.show(ui).clicked().then_some(Action::AddByAddress);
        help.or(add)
    })
}
