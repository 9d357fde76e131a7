//! The rail: places of the window, settings, the player.

use egui::{
    Align2, CornerRadius, CursorIcon, FontId, Id, Painter, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo,
    pos2, vec2,
};

use super::logo;
use crate::action::{Action, Screen};
use crate::icon::Icon;
use crate::model::StatusModel;
use crate::text::{Common, FrameText};
use crate::theme::{self, Theme};
use crate::widgets::{avatar_at, draw_icon, draw_text, focus_ring, text_width};

/// The rail: places of the window, settings, the player.
pub fn rail(
    ui: &mut Ui,
    rect: Rect,
    status: &StatusModel,
    screen: Screen,
    can_publish: bool,
) -> Option<Action> {
    let text = Common::of(ui.ctx());
    let frame = FrameText::of(ui.ctx());
    logo(ui.painter(), Rect::from_min_size(rect.min + vec2(24.0, 16.0), vec2(40.0, 40.0)));
    let downloads = match (status.active_downloads, status.needs_attention) {
        (0, false) => (None, text.downloads().to_owned()),
        (0, true) => (Some(Badge::Attention), frame.needs_attention().to_owned()),
        (count, _) => (Some(Badge::Active(count)), frame.active_downloads(count)),
    };
    let party = if status.party_warning {
        (Some(Badge::Attention), frame.party_warning().to_owned())
    } else {
        (None, text.party().to_owned())
    };
    let item = |screen, icon, label, badge, name| RailItem { screen, icon, label, badge, name };
    let plain = |screen, icon, label: &'static str| item(screen, icon, label, None, label.to_owned());
    let mut items = vec![
        (76.0, plain(Screen::Library, Icon::SQUARES_FOUR, text.library())),
        (140.0, item(Screen::Downloads, Icon::DOWNLOAD_SIMPLE, text.downloads(), downloads.0, downloads.1)),
        (204.0, item(Screen::Party, Icon::USERS_THREE, text.party(), party.0, party.1)),
    ];
    let bottom = rect.height();
    if can_publish {
        items.push((bottom - 186.0, plain(Screen::Publish, Icon::UPLOAD_SIMPLE, text.publish())));
    }
    items.push((bottom - 122.0, plain(Screen::Settings, Icon::GEAR_SIX, text.settings())));
    let mut action = None;
    for (top, item) in items {
        let place = Rect::from_min_size(pos2(rect.left() + 8.0, rect.top() + top), vec2(72.0, 60.0));
        if rail_item(ui, place, &item, item.screen == screen).clicked() {
            action = Some(Action::Navigate(item.screen));
        }
    }
    action.or(profile(ui, rect, &status.name))
}

struct RailItem {
    screen: Screen,
    icon: Icon,
    label: &'static str,
    badge: Option<Badge>,
    name: String,
}

#[derive(Clone, Copy)]
enum Badge {
    Active(usize),
    Attention,
}

fn rail_item(ui: &Ui, rect: Rect, item: &RailItem, is_active: bool) -> Response {
    let theme = Theme::of(ui);
    let response = ui.interact(rect, Id::unique("rail").with(item.screen), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_active, &item.name));
    let painter = ui.painter();
    let (icon, icon_color, color) = if is_active {
        painter.rect_filled(rect, CornerRadius::same(10), theme.field);
        let bar = Rect::from_min_size(pos2(rect.left() - 8.0, rect.center().y - 14.0), vec2(3.0, 28.0));
        painter.rect_filled(bar, CornerRadius { ne: 2, se: 2, nw: 0, sw: 0 }, theme.accent);
        (item.icon.fill(), theme.accent, theme.text_1)
    } else {
        if response.hovered() {
            painter.rect_filled(rect, CornerRadius::same(10), theme.surface_1);
        }
        (item.icon, theme.text_2, theme.text_2)
    };
    let center = pos2(rect.center().x, rect.top() + 21.0);
    draw_icon(painter, center, icon, theme::ICON_RAIL, icon_color);
    let at = pos2(rect.center().x, rect.top() + 44.0);
    draw_text(painter, at, Align2::CENTER_CENTER, item.label, fitting(painter, item.label, rect), color);
    if let Some(badge) = item.badge {
        draw_badge(painter, theme, pos2(rect.right() - 21.0, rect.top() + 13.0), badge);
    }
    focus_ring(ui, &response, rect.shrink(2.0), 8);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A word that is wider than its plate, as the German one for settings, is written smaller.
fn fitting(painter: &Painter, label: &str, plate: Rect) -> FontId {
    let font = theme::medium(theme::META);
    let room = plate.width() - 4.0;
    let width = text_width(painter, label, font.clone());
    if width > room { theme::medium(theme::META * room / width) } else { font }
}

fn draw_badge(painter: &Painter, theme: &Theme, center: Pos2, badge: Badge) {
    let (text, fill, color) = match badge {
        Badge::Active(count) => (count.to_string(), theme.arriving, theme.on_arriving),
        Badge::Attention => ("!".to_owned(), theme.warn, theme.on_warn),
    };
    let words = painter.layout_no_wrap(text, theme::bold(theme::BADGE), color);
    let size = vec2((words.size().x + 11.0).max(16.0), 16.0);
    painter.rect_filled(Rect::from_center_size(center, size), CornerRadius::same(8), fill);
    painter.galley(center - words.size() / 2.0, words, color);
}

fn profile(ui: &Ui, rail: Rect, name: &str) -> Option<Action> {
    let center = pos2(rail.left() + 44.0, rail.bottom() - 30.0);
    let rect = Rect::from_center_size(center, vec2(36.0, 36.0));
    let response = ui.interact(rect, Id::unique("profile"), Sense::click());
    let text = FrameText::of(ui.ctx()).profile(name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
    if name.is_empty() {
        // Not known yet: the peer starts.
        let theme = Theme::of(ui);
        ui.painter().circle_filled(center, 18.0, theme.surface_2);
        draw_icon(ui.painter(), center, Icon::USER, theme::ICON_LIST, theme.text_3);
    } else {
        avatar_at(ui.painter(), center, name, 36.0);
    }
    focus_ring(ui, &response, rect, 18);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked().then_some(Action::Navigate(Screen::Settings))
}
