//! Before something goes from this PC: what of it.

use egui::{Align2, CornerRadius, CursorIcon, Frame, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use lanspread_engine::{Command, Extras, Saves};
use lanspread_protocol::GameId;

use super::{buttons, focus_first, head, line, listed};
use crate::action::{Action, RemoveWhat};
use crate::icon::Icon;
use crate::model::RemoveModel;
use crate::text::{DialogsText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, CHECKBOX_SIDE, Dialog, Meaning, draw_box, draw_text, focus_ring};

/// What is ticked, for one game.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    of: Option<GameId>,
    download: Tick,
    installed: Tick,
}

/// A part of a game.
#[derive(Clone, Copy, Debug, Default)]
struct Tick {
    goes: bool,
    /// A person's files beside it go, too.
    and_persons: bool,
}

impl Tick {
    fn new(goes: bool) -> Self {
        Self { goes, and_persons: false }
    }
}

impl Ticks {
    fn begin(&mut self, model: &RemoveModel) {
        *self = Self {
            of: Some(model.id.clone()),
            download: Tick::new(model.first == RemoveWhat::Download && model.download.is_some()),
            installed: Tick::new(model.first == RemoveWhat::Installed && model.is_installed),
        };
    }

    /// What goes, if all of it is counted.
    fn bytes(&self, model: &RemoveModel) -> Option<u64> {
        let parts = [
            (self.download.goes, model.download),
            (self.installed.goes, model.installed),
            (self.installed.and_persons, model.saves),
        ];
        let ticked = parts.into_iter().filter(|(is_ticked, _)| *is_ticked).map(|(_, bytes)| bytes);
        ticked.sum::<Option<u64>>().filter(|bytes| *bytes > 0)
    }

    fn command(&self, game: GameId) -> Option<Command> {
        let saves = if self.installed.and_persons { Saves::Delete } else { Saves::Keep };
        let extras = if self.download.and_persons { Extras::Delete } else { Extras::Keep };
        match (self.download.goes, self.installed.goes) {
            (true, installed) => Some(Command::Remove { game, local: installed.then_some(saves), extras }),
            (false, true) => Some(Command::Uninstall { game, saves }),
            (false, false) => None,
        }
    }
}

pub(super) fn show(ui: &Ui, model: &RemoveModel, ticks: &mut Ticks) -> Option<Action> {
    let text = DialogsText::of(ui.ctx());
    let title = text.remove_title(&model.title);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        if is_new || ticks.of.as_ref() != Some(&model.id) {
            ticks.begin(model);
        }
        head(ui, Meaning::Bad, Icon::TRASH, &title, text.choose_what());
        rows(ui, model, ticks);
        ui.add_space(4.0);
        if ticks.download.goes {
            if !model.receivers.is_empty() {
                let stops = text.sending_stops(model.receivers.len(), &listed(&model.receivers));
                line(ui, Meaning::Leaving, Icon::ARROW_UP, &stops);
            }
            if model.others > 0 {
                line(ui, Meaning::Good, Icon::HARD_DRIVES, &text.others_have_it(model.others));
            } else {
                line(ui, Meaning::Warn, Icon::WARNING, text.only_you());
            }
        }
        choose(ui, model, ticks, is_new)
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

fn rows(ui: &mut Ui, model: &RemoveModel, ticks: &mut Ticks) {
    let theme = Theme::of(ui);
    let (text, format) = (DialogsText::of(ui.ctx()), Format::of(ui.ctx()));
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "—".to_owned(), |bytes| format.size(bytes));
    let frame = Frame::new()
        .fill(theme.field)
        .stroke(theme.strong_stroke())
        .corner_radius(CornerRadius::same(theme::R_FLOATING));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        if model.download.is_some() {
            let row = Row {
                name: text.download(),
                below: text.download_line(),
                size: size(model.download),
                can_go: true,
            };
            row.show(ui, &mut ticks.download.goes);
            divider(ui);
            // They go with the download or not at all.
            ticks.download.and_persons &= ticks.download.goes;
            let below = if ticks.download.and_persons { text.extras_gone() } else { text.extras_kept() };
            // Which they are is found out when the download goes.
            let row = Row { name: text.extras(), below, size: size(None), can_go: ticks.download.goes };
            row.show(ui, &mut ticks.download.and_persons);
        }
        if !model.is_installed {
            return;
        }
        if model.download.is_some() {
            divider(ui);
        }
        let (name, below) = (text.installed(), text.installed_line());
        Row { name, below, size: size(model.installed), can_go: true }.show(ui, &mut ticks.installed.goes);
        divider(ui);
        // They go with the game or not at all.
        ticks.installed.and_persons &= ticks.installed.goes;
        let below = if ticks.installed.and_persons { text.saves_gone() } else { text.saves_kept() };
        let row = Row { name: text.saves(), below, size: size(model.saves), can_go: ticks.installed.goes };
        row.show(ui, &mut ticks.installed.and_persons);
    });
}

fn divider(ui: &Ui) {
    let (x, y) = (ui.max_rect().x_range(), ui.cursor().top());
    ui.painter().hline(x, y, Theme::of(ui).line_stroke());
}

/// What can go: a click anywhere in its row ticks it.
struct Row<'a> {
    name: &'a str,
    below: &'a str,
    size: String,
    can_go: bool,
}

impl Row<'_> {
    fn show(self, ui: &mut Ui, is_on: &mut bool) {
        let theme = Theme::of(ui);
        let sense = if self.can_go { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 56.0), sense);
        let was_on = *is_on;
        let name = DialogsText::of(ui.ctx()).row(self.name, self.below, &self.size);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, self.can_go, was_on, &name));
        if response.clicked() {
            *is_on = !was_on;
        }
        let y = rect.center().y;
        let tick = Rect::from_center_size(pos2(rect.left() + 25.0, y), vec2(CHECKBOX_SIDE, CHECKBOX_SIDE));
        draw_box(ui, tick, *is_on, self.can_go && response.hovered());
        let (strong, weak) =
            if self.can_go { (theme.text_1, theme.text_2) } else { (theme.text_3, theme.text_3) };
        let line = |y: f32, words: &str, font, color| {
            let at = pos2(rect.left() + 46.0, y);
            draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, font, color);
        };
        line(y - 9.0, self.name, theme::medium(theme::BODY), strong);
        line(y + 9.0, self.below, theme::regular(theme::META), weak);
        let color = if *is_on { theme.text_1 } else { theme.text_3 };
        let at = pos2(rect.right() - 16.0, y);
        draw_text(ui.painter(), at, Align2::RIGHT_CENTER, &self.size, theme::medium(theme::BODY), color);
        focus_ring(ui, &response, rect.shrink(4.0), theme::R_TAG);
        if self.can_go {
            response.on_hover_cursor(CursorIcon::PointingHand);
        }
    }
}

fn choose(ui: &mut Ui, model: &RemoveModel, ticks: &Ticks, is_new: bool) -> Option<Action> {
    let text = DialogsText::of(ui.ctx());
    let command = ticks.command(model.id.clone());
    let label = match ticks.bytes(model) {
        Some(bytes) => text.remove_size(&Format::of(ui.ctx()).size(bytes)),
        None => text.remove().to_owned(),
    };
    let running = text.is_running(&model.title);
    let why = if model.is_running {
        Some(running.as_str())
    } else {
        command.is_none().then(|| text.nothing_chosen())
    };
    buttons(ui, |ui| {
        let remove = Button::new(&label).kind(ButtonKind::Danger).icon(Icon::TRASH).disabled(why).show(ui);
        let keep = Button::new(text.keep_it()).show(ui);
        focus_first(&keep, is_new);
        if remove.clicked() {
            return command.map(Action::Command);
        }
        keep.clicked().then_some(Action::CloseDialog)
    })
}
