//! A card: cover, title, meta line, and the one action of its state.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Id, Key, Modifiers, Painter, Rect, Response, Role, Sense,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::menu;
use crate::action::{Action, Question};
use crate::cover::{CoverKey, Covers, initials};
use crate::icon::Icon;
use crate::model::{Card, CardState, Stop, Trouble, Work};
use crate::text::{Common, Format, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Bar, Button, ButtonKind, ButtonSize, Corner, draw_icon, draw_text, elided, percent_pill, pill,
    progress_at, text_width,
};

const ACTION_TOP: f32 = 53.0;
const ACTION_HEIGHT: f32 = 30.0;

pub(super) fn show(ui: &mut Ui, covers: &mut Covers, rect: Rect, id: Id, card: &Card) -> Option<Action> {
    let response = ui.interact(rect, id, Sense::click());
    let name = LibraryText::of(ui.ctx()).card(&card.title, &state_words(ui, card));
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
    let cover = rect.with_max_y(rect.bottom() - 83.0);
    let action_rect = Rect::from_min_size(
        pos2(rect.left(), cover.bottom() + ACTION_TOP),
        vec2(rect.width(), ACTION_HEIGHT),
    );
    let is_hovered = ui.rect_contains_pointer(rect) && !egui::Popup::is_any_open(ui.ctx());
    plate(ui, &response, rect, is_hovered);
    draw_cover(ui, covers, cover, card);
    words(ui, rect, cover, card);
    let from_button = action(ui, action_rect, id.with("action"), card, is_hovered);
    let from_menu = menu::show(&response, card);
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    from_button.or(from_menu).or_else(|| clicked(ui, &response, card))
}

/// Enter does the card's action; a click or Space opens the details.
fn clicked(ui: &Ui, response: &Response, card: &Card) -> Option<Action> {
    if response.has_focus() {
        if ui.input(|input| input.key_pressed(Key::Enter)) {
            return Some(intent(card).unwrap_or_else(|| Action::OpenDetails(card.id.clone())));
        }
        if let Some(action) = game_key(ui, card) {
            return Some(action);
        }
    }
    response.clicked().then(|| Action::OpenDetails(card.id.clone()))
}

/// In the details no control has the focus at first: Enter is the game's button there, too.
pub(in crate::screens) fn panel_key(ui: &Ui, card: &Card) -> Option<Action> {
    let is_free = ui.memory(|memory| memory.focused().is_none());
    if is_free && ui.input(|input| input.key_pressed(Key::Enter)) {
        return intent(card);
    }
    game_key(ui, card)
}

/// The keys of one game, on its card and in its details.
fn game_key(ui: &Ui, card: &Card) -> Option<Action> {
    let game = || card.id.clone();
    ui.input_mut(|input| {
        let mut pressed = |modifiers, key| input.consume_key(modifiers, key);
        if card.cannot.open_folder.is_none() && pressed(Modifiers::COMMAND, Key::O) {
            Some(Action::OpenFolder(game()))
        } else if matches!(card.state, CardState::Update { .. }) && pressed(Modifiers::COMMAND, Key::U) {
            Some(Action::Ask(Question::Update(game())))
        } else if card.cannot.remove.is_none() && pressed(Modifiers::NONE, Key::Delete) {
            Some(Action::remove(game()))
        } else {
            None
        }
    })
}

/// What the card's button does.
pub(in crate::screens) fn intent(card: &Card) -> Option<Action> {
    use lanspread_engine::{AfterDownload, Command, KeptFiles};
    let game = card.id.clone();
    match card.state {
        CardState::Play => Some(Action::Play(game)),
        CardState::Update { .. } => Some(Action::Ask(Question::Update(game))),
        CardState::Install => Some(Action::Command(Command::Install { game, kept: KeptFiles::Restore })),
        CardState::Download { .. } => {
            Some(Action::Command(Command::Download { game, then: AfterDownload::Install }))
        }
        CardState::Stopped { why: Stop::Paused, .. } => Some(Action::Command(Command::Resume { game })),
        CardState::Failed(_) => Some(Action::Ask(Question::Error(game))),
        CardState::Downloading { .. }
        | CardState::Waiting { .. }
        | CardState::Stopped { .. }
        | CardState::Working { .. }
        | CardState::Running
        | CardState::NotOnTheLan => None,
    }
}

/// Under the pointer and with the keyboard's focus: 8 larger than the card.
fn plate(ui: &Ui, response: &Response, rect: Rect, is_hovered: bool) {
    let theme = Theme::of(ui);
    let way = ui.ctx().animate_bool_with_time(response.id.with("plate"), is_hovered, theme::HOVER_SECS);
    let plate = rect.expand(8.0);
    let radius = CornerRadius::same(theme::R_PANEL);
    if way > 0.0 {
        let mut shadow = theme.floating;
        shadow.color = shadow.color.gamma_multiply(way);
        ui.painter().add(shadow.as_shape(plate, radius));
        let line = egui::Stroke::new(theme::STROKE, theme.line_strong.gamma_multiply(way));
        ui.painter().rect(plate, radius, theme.surface_1.gamma_multiply(way), line, StrokeKind::Inside);
    }
    if response.has_focus() {
        ui.painter().rect(plate, radius, theme.surface_1, theme.focus_stroke(), StrokeKind::Inside);
    }
}

fn draw_cover(ui: &Ui, covers: &mut Covers, rect: Rect, card: &Card) {
    let key = CoverKey { game: card.id.clone(), file: card.cover.clone() };
    picture(ui, covers, rect, &key, &card.title);
    veil(ui, rect, card);
    pills(ui, rect, card);
}

/// A game's cover, with its initials if it is a generated one; the ground while it is being made.
pub(in crate::screens) fn picture(ui: &Ui, covers: &mut Covers, rect: Rect, key: &CoverKey, title: &str) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let radius = CornerRadius::same(if rect.width() < 60.0 { theme::R_TAG } else { theme::R_BUTTON });
    let Some(cover) = covers.get(ui.ctx(), key) else {
        painter.rect_filled(rect, radius, theme.surface_1);
        return;
    };
    if cover.opacity < 1.0 {
        painter.rect_filled(rect, radius, theme.surface_1);
    }
    let tint = Color32::WHITE.gamma_multiply(cover.opacity);
    let shape = egui::epaint::RectShape::filled(rect, radius, tint)
        .with_texture(cover.texture, fill(cover.aspect, rect.width() / rect.height()));
    painter.add(shape);
    if cover.is_generated {
        let at = pos2(rect.left() + rect.width() * 0.09, rect.top() + rect.height() * 0.79);
        let letters = painter.layout_no_wrap(initials(title), theme::bold(rect.width() * 0.35), tint);
        // The baseline is about three quarters down the row's height.
        let ascent =
            letters.rows.first().map_or(0.0, |row| row.glyphs.first().map_or(0.0, |glyph| glyph.pos.y));
        painter.galley(at - vec2(0.0, ascent), letters, tint);
    }
}

/// The part of a texture that fills a rectangle of another shape.
pub(in crate::screens) fn fill(aspect: f32, target: f32) -> Rect {
    let size = if aspect > target { vec2(target / aspect, 1.0) } else { vec2(1.0, aspect / target) };
    Rect::from_center_size(pos2(0.5, 0.5), size)
}

/// Over what is not downloaded yet, with a line at its edge.
fn veil(ui: &Ui, rect: Rect, card: &Card) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    if card.state == CardState::NotOnTheLan {
        painter.rect_filled(rect, CornerRadius::same(theme::R_BUTTON), theme.veil.gamma_multiply(0.5));
        return;
    }
    let (CardState::Downloading { share, .. } | CardState::Stopped { share, .. }) = card.state else {
        return;
    };
    let is_moving = matches!(card.state, CardState::Downloading { .. });
    if share == 0.0 && !is_moving {
        return;
    }
    let id = Id::unique("veil").with(card.id.as_str());
    let share = ui.ctx().animate_value_with_time(id, share, theme::PROGRESS_SECS);
    let edge = rect.bottom() - rect.height() * share;
    let line = if is_moving { theme.arriving } else { theme.text_3 };
    painter.with_clip_rect(painter.clip_rect().intersect(rect.with_max_y(edge))).rect_filled(
        rect,
        CornerRadius::same(theme::R_BUTTON),
        theme.veil,
    );
    painter.hline(rect.x_range(), edge, egui::Stroke::new(2.0, line));
}

fn pills(ui: &Ui, rect: Rect, card: &Card) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let text = LibraryText::of(ui.ctx());
    if card.playing > 0 {
        let sign = (Icon::GAME_CONTROLLER.fill(), theme.pill_text);
        pill(painter, theme, rect, Corner::TopLeft, sign, &text.playing(card.playing));
    }
    if card.outbound > 0 {
        let sign = (Icon::ARROW_UP.bold(), theme.pill_up);
        let place = pill(painter, theme, rect, Corner::TopRight, sign, &card.outbound.to_string());
        let response = ui.interact(place, Id::unique("sending").with(card.id.as_str()), Sense::hover());
        let words = text.sending_to(card.outbound);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        crate::widgets::tooltip(response, &words);
    }
    if card.sources > 0 && !card.is_installed && card.state != CardState::Install {
        let sign = (Icon::HARD_DRIVES, theme.pill_text);
        pill(painter, theme, rect, Corner::BottomLeft, sign, &text.sources(card.sources));
    }
    if let CardState::Downloading { share, .. }
    | CardState::Stopped { share, .. }
    | CardState::Waiting { share, .. } = card.state
        && (share > 0.0 || matches!(card.state, CardState::Downloading { .. }))
    {
        percent_pill(painter, theme, rect, &Format::of(ui.ctx()).percent(share));
    }
}

/// Title and “genre · players”; the genre shortens first.
fn words(ui: &Ui, rect: Rect, cover: Rect, card: &Card) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let title = elided(painter, &card.title, theme::bold(theme::BODY), theme.text_1, rect.width());
    let at = pos2(rect.left(), cover.bottom() + 19.0 - title.size().y / 2.0);
    painter.galley(at, title, theme.text_1);
    let text = LibraryText::of(ui.ctx());
    let players = card.players.map(|players| {
        if players.from == players.to {
            text.players(players.to)
        } else {
            text.players_range(players.from, players.to)
        }
    });
    let font = theme::regular(theme::META);
    let y = cover.bottom() + 37.0;
    let mut x = rect.left();
    if let Some(genre) = &card.genre {
        let rest = players.as_ref().map(|players| format!(" · {players}"));
        let reserved = rest.as_ref().map_or(0.0, |rest| text_width(painter, rest, font.clone()));
        let genre = elided(painter, genre, font.clone(), theme.text_2, rect.width() - reserved);
        let size = genre.size();
        painter.galley(pos2(x, y - size.y / 2.0), genre, theme.text_2);
        x += size.x;
        if let Some(rest) = rest {
            draw_text(painter, pos2(x, y), Align2::LEFT_CENTER, rest, font, theme.text_2);
        }
    } else if let Some(players) = players {
        draw_text(painter, pos2(x, y), Align2::LEFT_CENTER, players, font, theme.text_2);
    }
}

/// The button, the bar, or the words where there is nothing to do.
fn action(ui: &mut Ui, rect: Rect, id: Id, card: &Card, is_hovered: bool) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), LibraryText::of(ui.ctx()));
    let format = Format::of(ui.ctx());
    let button = |ui: &mut Ui, label: &str, icon: Icon, kind: ButtonKind, bytes: Option<u64>| {
        let amount = bytes.map(|bytes| format.size(bytes));
        let kind = if is_hovered && kind != ButtonKind::TintBad { ButtonKind::Primary } else { kind };
        let icon = if kind == ButtonKind::Primary && icon != Icon::PLAY.fill() { icon.bold() } else { icon };
        let mut button = Button::new(label).icon(icon).kind(kind).size(ButtonSize::Card);
        if let Some(amount) = &amount {
            button = button.amount(amount);
        }
        let is_clicked = button.show_at(ui, rect, id).clicked();
        is_clicked.then(|| intent(card)).flatten()
    };
    match card.state {
        CardState::Play => button(ui, common.play(), Icon::PLAY.fill(), ButtonKind::TintGood, None),
        CardState::Update { bytes } => {
            button(ui, common.update(), Icon::ARROWS_CLOCKWISE, ButtonKind::TintArriving, bytes)
        }
        CardState::Install => button(ui, common.install(), Icon::PACKAGE, ButtonKind::TintArriving, None),
        CardState::Download { bytes } => {
            button(ui, common.download(), Icon::DOWNLOAD_SIMPLE, ButtonKind::Secondary, bytes)
        }
        CardState::Failed(trouble) => {
            let icon = Icon::WARNING_CIRCLE.fill();
            button(ui, trouble_words(text, trouble), icon, ButtonKind::TintBad, None)
        }
        CardState::Running => {
            outlined(ui, rect, Icon::GAME_CONTROLLER.fill(), text.running());
            None
        }
        CardState::NotOnTheLan => {
            let theme = Theme::of(ui);
            line(ui.painter(), rect, Icon::BROADCAST, common.not_on_the_lan_yet(), theme.text_3);
            None
        }
        CardState::Downloading { .. }
        | CardState::Waiting { .. }
        | CardState::Stopped { .. }
        | CardState::Working { .. } => {
            if let Some(look) = bar_look(ui, card) {
                look.paint(ui, rect, id);
            }
            None
        }
    }
}

/// Words where a button would be: an accent outline around them.
fn outlined(ui: &Ui, rect: Rect, icon: Icon, text: &str) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let line = egui::Stroke::new(theme::STROKE, theme.accent);
    painter.rect_stroke(rect, CornerRadius::same(theme::R_CARD_BUTTON), line, StrokeKind::Inside);
    let words = painter.layout_no_wrap(text.to_owned(), theme::medium(theme::DENSE), theme.accent);
    let left = rect.center().x - f32::midpoint(words.size().x, 24.0);
    draw_icon(painter, pos2(left + 8.0, rect.center().y), icon, theme::ICON, theme.accent);
    painter.galley(pos2(left + 24.0, rect.center().y - words.size().y / 2.0), words, theme.accent);
}

fn line(painter: &Painter, rect: Rect, icon: Icon, text: &str, color: Color32) {
    let y = rect.center().y;
    draw_icon(painter, pos2(rect.left() + 8.0, y), icon, theme::ICON, color);
    let at = pos2(rect.left() + 23.0, y);
    draw_text(painter, at, Align2::LEFT_CENTER, text, theme::regular(theme::DENSE), color);
}

/// A bar with what happens at the left and how long or far at the right.
pub(in crate::screens) fn bar_look(ui: &Ui, card: &Card) -> Option<BarLook> {
    let theme = Theme::of(ui);
    let text = LibraryText::of(ui.ctx());
    let format = Format::of(ui.ctx());
    Some(match card.state {
        CardState::Downloading { share, rate, left_secs } => BarLook {
            bar: Bar::Arriving(share),
            icon: Icon::ARROW_DOWN.bold(),
            color: theme.arriving,
            left: format.rate(rate),
            right: left_secs.map(|secs| format.left(secs)),
        },
        CardState::Waiting { share, is_first } => BarLook {
            bar: Bar::Stopped(share),
            icon: Icon::HOURGLASS,
            color: theme.text_2,
            left: text.waiting().to_owned(),
            right: is_first.then(|| text.next_in_line().to_owned()),
        },
        CardState::Stopped { why, share } => {
            let (icon, words) = stop_words(text, why);
            let right = (why == Stop::Paused).then(|| format.percent(share));
            BarLook { bar: Bar::Stopped(share), icon, color: theme.text_2, left: words.to_owned(), right }
        }
        CardState::Working { work, share } => {
            let (icon, words) = work_words(text, work);
            let right = share.map(|share| format.percent(share));
            let bar = share.map_or(Bar::Endless, Bar::Working);
            BarLook { bar, icon, color: theme.text_2, left: words.to_owned(), right }
        }
        CardState::Play
        | CardState::Update { .. }
        | CardState::Install
        | CardState::Download { .. }
        | CardState::Running
        | CardState::Failed(_)
        | CardState::NotOnTheLan => return None,
    })
}

pub(in crate::screens) struct BarLook {
    pub(in crate::screens) bar: Bar,
    pub(in crate::screens) icon: Icon,
    pub(in crate::screens) color: Color32,
    pub(in crate::screens) left: String,
    pub(in crate::screens) right: Option<String>,
}

impl BarLook {
    fn paint(&self, ui: &Ui, rect: Rect, id: Id) {
        let theme = Theme::of(ui);
        let track = Rect::from_min_size(pos2(rect.left(), rect.top() + 4.0), vec2(rect.width(), 6.0));
        progress_at(ui, track, id, self.bar);
        let y = rect.top() + 22.0;
        let painter = ui.painter();
        draw_icon(painter, pos2(rect.left() + 7.0, y), self.icon, 14.0, self.color);
        let at = pos2(rect.left() + 17.0, y);
        draw_text(painter, at, Align2::LEFT_CENTER, &self.left, theme::medium(theme::META), self.color);
        if let Some(right) = &self.right {
            let at = pos2(rect.right(), y);
            draw_text(painter, at, Align2::RIGHT_CENTER, right, theme::regular(theme::META), theme.text_2);
        }
    }
}

const fn stop_words(text: LibraryText, why: Stop) -> (Icon, &'static str) {
    match why {
        Stop::Paused => (Icon::PAUSE.fill(), text.paused()),
        Stop::NoSource => (Icon::USER_MINUS, text.no_source()),
        Stop::NoNetwork => (Icon::PLUGS, text.waiting_for_network()),
    }
}

const fn work_words(text: LibraryText, work: Work) -> (Icon, &'static str) {
    match work {
        Work::Installing => (Icon::PACKAGE, text.installing()),
        Work::Checking => (Icon::CHECK_CIRCLE, text.checking_files()),
        Work::Finishing => (Icon::HOURGLASS, text.finishing()),
        Work::Uninstalling => (Icon::ERASER, text.uninstalling()),
        Work::Removing => (Icon::TRASH, text.removing()),
        Work::Publishing => (Icon::MEGAPHONE, text.publishing()),
    }
}

const fn trouble_words(text: LibraryText, trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NoSpace => text.disk_full(),
        Trouble::CannotWrite => text.file_problem(),
        Trouble::NoSource => text.nobody_has_it(),
        Trouble::GameRuns => text.game_runs(),
        Trouble::NotAsExpected => text.catalog_problem(),
        Trouble::Other => text.failed(),
    }
}

/// A card's state, as a screen reader says it.
fn state_words(ui: &Ui, card: &Card) -> String {
    let (common, text, format) = (Common::of(ui.ctx()), LibraryText::of(ui.ctx()), Format::of(ui.ctx()));
    match card.state {
        CardState::Play => text.installed().to_owned(),
        CardState::Update { .. } => common.update().to_owned(),
        CardState::Install => text.ready_to_install().to_owned(),
        CardState::Download { .. } => text.on_the_lan().to_owned(),
        CardState::Downloading { share, .. } => format.percent(share),
        CardState::Waiting { .. } => text.waiting().to_owned(),
        CardState::Stopped { why, .. } => stop_words(text, why).1.to_owned(),
        CardState::Working { work, .. } => work_words(text, work).1.to_owned(),
        CardState::Running => text.running().to_owned(),
        CardState::Failed(trouble) => trouble_words(text, trouble).to_owned(),
        CardState::NotOnTheLan => common.not_on_the_lan_yet().to_owned(),
    }
}
