//! A row: cover, name, how far it is, what can be done.

use egui::{
    Align, Align2, Color32, CornerRadius, Layout, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use lanspread_engine::{AfterDownload, Command, KeptFiles};

use super::{order, words};
use crate::action::{Action, Question};
use crate::cover::{CoverKey, Covers, initials};
use crate::frame::within;
use crate::icon::Icon;
use crate::model::{DownloadRow, Retry, RowState, Stop, Trouble};
use crate::text::{Common, DownloadsText, Format, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Bar, Button, ButtonKind, ButtonSize, draw_icon, draw_text, elided, icon_button, progress_at, wrapped,
};

const HEIGHT: f32 = 60.0;
const FAILED_HEIGHT: f32 = 68.0;
const BAR_LEFT: f32 = 266.0;
const BAR_RIGHT: f32 = 240.0;
/// The bar's edges in a window that is tiny for its zoom.
const TINY_BAR_LEFT: f32 = 180.0;
const TINY_BAR_RIGHT: f32 = 200.0;
/// Narrower than this, words are no help.
const LEAST_HELP: f32 = 120.0;
const VALUE_RIGHT: f32 = 128.0;

/// `in_line`: downloads that can change places.
pub(super) fn show(ui: &mut Ui, covers: &mut Covers, row: &DownloadRow, in_line: usize) -> Option<Action> {
    let theme = Theme::of(ui);
    let (text, format) = (DownloadsText::of(ui.ctx()), Format::of(ui.ctx()));
    let is_failed = matches!(row.state, RowState::Failed { .. });
    let height = if is_failed { FAILED_HEIGHT } else { HEIGHT };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let response = ui.interact(rect, ui.scope_id().with(("download", row.id.as_str())), Sense::hover());
    let line = words::line(row, text, format);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, words::name(row, &line, text, format)));
    if is_failed {
        let stroke = egui::Stroke::new(theme::STROKE, theme.bad);
        let radius = CornerRadius::same(theme::R_PANEL);
        ui.painter().rect(rect, radius, theme.bad_tint, stroke, StrokeKind::Inside);
    }
    let cover =
        Rect::from_min_size(pos2(rect.left() + 8.0, (rect.center().y - 24.0).floor()), vec2(36.0, 48.0));
    draw_cover(ui, covers, cover, row);
    let is_tiny = rect.width() + theme::RAIL + 2.0 * theme::MARGIN < theme::TINY;
    let bar_left = if is_tiny { TINY_BAR_LEFT } else { BAR_LEFT };
    // What failed has the most buttons.
    let bar_right = if is_tiny && !is_failed { TINY_BAR_RIGHT } else { BAR_RIGHT };
    name(ui, rect, row, format, bar_left);
    let middle = Rect::from_min_max(
        pos2(rect.left() + bar_left, rect.top()),
        pos2(rect.right() - bar_right, rect.bottom()),
    );
    match row.state {
        RowState::Failed { trouble, .. } => failure(ui, middle, text, trouble, &line),
        RowState::Finished { secs_ago, .. } => {
            let y = rect.center().y;
            draw_icon(
                ui.painter(),
                pos2(middle.left() + 8.0, y),
                Icon::CHECK_CIRCLE.fill(),
                18.0,
                theme.accent,
            );
            meta(ui, pos2(middle.left() + 22.0, y), Align2::LEFT_CENTER, &line, theme.accent);
            let when = words::when(secs_ago, text, format);
            meta(ui, pos2(rect.right() - VALUE_RIGHT, y), Align2::RIGHT_CENTER, &when, theme.text_2);
        }
        RowState::Downloading { .. }
        | RowState::Working { .. }
        | RowState::Waiting { .. }
        | RowState::Stopped { .. } => {
            bar(ui, middle, response.id, row, &line);
            values(ui, rect, row, text, format);
        }
    }
    let place = Rect::from_min_max(
        pos2(rect.right() - BAR_RIGHT, rect.top()),
        pos2(rect.right() - 8.0, rect.bottom()),
    );
    within(ui, place, Layout::right_to_left(Align::Center), |ui| {
        let asked = actions(ui, row, text);
        let moved = row.place.filter(|_| in_line > 1).and_then(|at| order::show(ui, rect, row, at, in_line));
        asked.or(moved)
    })
}

fn meta(ui: &Ui, at: egui::Pos2, anchor: Align2, words: &str, color: Color32) -> Rect {
    draw_text(ui.painter(), at, anchor, words, theme::regular(theme::META), color)
}

fn name(ui: &Ui, rect: Rect, row: &DownloadRow, format: Format, bar_left: f32) {
    let theme = Theme::of(ui);
    let left = rect.left() + 60.0;
    let width = bar_left - 60.0 - 16.0;
    let title = elided(ui.painter(), &row.title, theme::medium(theme::BODY), theme.text_1, width);
    let center = rect.center().y;
    ui.painter().galley(pos2(left, center - 9.0 - title.size().y / 2.0), title, theme.text_1);
    let facts = words::facts(row, format).join(", ");
    let facts = elided(ui.painter(), &facts, theme::regular(theme::META), theme.text_2, width);
    ui.painter().galley(pos2(left, center + 11.0 - facts.size().y / 2.0), facts, theme.text_2);
}

/// How far it is, in a bar and a line.
fn bar(ui: &Ui, rect: Rect, id: egui::Id, row: &DownloadRow, line: &str) {
    let theme = Theme::of(ui);
    let (bar, icon) = match row.state {
        RowState::Downloading { done, total, .. } => (Bar::Arriving(words::share(done, total)), None),
        RowState::Working { share, .. } => (share.map_or(Bar::Endless, Bar::Working), None),
        RowState::Stopped { why, share } => {
            let icon = match why {
                Stop::Paused => Icon::PAUSE.fill(),
                Stop::NoSource => Icon::USER_MINUS,
                Stop::NoNetwork => Icon::NETWORK_SLASH,
            };
            (Bar::Stopped(share), Some(icon))
        }
        RowState::Waiting { .. } | RowState::Failed { .. } | RowState::Finished { .. } => {
            (Bar::Stopped(0.0), Some(Icon::HOURGLASS))
        }
    };
    let y = rect.center().y;
    let place = Rect::from_min_size(pos2(rect.left(), y - 14.0), vec2(rect.width(), 6.0));
    progress_at(ui, place, id, bar);
    let mut x = rect.left();
    if let Some(icon) = icon {
        draw_icon(ui.painter(), pos2(x + 7.0, y + 7.0), icon, 14.0, theme.text_2);
        x += 18.0;
    }
    let sources = LibraryText::of(ui.ctx()).sources(row.sources);
    let mut right = rect.right();
    if row.sources > 0 && rect.width() > 2.0 * LEAST_HELP {
        let at = pos2(rect.right(), y + 7.0);
        right = meta(ui, at, Align2::RIGHT_CENTER, &sources, theme.text_2).left() - 11.0;
        draw_icon(ui.painter(), pos2(right, y + 7.0), Icon::HARD_DRIVES, 14.0, theme.text_2);
        right -= 15.0;
    }
    let fit = |words: &str| elided(ui.painter(), words, theme::regular(theme::META), theme.text_2, right - x);
    let mut words = fit(line);
    if let (true, RowState::Downloading { done, total, .. }) = (words.elided, &row.state) {
        // Half a number says less than the percent alone.
        words = fit(&Format::of(ui.ctx()).percent(words::share(*done, *total)));
    }
    ui.painter().galley(pos2(x, y + 7.0 - words.size().y / 2.0), words, theme.text_2);
}

/// Rate and time, or the place in the line.
fn values(ui: &Ui, rect: Rect, row: &DownloadRow, text: DownloadsText, format: Format) {
    let theme = Theme::of(ui);
    let at = |y: f32| pos2(rect.right() - VALUE_RIGHT, rect.center().y + y);
    match row.state {
        RowState::Downloading { rate, secs_left, .. } => {
            let font = theme::medium(theme::BODY);
            draw_text(ui.painter(), at(-9.0), Align2::RIGHT_CENTER, format.rate(rate), font, theme.text_1);
            if let Some(secs) = secs_left {
                meta(ui, at(11.0), Align2::RIGHT_CENTER, &format.left(secs), theme.text_2);
            }
        }
        RowState::Waiting { is_first: true } => {
            meta(ui, at(0.0), Align2::RIGHT_CENTER, text.next(), theme.text_2);
        }
        RowState::Working { .. }
        | RowState::Waiting { .. }
        | RowState::Stopped { .. }
        | RowState::Failed { .. }
        | RowState::Finished { .. } => {}
    }
}

/// What happened, and what to do.
fn failure(ui: &Ui, rect: Rect, text: DownloadsText, trouble: Trouble, line: &str) {
    let theme = Theme::of(ui);
    let y = rect.center().y;
    draw_icon(ui.painter(), pos2(rect.left() + 11.0, y), Icon::WARNING_CIRCLE.fill(), 22.0, theme.bad);
    let left = rect.left() + 34.0;
    let width = rect.right() - left - 24.0;
    let what_to_do = if width < LEAST_HELP { "" } else { words::what_to_do(text, trouble) };
    let help = wrapped(ui.painter(), what_to_do, theme::regular(theme::META), theme.text_2, width, 15.0);
    let title = elided(ui.painter(), line, theme::bold(theme::BODY), theme.text_1, width);
    let space = if what_to_do.is_empty() { 0.0 } else { 2.0 + help.size().y };
    let top = y - f32::midpoint(title.size().y, space);
    let below = top + title.size().y + 2.0;
    ui.painter().galley(pos2(left, top), title, theme.text_1);
    ui.painter().galley(pos2(left, below), help, theme.text_2);
}

/// From the right edge.
fn actions(ui: &mut Ui, row: &DownloadRow, text: DownloadsText) -> Option<Action> {
    ui.spacing_mut().item_spacing.x = 4.0;
    let game = || row.id.clone();
    let sign = |ui: &mut Ui, icon, name: String, action: Action| {
        icon_button(ui, icon, &name, ButtonKind::Ghost, ButtonSize::Row).clicked().then_some(action)
    };
    let cancel = |ui: &mut Ui| {
        let action = Action::Command(Command::Cancel { game: game() });
        sign(ui, Icon::X, text.cancel_game(&row.title), action)
    };
    let common = Common::of(ui.ctx());
    match row.state {
        RowState::Finished { can_play: true, .. } => {
            let accent = Theme::of(ui).accent;
            let icon = Icon::PLAY.fill();
            let name = text.play_game(&row.title);
            let button = Button::new(common.play()).icon(icon).icon_color(accent).size(ButtonSize::Small);
            button.name(&name).show(ui).clicked().then(|| Action::Play(game()))
        }
        RowState::Finished { can_install: true, .. } => {
            let name = text.install_game(&row.title);
            let button = Button::new(common.install()).icon(Icon::PACKAGE).size(ButtonSize::Small);
            button.name(&name).show(ui).clicked().then(|| install(row))
        }
        RowState::Finished { .. } => None,
        RowState::Failed { trouble, retry, .. } => {
            // Between words more room than between signs.
            ui.spacing_mut().item_spacing.x = 8.0;
            let forget = Action::Command(Command::Forget { game: game() });
            let closed = sign(ui, Icon::X, text.forget_game(&row.title), forget);
            let (name, icon) = (text.retry_game(&row.title), Icon::ARROW_CLOCKWISE.bold());
            let again = Button::primary(common.retry()).icon(icon).size(ButtonSize::Row).name(&name);
            let again = again.show(ui).clicked().then(|| try_again(row, retry));
            let show = Action::Ask(Question::Error(game()));
            let (label, action) = match trouble {
                Trouble::NoSpace => (common.remove_games(), Action::BIGGEST),
                Trouble::CannotWrite => (text.show_how(), show),
                Trouble::NoSource | Trouble::GameRuns | Trouble::NotAsExpected | Trouble::Other => {
                    (text.show_details(), show)
                }
            };
            let helped = Button::new(label).size(ButtonSize::Row).show(ui).clicked();
            closed.or(again).or_else(|| helped.then_some(action))
        }
        RowState::Stopped { why: Stop::Paused, .. } => {
            let cancelled = cancel(ui);
            let name = text.resume_game(&row.title);
            let resume = Button::new(common.resume()).icon(Icon::PLAY.fill()).size(ButtonSize::Small);
            let resume = resume.name(&name).show(ui).clicked();
            cancelled.or_else(|| resume.then(|| Action::Command(Command::Resume { game: game() })))
        }
        RowState::Downloading { .. } => {
            let cancelled = cancel(ui);
            let action = Action::Command(Command::Pause { game: game() });
            cancelled.or(sign(ui, Icon::PAUSE, text.pause_game(&row.title), action))
        }
        RowState::Working { .. } | RowState::Waiting { .. } | RowState::Stopped { .. } => cancel(ui),
    }
}

fn install(row: &DownloadRow) -> Action {
    Action::Command(Command::Install { game: row.id.clone(), kept: KeptFiles::Restore })
}

fn try_again(row: &DownloadRow, retry: Retry) -> Action {
    let game = row.id.clone();
    match retry {
        Retry::Download => Action::Command(Command::Download { game, then: AfterDownload::Install }),
        Retry::Update => Action::Command(Command::Update { game }),
        Retry::Install => install(row),
    }
}

fn draw_cover(ui: &Ui, covers: &mut Covers, rect: Rect, row: &DownloadRow) {
    let painter = ui.painter();
    let radius = CornerRadius::same(4);
    let key = CoverKey { game: row.id.clone(), file: row.cover.clone() };
    let Some(cover) = covers.get(ui.ctx(), &key) else {
        painter.rect_filled(rect, radius, Theme::of(ui).surface_2);
        return;
    };
    let tint = Color32::WHITE.gamma_multiply(cover.opacity);
    let target = rect.width() / rect.height();
    let part = if cover.aspect > target {
        vec2(target / cover.aspect, 1.0)
    } else {
        vec2(1.0, cover.aspect / target)
    };
    let uv = Rect::from_center_size(pos2(0.5, 0.5), part);
    painter.add(egui::epaint::RectShape::filled(rect, radius, tint).with_texture(cover.texture, uv));
    if cover.is_generated {
        let at = pos2(rect.left() + 4.0, rect.bottom() - 12.0);
        let font = theme::bold(13.0);
        draw_text(painter, at, Align2::LEFT_CENTER, initials(&row.title), font, tint);
    }
}
