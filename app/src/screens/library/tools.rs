//! Above the grid: title, search, sort, chips.

use egui::{Align, Align2, Layout, Rect, Ui, pos2, vec2};

use super::{State, search_id};
use crate::frame::{Places, page_title, within};
use crate::icon::Icon;
use crate::model::{Filter, LibraryModel, Sort};
use crate::text::{Common, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, MenuItem, chip, draw_text, menu_popup, text_width};

/// A search field narrower than this has no room for its key.
const KEYS_FROM: f32 = 200.0;

/// Answers where the grid begins.
pub(super) fn show(ui: &mut Ui, places: &Places, model: &LibraryModel, state: &mut State) -> f32 {
    let bar = places.top_bar;
    let left = page_title(ui, places, Common::of(ui.ctx()).library()) + 20.0;
    let sort_left = bar.right() - sort_button(&sort_words(ui, state.sort)).natural_width(ui);
    let most: f32 = if ui.max_rect().width() < theme::NARROW { 220.0 } else { 320.0 };
    let width = most.min(sort_left - 12.0 - left);
    let place = Rect::from_min_size(pos2(left, bar.top() + 16.0), vec2(width, 36.0));
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
    let field = Field::new(&mut state.search, text.search())
        .placeholder(text.search())
        .icon(Icon::MAGNIFYING_GLASS)
        .width(width)
        .id(search_id());
    let has_room = width >= KEYS_FROM;
    if has_room { field.keys(Common::of(ui.ctx()).key_find()) } else { field }.show(ui);
}

/// What the sort button says and is called.
struct SortWords {
    label: &'static str,
    name: String,
}

fn sort_words(ui: &Ui, sort: Sort) -> SortWords {
    let text = LibraryText::of(ui.ctx());
    let label = sort_label(text, sort);
    SortWords { label, name: format!("{}: {label}", text.sort()) }
}

fn sort_button(words: &SortWords) -> Button<'_> {
    Button::new(words.label).icon(Icon::SORT_ASCENDING).trailing(Icon::CARET_DOWN).name(&words.name)
}

fn sort(ui: &mut Ui, state: &mut State) {
    let text = LibraryText::of(ui.ctx());
    let button = sort_button(&sort_words(ui, state.sort)).show(ui);
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
        // Nothing is known yet, not even that there is nothing.
        _ if model.is_loading => String::new(),
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
            let count = (!model.is_loading).then(|| model.counts.get(filter));
            if chip(ui, icon, label, count, state.filter == filter).clicked() {
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

pub(super) const fn chip_look(text: LibraryText, filter: Filter) -> (Icon, &'static str) {
    match filter {
        Filter::All => (Icon::SQUARES_FOUR, text.all()),
        Filter::Installed => (Icon::CHECK_CIRCLE, text.installed()),
        Filter::Ready => (Icon::PACKAGE, text.ready_to_install()),
        Filter::Updates => (Icon::ARROWS_CLOCKWISE, text.updates()),
        Filter::OnTheLan => (Icon::USERS_THREE, text.on_the_lan()),
    }
}
