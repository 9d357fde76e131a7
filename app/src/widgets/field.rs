//! Text fields and fields that open a menu, 36 high.

use egui::{
    CornerRadius, CursorIcon, Frame, Id, Margin, Rect, Response, Role, Sense, Stroke, StrokeKind, TextEdit,
    Ui, WidgetInfo, pos2, vec2,
};

use super::paint::{draw_icon, draw_text, focus_ring};
use crate::icon::Icon;
use crate::theme::{self, Theme};

/// A text field, made step by step.
#[derive(Debug)]
#[must_use]
pub struct Field<'a> {
    text: &'a mut String,
    name: &'a str,
    placeholder: &'a str,
    icon: Option<Icon>,
    keys: Option<&'a str>,
    error: Option<&'a str>,
    width: f32,
    height: f32,
    id: Option<Id>,
    limit: usize,
}

impl<'a> Field<'a> {
    /// `name` is what screen readers say.
    pub const fn new(text: &'a mut String, name: &'a str) -> Self {
        Self {
            text,
            name,
            placeholder: "",
            icon: None,
            keys: None,
            error: None,
            width: 320.0,
            height: 36.0,
            id: None,
            limit: 256,
        }
    }

    pub const fn placeholder(mut self, text: &'a str) -> Self {
        self.placeholder = text;
        self
    }

    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The shortcut that leads here, shown while it is empty.
    pub const fn keys(mut self, keys: &'a str) -> Self {
        self.keys = Some(keys);
        self
    }

    /// What is wrong, in a line below that names the right form.
    pub const fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    pub const fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    pub const fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// An id that is known beforehand, so that a key can bring the focus here.
    pub const fn id(mut self, id: Id) -> Self {
        self.id = Some(id);
        self
    }

    /// The most characters.
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let theme = Theme::of(ui);
        let id = self.id.unwrap_or_else(|| ui.scope_id().with(self.name));
        let is_focused = ui.memory(|memory| memory.has_focus(id));
        let line = match (self.error, is_focused) {
            (_, true) => theme.focus_stroke(),
            (Some(_), false) => Stroke::new(theme::STROKE, theme.bad),
            (None, false) => Stroke::new(theme::STROKE, theme.field_line),
        };
        let height = self.height + self.error.map_or(0.0, |_| 24.0);
        let (outer, _) = ui.allocate_exact_size(vec2(self.width, height), Sense::hover());
        let rect = Rect::from_min_size(outer.min, vec2(self.width, self.height));
        ui.painter().rect(rect, CornerRadius::same(theme::R_BUTTON), theme.field, line, StrokeKind::Inside);
        let mut inner = rect.shrink2(vec2(12.0, 0.0));
        let y = rect.center().y;
        if let Some(icon) = self.icon {
            draw_icon(ui.painter(), pos2(inner.left() + 9.0, y), icon, theme::ICON, theme.text_3);
            inner.min.x += 25.0;
        }
        if self.error.is_some() {
            let sign = Icon::WARNING_CIRCLE.fill();
            draw_icon(ui.painter(), pos2(inner.right() - 8.0, y), sign, theme::ICON, theme.bad);
            inner.max.x -= 24.0;
        } else if let Some(keys) = self.keys.filter(|_| self.text.is_empty() && !is_focused) {
            inner.max.x = key_cap(ui, pos2(rect.right() - 12.0, y), keys);
        }
        if let Some(error) = self.error {
            let at = pos2(rect.left(), rect.bottom() + 15.0);
            draw_text(
                ui.painter(),
                at,
                egui::Align2::LEFT_CENTER,
                error,
                theme::regular(theme::META),
                theme.bad,
            );
        }
        let font = theme::regular(if self.height > 40.0 { theme::SECTION } else { theme::BODY });
        let hint = egui::RichText::new(self.placeholder).color(theme.text_3).font(font.clone());
        let mut place = ui.new_child(
            egui::UiBuilder::new().max_rect(inner).layout(egui::Layout::left_to_right(egui::Align::Center)),
        );
        let response = place.add(
            TextEdit::singleline(self.text)
                .id(id)
                .font(font)
                .hint_text(hint)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .char_limit(self.limit)
                .min_size(inner.size())
                .align(egui::Align2::LEFT_CENTER)
                .desired_width(inner.width()),
        );
        let (name, text) = (self.name.to_owned(), self.text.clone());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, true, &name);
            info.current_text_value = Some(text.clone());
            info
        });
        response
    }
}

/// A key's cap; answers its left edge.
fn key_cap(ui: &Ui, right: egui::Pos2, keys: &str) -> f32 {
    let theme = Theme::of(ui);
    let words = ui.painter().layout_no_wrap(keys.to_owned(), theme::medium(theme::BADGE), theme.text_3);
    let size = vec2(words.size().x + 12.0, 18.0);
    let rect = Rect::from_min_size(pos2(right.x - size.x, right.y - 9.0), size);
    ui.painter().rect_stroke(rect, CornerRadius::same(4), theme.strong_stroke(), StrokeKind::Inside);
    ui.painter().galley(rect.center() - words.size() / 2.0, words, theme.text_3);
    rect.left() - 8.0
}

/// Shows a choice, opens a menu: give the response to [`super::menu_popup`].
pub fn menu_field(ui: &mut Ui, name: &str, value: &str, width: f32) -> Response {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 36.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, format!("{name}: {value}")));
    let line = if response.hovered() { theme.line_strong } else { theme.field_line };
    let line = Stroke::new(theme::STROKE, line);
    ui.painter().rect(rect, CornerRadius::same(theme::R_BUTTON), theme.field, line, StrokeKind::Inside);
    let words = super::elided(ui.painter(), value, theme::regular(theme::BODY), theme.text_1, width - 48.0);
    let at = pos2(rect.left() + 12.0, rect.center().y - words.size().y / 2.0);
    ui.painter().galley(at, words, theme.text_1);
    draw_icon(
        ui.painter(),
        pos2(rect.right() - 20.0, rect.center().y),
        Icon::CARET_DOWN,
        theme::ICON,
        theme.text_3,
    );
    focus_ring(ui, &response, rect, theme::R_BUTTON);
    response.on_hover_cursor(CursorIcon::PointingHand)
}
