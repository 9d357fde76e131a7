//! The downloads: how fast it goes, what runs, what waits, what needs attention, what is done.

mod order;
mod plot;
mod row;
mod words;

use std::collections::VecDeque;
use std::time::Duration;

use egui::{
    Align, Align2, CornerRadius, Layout, Margin, Rect, Role, ScrollArea, Sense, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use lanspread_engine::Command;

use super::Scene;
use crate::action::{Action, Screen};
use crate::cover::Covers;
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::{DownloadsModel, History};
use crate::text::{Common, DownloadsText, Format, FrameText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Meaning, draw_icon, draw_text, empty_state};

const PANEL_HEIGHT: f32 = 168.0;
const NUMBERS_WIDTH: f32 = 236.0;
const HEADING_HEIGHT: f32 = 38.0;

/// What a person does here that is no game's state, and what was measured.
#[derive(Debug, Default)]
pub struct State {
    pub history: History,
    /// What *Pause all* and *Resume all* still have to say, one a frame.
    commands: VecDeque<Command>,
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &DownloadsModel, state: &mut State) -> Option<Action> {
    page_title(ui, &scene.places, Common::of(ui.ctx()).downloads());
    if state.history.is_moving() {
        ui.ctx().request_repaint_after(Duration::from_secs(1));
    }
    all_button(ui, scene, model, state);
    let mut action = None;
    let page = scene.places.page;
    within(ui, page, Layout::top_down(Align::Min), |ui| {
        ui.set_clip_rect(page);
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ScrollArea::vertical().auto_shrink(false).id_salt("downloads").show(ui, |ui| {
            let margin = Margin { left: 28, right: 28, top: 0, bottom: 12 };
            egui::Frame::new().inner_margin(margin).show(ui, |ui| {
                panel(ui, model);
                action = if model.is_empty() { nothing(ui) } else { groups(ui, scene.covers, model) };
            });
        });
    });
    action.or_else(|| next_command(ui, state))
}

/// Pauses what runs; when nothing does, resumes what is paused.
fn all_button(ui: &mut Ui, scene: &Scene<'_>, model: &DownloadsModel, state: &mut State) {
    let text = DownloadsText::of(ui.ctx());
    let commands = model.all_commands();
    let (label, icon) = match commands.first() {
        Some(Command::Pause { .. }) => (text.pause_all(), Icon::PAUSE.fill()),
        Some(_) => (text.resume_all(), Icon::PLAY.fill()),
        None => return,
    };
    let bar = scene.places.top_bar;
    let place =
        Rect::from_min_max(pos2(bar.right() - 320.0, bar.top() + 16.0), pos2(bar.right(), bar.top() + 52.0));
    let is_clicked = within(ui, place, Layout::right_to_left(Align::Center), |ui| {
        Button::new(label).icon(icon).show(ui).clicked()
    });
    if is_clicked {
        state.commands.extend(commands);
    }
}

fn next_command(ui: &Ui, state: &mut State) -> Option<Action> {
    let command = state.commands.pop_front()?;
    ui.ctx().request_repaint();
    Some(Action::Command(command))
}

/// The panel for those who hear it.
fn rates(ui: &Ui, model: &DownloadsModel) -> String {
    let (text, format) = (DownloadsText::of(ui.ctx()), Format::of(ui.ctx()));
    let up = format.rate(model.up_rate);
    let up = receivers(ui, model).map_or_else(|| up.clone(), |to| format!("{up} {to}"));
    text.rates(&format.rate(model.down_rate), &rest(model, text, format), &up)
}

/// Numbers at the left, the plot at the right.
fn panel(ui: &mut Ui, model: &DownloadsModel) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PANEL_HEIGHT), Sense::hover());
    let name = rates(ui, model);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let radius = CornerRadius::same(theme::R_PANEL);
    ui.painter().rect(rect, radius, theme.surface_1, theme.line_stroke(), StrokeKind::Inside);
    let split = rect.left() + NUMBERS_WIDTH;
    ui.painter().vline(split, rect.y_range(), theme.line_stroke());
    numbers(ui, rect.with_max_x(split), model);
    plot::show(ui, rect.with_min_x(split), model);
}

fn numbers(ui: &Ui, rect: Rect, model: &DownloadsModel) {
    let theme = Theme::of(ui);
    let (text, format) = (DownloadsText::of(ui.ctx()), Format::of(ui.ctx()));
    let left = rect.left() + theme::PANEL_PADDING;
    let line = |y: f32, words: &str, font, color, x: f32| {
        let at = pos2(x, rect.top() + y);
        draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, font, color).right()
    };
    let head = |y: f32, meaning: Meaning, icon: Icon, words: &str| {
        let color = meaning.color(theme);
        draw_icon(ui.painter(), pos2(left + 7.0, rect.top() + y), icon.bold(), 14.0, color);
        line(y, words, theme::medium(theme::META), color, left + 20.0);
    };
    head(24.0, Meaning::Arriving, Icon::ARROW_DOWN, text.down());
    let (number, unit) = format.size_parts(model.down_rate);
    let right = line(48.0, &number, theme::bold(theme::HERO), theme.text_1, left);
    line(52.0, &format!("{unit}/s"), theme::regular(theme::SECTION), theme.text_2, right + 7.0);
    line(72.0, &rest(model, text, format), theme::regular(theme::META), theme.text_2, left);
    head(100.0, Meaning::Leaving, Icon::ARROW_UP, text.up());
    let (number, unit) = format.size_parts(model.up_rate);
    let right = line(122.0, &number, theme::bold(theme::TITLE), theme.text_1, left);
    let to = receivers(ui, model).map_or_else(|| format!("{unit}/s"), |to| format!("{unit}/s {to}"));
    line(123.0, &to, theme::regular(theme::DENSE), theme.text_2, right + 6.0);
}

/// What active downloads still need.
fn rest(model: &DownloadsModel, text: DownloadsText, format: Format) -> String {
    match (model.bytes_left, model.secs_left) {
        (0, _) => text.nothing_left().to_owned(),
        (bytes, Some(secs)) => text.left_about(&format.size(bytes), &format.span(secs)),
        (bytes, None) => text.left(&format.size(bytes)),
    }
}

fn receivers(ui: &Ui, model: &DownloadsModel) -> Option<String> {
    (model.receivers > 0).then(|| FrameText::of(ui.ctx()).to_players(model.receivers))
}

fn groups(ui: &mut Ui, covers: &mut Covers, model: &DownloadsModel) -> Option<Action> {
    let text = DownloadsText::of(ui.ctx());
    let mut action = None;
    let in_line = model.in_line();
    let order = if in_line > 1 { Beside::Hint(text.drag()) } else { Beside::Nothing };
    for (name, rows, beside) in [
        (text.downloading(), &model.active, Beside::Nothing),
        (text.up_next(), &model.next, order),
        (text.needs_attention(), &model.failed, Beside::Nothing),
        (text.finished(), &model.finished, Beside::Clear(text.clear_list())),
    ] {
        if rows.is_empty() {
            continue;
        }
        let cleared = heading(ui, name, rows.len(), beside);
        action = action.take().or(cleared);
        for row in rows {
            let asked = row::show(ui, covers, row, in_line);
            action = action.take().or(asked);
        }
    }
    action
}

/// What stands at the right of a heading.
#[derive(Clone, Copy)]
enum Beside<'a> {
    Nothing,
    Hint(&'a str),
    /// The button that empties the group.
    Clear(&'a str),
}

/// A group's name and count.
fn heading(ui: &mut Ui, name: &str, count: usize, beside: Beside<'_>) -> Option<Action> {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEADING_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, format!("{name}, {count}")));
    let y = rect.bottom() - 15.0;
    let at = pos2(rect.left() + 8.0, y);
    let right =
        draw_text(ui.painter(), at, Align2::LEFT_CENTER, name, theme::medium(theme::BODY), theme.text_1)
            .right();
    let at = pos2(right + 8.0, y);
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, count, theme::regular(theme::BODY), theme.text_3);
    let clear = match beside {
        Beside::Nothing => return None,
        Beside::Hint(hint) => {
            let at = pos2(rect.right() - 8.0, y);
            draw_text(
                ui.painter(),
                at,
                Align2::RIGHT_CENTER,
                hint,
                theme::regular(theme::META),
                theme.text_3,
            );
            return None;
        }
        Beside::Clear(clear) => clear,
    };
    let place = Rect::from_min_max(pos2(rect.right() - 200.0, y - 14.0), pos2(rect.right() + 2.0, y + 14.0));
    within(ui, place, Layout::right_to_left(Align::Center), |ui| {
        let button = Button::new(clear).kind(ButtonKind::Ghost).size(ButtonSize::Small);
        button.show(ui).clicked().then_some(Action::ClearFinished)
    })
}

fn nothing(ui: &mut Ui) -> Option<Action> {
    let text = DownloadsText::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 320.0), Sense::hover());
    let center = rect.center();
    let bottom = empty_state(ui, center, Icon::DOWNLOAD_SIMPLE, text.none(), text.pick_a_game());
    let label = Common::of(ui.ctx()).library();
    let button = Button::primary(label).icon(Icon::SQUARES_FOUR.bold()).name(text.pick_a_game());
    let size = vec2(button.natural_width(ui), 36.0);
    let place = Rect::from_center_size(pos2(center.x, bottom + 34.0), size);
    within(ui, place, Layout::left_to_right(Align::Center), |ui| {
        button.show(ui).clicked().then_some(Action::Navigate(Screen::Library))
    })
}
