//! Recovery from whatever intent and disk: nothing is lost that has no marker, and twice equals once.

use lanspread_engine::transaction::{Intent, Outcome};
use proptest::prelude::*;

use super::disk::Disk;
use super::perform::{BACKUP, INSTALLING, INTENT, LOCAL, MARKER, PLAN, Plan, encode, id, recover};

#[derive(Clone, Debug)]
struct Folder {
    marker: Marker,
    files: Vec<&'static str>,
}

#[derive(Clone, Debug)]
enum Marker {
    NoFolder,
    Unmarked,
    Says(String),
}

fn folder() -> impl Strategy<Value = Folder> {
    let markers = prop_oneof![
        Just(Marker::NoFolder),
        Just(Marker::Unmarked),
        Just(Marker::Says("torn".to_owned())),
        (1..3_u8).prop_map(|number| Marker::Says(id(number).to_string())),
    ];
    let names = proptest::sample::subsequence(vec!["a", "b", "saves/1", "data/deep/c"], 0..4);
    (markers, names).prop_map(|(marker, files)| Folder { marker, files })
}

fn intent() -> impl Strategy<Value = Option<Intent>> {
    prop_oneof![
        Just(None),
        any::<bool>().prop_map(|adopted| Some(Intent::Install { id: id(1), adopted })),
        any::<bool>().prop_map(|adopted| Some(Intent::Uninstall { plan: id(1), adopted })),
        Just(Some(Intent::Swap { plan: id(1) })),
        Just(Some(Intent::Remove { plan: id(1) })),
    ]
}

fn disk(folders: &[(&str, Folder)], intent: Option<Intent>, plan: Option<&str>) -> Disk {
    let mut files: Vec<(String, String)> = vec![("data/payload".to_owned(), "payload".to_owned())];
    files.extend(intent.map(|intent| (INTENT.to_owned(), encode(intent))));
    files.extend(plan.map(|text| (PLAN.to_owned(), text.to_owned())));
    for (path, folder) in folders {
        let owner = match &folder.marker {
            Marker::NoFolder => continue,
            Marker::Unmarked => "foreign",
            Marker::Says(text) => {
                files.push((format!("{path}/{MARKER}"), text.clone()));
                "ours"
            }
        };
        let inside =
            folder.files.iter().map(|name| (format!("{path}/{name}"), format!("{owner}: {path}/{name}")));
        files.extend(inside);
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Disk::with(&files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn recovery_loses_nothing_foreign_and_ends(
        local in folder(), installing in folder(), backup in folder(), intent in intent(),
        plan in proptest::option::of(prop_oneof![Just("plan"), Just("torn")]),
        drop in proptest::sample::subsequence(vec!["a", "b", "saves/1", "data/deep/c"], 0..4),
    ) {
        let mut disk = disk(&[(LOCAL, local), (INSTALLING, installing), (BACKUP, backup)], intent, plan);
        let before = disk.tree().files();
        let known: Vec<_> = intent.into_iter().collect();
        let plan = Plan { drop, kept: "now", sentinel: "2.0", ..Plan::default() };
        let outcome = recover(&mut disk, &known, &plan).unwrap();
        prop_assert_ne!(outcome, Some(Outcome::Unfinished));
        let after = disk.tree().files();
        for text in before.values().filter(|text| text.starts_with("foreign") || *text == "payload") {
            prop_assert!(after.values().any(|found| found == text), "{text} is lost: {before:#?} {after:#?}");
        }
        // What is `local` without having been made by this install is a person's or an older game.
        let is_local_touched = before.keys().filter(|path| path.starts_with("local/")).any(|path| after.get(path) != before.get(path));
        prop_assert!(!is_local_touched, "{before:#?} {after:#?}");
        prop_assert!(!after.contains_key(INTENT) && !after.contains_key(PLAN));
        prop_assert_eq!(recover(&mut disk, &[], &plan).unwrap(), None, "{:#?} {:#?}", before, after);
        prop_assert_eq!(disk.tree().files(), after);
    }
}
