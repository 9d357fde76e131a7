//! Above the grid: title, search, sort, chips.

use egui::{Align, Align2, Layout, Rect, Ui, pos2, vec2};

use super::{State, search_id};
use crate::frame::{Places, page_title, within};
use crate::icon::Icon;
use crate::model::{Filter, LibraryModel, Sort};
use crate::text::{Common, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, MenuItem, chip, draw_text, menu_popup, text_width};

/// Answers where the grid begins.
pub(super) fn show(ui: &mut Ui, places: &Places, model: &LibraryModel, state: &mut State) -> f32 {
    let bar = places.top_bar;
    let title = page_title(ui, places, Common::of(ui.ctx()).library());
    let width = if ui.max_rect().width() < theme::NARROW { 220.0 } else { 320.0 };
    let place = Rect::from_min_size(pos2(title + 20.0, bar.top() + 16.0), vec2(width, 36.0));
    within(ui, place, Layout::left_to_right(Align::Center), |ui| search(ui, state, width));
    // The tabulator comes to the chips first.
    let bottom = chips(ui, places, model, state) + 4.0;
    let place =
        Rect::from_min_max(pos2(bar.right() - 320.0, bar.top() + 16.0), pos2(bar.right(), bar.top() + 52.0));
    within(ui, place, Layout::right_to_left(Align::Center), |ui| sort(ui, state));
    bottom
}

fn search(ui: &mut Ui, state: &mut State, width: f32) {
    let text = LibraryText::of(ui.ctx());
    Field::new(&mut state.search, text.search())
        .placeholder(text.search())
        .icon(Icon::MAGNIFYING_GLASS)
        .keys(Common::of(ui.ctx()).key_find())
        .width(width)
        .id(search_id())
        .show(ui);
}

fn sort(ui: &mut Ui, state: &mut State) {
    let text = LibraryText::of(ui.ctx());
    let label = sort_label(text, state.sort);
    let name = format!("{}: {label}", text.sort());
    let button =
        Button::new(label).icon(Icon::SORT_ASCENDING).trailing(Icon::CARET_DOWN).name(&name).show(ui);
    menu_popup(&button, 200.0, |ui| {
        for sort in Sort::ALL {
            let item = MenuItem::new(sort_icon(sort), sort_label(text, sort)).chosen(state.sort == sort);
            if item.show(ui) {
                state.sort = sort;
            }
        }
    });
}

const fn sort_label(text: LibraryText, sort: Sort) -> &'static str {
    match sort {
        Sort::Popular => text.popular_now(),
        Sort::Name => text.by_name(),
        Sort::Recent => text.recently_played(),
        Sort::Sources => text.most_sources(),
        Sort::Size => text.by_size(),
    }
}

const fn sort_icon(sort: Sort) -> Icon {
    match sort {
        Sort::Popular => Icon::GAME_CONTROLLER,
        Sort::Name => Icon::TEXT_AA,
        Sort::Recent => Icon::CLOCK_COUNTER_CLOCKWISE,
        Sort::Sources => Icon::HARD_DRIVES,
        Sort::Size => Icon::ARROWS_OUT_SIMPLE,
    }
}

/// The chips, in as many lines as they need; answers their lower edge.
fn chips(ui: &mut Ui, places: &Places, model: &LibraryModel, state: &mut State) -> f32 {
    let text = LibraryText::of(ui.ctx());
    let theme = Theme::of(ui);
    let note = match (&model.party, model.has_catalog) {
        (_, false) => text.no_catalog_yet().to_owned(),
        (Some(party), true) => text.games_in(model.counts.all, party),
        (None, true) => text.games(model.counts.all),
    };
    let page = places.page;
    let is_wide = ui.max_rect().width() >= theme::NARROW;
    let note_width =
        if is_wide { text_width(ui.painter(), &note, theme::regular(theme::META)) + 16.0 } else { 0.0 };
    let row = Rect::from_min_max(
        pos2(places.top_bar.left(), page.top()),
        pos2(places.top_bar.right() - note_width, page.top() + 32.0),
    );
    let layout = Layout::left_to_right(Align::Center).with_main_wrap(true);
    let bottom = within(ui, row, layout, |ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
        for filter in Filter::ALL {
            let (icon, label) = chip_look(text, filter);
            if chip(ui, icon, label, model.counts.get(filter), state.filter == filter).clicked() {
                state.filter = filter;
            }
        }
        ui.min_rect().bottom()
    });
    if is_wide {
        let at = pos2(places.top_bar.right(), page.top() + 16.0);
        draw_text(ui.painter(), at, Align2::RIGHT_CENTER, note, theme::regular(theme::META), theme.text_3);
    }
    bottom.max(row.bottom())
}

const fn chip_look(text: LibraryText, filter: Filter) -> (Icon, &'static str) {
    match filter {
        Filter::All => (Icon::SQUARES_FOUR, text.all()),
        Filter::Installed => (Icon::CHECK_CIRCLE, text.installed()),
        Filter::Ready => (Icon::PACKAGE, text.ready_to_install()),
        Filter::Updates => (Icon::ARROWS_CLOCKWISE, text.updates()),
        Filter::OnTheLan => (Icon::USERS_THREE, text.on_the_lan()),
    }
}
