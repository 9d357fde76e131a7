//! The controls, side by side, as in the design's pictures of components.

use egui::{Rect, Theme, Ui, pos2, vec2};
use egui_kittest::Harness;
use lanspread_app::icon::Icon;
use lanspread_app::theme;
use lanspread_app::widgets::{
    BannerLook, Bar, Button, ButtonKind, ButtonSize, Field, Meaning, MenuItem, ToastLook, ToastWords, avatar,
    banner, checkbox, chip, icon_button, menu_field, menu_line, progress, segments, slider_row, tag, toast,
    toggle,
};

use crate::harness::{picture, settle};

#[test]
fn pictures_of_the_controls() {
    for (name, of) in [("controls-dark", Theme::Dark), ("controls-light", Theme::Light)] {
        let mut window = Harness::builder()
            .with_size(vec2(1280.0, 720.0))
            .with_theme(of)
            .with_context_setup(move |ctx| {
                theme::set_up(ctx);
                ctx.set_theme(of);
            })
            .build_ui(board);
        settle(&mut window);
        picture(&mut window, name).unwrap();
    }
}

fn board(ui: &mut Ui) {
    let ground = ui.max_rect();
    ui.painter().rect_filled(ground, 0.0, theme::Theme::of(ui).bg);
    let mut column = |x: f32, content: fn(&mut Ui)| {
        let rect = Rect::from_min_size(pos2(x, 40.0), vec2(580.0, 660.0));
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect));
        child.spacing_mut().item_spacing = vec2(12.0, 14.0);
        content(&mut child);
    };
    column(40.0, left);
    column(660.0, right);
}

fn left(ui: &mut Ui) {
    let update = Icon::ARROWS_CLOCKWISE;
    ui.horizontal(|ui| {
        Button::primary("Update now").icon(update.bold()).show(ui);
        Button::new("Open folder").icon(Icon::FOLDER_OPEN).show(ui);
        Button::new("Open folder").icon(Icon::FOLDER_OPEN).disabled(Some("Nothing is here.")).show(ui);
        Button::new("Later").kind(ButtonKind::Ghost).show(ui);
    });
    ui.horizontal(|ui| {
        Button::new("Remove 302 MB").icon(Icon::TRASH.bold()).kind(ButtonKind::Danger).show(ui);
        Button::primary("Play").icon(Icon::PLAY.fill()).size(ButtonSize::Large).show(ui);
        Button::new("Resume").icon(Icon::PLAY.fill()).size(ButtonSize::Small).show(ui);
        icon_button(ui, Icon::ARROW_SQUARE_OUT, "Open", ButtonKind::Secondary, ButtonSize::Normal);
        Button::new("Pause")
            .icon(Icon::PAUSE.fill())
            .kind(ButtonKind::Raised)
            .size(ButtonSize::Large)
            .show(ui);
    });
    ui.horizontal(|ui| {
        chip(ui, Icon::SQUARES_FOUR, "All", Some(24), true);
        chip(ui, Icon::CHECK_CIRCLE, "Installed", Some(12), false);
        chip(ui, update, "Updates", Some(1), false);
    });
    ui.horizontal(|ui| {
        tag(ui, Meaning::Neutral, None, "0.26");
        tag(ui, Meaning::Good, Some(Icon::CHECK.bold()), "Ready");
        tag(ui, Meaning::Arriving, Some(Icon::ARROW_DOWN.bold()), "78 MB/s");
        tag(ui, Meaning::Leaving, Some(Icon::ARROW_UP.bold()), "To 3");
        tag(ui, Meaning::Warn, Some(Icon::WARNING.fill()), "Limited");
        tag(ui, Meaning::Bad, Some(Icon::X_CIRCLE.fill()), "Problem");
    });
    for (name, bar) in [("a", Bar::Arriving(0.41)), ("b", Bar::Working(0.8)), ("c", Bar::Stopped(0.63))] {
        progress(ui, name, bar, 560.0, 6.0);
    }
    for (meaning, icon, title, rest) in [
        (Meaning::Bad, Icon::PLUGS.fill(), "The network service stopped.", "Downloads wait."),
        (Meaning::Warn, Icon::WARNING.fill(), "The clock of this PC is 2 hours off.", ""),
        (Meaning::Arriving, Icon::INFO.fill(), "A new catalog is here.", "2 games added."),
    ] {
        let (rect, _) = ui.allocate_exact_size(vec2(560.0, 48.0), egui::Sense::hover());
        ui.push_id(title, |ui| {
            let look = BannerLook { meaning, icon, title, rest };
            banner(ui, rect, &look, |ui| Button::new("Show").size(ButtonSize::Row).show(ui));
        });
    }
}

fn right(ui: &mut Ui) {
    let (mut search, mut address) = (String::new(), "192.168.10".to_owned());
    ui.horizontal(|ui| {
        Field::new(&mut search, "Search")
            .placeholder("Search games")
            .icon(Icon::MAGNIFYING_GLASS)
            .keys("Ctrl F")
            .width(270.0)
            .show(ui);
        menu_field(ui, "Language", "English", 270.0);
    });
    let error = Some("Needs four numbers, like 192.168.10.77");
    Field::new(&mut address, "Address").error(error).width(270.0).show(ui);
    ui.horizontal(|ui| {
        toggle(ui, "On", true);
        toggle(ui, "Off", false);
        checkbox(ui, "Ticked", true);
        checkbox(ui, "Not ticked", false);
        segments(ui, "Theme", &[(Some(Icon::MOON), "Dark"), (Some(Icon::SUN), "Light")], 0);
        slider_row(ui, "Limit", 0.4, 110.0);
    });
    ui.horizontal(|ui| {
        for name in ["Jonas", "Lea", "Marie", "Mika"] {
            avatar(ui, name, 34.0);
        }
    });
    let theme = theme::Theme::of(ui);
    egui::Frame::new().fill(theme.field).inner_margin(4).corner_radius(10).show(ui, |ui| {
        ui.set_width(232.0);
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        MenuItem::new(Icon::PLAY, "Play").keys("Enter").show(ui);
        MenuItem::new(Icon::CHECK, "Popular now").chosen(true).show(ui);
        menu_line(ui);
        MenuItem::new(Icon::ERASER, "Uninstall…").disabled(Some("It is not installed.")).show(ui);
        MenuItem::new(Icon::TRASH, "Remove download…").keys("Del").removes().show(ui);
    });
    for (meaning, icon, title, line, button) in [
        (Meaning::Good, Icon::CHECK_CIRCLE.fill(), "OpenArena is ready", "Installed in 4 s.", Some("Play")),
        (Meaning::Warn, Icon::WARNING.fill(), "No source left", "It goes on when someone is back.", None),
    ] {
        let button = button.map(|label| (label, Some(Icon::PLAY.fill())));
        let time_left = button.map(|_| 0.7);
        let look = ToastLook { meaning, icon, title, line, button, dismiss: "Dismiss", time_left };
        let words = ToastWords::new(ui, &look);
        let (rect, _) = ui.allocate_exact_size(vec2(400.0, words.height()), egui::Sense::hover());
        ui.push_id(title, |ui| toast(ui, rect, &look, words));
    }
}
