//! What to do next with the game, and what else can be done.

use egui::{Align2, CornerRadius, CursorIcon, Id, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use lanspread_engine::Command;

use super::{PADDING, say, together};
use crate::action::{Action, Question};
use crate::frame::within;
use crate::icon::Icon;
use crate::model::{Card, CardState, DetailsModel, Hindrance, Stop};
use crate::screens::library::{bar_look, intent};
use crate::text::{Common, DetailsText, Format, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Button, ButtonKind, ButtonSize, draw_icon, focus_ring, icon_button, progress_at, text_width, tooltip,
};

const LEFT: f32 = 220.0;

pub(super) fn show(ui: &mut Ui, panel: Rect, model: &DetailsModel) -> Option<Action> {
    let is_busy = matches!(
        model.card.state,
        CardState::Downloading { .. }
            | CardState::Waiting { .. }
            | CardState::Stopped { .. }
            | CardState::Working { .. }
    );
    let top = if is_busy { 254.0 } else { 204.0 };
    let row = Rect::from_min_max(
        pos2(panel.left() + LEFT, panel.top() + top),
        pos2(panel.right() - PADDING, panel.top() + top + 48.0),
    );
    if is_busy {
        bar(ui, panel, model);
    } else {
        note(ui, panel, model);
    }
    within(ui, row, Layout::left_to_right(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        if is_busy { while_busy(ui, model) } else { resting(ui, model) }
    })
}

pub(super) fn large(label: &str, icon: Icon, kind: ButtonKind) -> Button<'_> {
    Button::new(label).icon(icon).kind(kind).size(ButtonSize::Large)
}

fn resting(ui: &mut Ui, model: &DetailsModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), DetailsText::of(ui.ctx()));
    let does = || intent(&model.card);
    let primary = ButtonKind::Primary;
    match model.card.state {
        CardState::Play => {
            let play = large(common.play(), Icon::PLAY.fill(), primary).show(ui).clicked();
            play.then(does).flatten().or_else(|| together::show(ui, model))
        }
        CardState::Update { .. } => update(ui, model),
        CardState::Install => {
            large(common.install(), Icon::PACKAGE.bold(), primary).show(ui).clicked().then(does).flatten()
        }
        CardState::Download { bytes } => {
            let size = bytes.map(|bytes| Format::of(ui.ctx()).size(bytes));
            let mut button = large(common.download(), Icon::DOWNLOAD_SIMPLE.bold(), primary);
            if let Some(size) = &size {
                button = button.amount(size);
            }
            button.show(ui).clicked().then(does).flatten()
        }
        CardState::Running => {
            let label = LibraryText::of(ui.ctx()).running();
            let button = large(label, Icon::GAME_CONTROLLER.fill(), ButtonKind::Secondary);
            button.disabled(Some(text.is_running())).show(ui);
            None
        }
        CardState::Failed(_) => failed(ui, model),
        CardState::NotOnTheLan
        | CardState::Downloading { .. }
        | CardState::Waiting { .. }
        | CardState::Stopped { .. }
        | CardState::Working { .. } => {
            let button = large(common.not_on_the_lan_yet(), Icon::BROADCAST, ButtonKind::Secondary);
            button.disabled(Some(text.nobody_has_it())).show(ui);
            None
        }
    }
}

fn update(ui: &mut Ui, model: &DetailsModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), DetailsText::of(ui.ctx()));
    let label = model.expected.as_ref().map_or_else(|| common.update().to_owned(), |new| text.update_to(new));
    let is_update = large(&label, Icon::ARROWS_CLOCKWISE.bold(), ButtonKind::Primary).show(ui).clicked();
    let mut is_play = false;
    if model.card.is_installed {
        let old = model.version_here.as_ref();
        let label = old.map_or_else(|| common.play().to_owned(), |old| text.play_version(old));
        is_play = large(&label, Icon::PLAY.fill(), ButtonKind::Secondary).show(ui).clicked();
    }
    let id = || model.card.id.clone();
    let update = is_update.then(|| Action::Ask(Question::Update(id())));
    update.or_else(|| is_play.then(|| Action::Play(id()))).or_else(|| together::show(ui, model))
}

fn failed(ui: &mut Ui, model: &DetailsModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), DetailsText::of(ui.ctx()));
    let again = retry(model);
    let button = large(common.retry(), Icon::ARROW_CLOCKWISE.bold(), ButtonKind::Primary);
    let is_off = again.is_none().then(|| text.nobody_has_it());
    let is_again = button.disabled(is_off).show(ui).clicked();
    // What is installed is as it was.
    let play = large(common.play(), Icon::PLAY.fill(), ButtonKind::Secondary);
    let is_play = model.card.is_installed && play.show(ui).clicked();
    let asks = Button::new(text.what_happened()).icon(Icon::WARNING_CIRCLE).kind(ButtonKind::Ghost).show(ui);
    if asks.clicked() {
        return Some(Action::Ask(Question::Error(model.card.id.clone())));
    }
    if is_play { Some(Action::Play(model.card.id.clone())) } else { again.filter(|_| is_again) }
}

/// What to try again: what the game's button did before.
pub(super) fn retry(model: &DetailsModel) -> Option<Action> {
    intent(&Card { state: model.card.untroubled, ..model.card.clone() })
}

/// A line below the buttons.
fn note(ui: &Ui, panel: Rect, model: &DetailsModel) {
    let (theme, text) = (Theme::of(ui), DetailsText::of(ui.ctx()));
    let (CardState::Update { bytes }, Some(new), Some(old)) =
        (model.card.state, &model.expected, &model.version_here)
    else {
        return;
    };
    let size = bytes.map(|bytes| text.to_download(&Format::of(ui.ctx()).size(bytes)));
    let words: Vec<String> = size.into_iter().chain([text.old_cannot_join(new, old)]).collect();
    let at = pos2(panel.left() + LEFT, panel.top() + 273.0);
    draw_icon(ui.painter(), at + vec2(8.0, 0.0), Icon::INFO, theme::ICON, theme.text_2);
    let font = theme::regular(theme::DENSE);
    say(ui, at + vec2(22.0, 0.0), Align2::LEFT_CENTER, &words.join(" "), font, theme.text_2);
}

/// How far it is: words above a bar.
fn bar(ui: &Ui, panel: Rect, model: &DetailsModel) {
    let (theme, format) = (Theme::of(ui), Format::of(ui.ctx()));
    let Some(look) = bar_look(ui, &model.card) else { return };
    let (left, right) = (panel.left() + LEFT, panel.right() - PADDING);
    let y = panel.top() + 215.0;
    let share = match model.card.state {
        CardState::Downloading { share, .. }
        | CardState::Stopped { share, .. }
        | CardState::Waiting { share, .. } => Some(share),
        CardState::Working { share, .. } => share,
        CardState::Play
        | CardState::Update { .. }
        | CardState::Install
        | CardState::Download { .. }
        | CardState::Running
        | CardState::Failed(_)
        | CardState::NotOnTheLan => None,
    };
    let is_moving = matches!(model.card.state, CardState::Downloading { .. });
    let mut x = right;
    if let (Some(left), true) = (&look.right, is_moving) {
        let font = theme::regular(theme::BODY);
        x = say(ui, pos2(x, y), Align2::RIGHT_CENTER, left, font, theme.text_2).left() - 12.0;
    }
    let font = theme::medium(theme::BODY);
    let width = text_width(ui.painter(), &look.left, font.clone());
    say(ui, pos2(x, y), Align2::RIGHT_CENTER, &look.left, font, look.color);
    draw_icon(ui.painter(), pos2(x - width - 11.0, y), look.icon, theme::ICON, look.color);
    let room = x - width - 32.0;
    let mut x = left;
    if let Some(share) = share {
        let font = theme::bold(theme::SECTION);
        x = say(ui, pos2(x, y), Align2::LEFT_CENTER, &format.percent(share), font, theme.text_1).right()
            + 10.0;
    }
    if let (Some((done, total)), true) = (model.progress, share.is_some()) {
        let amount = DetailsText::of(ui.ctx()).amount(&format.size(done), &format.size(total));
        let font = theme::regular(theme::BODY);
        // In a narrow window the percent says enough.
        if x + text_width(ui.painter(), &amount, font.clone()) <= room {
            say(ui, pos2(x, y), Align2::LEFT_CENTER, &amount, font, theme.text_2);
        }
    }
    let track = Rect::from_min_max(pos2(left, panel.top() + 233.0), pos2(right, panel.top() + 243.0));
    let response = ui.interact(track, Id::unique("details-progress"), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, &look.left);
        info.value = share.map(f64::from);
        info
    });
    progress_at(ui, track, response.id, look.bar);
}

fn while_busy(ui: &mut Ui, model: &DetailsModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), DetailsText::of(ui.ctx()));
    let game = || model.card.id.clone();
    if !model.is_fetching || matches!(model.card.state, CardState::Working { .. }) {
        return None;
    }
    let is_paused = matches!(model.card.state, CardState::Stopped { why: Stop::Paused, .. });
    let (label, icon, kind) = if is_paused {
        (common.resume(), Icon::PLAY.fill(), ButtonKind::Primary)
    } else {
        (common.pause(), Icon::PAUSE.fill(), ButtonKind::Raised)
    };
    let mut action = None;
    if large(label, icon, kind).show(ui).clicked() {
        let command =
            if is_paused { Command::Resume { game: game() } } else { Command::Pause { game: game() } };
        action = Some(Action::Command(command));
    }
    let cancel = Button::new(text.cancel_download()).icon(Icon::X).kind(ButtonKind::Ghost);
    let is_cancel = if cancel.natural_width(ui) <= ui.available_width() {
        cancel.show(ui).clicked()
    } else {
        icon_button(ui, Icon::X, text.cancel_download(), ButtonKind::Ghost, ButtonSize::Normal).clicked()
    };
    if is_cancel {
        action = Some(Action::Command(Command::Cancel { game: game() }));
    }
    action
}

/// Verify, open, uninstall, remove; those that are off say why.
pub(super) fn secondary(ui: &mut Ui, panel: Rect, model: &DetailsModel) -> Option<Action> {
    let theme = Theme::of(ui);
    let common = Common::of(ui.ctx());
    let row = Rect::from_min_max(
        pos2(panel.left() + PADDING, panel.top() + 316.0),
        pos2(panel.right() - PADDING, panel.top() + 380.0),
    );
    ui.painter().hline(row.x_range(), row.top() + 0.5, theme.line_stroke());
    ui.painter().hline(row.x_range(), row.bottom() - 0.5, theme.line_stroke());
    let (game, cannot) = (|| model.card.id.clone(), model.card.cannot);
    let verify = Action::Command(Command::Verify { game: game() });
    let items = [
        (Icon::SEAL_CHECK, common.verify_files(), cannot.verify, verify),
        (Icon::FOLDER_OPEN, common.open_folder(), cannot.open_folder, Action::OpenFolder(game())),
        (Icon::ERASER, common.uninstall(), cannot.uninstall, Action::uninstall(game())),
        (Icon::TRASH, common.remove_download(), cannot.remove, Action::remove(game())),
    ];
    let width = (row.width() / 4.0 - 4.0).min(128.0);
    let step = (row.width() - width) / 3.0;
    let mut action = None;
    let mut x = row.left();
    for (icon, label, why, does) in items {
        let rect = Rect::from_min_size(pos2(x, row.top() + 4.0), vec2(width, 56.0));
        x += step;
        if item(ui, rect, icon, label, why) {
            action = Some(does);
        }
    }
    action
}

fn item(ui: &Ui, rect: Rect, icon: Icon, label: &str, why: Option<Hindrance>) -> bool {
    let theme = Theme::of(ui);
    let is_on = why.is_none();
    let response = ui.interact(rect, Id::unique("details-item").with(label), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_on, label));
    let color = match (is_on, icon == Icon::TRASH) {
        (false, _) => theme.text_3,
        (true, true) => theme.bad,
        (true, false) => theme.text_2,
    };
    if is_on && response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(theme::R_BUTTON), theme.surface_2);
    }
    draw_icon(ui.painter(), pos2(rect.center().x, rect.top() + 18.0), icon, theme::ICON_LIST, color);
    let at = pos2(rect.center().x, rect.top() + 41.0);
    let font = theme::medium(theme::META);
    ui.painter().text(at, Align2::CENTER_CENTER, label, font, color);
    focus_ring(ui, &response, rect, theme::R_BUTTON);
    let Some(why) = why else {
        return response.on_hover_cursor(CursorIcon::PointingHand).clicked();
    };
    tooltip(response, DetailsText::of(ui.ctx()).why_not(why));
    false
}
